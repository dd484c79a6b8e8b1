//! Waits that Microsoft asks for.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use m365mon::model::{Exchange, Hold, RateLimit, Reason, Report, ServerHints, Verdict};
use m365mon::scheduler::{DemandResult, ProbeDemand};
use m365mon::state::SkipCause;

use crate::support::fixtures;

use super::house::{Act, House, account, configuration, densest, pass, report, site, sites};

pub(super) fn throttled(wait: Option<u64>) -> Act {
    let refused = Report {
        exchange: Exchange {
            status: Some(429),
            hold: Some(Hold::Gate {
                wait: wait.map(Duration::from_secs),
            }),
            ..Exchange::default()
        },
        ..report(Verdict::Problem(Reason::Throttled))
    };
    Act::Answer(Duration::from_millis(50), Box::new(refused))
}

#[tokio::test(start_paused = true)]
async fn a_throttling_storm_is_waited_out_and_ends_without_a_burst() {
    let house = House::new(&configuration(sites(2, 600)));
    pass(150.0).await;
    house.script(|resource| {
        if &*resource.account.name == "contoso0" {
            throttled(Some(120))
        } else {
            Act::success()
        }
    });
    pass(5.0).await;
    let slot = house.state.slot("contoso0-site-0").unwrap();
    let until = house.state.closed_gates().until(slot.gate_key()).unwrap();
    let lasts = until.duration_since(house.clock.now()).as_secs_f64();
    assert!((110.0..=120.0).contains(&lasts), "{lasts}");
    let refused = house.prober.starts.lock().len();
    house.script(|_| Act::success());
    pass(lasts - 1.0).await;
    let quiet = house.prober.starts.lock()[refused..]
        .iter()
        .filter(|(_, resource)| &*resource.account.name == "contoso0")
        .count();
    assert_eq!(quiet, 0, "nobody passes a closed gate");
    assert!(house.skipped(SkipCause::Gate) > 1_100);
    pass(62.0).await;
    assert!(house.state.closed_gates().is_empty());
    let mut starts = house.starts();
    starts.retain(|name, _| name.starts_with("contoso0-"));
    let opened = 155.0 + lasts;
    let densest = densest(&starts, 5.0, opened - 1.0, opened + 62.0);
    assert!(densest <= 75, "{densest} of 50 in 5 s");
    for times in starts.values() {
        assert!(times.last().unwrap() > &opened, "everybody came back");
    }
    // The other account never noticed.
    for n in 0..600 {
        assert_eq!(house.ticks(&format!("contoso1-site-{n}")).skipped, 0);
    }
    house.assert_all_accounted_for();
}

