use std::time::Duration;

use super::*;
use crate::fixtures::{self, site};
use crate::kinds::{Mode, Resource};
use crate::model::{Exchange, Hold, Outcome, Phases, RateLimit, Reason, Report, Service, Verdict};

fn account(client_id: &str) -> Arc<Account> {
    Arc::new(Account {
        client_id: Some(client_id.into()),
        ..fixtures::account("contoso")
    })
}

fn configuration(accounts: &[Arc<Account>], resources: Vec<Resource>) -> Configuration {
    Configuration {
        accounts: accounts.to_vec(),
        ..fixtures::configuration(resources)
    }
}

fn report(clock: &Clock, verdict: Verdict) -> Report {
    let phases = Phases {
        processing: Duration::from_millis(200),
        ..Phases::default()
    };
    Report {
        exchange: Exchange {
            status: Some(200),
            phases: Some(phases),
            ..Exchange::default()
        },
        ..Report::without_request(clock.now(), clock.now(), verdict, "")
    }
}

fn state() -> (Clock, Arc<State>) {
    let clock = Clock::following_tokio(Timestamp::from_second(1_764_028_800).unwrap());
    (clock.clone(), State::new(clock, 20))
}

/// Watches one site and nothing else.
fn only_site(state: &State) -> Arc<ResourceSlot> {
    let one = account("1");
    state.configure(&configuration(
        std::slice::from_ref(&one),
        vec![site("a", &one)],
    ));
    state.slot("a").unwrap()
}

