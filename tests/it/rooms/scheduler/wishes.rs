//! Probes that somebody asks for: single flight, reuse, budgets, stories.

use std::sync::Arc;
use std::time::Duration;

use m365mon::kinds::Mode;
use m365mon::model::{Reason, Story, Verdict};
use m365mon::scheduler::{DemandResult, ProbeDemand};
use m365mon::state::SkipCause;

use super::gates::throttled;
use super::house::{Act, House, account, configuration, pass, report, site, sites};

fn demand(budget: u64) -> ProbeDemand {
    ProbeDemand {
        budget: Duration::from_secs(budget),
        min_age: None,
    }
}

fn slow(seconds: u64) -> Act {
    Act::Answer(
        Duration::from_secs(seconds),
        Box::new(report(Verdict::Success)),
    )
}

fn one(mode: Mode) -> House {
    let mut resource = site(&account("contoso"), "a");
    resource.mode = mode;
    House::new(&configuration(vec![resource]))
}

#[tokio::test(start_paused = true)]
async fn all_who_ask_share_one_probe_and_young_reports_are_reused() {
    let house = one(Mode::OnProbe);
    house.script(|_| slow(2));
    let slot = house.state.slot("a").unwrap();
    let asked = (0..20).map(|_| house.scheduler.probe(&slot, demand(5)));
    let answers = futures_util::future::join_all(asked).await;
    let first = answers[0].report().unwrap().clone();
    for answer in &answers {
        let DemandResult::Probed(report) = answer else {
            panic!("{answer:?}");
        };
        assert!(Arc::ptr_eq(report, &first));
    }
    pass(53.0).await;
    let reused = house.scheduler.probe(&slot, demand(5)).await;
    assert!(matches!(reused, DemandResult::Reused(_)), "{reused:?}");
    let fresh = ProbeDemand {
        min_age: Some(Duration::ZERO),
        ..demand(5)
    };
    let probed = house.scheduler.probe(&slot, fresh).await;
    assert!(matches!(probed, DemandResult::Probed(_)), "{probed:?}");
    pass(54.1).await;
    let probed = house.scheduler.probe(&slot, demand(5)).await;
    assert!(matches!(probed, DemandResult::Probed(_)), "{probed:?}");
    assert_eq!(house.recorded("a"), 3);
    assert_eq!(house.ticks("a").due, 3);
    assert!(house.starts()["a" as &str].len() == 3);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_cancels_nothing() {
    let house = one(Mode::OnProbe);
    house.script(|_| slow(5));
    let slot = house.state.slot("a").unwrap();
    {
        let asked = house.scheduler.probe(&slot, demand(60));
        assert!(
            tokio::time::timeout(Duration::from_secs(1), asked)
                .await
                .is_err()
        );
    }
    let answer = house.scheduler.probe(&slot, demand(1)).await;
    assert!(matches!(answer, DemandResult::Budget), "{answer:?}");
    pass(4.0).await;
    assert_eq!(house.recorded("a"), 1);
    let ticks = house.ticks("a");
    assert_eq!((ticks.due, ticks.skipped, ticks.reported), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_never_got_its_turn_is_skipped_for_the_budget() {
    let mut resources = sites(1, 2);
    for resource in &mut resources {
        resource.mode = Mode::OnProbe;
    }
    let mut configuration = configuration(resources);
    configuration.limits.per_account = 1;
    let house = House::new(&configuration);
    house.script(|_| slow(8));
    let (first, second) = (
        house.state.slot("contoso0-site-0").unwrap(),
        house.state.slot("contoso0-site-1").unwrap(),
    );
    let (one, two, patient) = tokio::join!(
        house.scheduler.probe(&first, demand(3)),
        house.scheduler.probe(&second, demand(3)),
        async {
            pass(1.0).await;
            house.scheduler.probe(&second, demand(4)).await
        },
    );
    assert!(matches!(one, DemandResult::Budget), "{one:?}");
    assert!(matches!(two, DemandResult::Budget), "{two:?}");
    assert!(matches!(patient, DemandResult::Budget), "{patient:?}");
    pass(0.1).await;
    assert_eq!(house.skipped(SkipCause::Budget), 1);
    let ticks = house.ticks("contoso0-site-1");
    assert_eq!((ticks.due, ticks.skipped), (1, 1));
    // The first one went on to its end.
    pass(5.0).await;
    assert_eq!(house.recorded("contoso0-site-0"), 1);
    assert_eq!(house.recorded("contoso0-site-1"), 0);
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn a_scrape_probes_all_at_once_and_two_scrapers_cost_one_probe() {
    let mut resources = sites(2, 20);
    for resource in &mut resources {
        resource.mode = Mode::OnScrape;
    }
    resources.push(site(&account("contoso9"), "background"));
    let house = House::new(&configuration(resources));
    house.script(|_| slow(1));
    let budget = Duration::from_millis(9_500);
    for _ in 0..5 {
        let before = tokio::time::Instant::now();
        tokio::join!(
            house.scheduler.scrape(budget),
            house.scheduler.scrape(budget)
        );
        assert!(before.elapsed() <= Duration::from_millis(1_010));
        pass(5.0).await;
        house.scheduler.scrape(budget).await;
        pass(55.0).await;
    }
    for slot in house.state.slots().iter().take(40) {
        assert_eq!(house.recorded(&slot.resource().name), 5);
    }
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn a_scrape_is_over_with_its_budget_and_what_runs_is_recorded_later() {
    let house = one(Mode::OnScrape);
    house.script(|_| slow(5));
    let before = tokio::time::Instant::now();
    house.scheduler.scrape(Duration::from_secs(2)).await;
    assert!(before.elapsed() <= Duration::from_millis(2_010));
    assert_eq!(house.recorded("a"), 0);
    pass(3.1).await;
    assert_eq!(house.recorded("a"), 1);
    assert_eq!(house.skipped(SkipCause::Budget), 0);
}

#[tokio::test(start_paused = true)]
async fn a_background_resource_can_be_asked_for_and_stays_accounted_for() {
    let house = one(Mode::Background);
    house.script(|_| slow(2));
    pass(100.0).await;
    let slot = house.state.slot("a").unwrap();
    for _ in 0..40 {
        house.scheduler.probe(&slot, demand(9)).await;
        pass(7.0).await;
    }
    let ticks = house.ticks("a");
    // Reports younger than 54 s were taken as they are.
    assert!(ticks.reported <= 3 + 2 * 6, "{ticks:?}");
    assert_eq!(house.recorded("a"), ticks.reported);
    house.assert_all_accounted_for();
}

#[tokio::test(start_paused = true)]
async fn a_wish_is_held_by_a_closed_gate_but_a_story_is_told() {
    let house = one(Mode::OnProbe);
    house.script(|_| throttled(Some(600)));
    let slot = house.state.slot("a").unwrap();
    let fresh = ProbeDemand {
        min_age: Some(Duration::ZERO),
        ..demand(5)
    };
    assert!(house.scheduler.probe(&slot, fresh).await.report().is_some());
    let held = house.scheduler.probe(&slot, fresh).await;
    let DemandResult::Held { until } = held else {
        panic!("{held:?}");
    };
    assert!(until > house.clock.now());
    house.script(|_| slow(1));
    let (ticks, recorded) = (house.ticks("a"), house.recorded("a"));
    let story = Story::begin();
    let report = house.scheduler.debug(&slot, story.clone()).await;
    assert!(report.is_none(), "{report:?}");
    let lines = story.lines().join("\n");
    assert!(
        lines.contains("gate is closed for another 600 s"),
        "{lines}"
    );
    assert!(lines.contains("not probed"), "{lines}");
    assert_eq!(house.ticks("a"), ticks, "it counts nowhere");
    assert_eq!(house.recorded("a"), recorded);
    assert_eq!(house.skipped(SkipCause::Gate), 1);
    assert!(house.state.closed_gates().until(slot.gate_key()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_a_story_meets_is_honoured_too() {
    let house = one(Mode::OnProbe);
    house.script(|_| throttled(Some(60)));
    let slot = house.state.slot("a").unwrap();
    let report = house.scheduler.debug(&slot, Story::untold()).await.unwrap();
    assert_eq!(report.verdict, Verdict::Problem(Reason::Throttled));
    let held = house.scheduler.probe(&slot, demand(5)).await;
    assert!(matches!(held, DemandResult::Held { .. }), "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn a_story_survives_a_panic_and_a_hang() {
    let house = one(Mode::OnProbe);
    let slot = house.state.slot("a").unwrap();
    house.script(|_| Act::Panic);
    let report = house.scheduler.debug(&slot, Story::untold()).await.unwrap();
    assert_eq!(report.verdict, Verdict::Problem(Reason::Internal));
    house.script(|_| Act::Hang);
    let report = house.scheduler.debug(&slot, Story::untold()).await.unwrap();
    assert_eq!(report.verdict, Verdict::Problem(Reason::Internal));
}