/// A token may be long in coming; what a service asked for meanwhile is heard.
#[tokio::test(start_paused = true)]
async fn nobody_passes_a_gate_that_closed_while_a_token_was_waited_for() {
    let house = House::new(&configuration(sites(1, 60)));
    pass(70.0).await;
    *house.prober.token_takes.lock() = Duration::from_secs(5);
    house.script(|_| throttled(Some(600)));
    pass(120.0).await;
    let slot = house.state.slot("contoso0-site-0").unwrap();
    assert!(house.state.closed_gates().until(slot.gate_key()).is_some());
    let asked = (house.prober.starts.lock().iter())
        .filter(|(at, _)| *at > house.began + Duration::from_secs(70))
        .count();
    // One answer is on its way for 50 ms, during which another may go.
    assert!((1..=2).contains(&asked), "{asked} asked");
    assert!(house.skipped(SkipCause::Gate) > 60);
    assert_eq!(house.skipped(SkipCause::Missed), 0);
    let demand = ProbeDemand {
        budget: Duration::from_secs(1),
        min_age: None,
    };
    let answer = house.scheduler.probe(&slot, demand).await;
    assert!(matches!(answer, DemandResult::Held { .. }), "{answer:?}");
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn refusals_without_a_time_are_waited_out_longer_and_longer() {
    let mut resource = site(&account("contoso"), "a");
    resource.interval = Duration::from_secs(1);
    resource.timeout = Duration::from_millis(500);
    let house = House::new(&configuration(vec![resource]));
    house.script(|_| throttled(None));
    pass(400.0).await;
    let starts = &house.starts()["a" as &str];
    let gaps: Vec<f64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (gap, expected) in gaps.iter().zip([10.0, 20.0, 40.0, 80.0, 160.0]) {
        assert!(
            (expected * 0.8..=expected * 1.2 + 1.1).contains(gap),
            "{gaps:?}"
        );
    }
    assert_eq!(starts.len(), 6);
    house.assert_all_accounted_for();
}

fn unwell(wait: u64) -> Act {
    let unwell = Report {
        exchange: Exchange {
            status: Some(503),
            hold: Some(Hold::Resource {
                wait: Duration::from_secs(wait),
            }),
            ..Exchange::default()
        },
        ..report(Verdict::Problem(Reason::ServerError))
    };
    Act::Answer(Duration::from_millis(50), Box::new(unwell))
}

#[tokio::test(start_paused = true)]
async fn an_unwell_service_holds_back_only_that_resource() {
    let house = House::new(&configuration(sites(1, 2)));
    house.script(|resource| {
        if resource.name.ends_with("-0") {
            unwell(150)
        } else {
            Act::success()
        }
    });
    pass(600.0).await;
    let held = house.ticks("contoso0-site-0");
    assert!((4..=6).contains(&held.reported), "{held:?}");
    assert_eq!(held.skipped, house.skipped(SkipCause::Gate));
    assert_eq!(house.ticks("contoso0-site-1").skipped, 0);
    assert!(house.state.closed_gates().is_empty());
    house.assert_all_accounted_for();
}

/// The first server error holds nothing back and the next tick confirms it;
/// then the wait is kept, three intervals or ten minutes at most, and all the
/// while it shows that the resource is down.
#[tokio::test(start_paused = true)]
async fn an_unwell_service_is_confirmed_and_its_wait_hides_nothing() {
    for (interval, asked, kept) in [
        (60, 3_600, 600),
        (60, 90, 90),
        (60, 1, 0),
        (1, 3_600, 600),
        (300, 3_600, 900),
        (900, 3_600, 2_700),
    ] {
        let mut resource = site(&account("contoso"), "a");
        resource.interval = Duration::from_secs(interval);
        resource.timeout = Duration::from_millis(500);
        let house = House::new(&configuration(vec![resource]));
        house.script(move |_| unwell(asked));
        let starts = || house.starts().get("a" as &str).cloned().unwrap_or_default();
        while house.ticks("a").reported < 2 {
            pass(0.25).await;
        }
        let slot = house.state.slot("a").unwrap();
        while starts().len() < 4 {
            let now = house.clock.moment();
            let interval = slot.resource().interval;
            slot.read(|record| {
                let (conclusive, failures) = record.fresh_conclusive(interval, now).unwrap();
                assert!(!conclusive.up && failures >= 2, "{asked}");
                let status = record
                    .fresh_last(interval, now)
                    .and_then(|last| last.status);
                assert_eq!(status, Some(503), "{asked}");
                let problem = record.problem(interval, now, false);
                assert_eq!(problem, Some(Reason::ServerError), "{asked}");
            });
            pass(0.5).await;
        }
        let starts = starts();
        let gaps: Vec<f64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps[0] <= interval as f64 * 1.6, "not confirmed: {gaps:?}");
        for gap in &gaps[1..3] {
            let expected = f64::from(kept)..=f64::from(kept) + interval as f64 + 0.1;
            assert!(expected.contains(gap), "{asked} s asked: {gaps:?}");
        }
        house.assert_all_accounted_for();
    }
}

