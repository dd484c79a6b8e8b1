//! What is shown when, and where.

use std::time::Duration;

use m365mon::kinds::{Impact, Mode, Resource};
use m365mon::metrics::{Exposition, Format, Rendering};
use m365mon::model::{ConnectionPolicy, Exchange, Reason, Report};

use crate::support::exposition::eventful::{SUCCESS, connected, eventful, problem};
use crate::support::exposition::parser::{Parsed, parse};
use crate::support::exposition::stage::{
    BUILD, Stage, at, configuration, mailbox, secret_account, site,
};

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
        10
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

/// What a probe's own way is, which host answers and who feels it.
#[tokio::test(start_paused = true)]
async fn what_a_resource_is() {
    let app = secret_account("contoso");
    let stage = Stage::new(&configuration(
        &[],
        &[&app],
        vec![
            Resource {
                impact: Impact::Housekeeping,
                connection: ConnectionPolicy::Reuse,
                ..site("intranet", &app)
            },
            Resource {
                mode: Mode::OnScrape,
                ..mailbox("mailbox", &app)
            },
            Resource {
                mode: Mode::OnProbe,
                ..site("rarely", &app)
            },
        ],
    ));
    let told = |page: &Parsed, name: &str| {
        let infos = page.named("m365_resource_info");
        let info = infos.iter().find(|info| info.labels["resource"] == name);
        let labels = ["mode", "connection", "via", "host", "service", "impact"];
        info.map(|info| labels.map(|label| info.labels[label].clone()).join(" "))
    };
    let page = stage.scrape();
    assert_eq!(
        told(&page, "intranet").as_deref(),
        Some("background reuse direct graph.microsoft.com SharePoint housekeeping")
    );
    assert_eq!(
        told(&page, "mailbox").as_deref(),
        Some("on_scrape new direct graph.microsoft.com Exchange users")
    );
    assert_eq!(told(&page, "rarely"), None);
    let home = stage.probe("rarely", None);
    let expected = "on_probe new direct graph.microsoft.com SharePoint users";
    assert_eq!(told(&home, "rarely").as_deref(), Some(expected));

    let proxied = |resource: &Resource| &*resource.name != "mailbox";
    let mut page = Vec::new();
    let rendering = Rendering {
        format: Format::Text,
        gzip: false,
    };
    Exposition::showing(stage.state.clone(), BUILD, |_| true, proxied)
        .write(rendering, &mut page)
        .unwrap();
    let page = parse(&String::from_utf8(page).unwrap(), Format::Text);
    let via = |name| {
        told(&page, name)
            .unwrap()
            .split(' ')
            .nth(2)
            .map(str::to_owned)
    };
    assert_eq!(via("intranet").as_deref(), Some("proxy"));
    assert_eq!(via("mailbox").as_deref(), Some("direct"));
}

/// A chain that was shown speaks for its resource as long as a report does,
/// whatever came after it.
#[tokio::test(start_paused = true)]
async fn the_last_chain_that_was_shown() {
    let app = secret_account("contoso");
    let stage = Stage::new(&configuration(&[], &[&app], vec![site("intranet", &app)]));
    let slot = stage.slot("intranet");
    let chain = || {
        let page = stage.scrape();
        let of = |name| page.value(name, ("resource", "intranet"));
        (
            of("m365_resource_certificate_expiry_timestamp_seconds"),
            of("m365_resource_tls_intercepted"),
        )
    };
    assert_eq!(chain(), (None, None));
    let refused = |end, intercepted| {
        let mut report = stage.report(problem(Reason::Tls), 50);
        report.exchange.connection.certificate_expiry = Some(at(end));
        report.exchange.connection.intercepted = intercepted;
        slot.record(&report);
    };
    let second = |end| at(end).as_second() as f64;
    refused(-5, Some(false));
    assert_eq!(chain(), (Some(second(-5)), Some(0.0)));
    refused(7, None);
    assert_eq!(chain(), (Some(second(7)), None));
    slot.record(&stage.report(problem(Reason::Dns), 1));
    tokio::time::advance(Duration::from_secs(299)).await;
    slot.record(&stage.report(problem(Reason::Dns), 1));
    assert_eq!(chain(), (Some(second(7)), None));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(chain(), (None, None));
}

/// By the clock of each scrape, and as the latest configuration says.
#[tokio::test(start_paused = true)]
async fn planned_downtime() {
    const HEAD: &str = "accounts:\n  - {name: contoso, tenant: contoso.onmicrosoft.com, client_id: 11111111-2222-3333-4444-555555555555, workload_identity: {token_file: /token}}\nresources:\n  - {name: intranet, account: contoso, kind: sharepoint_site, url: \"https://contoso.sharepoint.com/sites/intranet\", labels: {team: web}}\n  - {name: mailbox, account: contoso, kind: exchange_mailbox, user: monitoring@contoso.com, mode: on_probe}\n";
    let configured = |windows: &str| {
        let text = format!("{HEAD}windows: [{windows}]\n");
        let variables = std::collections::BTreeMap::<String, String>::new();
        let loaded = m365mon::config::parse(&text, "m365mon.yml".as_ref(), &variables);
        loaded
            .unwrap_or_else(|errors| panic!("{errors}"))
            .configuration
    };
    // It begins at midnight, a Tuesday, in UTC.
    let stage = Stage::new(&configured(
        "{name: night, type: maintenance, from: \"22:00\", to: \"02:00\", match: {team: web}}, \
         {name: early, type: service_hours, days: mon-fri, from: \"01:00\", to: \"10:00\"}, \
         {name: late, type: service_hours, days: [tue], from: \"09:00\", to: \"20:00\"}",
    ));
    let told = |page: &Parsed| {
        let series = page.named("m365_resource_planned_downtime");
        let shown = series.iter().map(|one| {
            let [window, r#type] = ["window", "type"].map(|label| one.labels[label].as_str());
            assert_eq!(r#type == "maintenance", window == "night");
            format!("{window} {}", one.value)
        });
        shown.collect::<Vec<_>>().join(", ")
    };
    for (hour, expected) in [
        (0, "night 1, early 1, late 1"),
        (1, "night 1, early 0, late 0"),
        (2, "night 0, early 0, late 0"),
        (9, "night 0, early 0, late 0"),
        (10, "night 0, early 0, late 0"),
        (20, "night 0, early 1, late 1"),
        (22, "night 1, early 1, late 1"),
    ] {
        let passed = stage.clock.now().duration_since(at(0)).as_hours();
        tokio::time::advance(Duration::from_secs(3600 * (hour - passed).unsigned_abs())).await;
        assert_eq!(told(&stage.scrape()), expected, "{hour}:00");
        let home = stage.probe("mailbox", None);
        let (_, service) = expected.split_once(", ").unwrap();
        assert_eq!(told(&home), service, "{hour}:00");
    }
    // A reload adds one, and takes the others.
    let now = "{name: now, type: maintenance, start: 2025-11-25T21:00, end: 2025-11-25T23:00}";
    stage.state.configure(&configured(now));
    let page = stage.scrape();
    let series = page.named("m365_resource_planned_downtime");
    assert_eq!(series.len(), 1);
    assert_eq!(
        (series[0].labels["window"].as_str(), series[0].value),
        ("now", 1.0)
    );
    stage.state.configure(&configured(""));
    assert_eq!(told(&stage.scrape()), "");
}
