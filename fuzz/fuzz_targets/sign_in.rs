//! What Entra, and whoever stands between, answers: a discovery document, the
//! claims of a token, the Accept header of whoever scrapes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use m365mon::entra::{Discovery, Rights};
use m365mon::metrics::Format;
use m365mon::model::Secret;

fuzz_target!(|data: &[u8]| {
    if let Some(document) = Discovery::read(data) {
        _ = (document.cloud(), document.tenant_id());
    }
    if let Ok(text) = std::str::from_utf8(data) {
        if let Some(rights) = Rights::read(&Secret::new(text.to_owned())) {
            _ = (rights.held(true), rights.held(false));
        }
        _ = Format::negotiate([text]);
        _ = Format::negotiate(text.split('\n'));
    }
});
