//! How long a report speaks for its resource. Judged when something is read,
//! never when it is written: what is older is absent, not silently old.

use std::time::Duration;

/// Reports of resources that are probed often still speak this long, so that
/// one slow probe or a paused scheduler does not tear holes.
const LEAST: Duration = Duration::from_secs(5 * 60);

/// How old a report may be and still count: three intervals, at least five minutes.
#[must_use]
pub fn window(interval: Duration) -> Duration {
    interval.saturating_mul(3).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_intervals_but_at_least_five_minutes() {
        assert_eq!(window(Duration::from_secs(1)), Duration::from_secs(300));
        assert_eq!(window(Duration::from_secs(100)), Duration::from_secs(300));
        assert_eq!(window(Duration::from_secs(101)), Duration::from_secs(303));
        assert_eq!(window(Duration::MAX), Duration::MAX);
    }
}
