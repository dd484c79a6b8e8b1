//! PEM, DER and what else stands where a key should.
#![no_main]

use libfuzzer_sys::fuzz_target;
use m365mon::fuzz_entries as entries;

fuzz_target!(|data: &[u8]| entries::key_files(data));
