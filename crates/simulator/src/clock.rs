//! The simulated tenant's clock: the system's (or any other) plus an offset
//! that can be changed while it runs, so that ninety days of a refresh token
//! pass in a moment. Certificates of the TLS listener do not follow it: the
//! client checks those against its own clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use m365mon_base::{Clock, Timestamp};

/// A clock that can be set. Clones share the offset.
#[derive(Debug, Clone)]
pub struct AdjustableClock {
    base: Clock,
    /// Milliseconds added to `base`.
    offset: Arc<AtomicI64>,
    shown: Clock,
}

impl AdjustableClock {
    /// Begins in step with `base`.
    #[must_use]
    pub fn new(base: Clock) -> Self {
        let offset = Arc::new(AtomicI64::new(0));
        let shown = Clock::from_fn({
            let (base, offset) = (base.clone(), Arc::clone(&offset));
            move || {
                let now = base.now();
                let shift = jiff::SignedDuration::from_millis(offset.load(Ordering::Relaxed));
                now.checked_add(shift).unwrap_or(now)
            }
        });
        Self {
            base,
            offset,
            shown,
        }
    }

    /// The time as the tenant sees it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shown.now()
    }

    /// Seconds since 1970, as they stand in tokens.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        self.now().as_second()
    }

    /// For code that takes a [`Clock`].
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.shown.clone()
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.change(|offset| offset.saturating_add(by));
    }

    /// Shows `time` now and goes on from there; back in time as well.
    pub fn set(&self, time: Timestamp) {
        let shift = time.as_millisecond() - self.base.now().as_millisecond();
        self.change(|_| shift);
    }

    /// In step with its base again.
    pub fn reset(&self) {
        self.change(|_| 0);
    }

    fn change(&self, next: impl Fn(i64) -> i64) {
        // Never fails: the closure always gives a value.
        _ = self
            .offset
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| Some(next(old)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_and_returns() {
        let start: Timestamp = "2027-03-01T12:00:00Z".parse().unwrap();
        let clock = AdjustableClock::new(Clock::from_fn(move || start));
        clock.advance(Duration::from_secs(90 * 86400));
        assert_eq!(clock.now().to_string(), "2027-05-30T12:00:00Z");
        clock.set("2026-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(clock.clock().now().to_string(), "2026-01-01T00:00:00Z");
        clock.reset();
        assert_eq!(clock.now(), start);
    }
}
