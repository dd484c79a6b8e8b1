//! The exposition: what is shown, in both formats, and when it is not.

mod parser;
mod stage;

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use m365mon::metrics::{CATALOGUE, CHUNK, Chunks, Format, Rendering, Type};
use m365mon::model::{
    AccountObserver, AccountReason, AccountStanding, Audience, Cloud, ConnectionFacts,
    CredentialKind, IpVersion, Mode, RateLimit, Reason, Report, RequestId, Resource, TokenProblem,
    TokenReport, Verdict,
};
use m365mon::state::SkipCause;
use proptest::prelude::*;

use parser::{Parsed, parse};
use stage::{Stage, at, configuration, delegated_account, labels, mailbox, secret_account, site};

const SUCCESS: Verdict = Verdict::Success;

const fn problem(reason: Reason) -> Verdict {
    Verdict::Problem(reason)
}

fn graph() -> Audience {
    Audience::graph(&Cloud::Global)
}

/// A state in which every metric has something to say.
async fn eventful() -> Stage {
    let (people, app) = (delegated_account("contoso"), secret_account("fabrikam"));
    let process = [("location", "amsterdam")];
    let on_probe = Resource {
        mode: Mode::OnProbe,
        ..site("rarely", &app)
    };
    let mut resources = vec![
        site("intranet", &app),
        site("wiki \"old\" \\ new\nline", &people),
        mailbox("mailbox", &people),
        site("unprobed", &app),
        on_probe,
    ];
    for resource in &mut resources {
        resource.labels = labels(&[("location", "amsterdam"), ("team", "we\"b")]);
    }
    let stage = Stage::new(&configuration(&process, &[&people, &app], resources));
    let state = &stage.state;

    stage.slot("rarely").record(&stage.report(SUCCESS, 300));
    let intranet = stage.slot("intranet");
    for milliseconds in [80, 240, 4_200, 9_000] {
        let mut report = stage.report(SUCCESS, milliseconds);
        report.server.latency = Some(Duration::from_millis(37));
        report.server.health_score = Some(2);
        intranet.record(&report);
    }
    let mut told = stage.report(SUCCESS, 240);
    told.server.latency = Some(Duration::from_millis(37));
    told.server.health_score = Some(2);
    told.server.rate_limit = Some(RateLimit {
        limit: 1_200,
        remaining: 120,
        reset: Duration::from_secs(5),
    });
    tokio::time::advance(Duration::from_secs(1)).await;
    intranet.record(&told);

    let wiki = stage.slot("wiki \"old\" \\ new\nline");
    wiki.record(&stage.report(SUCCESS, 120));
    for _ in 0..2 {
        wiki.record(&Report {
            status: Some(503),
            request_id: RequestId::parse("odd-ID-1"),
            ..stage.report(problem(Reason::ServerError), 50)
        });
    }
    let mailbox = stage.slot("mailbox");
    mailbox.record(&stage.report(SUCCESS, 150));
    mailbox.record(&Report {
        status: Some(429),
        request_id: None,
        ..stage.report(problem(Reason::Throttled), 40)
    });
    state.gate_closed(mailbox.gate_key(), at(600));

    let token = |result| TokenReport {
        audience: graph(),
        at: at(1),
        took: Duration::from_millis(90),
        result,
        request_id: None,
        retry_after: None,
    };
    state.token_request(&app, &token(Ok(())));
    state.token_request(
        &people,
        &token(Err(TokenProblem {
            reason: AccountReason::SignInRequired,
            code: Some(700_082),
            detail: "the refresh token has expired".into(),
        })),
    );
    state.token_request(
        &people,
        &token(Err(TokenProblem {
            reason: AccountReason::Timeout,
            code: None,
            detail: "no answer".into(),
        })),
    );
    state.standing(
        &people,
        &AccountStanding {
            sign_in_required_since: Some(at(1)),
            access_tokens: vec![(graph(), at(1_800))],
            deadlines: vec![(CredentialKind::RefreshToken, at(1))],
            excess_permissions: Some(1),
            held_until: Some(at(60)),
        },
    );
    state.standing(
        &app,
        &AccountStanding {
            access_tokens: vec![(graph(), at(3_600))],
            deadlines: vec![(CredentialKind::ClientSecret, at(86_400))],
            ..AccountStanding::default()
        },
    );

    state.process().started(Duration::from_millis(3));
    state.process().started(Duration::from_millis(70));
    state.process().http_request("/metrics", 200);
    state.process().http_request("/probe", 404);
    state.process().reloaded(true, at(0));
    state.process().reloaded(false, at(1));
    intranet.skipped(SkipCause::Gate);
    std::mem::forget(intranet.begin());
    stage
}

