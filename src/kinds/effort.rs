//! How long one probe may take: what it asks, one request after the other, and
//! what it waits for in between.

use std::time::Duration;

/// What one probe does at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Requests that have to find time before the next tick, each bounded by the
    /// timeout; cleaning up, which has one timeout in all, counts as one.
    pub requests: u32,
    /// Time in which nothing is asked: until a mail arrives, between requests.
    pub waits: Duration,
    /// Requests beyond those, as many as the interval leaves time for: further
    /// pages of a list, further entries.
    pub further: u32,
    /// Time in which nothing is asked between those.
    pub pauses: Duration,
}

impl Effort {
    /// One request.
    pub const ONE: Self = Self::of(1);

    /// So many requests.
    #[must_use]
    pub const fn of(requests: u32) -> Self {
        Self {
            requests,
            waits: Duration::ZERO,
            further: 0,
            pauses: Duration::ZERO,
        }
    }

    /// With so much time in which nothing is asked.
    #[must_use]
    pub const fn waiting(self, waits: Duration) -> Self {
        Self { waits, ..self }
    }

    /// With so many more where there is time, and a pause before each.
    #[must_use]
    pub fn and_up_to(self, further: u32, pause: Duration) -> Self {
        Self {
            further,
            pauses: pause.saturating_mul(further),
            ..self
        }
    }

    /// And then this.
    #[must_use]
    pub const fn and(self, then: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(then.requests),
            waits: self.waits.saturating_add(then.waits),
            further: self.further.saturating_add(then.further),
            pauses: self.pauses.saturating_add(then.pauses),
        }
    }

    /// What has to fit into the interval, where a request may take `timeout`.
    #[must_use]
    pub fn least(&self, timeout: Duration) -> Duration {
        self.waits
            .saturating_add(timeout.saturating_mul(self.requests))
    }

    /// How long it goes on if nothing ends it.
    #[must_use]
    pub fn longest(&self, timeout: Duration) -> Duration {
        self.least(timeout)
            .saturating_add(self.pauses)
            .saturating_add(timeout.saturating_mul(self.further))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_waits_and_what_comes_beyond() {
        let s = Duration::from_secs;
        for (effort, least, longest) in [
            (Effort::ONE, 10, 10),
            (Effort::of(3), 30, 30),
            (Effort::of(4).waiting(s(120)), 160, 160),
            (Effort::of(2).and_up_to(4, Duration::ZERO), 20, 60),
            (Effort::of(2).waiting(s(5)).and_up_to(4, s(1)), 25, 69),
            (Effort::ONE.and(Effort::of(2).and_up_to(4, s(1))), 30, 74),
        ] {
            assert_eq!(effort.least(s(10)), s(least), "{effort:?}");
            assert_eq!(effort.longest(s(10)), s(longest), "{effort:?}");
        }
        let endless = Effort::of(u32::MAX).and_up_to(u32::MAX, Duration::MAX);
        assert_eq!(endless.longest(Duration::MAX), Duration::MAX);
    }
}
