//! What is shown when, and where.

use std::time::Duration;

use m365mon::model::{Exchange, Reason, Report};

use crate::support::exposition::eventful::{SUCCESS, connected, eventful, problem};
use crate::support::exposition::parser::Parsed;
use crate::support::exposition::stage::{Stage, at, configuration, mailbox, secret_account, site};

#[tokio::test(start_paused = true)]
async fn each_resource_has_one_home() {
    let stage = eventful().await;
    let page = stage.scrape();
    let intervals = page.named("m365_resource_interval_seconds");
    let names: Vec<_> = intervals
        .iter()
        .map(|s| s.labels["resource"].as_str())
        .filter(|name| !name.starts_with("an-example-of-"))
        .collect();
    assert_eq!(
        names,
        [
            "intranet",
            "wiki \"old\" \\ new\nline",
            "mailbox",
            "unprobed"
        ]
    );
    let foreign = stage.probe("intranet", Some(&connected(&stage)));
    assert!(foreign.samples.iter().all(|s| s.name.starts_with("probe_")));
    let own = stage.probe("rarely", Some(&connected(&stage)));
    assert_eq!(
        own.value("m365_resource_up", ("resource", "rarely")),
        Some(1.0)
    );
    assert!(own.samples.iter().all(|s| !s.name.starts_with("m365mon_")));
}

#[tokio::test(start_paused = true)]
async fn probe_success_is_left_out_when_inconclusive() {
    let stage = eventful().await;
    let success = |report: Option<&Report>| {
        stage
            .probe("intranet", report)
            .named("probe_success")
            .first()
            .map(|s| s.value)
    };
    assert_eq!(success(Some(&stage.report(SUCCESS, 100))), Some(1.0));
    assert_eq!(
        success(Some(&stage.report(problem(Reason::Dns), 100))),
        Some(0.0)
    );
    assert_eq!(
        success(Some(&stage.report(problem(Reason::Throttled), 100))),
        None
    );
    assert_eq!(success(None), None);
    let page = stage.probe("intranet", None);
    assert_eq!(
        page.samples.len(),
        1,
        "only the timeout: {:?}",
        page.samples
    );
}

