//! Scenarios of the simulated tenant.
#![no_main]

use libfuzzer_sys::fuzz_target;
use m365mon_simulator::scenario::Scenario;

fuzz_target!(|text: &str| {
    if let Ok(scenario) = Scenario::parse(text) {
        _ = scenario.length();
    }
});
