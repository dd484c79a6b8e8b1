//! The last 24 hours of a resource in half hours: how many probes ended how, and
//! how slow the slowest success was. 240 bytes a resource, whatever its interval.

use std::time::Duration;

use super::packed::Micros;
use crate::model::{Outcome, Timestamp};

/// Half hours that are kept.
pub const SLOTS: usize = 48;
/// The length of one, in seconds.
pub const SLOT_SECONDS: i64 = 1800;

/// Most of a count: eleven bits for successes and failures, ten for the rest.
/// One probe a second makes 1,800 in half an hour.
const MOST: [u32; 3] = [2047, 2047, 1023];
const SHIFTS: [u32; 3] = [0, 11, 22];
/// Steps of the latency from one power of two milliseconds to the next.
const STEPS: f64 = 16.0;

/// One half hour as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HalfHour {
    /// Probes in the order of [`Outcome::ALL`].
    pub outcomes: [u32; 3],
    /// Of the slowest success, to about two percent.
    pub slowest: Option<Duration>,
}

impl HalfHour {
    /// The share of the conclusive probes that succeeded; `None` without any.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        share([*self])
    }
}

/// The share of the conclusive probes of some half hours that succeeded.
#[must_use]
pub fn share(slots: impl IntoIterator<Item = HalfHour>) -> Option<f64> {
    let (mut good, mut bad) = (0_u64, 0_u64);
    for slot in slots {
        good += u64::from(slot.outcomes[Outcome::Success.index()]);
        bad += u64::from(slot.outcomes[Outcome::Failure.index()]);
    }
    let all = good + bad;
    (all > 0).then(|| good as f64 / all as f64)
}

/// The ring. A slot's place is the number of its half hour since 1970, modulo
/// [`SLOTS`].
#[derive(Debug, Clone)]
pub(super) struct DayRing {
    /// The number of the half hour that was written last; 0 before the first.
    newest: u32,
    counts: [u32; SLOTS],
    /// Of the slowest success in steps on a scale of powers of two; 0 is none.
    slowest: [u8; SLOTS],
}

impl Default for DayRing {
    fn default() -> Self {
        Self {
            newest: 0,
            counts: [0; SLOTS],
            slowest: [0; SLOTS],
        }
    }
}

/// The number of the half hour that a moment belongs to.
fn number(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().div_euclid(SLOT_SECONDS)).unwrap_or_default()
}

fn place(number: u32) -> usize {
    number as usize % SLOTS
}

impl DayRing {
    /// Counts a probe. What is older than a day counts nowhere. By `present`, which the
    /// clock shows, a ring that a clock far ahead has written is known, and begins anew.
    pub(super) fn count(
        &mut self,
        present: Timestamp,
        finished: Micros,
        outcome: Outcome,
        latency: Option<Duration>,
    ) {
        if self.newest >= number(present).saturating_add(SLOTS as u32) {
            *self = Self::default();
        }
        let now = number(finished.timestamp());
        if now > self.newest {
            // Half hours without a probe, and those that this one writes over.
            let first = self.newest.max(now.saturating_sub(SLOTS as u32)) + 1;
            for skipped in first..=now {
                self.counts[place(skipped)] = 0;
                self.slowest[place(skipped)] = 0;
            }
            self.newest = now;
        } else if self.newest - now >= SLOTS as u32 {
            return;
        }
        let index = outcome.index();
        let (shift, most) = (SHIFTS[index], MOST[index]);
        let packed = &mut self.counts[place(now)];
        if (*packed >> shift) & most < most {
            *packed += 1 << shift;
        }
        if let (Outcome::Success, Some(latency)) = (outcome, latency) {
            let slowest = &mut self.slowest[place(now)];
            *slowest = (*slowest).max(step(latency));
        }
    }

    /// The last 24 hours, oldest first; the last is the half hour of `now`.
    pub(super) fn read(&self, now: Timestamp) -> [HalfHour; SLOTS] {
        let last = number(now);
        std::array::from_fn(|back| {
            let number = (last + 1 + back as u32).saturating_sub(SLOTS as u32);
            let is_kept =
                number <= self.newest && self.newest - number < SLOTS as u32 && self.newest > 0;
            if !is_kept {
                return HalfHour::default();
            }
            let packed = self.counts[place(number)];
            HalfHour {
                outcomes: [0, 1, 2].map(|index: usize| (packed >> SHIFTS[index]) & MOST[index]),
                slowest: latency(self.slowest[place(number)]),
            }
        })
    }
}

