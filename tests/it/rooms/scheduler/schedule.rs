//! Phases, spreading, limits, overlap, clocks that jump.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use m365mon::kinds::Resource;
use m365mon::model::{Limits, Reason, Verdict};
use m365mon::state::SkipCause;

use crate::support::fixtures;

use super::house::{Act, House, account, configuration, densest, pass, site, sites};

#[tokio::test(start_paused = true)]
async fn ten_thousand_resources_spread_evenly_and_start_on_time() {
    let house = House::new(&configuration(sites(10, 1_000)));
    pass(240.0).await;
    let starts = house.starts();
    assert_eq!(starts.len(), 10_000);
    for (name, times) in &starts {
        assert!(times[0] < 30.001, "{name}: {times:?}");
        let first_gap = times[1] - times[0];
        assert!((29.99..=90.01).contains(&first_gap), "{name}: {times:?}");
        for pair in times[1..].windows(2) {
            assert!(
                (pair[1] - pair[0] - 60.0).abs() < 0.005,
                "{name}: {times:?}"
            );
        }
    }
    // Once everybody has its phase, and also while they settle.
    let share = 10_000.0 * 5.0 / 60.0;
    let settled = densest(&starts, 5.0, 120.0, 240.0);
    assert!((settled as f64) < 1.5 * share, "{settled} of {share}");
    let settling = densest(&starts, 5.0, 0.0, 120.0);
    assert!((settling as f64) < 1.5 * 2.0 * share, "{settling}");
    let process = house.state.process().snapshot();
    assert_eq!(process.skipped, [0; 5]);
    // All in the first bucket: 10 ms.
    let delays = process.start_delay;
    assert_eq!(delays.counts().iter().sum::<u64>(), delays.counts()[0]);
    house.assert_all_accounted_for();
}

