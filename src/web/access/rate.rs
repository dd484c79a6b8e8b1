//! How many requests are answered: a bucket of tokens, one comes back every
//! so often.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::config::web::RequestRate;

/// The bucket, for all clients together.
pub(super) struct Bucket {
    limit: RequestRate,
    /// When it will be full again.
    full: Mutex<Instant>,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(limit: RequestRate) -> Self {
        Self {
            limit,
            full: Mutex::new(Instant::now()),
        }
    }

    /// Begins as empty as another one is.
    pub(super) fn continue_from(&mut self, other: &Self) {
        *self.full.get_mut() = *other.full.lock();
    }

    pub(super) fn limit(&self) -> RequestRate {
        self.limit
    }

    /// Takes a token, or says when the next one comes.
    pub(super) fn take(&self) -> Result<(), Duration> {
        let now = Instant::now();
        let mut full = self.full.lock();
        let after = (*full).max(now) + self.limit.interval;
        // With a token taken, the bucket is full after at most all its tokens.
        let most = self.limit.interval.saturating_mul(self.limit.burst);
        match after.checked_duration_since(now + most) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *full = after;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::time::advance;

    use super::*;

    fn bucket(millis: u64, burst: u32) -> Bucket {
        Bucket::new(RequestRate {
            interval: Duration::from_millis(millis),
            burst,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_one_by_one() {
        let bucket = bucket(1_000, 3);
        for _ in 0..3 {
            assert_eq!(bucket.take(), Ok(()));
        }
        assert_eq!(bucket.take(), Err(Duration::from_secs(1)));
        advance(Duration::from_millis(400)).await;
        assert_eq!(bucket.take(), Err(Duration::from_millis(600)));
        advance(Duration::from_millis(600)).await;
        assert_eq!(bucket.take(), Ok(()));
        assert!(bucket.take().is_err());
        advance(Duration::from_secs(3_600)).await;
        for _ in 0..3 {
            assert_eq!(bucket.take(), Ok(()), "no more than a burst is saved up");
        }
        assert!(bucket.take().is_err());
    }

    proptest! {
        #[test]
        fn never_more_than_allowed(steps in proptest::collection::vec(0_u64..3_000, 1..100), burst in 1_u32..5) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            let (taken, elapsed) = runtime.block_on(async {
                let bucket = bucket(1_000, burst);
                let began = Instant::now();
                let mut taken = 0_u128;
                for step in steps {
                    advance(Duration::from_millis(step)).await;
                    taken += u128::from(bucket.take().is_ok());
                }
                (taken, began.elapsed().as_millis())
            });
            prop_assert!(taken <= u128::from(burst) + elapsed / 1_000);
        }
    }
}
