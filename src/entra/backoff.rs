//! How long to hold token requests back after one that failed.

use std::time::Duration;

use tokio::time::Instant;

use super::access_token::after;
use crate::model::{Clock, Moment, Random, Timestamp, TokenProblem};

/// What only a human can mend is asked again no more often than this.
pub(super) const HUMAN: Duration = Duration::from_secs(15 * 60);
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(60);

/// No request is sent until it is over; everybody who asks gets the problem.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    since: Moment,
    wait: Duration,
    /// Ends at once when a file, the store or the configuration changes.
    pub(super) mendable: bool,
    /// What is told to those who ask.
    pub(super) problem: TokenProblem,
}

impl Backoff {
    pub(super) const fn new(
        since: Moment,
        wait: Duration,
        mendable: bool,
        problem: TokenProblem,
    ) -> Self {
        Self {
            since,
            wait,
            mendable,
            problem,
        }
    }

    /// A wait that Entra asked for is not cut short by a civil clock that is set
    /// forward. What a person mends is looked at again after a sleep of the
    /// machine, which only the civil clock shows.
    pub(super) fn is_over(&self, clock: &Clock) -> bool {
        let passed = match self.mendable {
            true => self.since.age(clock),
            false => self.since.monotonic.elapsed(),
        };
        passed >= self.wait
    }

    /// True if it ends later than `other`, by the clock that holds are kept by.
    pub(super) fn ends_after(&self, other: &Self) -> bool {
        self.since.monotonic + self.wait > other.since.monotonic + other.wait
    }

    /// True if it began before `moment`.
    pub(super) fn is_older_than(&self, moment: Instant) -> bool {
        self.since.monotonic < moment
    }

    /// Civil time of its end.
    pub(super) fn until(&self) -> Timestamp {
        after(self.since.civil, self.wait)
    }
}

/// The wait after the `failures`-th transient failure in a row (1 is the
/// first): 1 s doubled up to 60 s, a fifth more or less by chance. A wait
/// that was asked for is kept, and up to a tenth more, where it is the longer
/// one: a server that always says one second does not stop the doubling.
pub(super) fn transient_wait(
    failures: u32,
    asked: Option<Duration>,
    random: &dyn Random,
) -> Duration {
    let own = FIRST
        .saturating_mul(
            1_u32
                .checked_shl(failures.saturating_sub(1).min(16))
                .unwrap_or(1),
        )
        .min(MOST);
    let own = random.jitter(own, 0.2);
    let asked = asked.unwrap_or_default();
    own.max(asked.mul_f64(1.0 + random.fraction() / 10.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Chance(u8);
    impl Random for Chance {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn grows_to_a_minute() {
        let seconds: Vec<u64> = (1..9)
            .map(|n| transient_wait(n, None, &Chance(0x80)).as_secs_f64().round() as u64)
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_forward_ends_no_wait() {
        let jumped = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = jumped.clone();
        let clock = Clock::from_fn(move || {
            let hours = i64::from(seen.load(std::sync::atomic::Ordering::Relaxed)) * 24;
            Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(hours)
        });
        let problem = TokenProblem {
            reason: crate::model::AccountReason::Throttled,
            code: None,
            detail: "asked to wait".into(),
        };
        let wait = Duration::from_secs(600);
        let [asked, human] =
            [false, true].map(|mends| Backoff::new(clock.moment(), wait, mends, problem.clone()));
        jumped.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(!asked.is_over(&clock));
        assert!(human.is_over(&clock));
        tokio::time::advance(wait).await;
        assert!(asked.is_over(&clock));
    }

    proptest! {
        #[test]
        fn stays_in_its_bounds(failures: u32, chance: u8) {
            let wait = transient_wait(failures, None, &Chance(chance));
            prop_assert!(wait >= Duration::from_millis(800));
            prop_assert!(wait <= Duration::from_secs(72));
        }

        #[test]
        fn what_was_asked_is_kept(failures: u32, chance: u8, asked in 1_u64..3600) {
            let asked = Duration::from_secs(asked);
            prop_assert!(transient_wait(failures, Some(asked), &Chance(chance)) >= asked);
        }

        #[test]
        fn a_short_wait_does_not_stop_the_doubling(failures in 1_u32..40, chance: u8, asked in 0_u64..2) {
            let wait = transient_wait(failures, Some(Duration::from_secs(asked)), &Chance(chance));
            prop_assert!(wait >= transient_wait(failures, None, &Chance(chance)));
        }
    }
}