#[tokio::test(start_paused = true)]
async fn a_removed_resource_is_gone_at_the_next_scrape() {
    let account = secret_account("contoso");
    let both = vec![site("a", &account), site("b", &account)];
    let stage = Stage::new(&configuration(&[], &[&account], both));
    for name in ["a", "b"] {
        stage.slot(name).record(&stage.report(SUCCESS, 100));
    }
    stage
        .state
        .configure(&configuration(&[], &[&account], vec![site("b", &account)]));
    let page = stage.scrape();
    assert!(
        page.samples
            .iter()
            .all(|s| s.labels.get("resource").is_none_or(|name| name == "b"))
    );
    assert_eq!(page.value("m365_resource_up", ("resource", "b")), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn switches_leave_families_out() {
    let account = secret_account("contoso");
    let mut configuration = configuration(&[], &[&account], vec![site("a", &account)]);
    let stage = Stage::new(&configuration);
    stage.slot("a").record(&stage.report(SUCCESS, 100));
    let count = |page: &Parsed, name: &str| page.named(name).len();
    let page = stage.scrape();
    assert_eq!(count(&page, "m365_resource_phase_latency_seconds"), 5);
    assert_eq!(
        count(&page, "m365_resource_probe_duration_seconds_bucket"),
        9
    );
    configuration.metrics.phases = false;
    configuration.metrics.histogram_buckets = [0.5].into();
    stage.state.configure(&configuration);
    let page = stage.scrape();
    assert_eq!(count(&page, "m365_resource_phase_latency_seconds"), 0);
    assert_eq!(
        count(&page, "m365_resource_probe_duration_seconds_bucket"),
        2
    );
    configuration.metrics.histogram = false;
    stage.state.configure(&configuration);
    assert_eq!(
        count(
            &stage.scrape(),
            "m365_resource_probe_duration_seconds_bucket"
        ),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_absent() {
    let account = secret_account("contoso");
    let stage = Stage::new(&configuration(&[], &[&account], vec![site("a", &account)]));
    let slot = stage.slot("a");
    let shown = || {
        let page = stage.scrape();
        let value = |name: &str| page.value(&format!("m365_resource_{name}"), ("resource", "a"));
        assert_eq!(value("interval_seconds"), Some(60.0));
        assert_eq!(page.named("m365_resource_probes_total").len(), 3);
        let reason = page
            .named("m365_resource_problem")
            .first()
            .map(|s| s.labels["reason"].clone());
        (
            value("up"),
            value("consecutive_failures"),
            value("latency_seconds"),
            value("http_status"),
            reason.unwrap_or_default(),
            value("last_probe_timestamp_seconds").is_some(),
            value("last_success_timestamp_seconds").is_some(),
        )
    };
    let nothing = String::new;
    let wait = |seconds| tokio::time::advance(Duration::from_secs(seconds));
    assert_eq!(shown(), (None, None, None, None, nothing(), false, false));

    slot.record(&stage.report(SUCCESS, 100));
    let good = (
        Some(1.0),
        Some(0.0),
        Some(0.1),
        Some(200.0),
        nothing(),
        true,
        true,
    );
    assert_eq!(shown(), good);
    wait(300).await;
    assert_eq!(shown(), good, "to the end of the window");
    wait(1).await;
    assert_eq!(shown(), (None, None, None, None, nothing(), true, true));

    // An inconclusive report says nothing about the resource but what it is.
    slot.record(&stage.report(SUCCESS, 100));
    wait(10).await;
    slot.record(&Report {
        exchange: Exchange {
            status: Some(429),
            ..Exchange::default()
        },
        ..stage.report(problem(Reason::Throttled), 100)
    });
    let throttled = || "throttled".to_owned();
    assert_eq!(
        shown(),
        (
            Some(1.0),
            Some(0.0),
            Some(0.1),
            Some(429.0),
            throttled(),
            true,
            true
        )
    );
    wait(295).await;
    assert_eq!(
        shown(),
        (None, None, None, Some(429.0), throttled(), true, true)
    );
    wait(6).await;
    assert_eq!(shown(), (None, None, None, None, nothing(), true, true));
    stage.state.gate_closed(
        slot.gate_key(),
        stage.clock.now() + jiff::SignedDuration::from_secs(60),
    );
    assert_eq!(shown(), (None, None, None, None, throttled(), true, true));
    wait(60).await;
    assert_eq!(
        shown(),
        (None, None, None, None, nothing(), true, true),
        "the gate is open"
    );

    // A failure takes the latency away at once.
    slot.record(&stage.report(SUCCESS, 100));
    slot.record(&Report {
        exchange: Exchange {
            status: None,
            ..Exchange::default()
        },
        ..stage.report(problem(Reason::Timeout), 100)
    });
    let failed = (
        Some(0.0),
        Some(1.0),
        None,
        None,
        "timeout".to_owned(),
        true,
        true,
    );
    assert_eq!(shown(), failed);
    slot.record(&stage.report(problem(Reason::Internal), 100));
    let internal = (
        Some(0.0),
        Some(1.0),
        None,
        Some(200.0),
        "internal".to_owned(),
        true,
        true,
    );
    assert_eq!(shown(), internal, "no latency from before the failure");
}

#[tokio::test(start_paused = true)]
async fn accounts_sharing_a_gate_are_both_held() {
    let (one, two) = (secret_account("one"), secret_account("two"));
    let resources = vec![site("a", &one), site("b", &two), mailbox("c", &two)];
    let stage = Stage::new(&configuration(&[], &[&one, &two], resources));
    stage.state.gate_closed(stage.slot("a").gate_key(), at(30));
    let page = stage.scrape();
    let held: Vec<_> = page
        .named("m365_throttled_until_timestamp_seconds")
        .iter()
        .map(|s| (s.labels["account"].clone(), s.labels["gate"].clone()))
        .collect();
    assert_eq!(
        held,
        [("one", "sharepoint"), ("two", "sharepoint")].map(|(a, s)| (a.into(), s.into()))
    );
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(
        stage
            .scrape()
            .named("m365_throttled_until_timestamp_seconds")
            .is_empty()
    );
}
