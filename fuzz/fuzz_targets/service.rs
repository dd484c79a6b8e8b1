//! What Graph, SharePoint and whoever stands between answer: bodies of a 200 for
//! each kind, error bodies, a header with diagnostics, times to wait.
#![no_main]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use m365mon::config;
use m365mon::entra::retry_after;
use m365mon::graph::ServiceError;
use m365mon::kinds::{Resource};
use m365mon::model::{Clock};
use m365mon::probe;

static RESOURCES: LazyLock<Vec<Arc<Resource>>> = LazyLock::new(|| {
    let text = "accounts: [{name: a, tenant: contoso.onmicrosoft.com, client_id: \
                11111111-2222-3333-4444-555555555555, client_certificate: {certificate_file: c, key_file: k}}]\n\
                defaults: {interval: 60s}\n\
                resources:\n  - {name: g, account: a, kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/a}\n  \
                - {name: s, account: a, kind: sharepoint_site, api: sharepoint, url: https://contoso.sharepoint.com/sites/a}\n  \
                - {name: m, account: a, kind: exchange_mailbox, user: a@contoso.com}\n";
    let loaded = config::parse(text, Path::new("m365mon.yml"), &BTreeMap::new());
    loaded.expect("it is fine").configuration.resources
});

fuzz_target!(|data: &[u8]| {
    for resource in RESOURCES.iter() {
        for kind in ["application/json", "text/html", ""] {
            _ = probe::judge(resource, kind, data);
        }
    }
    let error = ServiceError::read(data);
    let text = std::str::from_utf8(data).ok();
    let error = error.or_header(text);
    _ = (error.code(), error.has("itemNotFound"));
    if let Ok(value) = HeaderValue::from_bytes(data) {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", value);
        _ = retry_after(&headers, Clock::system().now());
    }
});