/// A process that dies 40 seconds after each start sends no mail but at its time.
#[tokio::test(start_paused = true)]
async fn what_writes_waits_for_its_phase_in_a_crash_loop() {
    let kinds = m365mon::kinds::ALL
        .iter()
        .filter(|info| info.background_only());
    let resources: Vec<Resource> = kinds.map(|info| fixtures::example(info)).collect();
    assert!(resources.len() >= 5, "{}", resources.len());
    let configuration = configuration(resources);
    let mut times = std::collections::BTreeMap::<String, Vec<f64>>::new();
    for start in 0..200_i64 {
        let began = super::house::START + 40 * start;
        let house = House::at(began, &configuration);
        pass(39.0).await;
        for (name, starts) in house.starts() {
            let civil = starts.iter().map(|at| at + began as f64);
            times.entry(name.to_string()).or_default().extend(civil);
        }
        house.scheduler.shutdown(Duration::ZERO).await;
    }
    for resource in &configuration.resources {
        let interval = resource.interval.as_secs_f64();
        let starts = times.remove(&*resource.name).unwrap_or_default();
        let most = 200.0 * 40.0 / interval + 1.0;
        assert!(starts.len() as f64 <= most, "{}: {starts:?}", resource.name);
        for pair in starts.windows(2) {
            let apart = (pair[1] - pair[0]) / interval;
            assert!(
                (apart - apart.round()).abs() < 0.001,
                "{}: {starts:?}",
                resource.name
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_finds_the_same_phases() {
    let configuration = configuration(sites(2, 20));
    let mut phases = Vec::new();
    for start in [1_764_028_817, 1_764_099_999, 1_900_000_001] {
        let house = House::at(start, &configuration);
        pass(200.0).await;
        let starts = house.starts();
        let phase = |times: &Vec<f64>| {
            let civil = times.last().unwrap() + (start % 60) as f64;
            // To the nearest 10 ms: timers have a grain of 1 ms.
            ((civil % 60.0) * 100.0).round() as i64 % 6_000
        };
        phases.push(starts.values().map(phase).collect::<Vec<_>>());
        house.scheduler.shutdown(Duration::ZERO).await;
    }
    for later in &phases[1..] {
        for (one, other) in phases[0].iter().zip(later) {
            let distance = (one - other).rem_euclid(6_000);
            assert!(distance.min(6_000 - distance) <= 1, "{one} {other}");
        }
    }
}

fn hang_account(name: &str) -> impl Fn(&Resource) -> Act + Send + Sync + use<> {
    let name: Arc<str> = name.into();
    move |resource| {
        if resource.account.name == name {
            Act::Hang
        } else {
            Act::success()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_account_delays_nobody_else() {
    // Also where the limit of one account would let it fill the process.
    for probes_in_flight in [512, 64] {
        let mut configuration = configuration(sites(10, 100));
        configuration.limits = Limits {
            probes_in_flight,
            per_account: 64,
            on_scrape: 50,
        };
        let run = async |hang: bool| {
            let house = House::new(&configuration);
            if hang {
                house.script(hang_account("contoso3"));
            }
            pass(400.0).await;
            house.assert_all_accounted_for();
            let hanging = |name: &str| name.starts_with("contoso3-");
            for slot in house.state.slots().iter() {
                let name = &slot.resource().name;
                if !hanging(name) {
                    assert_eq!(house.ticks(name).skipped, 0, "{name}");
                }
            }
            let mut starts = house.starts();
            starts.retain(|name, _| !hanging(name));
            house.scheduler.shutdown(Duration::ZERO).await;
            (starts, house)
        };
        let (alone, _) = run(false).await;
        let (beside, house) = run(true).await;
        assert_eq!(alone.len(), 900);
        for (name, times) in &alone {
            for (one, other) in times.iter().zip(&beside[name]) {
                assert!((one - other).abs() < 0.01, "{name}: {one} {other}");
            }
        }
        // Those that hang were all tried, fairly, and cut off before the next.
        for slot in house.state.slots().iter() {
            let name = &slot.resource().name;
            if name.starts_with("contoso3-") {
                assert!(house.recorded(name) >= 1, "{name} never had its turn");
                let last = slot.read(m365mon::state::Record::last).unwrap();
                assert_eq!(last.verdict, Verdict::Problem(Reason::Internal));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_too_slow_for_its_number_misses_ticks_but_nobody_starves() {
    let mut configuration = configuration(sites(1, 100));
    configuration.limits.per_account = 4;
    let house = House::new(&configuration);
    house.script(|_| match Act::success() {
        Act::Answer(_, report) => Act::Answer(Duration::from_secs(10), report),
        other => other,
    });
    pass(1_800.0).await;
    house.assert_all_accounted_for();
    assert_eq!(house.prober.most_running.load(Ordering::SeqCst), 4);
    assert!(house.skipped(SkipCause::Missed) > 1_000);
    assert_eq!(house.skipped(SkipCause::Overlap), 0);
    for slot in house.state.slots().iter() {
        let name = &slot.resource().name;
        // 720 turns for 100 resources.
        assert!((5..=10).contains(&house.recorded(name)), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_process_limit_holds() {
    let mut configuration = configuration(sites(10, 50));
    configuration.limits.probes_in_flight = 7;
    let house = House::new(&configuration);
    house.script(|_| match Act::success() {
        Act::Answer(_, report) => Act::Answer(Duration::from_secs(3), report),
        other => other,
    });
    pass(300.0).await;
    assert_eq!(house.prober.most_running.load(Ordering::SeqCst), 7);
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_runs_into_the_next_tick_makes_it_an_overlap() {
    let mut resource = site(&account("contoso"), "slow");
    resource.interval = Duration::from_secs(10);
    resource.timeout = Duration::from_millis(9_990);
    let house = House::new(&configuration(vec![resource]));
    house.script(|_| Act::Hang);
    pass(100.0).await;
    let ticks = house.ticks("slow");
    assert!(house.skipped(SkipCause::Overlap) >= 4, "{ticks:?}");
    assert!(ticks.reported >= 4, "{ticks:?}");
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_never_ends_ends_before_the_next_tick() {
    let mut resource = site(&account("contoso"), "hung");
    resource.interval = Duration::from_secs(20);
    let house = House::new(&configuration(vec![resource]));
    house.script(|_| Act::Hang);
    pass(300.0).await;
    let ticks = house.ticks("hung");
    assert_eq!(ticks.skipped, 0, "{ticks:?}");
    assert!(ticks.reported >= 13, "{ticks:?}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_our_own_fault() {
    let house = House::new(&configuration(vec![site(&account("contoso"), "a")]));
    house.script(|_| Act::Panic);
    pass(200.0).await;
    let slot = house.state.slot("a").unwrap();
    let last = slot.read(m365mon::state::Record::last).unwrap();
    assert_eq!(last.verdict, Verdict::Problem(Reason::Internal));
    assert!(house.recorded("a") >= 2);
    assert!(house.scheduler.healthy());
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_forward_or_a_sleep_bursts_nothing_and_misses_nothing() {
    let house = House::new(&configuration(sites(1, 1_200)));
    pass(150.0).await;
    let before = house.starts();
    house.set_by.store(86_400 + 17, Ordering::SeqCst);
    pass(150.0).await;
    let after = house.starts();
    // 20 a second: the load stays what it was.
    let densest = densest(&after, 5.0, 150.0, 300.0);
    assert!(densest < 150, "{densest}");
    assert_eq!(house.skipped(SkipCause::Missed), 0, "a day that was not");
    for (name, times) in &after {
        let next = times[before[name].len()];
        assert!(next <= 150.0 + 61.1, "{name}: {times:?}");
        // On its phase by the new clock.
        let civil = |at: f64| at + if at > 150.0 { 17.0 } else { 0.0 };
        let gap = (civil(next) - civil(before[name][before[name].len() - 1])) % 60.0;
        assert!(gap.min(60.0 - gap) < 0.01, "{name}: {times:?}");
    }
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_neither_stops_nor_doubles() {
    let house = House::new(&configuration(sites(1, 300)));
    pass(150.0).await;
    house.set_by.store(-86_400 - 23, Ordering::SeqCst);
    pass(150.0).await;
    assert_eq!(house.skipped(SkipCause::Missed), 0);
    for (name, times) in house.starts() {
        for pair in times.windows(2) {
            let gap = pair[1] - pair[0];
            assert!((29.99..=90.01).contains(&gap), "{name}: {times:?}");
        }
    }
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn a_standstill_is_not_caught_up_on() {
    let house = House::new(&configuration(sites(1, 600)));
    pass(150.0).await;
    let before = house.prober.starts.lock().len();
    // All at once, as after a stop signal: nobody gets to run meanwhile.
    tokio::time::advance(Duration::from_secs(300)).await;
    pass(1.0).await;
    let burst = house.prober.starts.lock().len() - before;
    // Those of the last second, and of the one that passed since.
    assert!(burst <= 45, "{burst}");
    let missed = house.skipped(SkipCause::Missed);
    assert!((600 * 5 - 45..=600 * 5).contains(&missed), "{missed}");
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_right_after_the_start_changes_nothing_about_it() {
    let house = House::at(0, &configuration(sites(1, 100)));
    pass(3.0).await;
    house.set_by.store(super::house::START, Ordering::SeqCst);
    pass(30.0).await;
    let starts = house.starts();
    assert_eq!(starts.len(), 100);
    for (name, times) in &starts {
        assert!(times[0] < 30.001, "{name}: {times:?}");
    }
    pass(150.0).await;
    assert_eq!(house.starts().values().map(Vec::len).min(), Some(3));
    // The few that had been probed before; the bound is what a day has.
    let missed = house.skipped(SkipCause::Missed);
    assert!(missed <= 20 * 1_440, "{missed}");
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn shards_share_the_work_and_each_answers_for_all() {
    let mut resources = sites(2, 50);
    for resource in &mut resources[80..] {
        resource.mode = m365mon::kinds::Mode::OnScrape;
    }
    let configuration = configuration(resources);
    let mut probed = std::collections::BTreeMap::<Arc<str>, usize>::new();
    for index in 1..=3 {
        let shard = m365mon::scheduler::Shard::new(index, 3).unwrap();
        let house = House::shard(super::house::START, &configuration, shard);
        pass(31.0).await;
        house.scheduler.scrape(Duration::from_secs(5)).await;
        let starts = house.starts();
        assert!((15..=55).contains(&starts.len()), "{}", starts.len());
        for name in starts.into_keys() {
            *probed.entry(name).or_default() += 1;
        }
        for slot in house.state.slots().iter() {
            let demand = m365mon::scheduler::ProbeDemand {
                budget: Duration::from_secs(5),
                min_age: None,
            };
            let answer = house.scheduler.probe(slot, demand).await;
            assert!(answer.report().is_some(), "{answer:?}");
        }
        house.scheduler.shutdown(Duration::ZERO).await;
    }
    assert_eq!(probed.len(), 100);
    assert!(probed.values().all(|&count| count == 1), "{probed:?}");
}
