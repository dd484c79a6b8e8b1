//! Reload, shutdown, health, and the sums that must always come out.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use m365mon::kinds::Mode;
use m365mon::model::{Exchange, Hold, RateLimit, Reason, Report, ServerHints, Verdict};
use m365mon::scheduler::{DemandResult, ProbeDemand};
use m365mon::state::SkipCause;

use super::gates::throttled;
use super::house::{Act, Dice, House, account, configuration, pass, report, site, sites};

const WISH: ProbeDemand = ProbeDemand {
    budget: Duration::from_secs(30),
    min_age: None,
};

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_the_phase_of_what_it_does_not_change() {
    let mut resources = sites(2, 30);
    let house = House::new(&configuration(resources.clone()));
    pass(130.0).await;
    for round in 0..6 {
        // Something else changes every time.
        resources[0].timeout = Duration::from_secs(5 + round);
        resources.push(site(&account("contoso0"), &format!("new-{round}")));
        house.reload(&configuration(resources.clone()));
        pass(20.0).await;
    }
    let starts = house.starts();
    for (name, times) in &starts {
        let from = usize::from(!name.starts_with("new-"));
        for pair in times[from..].windows(2) {
            let gap = pair[1] - pair[0];
            let settling = name.starts_with("new-") && pair[0] == times[0];
            assert!(
                (gap - 60.0).abs() < 0.01 || settling && (29.9..90.1).contains(&gap),
                "{name}: {times:?}"
            );
        }
    }
    assert!(starts["new-0"][0] >= 130.0 && starts["new-0"][0] <= 160.0);
    assert_eq!(house.state.process().snapshot().skipped, [0; 5]);
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn another_interval_is_another_phase_but_not_a_double_probe() {
    let mut resource = site(&account("contoso"), "a");
    let house = House::new(&configuration(vec![resource.clone()]));
    pass(200.0).await;
    let last = *house.starts()["a" as &str].last().unwrap();
    resource.interval = Duration::from_secs(100);
    house.reload(&configuration(vec![resource]));
    pass(600.0).await;
    let starts = house.starts()["a" as &str].clone();
    let after: Vec<f64> = starts.into_iter().filter(|at| *at >= last).collect();
    assert!(after[1] - after[0] >= 49.99, "{after:?}");
    for pair in after[2..].windows(2) {
        assert!((pair[1] - pair[0] - 100.0).abs() < 0.01, "{after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_reload_removes_or_changes_leaves_no_report() {
    let account = account("contoso");
    let mut resources: Vec<_> = ["kept", "changed", "removed"]
        .into_iter()
        .map(|name| {
            let mut resource = site(&account, name);
            resource.mode = Mode::OnProbe;
            resource
        })
        .collect();
    let house = House::new(&configuration(resources.clone()));
    house.script(|_| Act::Answer(Duration::from_secs(5), Box::new(report(Verdict::Success))));
    let slots = house.state.slots();
    let asked = slots.iter().map(|slot| house.scheduler.probe(slot, WISH));
    let reload = async {
        pass(2.0).await;
        resources.pop();
        resources[1].timeout = Duration::from_secs(7);
        house.reload(&configuration(resources));
        house.assert_all_accounted_for();
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(asked), reload);
    assert!(matches!(answers[0], DemandResult::Probed(_)), "{answers:?}");
    assert!(matches!(answers[1], DemandResult::Gone), "{answers:?}");
    assert!(matches!(answers[2], DemandResult::Gone), "{answers:?}");
    pass(10.0).await;
    assert_eq!(house.recorded("kept"), 1);
    assert_eq!(house.recorded("changed"), 0);
    assert!(house.scheduler.ticks("removed").is_none());
    let gone = house.scheduler.probe(&slots[2], WISH).await;
    assert!(matches!(gone, DemandResult::Gone), "{gone:?}");
    assert_eq!(house.state.process().in_flight(), 0);
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn a_gate_outlives_a_reload() {
    let mut resources = sites(1, 3);
    let house = House::new(&configuration(resources.clone()));
    house.script(|_| throttled(Some(600)));
    pass(100.0).await;
    let started = house.prober.starts.lock().len();
    resources[0].timeout = Duration::from_secs(5);
    house.reload(&configuration(resources));
    pass(200.0).await;
    assert_eq!(house.prober.starts.lock().len(), started);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_a_while_and_leaves_no_report_of_what_it_cuts_off() {
    let mut resources = sites(1, 3);
    for resource in &mut resources {
        resource.mode = Mode::OnProbe;
    }
    let mut configuration = configuration(resources);
    configuration.limits.per_account = 2;
    let house = House::new(&configuration);
    house.script(|resource| {
        let seconds = if resource.name.ends_with("-0") { 2 } else { 30 };
        Act::Answer(
            Duration::from_secs(seconds),
            Box::new(report(Verdict::Success)),
        )
    });
    let slots = house.state.slots();
    let asked = slots.iter().map(|slot| house.scheduler.probe(slot, WISH));
    let stop = async {
        pass(1.0).await;
        assert!(house.scheduler.healthy());
        let before = tokio::time::Instant::now();
        house.scheduler.shutdown(Duration::from_secs(5)).await;
        assert!(before.elapsed() <= Duration::from_millis(5_010));
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(asked), stop);
    assert!(matches!(answers[0], DemandResult::Probed(_)), "{answers:?}");
    assert!(matches!(answers[1], DemandResult::Gone), "{answers:?}");
    assert!(matches!(answers[2], DemandResult::Gone), "{answers:?}");
    let recorded = slots
        .iter()
        .map(|slot| house.recorded(&slot.resource().name));
    assert_eq!(recorded.collect::<Vec<_>>(), [1, 0, 0]);
    house.assert_all_accounted_for();
    let late = house.scheduler.probe(&slots[0], WISH).await;
    assert!(matches!(late, DemandResult::Gone), "{late:?}");
    house.driver.await.unwrap();
    assert!(!house.scheduler.healthy());
}

#[tokio::test(start_paused = true)]
async fn a_dead_or_stuck_driver_is_not_healthy() {
    let house = House::new(&configuration(sites(1, 10)));
    pass(100.0).await;
    assert!(house.scheduler.healthy());
    house.driver.abort();
    pass(0.1).await;
    assert!(!house.scheduler.healthy());

    let house = House::new(&configuration(sites(1, 10)));
    pass(5.0).await;
    // Time goes by and the driver does not get to run.
    tokio::time::advance(Duration::from_secs(11)).await;
    assert!(!house.scheduler.healthy());
    pass(0.1).await;
    assert!(house.scheduler.healthy());
}

/// Anything at all may happen; every due tick has one end all the same.
#[tokio::test(start_paused = true)]
async fn the_sums_come_out_whatever_happens() {
    for seed in 0..16 {
        whatever_happens(seed).await;
    }
}

async fn whatever_happens(seed: u64) {
    let dice = Arc::new(Dice::new(seed));
    // What a reload takes away is not there to be summed up.
    let reloads = !seed.is_multiple_of(2);
    let mut resources = sites(3, 12);
    for resource in &mut resources {
        resource.interval = Duration::from_secs(2 + dice.below(40));
        resource.timeout = resource
            .interval
            .mul_f64(0.05 + dice.below(90) as f64 / 100.0);
        resource.min_age = resource.interval.mul_f64(0.9);
        resource.mode = [
            Mode::Background,
            Mode::Background,
            Mode::OnScrape,
            Mode::OnProbe,
        ][usize::try_from(dice.below(4)).unwrap()];
    }
    let all = resources.clone();
    let mut configuration = configuration(resources);
    configuration.limits.probes_in_flight = 2 + usize::try_from(dice.below(10)).unwrap();
    configuration.limits.per_account = 1 + usize::try_from(dice.below(5)).unwrap();
    let house = House::new(&configuration);
    let script_dice = dice.clone();
    house.script(move |_| {
        let after = Duration::from_millis(script_dice.below(6_000));
        let wait = Duration::from_secs(script_dice.below(60));
        let with = |status, verdict, hold, rate_limit| {
            let report = Report {
                exchange: Exchange {
                    status: Some(status),
                    hold,
                    server: ServerHints {
                        rate_limit,
                        ..ServerHints::default()
                    },
                    ..Exchange::default()
                },
                ..report(verdict)
            };
            Act::Answer(after, Box::new(report))
        };
        match script_dice.below(40) {
            0 => Act::Hang,
            1 => Act::Panic,
            2 => throttled(None),
            3 => throttled(Some(script_dice.below(60))),
            4 => with(
                503,
                Verdict::Problem(Reason::ServerError),
                Some(Hold::Resource { wait }),
                None,
            ),
            5 => with(
                200,
                Verdict::Success,
                None,
                Some(RateLimit {
                    limit: 100,
                    remaining: 5,
                    reset: wait,
                }),
            ),
            _ => with(200, Verdict::Success, None, None),
        }
    });
    let wished = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..400 {
        let pause = Duration::from_millis(dice.below(3_000));
        let slots = house.state.slots();
        let slot = slots[usize::try_from(dice.below(slots.len() as u64)).unwrap()].clone();
        let scheduler = house.scheduler.clone();
        let budget = Duration::from_millis(dice.below(8_000));
        match dice.below(30) {
            0 => {
                asking.spawn(async move { scheduler.scrape(budget).await });
            }
            1..=8 => {
                let min_age = (dice.below(2) == 0).then_some(Duration::ZERO);
                let demand = ProbeDemand { budget, min_age };
                let wished = wished.clone();
                let patience = Duration::from_millis(dice.below(10_000));
                asking.spawn(async move {
                    let answer = scheduler.probe(&slot, demand);
                    if tokio::time::timeout(patience, answer).await.is_ok() {
                        wished.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            9 => {
                asking.spawn(async move {
                    scheduler.debug(&slot, m365mon::model::Story::begin()).await;
                });
            }
            10 if reloads => {
                let mut some = all.clone();
                some.retain(|_| dice.below(10) > 0);
                for resource in &mut some {
                    if dice.below(10) == 0 {
                        resource.interval += Duration::from_secs(1);
                    }
                }
                configuration.resources = some.into_iter().map(Arc::new).collect();
                house.reload(&configuration);
            }
            11 => {
                let by = i64::try_from(dice.below(7_200)).unwrap() - 3_600;
                house.set_by.fetch_add(by, Ordering::SeqCst);
            }
            12 => tokio::time::advance(Duration::from_secs(dice.below(90))).await,
            _ => {}
        }
        tokio::time::sleep(pause).await;
        house.assert_all_accounted_for();
    }
    // Let everything end and compare with what the state shows.
    house.scheduler.shutdown(Duration::from_secs(600)).await;
    while asking.join_next().await.is_some() {}
    house.assert_all_accounted_for();
    let process = house.state.process().snapshot();
    assert_eq!(process.in_flight, 0);
    assert!(process.skipped.iter().sum::<u64>() > 0);
    let mut skipped = 0;
    for slot in house.state.slots().iter() {
        let ticks = house.ticks(&slot.resource().name);
        assert_eq!((ticks.running, ticks.waiting), (0, 0));
        skipped += ticks.skipped;
    }
    if !reloads {
        assert_eq!(process.skipped.iter().sum::<u64>(), skipped);
    }
    assert!(wished.load(Ordering::SeqCst) > 0);
    assert!(house.skipped(SkipCause::Gate) > 0);
}
