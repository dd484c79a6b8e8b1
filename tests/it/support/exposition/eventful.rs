//! A state in which every metric has something to say.

use std::sync::Arc;
use std::time::Duration;

use m365mon::kinds::{self, Info, MatchKey, Mode, PlannedWindow, Resource, Windows};
use m365mon::model::{
    Account, AccountObserver, AccountReason, AccountStatus, Audience, Cloud, ConnectionFacts,
    CredentialKind, Exchange, IpVersion, MinuteOfDay, RateLimit, Reason, Reference, Report,
    RequestId, Right, Sample, Step, TokenProblem, TokenReport, Verdict, Weekdays, Window,
    WindowTimes, WindowType, time_zone,
};
use m365mon::state::SkipCause;

use super::stage::{
    Stage, at, configuration, delegated_account, labels, mailbox, secret_account, site,
};
use crate::support::fixtures;

pub(crate) const SUCCESS: Verdict = Verdict::Success;

pub(crate) const fn problem(reason: Reason) -> Verdict {
    Verdict::Problem(reason)
}

fn graph() -> Audience {
    Audience::graph(&Cloud::Global)
}

/// Kinds whose answers carry numbers, but for sites, of which there are others.
fn with_readings() -> impl Iterator<Item = &'static Info> {
    let kinds = kinds::ALL.iter().copied();
    kinds.filter(|info| !info.readings.is_empty() && info.name != "sharepoint_site")
}

fn example_name(info: &Info) -> String {
    format!("an-example-of-{}", info.name)
}

/// One resource of each kind whose answers carry numbers.
fn reading(account: &Arc<Account>) -> Vec<Resource> {
    with_readings()
        .map(|info| Resource {
            name: example_name(info).into(),
            account: account.clone(),
            ..fixtures::example(info)
        })
        .collect()
}

/// Maintenance of one mailbox, open from midnight on.
fn patches() -> PlannedWindow {
    let window = Window {
        name: "patches".into(),
        r#type: WindowType::Maintenance,
        times: WindowTimes::Weekly {
            days: Weekdays::ALL,
            from: MinuteOfDay::MIDNIGHT,
            to: MinuteOfDay::parse("04:00").unwrap(),
        },
        zone: time_zone("UTC").unwrap(),
    };
    PlannedWindow {
        window: Arc::new(window),
        matches: vec![vec![(MatchKey::Resource, vec!["mailbox".into()])]],
    }
}

/// A state in which every metric has something to say.
pub(crate) async fn eventful() -> Stage {
    let (people, app) = (delegated_account("contoso"), secret_account("contoso2"));
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
    resources.extend(reading(&app));
    for resource in &mut resources {
        resource.labels = labels(&[("location", "amsterdam"), ("team", "we\"b")]);
    }
    let mut configuration = configuration(&process, &[&people, &app], resources);
    let windows = vec![patches()];
    configuration.windows = Arc::new(Windows::new(windows, &configuration.resources));
    let references = ["https://www.contoso.com", "tcp://9.9.9.9:53"];
    let references = references.map(|one| Arc::new(Reference::parse(one).unwrap()));
    configuration.references = references.to_vec();
    let stage = Stage::new(&configuration);
    let state = &stage.state;

    stage.slot("rarely").record(&stage.report(SUCCESS, 300));
    for info in with_readings() {
        let slot = stage.slot(&example_name(info));
        let samples = (0_u8..).zip(info.readings).map(|(place, reading)| Sample {
            reading: place,
            labels: reading.labels.iter().map(|label| (*label).into()).collect(),
            value: 1.0,
        });
        let mut report = stage.report(SUCCESS, 90);
        report.exchange.request_id = None;
        report.readings = samples.collect();
        slot.record(&report);
    }
    let intranet = stage.slot("intranet");
    for milliseconds in [80, 240, 4_200, 9_000] {
        let mut report = stage.report(SUCCESS, milliseconds);
        report.exchange.server.latency = Some(Duration::from_millis(37));
        report.readings = Box::new([Sample::plain(0, 2.0)]);
        intranet.record(&report);
    }
    let mut told = stage.report(SUCCESS, 240);
    told.exchange.server.latency = Some(Duration::from_millis(37));
    told.readings = Box::new([Sample::plain(0, 2.0)]);
    told.steps = Box::new([Step {
        name: "find",
        phases: told.exchange.phases.unwrap(),
    }]);
    told.exchange.server.rate_limit = Some(RateLimit {
        limit: 1_200,
        remaining: 120,
        reset: Duration::from_secs(5),
    });
    told.exchange.connection.certificate_expiry = Some(at(90 * 86_400));
    told.exchange.connection.intercepted = Some(true);
    tokio::time::advance(Duration::from_secs(1)).await;
    intranet.record(&told);

    let wiki = stage.slot("wiki \"old\" \\ new\nline");
    wiki.record(&stage.report(SUCCESS, 120));
    for _ in 0..2 {
        wiki.record(&Report {
            exchange: Exchange {
                status: Some(503),
                request_id: RequestId::parse("odd-ID-1"),
                ..Exchange::default()
            },
            ..stage.report(problem(Reason::ServerError), 50)
        });
    }
    let mailbox = stage.slot("mailbox");
    mailbox.record(&stage.report(SUCCESS, 150));
    mailbox.record(&Report {
        exchange: Exchange {
            status: Some(429),
            request_id: None,
            ..Exchange::default()
        },
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
    state.status(
        &people,
        &AccountStatus {
            sign_in_required_since: Some(at(1)),
            access_tokens: vec![(graph(), at(1_800))],
            deadlines: vec![(CredentialKind::RefreshToken, at(1))],
            excess_permissions: Some(vec![Right {
                audience: graph(),
                name: "Mail.Read".into(),
            }]),
            tenant_wide_permissions: Some(Vec::new()),
            held_until: Some(at(60)),
        },
    );
    state.status(
        &app,
        &AccountStatus {
            access_tokens: vec![(graph(), at(3_600))],
            deadlines: vec![(CredentialKind::ClientSecret, at(86_400))],
            ..AccountStatus::default()
        },
    );

    let board = state.board();
    let results = [Ok(()), Err("9.9.9.9: no connection".into())];
    for (slot, result) in board.references.iter().zip(results) {
        slot.looked(result, state.clock().moment());
    }
    state.storage(Some(true));
    state.process().started(Duration::from_millis(3));
    state.process().started(Duration::from_millis(70));
    state.process().http_request("/metrics", 200);
    state.process().http_request("/probe", 404);
    let answered = [("/metrics", 20), ("/metrics", 700), ("/probe", 3)];
    for (handler, took) in answered {
        state
            .process()
            .http_answered(handler, Duration::from_millis(took));
    }
    state.process().reloaded(true, at(0));
    state.process().reloaded(false, at(1));
    intranet.skipped(SkipCause::Gate);
    std::mem::forget(intranet.begin());
    stage
}

/// A report with everything that a connection can tell.
pub(crate) fn connected(stage: &Stage) -> Report {
    Report {
        exchange: Exchange {
            connection: ConnectionFacts {
                reused: false,
                ip_version: Some(IpVersion::V4),
                http_version: Some(2.0),
                tls_version: Some("TLS 1.3"),
                certificate_expiry: Some(at(86_400)),
                intercepted: Some(false),
            },
            ..Exchange::default()
        },
        ..stage.report(SUCCESS, 300)
    }
}

/// Without what lives on between two scrapes.
pub(crate) fn without_process(text: &str) -> String {
    let keep = |line: &&str| !line.contains("process_");
    text.split_inclusive('\n').filter(keep).collect()
}
