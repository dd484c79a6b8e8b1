//! The web configuration: taken or refused, with places that are in the file.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use m365mon::config::web;

fuzz_target!(|text: &str| {
    if let Err(errors) = web::parse(text, Path::new("web.yml")) {
        // A carriage return alone breaks a line, too (YAML 1.2.2, section 5.4).
        let lines = text.matches(['\r', '\n']).count() + 1;
        for complaint in errors.diagnostics() {
            assert!(complaint.line as usize <= lines, "{complaint}");
        }
    }
});