#[tokio::test(start_paused = true)]
async fn reload_keeps_what_did_not_change() {
    let (clock, state) = state();
    let one = account("1");
    state.configure(&configuration(
        std::slice::from_ref(&one),
        vec![
            site("same", &one),
            site("slower", &one),
            site("moved", &one),
            site("gone", &one),
        ],
    ));
    for slot in state.slots().iter() {
        slot.record(&report(&clock, Verdict::Success));
    }
    let same = state.slot("same").unwrap();
    let (before_slower, before_moved) = (state.slot("slower"), state.slot("moved"));
    let slower = Resource {
        interval: Duration::from_secs(600),
        ..site("slower", &one)
    };
    let moved = Resource {
        kind: fixtures::site_at("https://contoso.sharepoint.com/sites/b"),
        ..site("moved", &one)
    };
    state.configure(&configuration(
        std::slice::from_ref(&one),
        vec![slower, moved, site("new", &one), site("same", &one)],
    ));
    let names: Vec<_> = state
        .slots()
        .iter()
        .map(|s| s.resource().name.to_string())
        .collect();
    assert_eq!(names, ["slower", "moved", "new", "same"]);
    assert!(Arc::ptr_eq(&same, &state.slot("same").unwrap()));
    assert!(state.slot("gone").is_none());
    let read = |name: &str| {
        state.slot(name).unwrap().read(|record| {
            let interval = Duration::from_secs(60);
            (
                record.outcomes()[0],
                record.fresh_success(interval, clock.moment()).is_some(),
                record.histogram().map_or(0, Histogram::count),
                record.history().count(),
            )
        })
    };
    assert_eq!(read("same"), (1, true, 1, 1));
    assert_eq!(read("slower"), (1, true, 1, 1));
    assert_eq!(
        read("moved"),
        (1, false, 1, 1),
        "counts on, but tells nothing of the new target"
    );
    assert_eq!(read("new"), (0, false, 0, 0));
    // Of probes that the reload found under way, one of the old target tells nothing.
    let success = report(&clock, Verdict::Success);
    assert!(before_slower.unwrap().record(&success));
    assert!(!before_moved.unwrap().record(&success));
    assert_eq!(read("slower"), (2, true, 2, 2));
    assert_eq!(read("moved"), (1, false, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn another_kind_or_account_begins_anew() {
    let (clock, state) = state();
    let one = account("1");
    let two = Arc::new(Account {
        name: "contoso2".into(),
        ..(*one).clone()
    });
    let accounts = [one.clone(), two.clone()];
    state.configure(&configuration(
        &accounts,
        vec![site("a", &one), site("b", &one)],
    ));
    for slot in state.slots().iter() {
        slot.record(&report(&clock, Verdict::Success));
    }
    let mailbox = fixtures::mailbox("b", &one);
    state.configure(&configuration(&accounts, vec![site("a", &two), mailbox]));
    for slot in state.slots().iter() {
        assert_eq!(slot.read(Record::outcomes), [0; 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn other_buckets_begin_another_histogram() {
    let (clock, state) = state();
    let one = account("1");
    let mut configuration = configuration(std::slice::from_ref(&one), vec![site("a", &one)]);
    state.configure(&configuration);
    let slot = state.slot("a").unwrap();
    slot.record(&report(&clock, Verdict::Success));
    configuration.metrics.histogram_buckets = [1.0].into();
    state.configure(&configuration);
    slot.record(&report(&clock, Verdict::Success));
    slot.read(|record| assert_eq!(record.histogram().unwrap().counts(), [1, 0]));
    configuration.metrics.histogram = false;
    state.configure(&configuration);
    slot.read(|record| assert!(record.histogram().is_none()));
}

#[tokio::test(start_paused = true)]
async fn counters_follow_the_reports() {
    let (clock, state) = state();
    let slot = only_site(&state);
    for verdict in [
        Verdict::Success,
        Verdict::Problem(Reason::Dns),
        Verdict::Problem(Reason::Throttled),
        Verdict::Problem(Reason::Timeout),
    ] {
        slot.record(&report(&clock, verdict));
    }
    let interval = slot.resource().interval;
    slot.read(|record| {
        assert_eq!(record.outcomes(), [1, 2, 1]);
        let (conclusive, failures) = record.fresh_conclusive(interval, clock.moment()).unwrap();
        assert!(!conclusive.up);
        assert_eq!(failures, 2);
        let reasons: Vec<_> = record
            .problems()
            .iter()
            .map(|p| (p.reason, p.count))
            .collect();
        assert_eq!(
            reasons,
            [
                (Reason::Dns, 1),
                (Reason::Throttled, 1),
                (Reason::Timeout, 1)
            ]
        );
    });
    assert_eq!(
        slot.account().snapshot().throttled,
        [(Service::SharePoint, 1), (Service::Entra, 0)]
    );
}

/// A probe that succeeds may be throttled while it cleans up.
#[tokio::test(start_paused = true)]
async fn a_throttled_answer_counts_whatever_came_of_the_probe() {
    let (clock, state) = state();
    let slot = only_site(&state);
    for hold in [
        None,
        Some(Hold::Gate { wait: None }),
        Some(Hold::Resource {
            wait: Duration::from_secs(9),
        }),
    ] {
        let mut report = report(&clock, Verdict::Success);
        report.exchange.hold = hold;
        slot.record(&report);
    }
    assert_eq!(
        slot.account().snapshot().throttled,
        [(Service::SharePoint, 1), (Service::Entra, 0)]
    );
}

#[tokio::test(start_paused = true)]
async fn rates_stay_until_an_answer_is_silent_about_them() {
    let (clock, state) = state();
    let slot = only_site(&state);
    let mut told = report(&clock, Verdict::Success);
    told.exchange.server.rate_limit = Some(RateLimit {
        limit: 100,
        remaining: 10,
        reset: Duration::from_secs(5),
    });
    slot.record(&told);
    let unanswered = Report {
        exchange: Exchange {
            status: None,
            ..Exchange::default()
        },
        ..report(&clock, Verdict::Problem(Reason::Dns))
    };
    slot.record(&unanswered);
    let rates = slot.account().snapshot().rates;
    assert_eq!(rates.len(), 1);
    assert!((rates[0].1.remaining_ratio - 0.1).abs() < 1e-9);
    assert!(rates[0].1.is_fresh(clock.moment()));
    tokio::time::advance(Duration::from_secs(301)).await;
    assert!(!rates[0].1.is_fresh(clock.moment()));
    slot.record(&report(&clock, Verdict::Success));
    assert!(slot.account().snapshot().rates.is_empty());
}

#[tokio::test(start_paused = true)]
async fn freshness_is_judged_when_read() {
    let (clock, state) = state();
    let slot = only_site(&state);
    let interval = slot.resource().interval;
    let view = |gate: bool| {
        slot.read(|record| {
            (
                record
                    .fresh_conclusive(interval, clock.moment())
                    .map(|(c, _)| c.up),
                record.fresh_success(interval, clock.moment()).is_some(),
                record.problem(interval, clock.moment(), gate),
                record.last_success().is_some(),
            )
        })
    };
    assert_eq!(view(false), (None, false, None, false));
    slot.record(&report(&clock, Verdict::Success));
    assert_eq!(view(false), (Some(true), true, None, true));
    tokio::time::advance(Duration::from_secs(200)).await;
    slot.record(&report(&clock, Verdict::Problem(Reason::Throttled)));
    let throttled = Some(Reason::Throttled);
    assert_eq!(
        view(false),
        (Some(true), true, throttled, true),
        "kept through inconclusive"
    );
    tokio::time::advance(Duration::from_secs(101)).await;
    assert_eq!(
        view(false),
        (None, false, throttled, true),
        "the success is too old"
    );
    tokio::time::advance(Duration::from_secs(200)).await;
    assert_eq!(view(false), (None, false, None, true));
    assert_eq!(
        view(true),
        (None, false, throttled, true),
        "behind a closed gate"
    );
    slot.record(&report(&clock, Verdict::Success));
    slot.record(&report(&clock, Verdict::Problem(Reason::ServerError)));
    assert_eq!(
        view(true),
        (Some(false), false, Some(Reason::ServerError), true)
    );
    tokio::time::advance(Duration::from_secs(301)).await;
    assert_eq!(view(true), (None, false, None, true));
}

#[tokio::test(start_paused = true)]
async fn gates_open_by_themselves() {
    let (clock, state) = state();
    let one = account("1");
    let key = site("a", &one).gate_key();
    let until = clock.now() + jiff::SignedDuration::from_secs(30);
    state.gate_closed(&key, until);
    assert_eq!(state.closed_gates().until(&key), Some(until));
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(state.closed_gates().is_empty());
    state.gate_closed(&key, until + jiff::SignedDuration::from_secs(30));
    state.gate_open(&key);
    assert_eq!(state.closed_gates().until(&key), None);
}

#[tokio::test(start_paused = true)]
async fn probes_under_way_are_counted_once() {
    let (_, state) = state();
    let slot = only_site(&state);
    let guard = slot.begin();
    slot.skipped(SkipCause::Overlap);
    assert_eq!(state.process().in_flight(), 1);
    assert_eq!(slot.snapshot().in_flight, 1);
    drop(guard);
    let process = state.process().snapshot();
    assert_eq!((process.in_flight, process.skipped), (0, [1, 0, 0, 0, 0]));
}

#[tokio::test(start_paused = true)]
async fn reused_reports_are_kept_in_full_only_where_they_may_be_reused() {
    let (clock, state) = state();
    let one = account("1");
    let on_probe = Resource {
        mode: Mode::OnProbe,
        ..site("b", &one)
    };
    state.configure(&configuration(
        std::slice::from_ref(&one),
        vec![site("a", &one), on_probe],
    ));
    for slot in state.slots().iter() {
        slot.record(&report(&clock, Verdict::Success));
        assert_eq!(
            slot.latest_report().is_some(),
            slot.resource().mode == Mode::OnProbe
        );
    }
    assert_eq!(Outcome::ALL.len(), 3);
}