/// A report with everything that a connection can tell.
fn connected(stage: &Stage) -> Report {
    Report {
        connection: ConnectionFacts {
            reused: false,
            ip_version: Some(IpVersion::V4),
            http_version: Some(2.0),
            tls_version: Some("TLS 1.3"),
            certificate_expiry: Some(at(86_400)),
        },
        ..stage.report(SUCCESS, 300)
    }
}

fn without_process(text: &str) -> String {
    let keep = |line: &&str| !line.contains("process_");
    text.split_inclusive('\n').filter(keep).collect()
}

#[tokio::test(start_paused = true)]
async fn golden() {
    let stage = eventful().await;
    let report = connected(&stage);
    insta::with_settings!({
        snapshot_path => "../data",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!("metrics_openmetrics", without_process(&stage.text(Format::OpenMetrics)));
        insta::assert_snapshot!("metrics_text", without_process(&stage.text(Format::Text)));
        insta::assert_snapshot!("probe_text", stage.probe_text("rarely", Some(&report), Format::Text));
    });
}

#[tokio::test(start_paused = true)]
async fn catalogue_and_exposition_agree() {
    let stage = eventful().await;
    let report = connected(&stage);
    let pages = [stage.scrape(), stage.probe("rarely", Some(&report))];
    let by_family: HashMap<&str, _> = CATALOGUE.iter().map(|m| (m.family(), m)).collect();
    let mut seen = BTreeSet::new();
    for page in &pages {
        for (family, (kind, help)) in &page.families {
            let metric = by_family[family.as_str()];
            assert_eq!(
                (kind.as_str(), help.as_str()),
                (metric.kind.as_str(), metric.help)
            );
        }
        for sample in &page.samples {
            let stem = ["_bucket", "_sum", "_count", "_total"]
                .iter()
                .find_map(|suffix| sample.name.strip_suffix(suffix))
                .filter(|stem| by_family.contains_key(stem));
            let metric = by_family[stem.unwrap_or(&sample.name)];
            seen.insert(metric.name);
            let mut expected: BTreeSet<&str> = metric
                .subject
                .labels()
                .iter()
                .chain(metric.labels)
                .copied()
                .collect();
            match metric.subject {
                m365mon::metrics::Subject::Resource => expected.extend(["location", "team"]),
                m365mon::metrics::Subject::Account | m365mon::metrics::Subject::Exporter => {
                    expected.insert("location");
                }
                m365mon::metrics::Subject::Process | m365mon::metrics::Subject::Probe => {}
            }
            if metric.kind == Type::Histogram && sample.name.ends_with("_bucket") {
                expected.insert("le");
            }
            let labels: BTreeSet<&str> = sample.labels.keys().map(String::as_str).collect();
            assert_eq!(labels, expected, "{}", sample.name);
        }
    }
    let missing: Vec<_> = CATALOGUE
        .iter()
        .map(|m| m.name)
        .filter(|name| !seen.contains(name))
        .collect();
    assert!(
        missing.is_empty(),
        "in the catalogue but never shown: {missing:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn promtool_finds_nothing() {
    let stage = eventful().await;
    let report = connected(&stage);
    for page in [
        stage.text(Format::Text),
        stage.probe_text("rarely", Some(&report), Format::Text),
    ] {
        let mut promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool is needed for this test; it comes with Debian's package prometheus");
        promtool
            .stdin
            .take()
            .unwrap()
            .write_all(page.as_bytes())
            .unwrap();
        let output = promtool.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_resource_has_one_home() {
    let stage = eventful().await;
    let page = stage.scrape();
    let intervals = page.named("m365_resource_interval_seconds");
    let names: Vec<_> = intervals
        .iter()
        .map(|s| s.labels["resource"].as_str())
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
        status: Some(429),
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
        status: None,
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
        .map(|s| (s.labels["account"].clone(), s.labels["service"].clone()))
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

#[tokio::test(start_paused = true)]
async fn exemplars_carry_the_request_id() {
    let stage = eventful().await;
    let page = stage.scrape();
    let exemplars: Vec<_> = page
        .samples
        .iter()
        .filter_map(|s| Some((s, s.exemplar.as_ref()?)))
        .collect();
    for (sample, (labels, value, time)) in &exemplars {
        assert_eq!(labels.keys().collect::<Vec<_>>(), ["request_id"]);
        assert!(*time >= stage::START as f64);
        if let Some(le) = sample.labels.get("le") {
            assert!(*value <= le.trim_start_matches('+').parse().unwrap_or(f64::INFINITY));
        }
    }
    // Four buckets of intranet, one of wiki, one of the mailbox, one problem.
    assert_eq!(exemplars.len(), 7, "{exemplars:?}");
}

#[derive(Default)]
struct Sizes(Vec<usize>);

impl Chunks for Sizes {
    fn chunk(&mut self, chunk: Bytes) -> io::Result<()> {
        self.0.push(chunk.len());
        if self.0.len() == 3 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn big_pages_come_in_chunks_and_stop_when_nobody_listens() {
    let account = secret_account("contoso");
    let resources = (0..500)
        .map(|number| site(&format!("site-{number}"), &account))
        .collect();
    let stage = Stage::new(&configuration(&[], &[&account], resources));
    for slot in stage.state.slots().iter() {
        slot.record(&stage.report(SUCCESS, 100));
    }
    for format in [Format::OpenMetrics, Format::Text] {
        let plain = without_process(&stage.text(format));
        assert!(plain.len() > 10 * CHUNK);
        assert_eq!(without_process(&stage.gzipped(format)), plain);
        let mut sizes = Sizes::default();
        let rendering = Rendering {
            format,
            gzip: false,
        };
        let error = stage.exposition.write(rendering, &mut sizes).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(sizes.0, [CHUNK; 3]);
    }
    stage.scrape();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_label_value_comes_back(
        name in ".{1,40}",
        team in "[\\PC\"\\\\\n#{} =]{0,40}",
        location in "(\\PC|[\"\\\\\n#{}]){0,40}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let account = secret_account(&name);
            let resource = Resource {
                labels: labels(&[("location", &location), ("team", &team)]),
                ..site(&name, &account)
            };
            let stage = Stage::new(&configuration(&[("location", &location)], &[&account], vec![resource]));
            stage.slot(&name).record(&stage.report(SUCCESS, 100));
            let parsed = stage.scrape();
            for sample in &parsed.samples {
                for (label, value) in [("resource", &name), ("account", &name), ("team", &team), ("location", &location)] {
                    if let Some(found) = sample.labels.get(label) {
                        assert_eq!(found, value);
                    }
                }
            }
            assert_eq!(parsed.value("m365_resource_up", ("resource", &name)), Some(1.0));
        });
    }
}

/// The parser itself notices what is wrong.
#[test]
fn the_parser_is_strict() {
    for bad in [
        "a 1\n",
        "# HELP a A.\n# TYPE a gauge\nb 1\n# EOF\n",
        "# HELP a A.\n# TYPE a gauge\na{b=\"c} 1\n# EOF\n",
        "# HELP a A.\n# TYPE a gauge\na 1\na 1\n# EOF\n",
        "# HELP a A.\n# TYPE a gauge\na 1\n",
        "# HELP a A.\n# TYPE a counter\na 1\n# EOF\n",
        "# HELP a A.\n# TYPE a gauge\na inf\n# EOF\n",
    ] {
        let outcome = std::panic::catch_unwind(|| parse(bad, Format::OpenMetrics));
        assert!(outcome.is_err(), "{bad}");
    }
}