/// What lies between two server errors makes the second a first one again.
#[tokio::test(start_paused = true)]
async fn only_server_errors_in_a_row_are_waited_out() {
    let mut resource = site(&account("contoso"), "a");
    resource.interval = Duration::from_secs(10);
    resource.timeout = Duration::from_secs(1);
    let house = House::new(&configuration(vec![resource]));
    let number = std::sync::atomic::AtomicU32::new(0);
    house.script(move |_| {
        if number.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            unwell(3_600)
        } else {
            Act::success()
        }
    });
    pass(300.0).await;
    assert_eq!(house.skipped(SkipCause::Gate), 0);
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn little_left_of_the_limit_leaves_out_every_second_tick() {
    let house = House::new(&configuration(sites(1, 200)));
    house.script(|_| {
        let little_left = Report {
            exchange: Exchange {
                server: ServerHints {
                    rate_limit: Some(RateLimit {
                        limit: 1_200,
                        remaining: 120,
                        reset: Duration::from_secs(60),
                    }),
                    ..ServerHints::default()
                },
                ..Exchange::default()
            },
            ..report(Verdict::Success)
        };
        Act::Answer(Duration::from_millis(50), Box::new(little_left))
    });
    pass(1_230.0).await;
    let starts = house.starts();
    for (name, times) in &starts {
        for pair in times[2..].windows(2) {
            assert!(
                (pair[1] - pair[0] - 120.0).abs() < 0.01,
                "{name}: {times:?}"
            );
        }
        let ticks = house.ticks(name);
        assert!(ticks.skipped.abs_diff(ticks.reported) <= 3, "{ticks:?}");
    }
    // Half of them in one minute, half in the next.
    let densest = densest(&starts, 60.0, 240.0, 1_230.0);
    assert!(densest <= 125, "{densest}");
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn outlook_gets_four_at_once_per_mailbox() {
    let account = account("contoso");
    let mailboxes = (0..12).map(|n| {
        let mut mailbox = site(&account, &format!("mailbox-{n}"));
        mailbox.kind = fixtures::mailbox_of(Some(if n < 10 {
            "steve@contoso.com"
        } else {
            "anna@contoso.com"
        }));
        mailbox.mode = m365mon::kinds::Mode::OnProbe;
        mailbox
    });
    let house = House::new(&configuration(mailboxes.collect()));
    house.script(|_| match Act::success() {
        Act::Answer(_, report) => Act::Answer(Duration::from_secs(2), report),
        other => other,
    });
    let demand = ProbeDemand {
        budget: Duration::from_secs(30),
        min_age: None,
    };
    let slots = house.state.slots();
    let asked = slots.iter().map(|slot| house.scheduler.probe(slot, demand));
    for answer in futures_util::future::join_all(asked).await {
        assert!(matches!(answer, DemandResult::Probed(_)), "{answer:?}");
    }
    let waves = |user: &str| {
        let starts = house.prober.starts.lock();
        let of_user = fixtures::mailbox_of(Some(user));
        let mut waves: Vec<u64> = starts
            .iter()
            .filter(|(_, resource)| resource.kind == of_user)
            .map(|(at, _)| (*at - house.began).as_secs())
            .collect();
        waves.sort_unstable();
        waves
    };
    assert_eq!(waves("steve@contoso.com"), [0, 0, 0, 0, 2, 2, 2, 2, 4, 4]);
    assert_eq!(waves("anna@contoso.com"), [0, 0]);
    assert_eq!(house.prober.most_running.load(Ordering::SeqCst), 6);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_turn_does_not_pass_a_gate_that_closed_meanwhile() {
    let mut resources = sites(1, 5);
    for resource in &mut resources {
        resource.mode = m365mon::kinds::Mode::OnProbe;
    }
    let mut configuration = configuration(resources);
    configuration.limits.per_account = 1;
    let house = House::new(&configuration);
    house.script(|_| throttled(Some(60)));
    let demand = ProbeDemand {
        budget: Duration::from_secs(30),
        min_age: None,
    };
    let slots: Arc<[_]> = house.state.slots();
    let asked = slots.iter().map(|slot| house.scheduler.probe(slot, demand));
    let answers = futures_util::future::join_all(asked).await;
    let held = answers
        .iter()
        .filter(|answer| matches!(answer, DemandResult::Held { .. }))
        .count();
    assert_eq!(held, 4, "{answers:?}");
    assert_eq!(house.skipped(SkipCause::Gate), 4);
    house.assert_all_accounted_for();
}
