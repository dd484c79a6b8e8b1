//! Time as the house sees it: a civil clock and a monotonic one, both
//! replaceable. Monotonic time is tokio's, so a test with paused time moves
//! both hands at once by `tokio::time::advance`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Tells the time. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

/// One moment on both clocks, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Civil time; may jump.
    pub civil: Timestamp,
    /// Monotonic time; may stand still while the machine sleeps.
    pub monotonic: Instant,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that asks the system"
        )]
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that follows tokio's (pausable) time from `start` on; for tests.
    /// Must be called inside a tokio runtime.
    #[must_use]
    pub fn following_tokio(start: Timestamp) -> Self {
        let began = Instant::now();
        Self(Arc::new(move || {
            jiff::SignedDuration::try_from(began.elapsed())
                .ok()
                .and_then(|passed| start.checked_add(passed).ok())
                .unwrap_or(start)
        }))
    }

    /// A clock that asks `now` each time; for tests that jump, and for the
    /// simulated tenant's adjustable clock.
    #[must_use]
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Civil time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }

    /// Both clocks now.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment {
            civil: self.now(),
            monotonic: Instant::now(),
        }
    }
}

impl Moment {
    /// How long ago this was: the greater of what the two clocks say, so that
    /// neither a machine that slept nor a clock set forward hides an age. A
    /// clock set back is outvoted by the monotonic one.
    #[must_use]
    pub fn age(&self, clock: &Clock) -> Duration {
        self.age_at(&clock.moment())
    }

    /// How long before `now` this was, by the same rule.
    #[must_use]
    pub fn age_at(&self, now: &Self) -> Duration {
        let civil = Duration::try_from(now.civil.duration_since(self.civil)).unwrap_or_default();
        civil.max(now.monotonic.saturating_duration_since(self.monotonic))
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
