//! The configuration: whatever it holds, it is taken or refused with places that
//! are in the file; and what is taken is shown redacted in a form that is taken.
#![no_main]

use std::collections::BTreeMap;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use m365mon::config;

fuzz_target!(|text: &str| {
    let path = Path::new("m365mon.yml");
    let none = BTreeMap::new();
    match config::parse(text, path, &none) {
        Ok(loaded) => {
            let shown = config::redacted(&loaded.configuration);
            // A hidden proxy is the one thing that does not come back.
            if !shown.contains("proxy_url") {
                let again =
                    config::parse(&shown, path, &none).expect("what is shown is read again");
                assert_eq!(config::redacted(&again.configuration), shown);
            }
        }
        Err(errors) => {
            // A carriage return alone breaks a line, too (YAML 1.2.2, section 5.4).
            let lines = text.matches(['\r', '\n']).count() + 1;
            for complaint in errors.diagnostics() {
                assert!(complaint.line as usize <= lines, "{complaint}");
            }
        }
    }
});
