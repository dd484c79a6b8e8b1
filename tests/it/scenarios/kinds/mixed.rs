//! Very many resources of all kinds, and services that fail by turns: every tick
//! is accounted for, and memory stays where it is.

use std::time::{Duration, Instant};

use super::served::Served;
use crate::support::stack::eventually;
use crate::support::tenant::{fault, mend};

fn steered(name: &str, usual: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Sums of what the exposition says, and when that was.
struct Look {
    at: Instant,
    probes: f64,
    skipped: f64,
    memory: f64,
    /// Ticks a second that the configured intervals make.
    rate: f64,
    resources: f64,
}

fn look(served: &Served) -> Look {
    let text = served.metrics();
    let values = |name: &str| -> Vec<f64> {
        let lines = text
            .lines()
            .filter(|line| line.starts_with(name) && line[name.len()..].starts_with(['{', ' ']));
        lines
            .filter_map(|line| line.rsplit_once(' ')?.1.parse().ok())
            .collect()
    };
    let intervals = values("m365_resource_interval_seconds");
    Look {
        at: Instant::now(),
        probes: values("m365_resource_probes_total").iter().sum(),
        skipped: values("m365mon_probes_skipped_total").iter().sum(),
        memory: values("process_resident_memory_bytes").iter().sum(),
        rate: intervals.iter().map(|interval| 1.0 / interval).sum(),
        resources: intervals.len() as f64,
    }
}

/// `M365MON_TEST_RESOURCES=1000 M365MON_TEST_SECONDS=1800` for the whole figure.
#[test]
fn every_tick_is_accounted_for_while_services_fail_by_turns() {
    let folder = tempfile::tempdir().unwrap();
    let each = (steered("M365MON_TEST_RESOURCES", 100) / 20).max(1);
    let lasts = Duration::from_secs(steered("M365MON_TEST_SECONDS", 15));
    let interval = 5 + each / 4;
    let served = Served::start(
        folder.path(),
        &[
            &format!("--kinds={each}"),
            "--accounts=3",
            &format!("--interval={interval}s"),
        ],
        &[],
        false,
        "",
    );
    eventually("all were asked once", || {
        let now = look(&served);
        (now.resources > 0.0 && now.probes >= now.resources).then_some(())
    });
    let first = look(&served);
    let turns = [
        (
            "sharepoint",
            r#"{"throttled": {"retry_after": {"seconds": 5}}}"#,
        ),
        ("outlook", r#"{"unavailable": {}}"#),
        ("directory", r#""server_error""#),
        ("service_communications", r#""html""#),
        ("security", r#""truncated""#),
    ];
    let mut turn = 0;
    let mut most = first.memory;
    let end = first.at + lasts;
    eventually_until(end, || {
        let (workload, kind) = turns[turn % turns.len()];
        turn += 1;
        mend(served.control);
        fault(
            served.control,
            &format!(r#"{{"scope": {{"workload": "{workload}"}}, "kind": {kind}}}"#),
        );
        most = most.max(look(&served).memory);
    });
    mend(served.control);
    let last = look(&served);
    let passed = last.at.duration_since(first.at).as_secs_f64();
    let due = first.rate * passed;
    let told = (last.probes - first.probes) + (last.skipped - first.skipped);
    // At each end a tick of each resource may lie on either side, or be under way.
    assert!(
        (told - due).abs() <= 2.0 * first.resources,
        "{told} told of {due} due, of {} resources in {passed} s",
        first.resources
    );
    assert!(most < 150e6, "{most} bytes");
    let told = crate::support::stack::get(served.address, "/api/v1/resources");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let all = told
        .as_array()
        .or_else(|| told["resources"].as_array())
        .unwrap();
    assert!(all.len() as f64 >= first.resources);
}

/// Does something every now and then until a time has come.
fn eventually_until(end: Instant, mut act: impl FnMut()) {
    while Instant::now() < end {
        let next = (Instant::now() + Duration::from_secs(3)).min(end);
        act();
        eventually("time passes", || (Instant::now() >= next).then_some(()));
    }
}
