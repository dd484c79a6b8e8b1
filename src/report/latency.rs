//! How fast answers were. Counted by the millisecond, so that a month of a
//! thousand resources stays small, whatever it holds.

use std::collections::BTreeMap;

/// What was seen, in milliseconds, and how often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latencies(BTreeMap<u32, u64>);

impl Latencies {
    /// Counts one; what is no time is left out.
    pub fn add(&mut self, seconds: f64) {
        if seconds >= 0.0 && seconds.is_finite() {
            // A float that is too large becomes the largest number.
            *self.0.entry((seconds * 1000.0).round() as u32).or_default() += 1;
        }
    }

    /// Counts those of another place or resource as well.
    pub fn merge(&mut self, other: &Self) {
        for (latency, count) in &other.0 {
            *self.0.entry(*latency).or_default() += count;
        }
    }

    /// The least that so many percent do not exceed (nearest rank), in seconds.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<f64> {
        let all: u64 = self.0.values().sum();
        let rank = (all * percent).div_ceil(100).max(1);
        let mut seen = 0;
        self.0.iter().find_map(|(latency, count)| {
            seen += count;
            (seen >= rank).then(|| f64::from(*latency) / 1000.0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(50), None);
        for ms in 1..=100 {
            latencies.add(f64::from(ms) / 1000.0);
        }
        for (percent, seconds) in [(0, 0.001), (1, 0.001), (50, 0.05), (95, 0.095), (100, 0.1)] {
            assert_eq!(latencies.percentile(percent), Some(seconds), "{percent}");
        }
        latencies.add(f64::NAN);
        latencies.add(-1.0);
        latencies.add(f64::INFINITY);
        let mut twice = latencies.clone();
        twice.merge(&latencies);
        assert_eq!(twice.percentile(95), Some(0.095));
        let mut one = Latencies::default();
        one.add(0.3456);
        assert_eq!(
            (one.percentile(50), one.percentile(95)),
            (Some(0.346), Some(0.346))
        );
    }
}
