//! What each account is asked once a day.

use std::sync::atomic::Ordering;

use m365mon::model::{Reason, Verdict};

use super::gates::throttled;
use super::house::{House, configuration, pass, sites};

const HOUR: f64 = 3_600.0;

impl House {
    /// Seconds since the start at which somebody was asked, in order.
    fn asked(&self) -> Vec<f64> {
        let own = self.prober.own.lock();
        let since = |at: &tokio::time::Instant| at.duration_since(self.began).as_secs_f64();
        own.iter().map(|(at, _)| since(at)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn soon_after_the_start_and_then_every_day() {
    let house = House::new(&configuration(sites(2, 3)));
    pass(30.0).await;
    assert_eq!(
        house.asked().len(),
        2,
        "each account once: {:?}",
        house.asked()
    );
    house.reload(&configuration(sites(2, 4)));
    pass(21.0 * HOUR).await;
    assert_eq!(house.asked().len(), 2, "a reload asks nobody again");
    pass(6.0 * HOUR).await;
    assert_eq!(house.asked().len(), 4, "{:?}", house.asked());
}

#[tokio::test(start_paused = true)]
async fn after_a_change_of_the_credential() {
    let house = House::new(&configuration(sites(1, 1)));
    pass(60.0).await;
    house.prober.own_changed.store(true, Ordering::SeqCst);
    pass(20.0).await;
    assert_eq!(house.asked().len(), 2, "{:?}", house.asked());
    pass(HOUR).await;
    assert_eq!(house.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_came_to_nothing_is_tried_again_and_not_at_once() {
    let house = House::new(&configuration(sites(1, 1)));
    *house.prober.own_verdict.lock() = Verdict::Problem(Reason::Token);
    house.prober.own_changed.store(true, Ordering::SeqCst);
    pass(HOUR).await;
    let asked = house.asked();
    assert!((4..=6).contains(&asked.len()), "{asked:?}");
    *house.prober.own_verdict.lock() = Verdict::Success;
    pass(HOUR).await;
    assert_eq!(house.asked().len(), asked.len() + 1);
}

#[tokio::test(start_paused = true)]
async fn throttled_it_waits_behind_a_gate_of_its_own() {
    let house = House::new(&configuration(sites(1, 1)));
    *house.prober.own_verdict.lock() = Verdict::Problem(Reason::Throttled);
    pass(120.0).await;
    assert_eq!(house.asked().len(), 1);
    let slot = house.state.slots().first().cloned().unwrap();
    let gates = house.state.closed_gates();
    assert!(gates.until(slot.gate_key()).is_none(), "sites go on");
    // And a closed gate of sites does not hold it back.
    house.script(|_| throttled(Some(3_600)));
    *house.prober.own_verdict.lock() = Verdict::Success;
    pass(0.5 * HOUR).await;
    assert_eq!(house.asked().len(), 2, "{:?}", house.asked());
}
