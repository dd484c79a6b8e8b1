//! The configuration.
#![no_main]

use libfuzzer_sys::fuzz_target;
use m365mon::fuzz_entries as entries;

fuzz_target!(|data: &[u8]| entries::configuration(data));