/// One more than the step of a latency: `16 × log2(1 + milliseconds)`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 1..=255"
)]
fn step(latency: Duration) -> u8 {
    let steps = (1.0 + latency.as_secs_f64() * 1e3).log2() * STEPS;
    (steps.round() + 1.0).clamp(1.0, 255.0) as u8
}

fn latency(step: u8) -> Option<Duration> {
    let steps = f64::from(step.checked_sub(1)?);
    Duration::try_from_secs_f64(((steps / STEPS).exp2() - 1.0) / 1e3).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Micros {
        Micros::of(Timestamp::from_second(second).unwrap())
    }

    #[test]
    fn small() {
        assert!(size_of::<DayRing>() <= 244);
    }

    #[test]
    fn half_hours_come_and_go() {
        const START: i64 = 1_764_028_800;
        let mut day = DayRing::default();
        let now = |second: i64| Timestamp::from_second(START + second).unwrap();
        assert_eq!(day.read(now(0)), [HalfHour::default(); SLOTS]);
        let ms = |ms| Some(Duration::from_millis(ms));
        for second in 0..1800 {
            day.count(now(second), at(START + second), Outcome::Success, ms(100));
        }
        day.count(now(1800), at(START + 1800), Outcome::Failure, ms(9_000));
        day.count(now(1801), at(START + 1801), Outcome::Inconclusive, None);
        let read = day.read(now(1900));
        assert_eq!(read[SLOTS - 2].outcomes, [1800, 0, 0]);
        assert_eq!(read[SLOTS - 1].outcomes, [0, 1, 1]);
        assert_eq!(read[SLOTS - 1].slowest, None, "a failure is no latency");
        let slowest = read[SLOTS - 2].slowest.unwrap().as_secs_f64();
        assert!((slowest - 0.1).abs() < 0.003, "{slowest}");
        assert_eq!(read[SLOTS - 1].share(), Some(0.0));
        assert_eq!(share(read), Some(1800.0 / 1801.0));
        // Later the same stands further back, and then it is gone.
        assert_eq!(day.read(now(1900 + 3600))[SLOTS - 4].outcomes, [1800, 0, 0]);
        assert_eq!(share(day.read(now(86_400 + 1800))), None);
        // A probe after a pause does not bring old half hours back.
        day.count(
            now(10 * 3600),
            at(START + 10 * 3600),
            Outcome::Success,
            ms(1),
        );
        let read = day.read(now(10 * 3600));
        assert_eq!(read.iter().filter(|slot| slot.share().is_some()).count(), 3);
        day.count(
            now(40 * 3600),
            at(START + 40 * 3600),
            Outcome::Success,
            ms(1),
        );
        assert_eq!(share(day.read(now(40 * 3600))), Some(1.0));
        // A report that is a day late counts nowhere.
        day.count(now(40 * 3600), at(START), Outcome::Failure, None);
        assert_eq!(share(day.read(now(40 * 3600))), Some(1.0));
        // A clock that was far ahead and is set right: what it wrote is gone.
        day.count(now(3600), at(START + 3600), Outcome::Failure, None);
        assert_eq!(share(day.read(now(3600))), Some(0.0));
        // One that is set back by less keeps what it wrote.
        day.count(now(1800), at(START + 1800), Outcome::Success, ms(1));
        assert_eq!(share(day.read(now(3600))), Some(0.5));
    }

    proptest! {
        #[test]
        fn latencies_come_back_to_a_few_percent(micros in 1_000_u64..60_000_000) {
            let latency = Duration::from_micros(micros);
            let back = super::latency(step(latency)).unwrap();
            let off = back.as_secs_f64() / latency.as_secs_f64();
            prop_assert!((0.95..1.05).contains(&off), "{latency:?} {back:?}");
        }
    }
}
