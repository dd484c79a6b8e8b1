//! Waits that Entra put on an application: kept by all accounts of one
//! registration, whichever of them was told.

use std::collections::HashMap;

use tokio::time::Instant;

use super::backoff::Backoff;
use crate::model::{Clock, GateKey, TokenProblem};

/// The holds that are known of. Accounts of one registration ask at the same
/// time, so that an answer may tell of less than is known by then: no request
/// that was under way when a hold began shortens or ends it.
#[derive(Debug, Default)]
pub(super) struct SharedHolds(HashMap<GateKey, Backoff>);

impl SharedHolds {
    /// A request was refused. Of two holds the one that ends later stays.
    pub(super) fn refused(&mut self, key: GateKey, hold: Backoff) {
        match self.0.get(&key) {
            Some(known) if known.ends_after(&hold) => {}
            _ => {
                self.0.insert(key, hold);
            }
        }
    }

    /// A request that began at `began` was granted.
    pub(super) fn granted(&mut self, key: &GateKey, began: Instant) {
        if self
            .0
            .get(key)
            .is_some_and(|hold| hold.is_older_than(began))
        {
            self.0.remove(key);
        }
    }

    /// Why no request may be sent now, if so. Forgets what is over.
    pub(super) fn problem(&mut self, key: &GateKey, clock: &Clock) -> Option<TokenProblem> {
        self.0.retain(|_, hold| !hold.is_over(clock));
        self.0.get(key).map(|hold| hold.problem.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{AccountReason, Service, Timestamp};

    enum Told {
        /// 429 with so many seconds.
        Refused(u64),
        Granted,
    }
    use Told::{Granted, Refused};

    fn key() -> GateKey {
        GateKey {
            cloud: "https://login.microsoftonline.com".into(),
            tenant: "contoso.com".into(),
            client_id: "app".into(),
            service: Service::Entra,
            subject: None,
        }
    }

    /// Answers as (second the request began, second it was answered, what it
    /// was told); how long the hold lasts, in seconds from the beginning.
    async fn held_until(answers: &[(u64, u64, Told)]) -> u64 {
        let clock = Clock::from_fn(|| Timestamp::UNIX_EPOCH);
        let mut holds = SharedHolds::default();
        let zero = Instant::now();
        for (began, ended, told) in answers {
            let second = Duration::from_secs(1);
            tokio::time::sleep_until(zero + second * u32::try_from(*ended).unwrap()).await;
            match told {
                Granted => holds.granted(&key(), zero + Duration::from_secs(*began)),
                Refused(wait) => {
                    let problem = TokenProblem {
                        reason: AccountReason::Throttled,
                        code: None,
                        detail: "asked to wait".into(),
                    };
                    let wait = Duration::from_secs(*wait);
                    let hold = Backoff::new(clock.moment(), wait, false, problem);
                    holds.refused(key(), hold);
                }
            }
        }
        while holds.problem(&key(), &clock).is_some() {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        zero.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_under_way_neither_shortens_nor_ends_a_hold() {
        for (what, answers, until) in [
            ("refused", vec![(1, 2, Refused(100))], 102),
            (
                "a shorter wait",
                vec![(1, 2, Refused(100)), (1, 3, Refused(1))],
                102,
            ),
            (
                "a longer wait",
                vec![(1, 2, Refused(1)), (1, 3, Refused(100))],
                103,
            ),
            (
                "granted, asked before",
                vec![(1, 2, Refused(100)), (1, 3, Granted)],
                102,
            ),
            (
                "granted, asked in the same moment",
                vec![(1, 2, Refused(100)), (2, 3, Granted)],
                102,
            ),
            (
                "granted, asked after",
                vec![(1, 2, Refused(100)), (3, 4, Granted)],
                4,
            ),
        ] {
            assert_eq!(held_until(&answers).await, until, "{what}");
        }
    }
}
