//! When the ticks of one resource are due.
//!
//! Ticks lie on civil time: a resource with interval `i` is due whenever the
//! nanoseconds since 1970 leave the remainder `hash mod i` on division by `i`.
//! So the schedule is the same after a restart and in every replica, and many
//! resources spread evenly over their interval.
//!
//! After a start the first tick does not wait for the offset: it comes
//! `hash mod min(i, 30 s)` after the start. The second one is the first tick
//! on the offset that keeps a distance of at least `i / 2`, so that the first
//! gap is between half and one and a half intervals and every later one is
//! exactly `i`. The same rule re-aligns a resource after the civil clock was
//! set: never closer than half an interval to its latest tick, as long as the
//! elder of the two clocks says that so little time has passed.

use std::time::Duration;

use tokio::time::Instant;

use super::hash;
use crate::kinds::Resource;
use crate::model::{Moment, Timestamp};

/// A civil time in nanoseconds since 1970, or a distance.
pub(super) type Nanos = i64;

/// Civil times beyond the year 2200 count as that, so that sums with intervals
/// do not overflow.
fn nanos(time: Timestamp) -> Nanos {
    const LATEST: i128 = 7_258_118_400_000_000_000;
    let bounded = time.as_nanosecond().clamp(-LATEST, LATEST);
    Nanos::try_from(bounded).unwrap_or_default()
}

fn length(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}

/// The first tick after a start comes within this time, or the interval if
/// that is shorter.
const FIRST_WITHIN: Duration = Duration::from_secs(30);

/// that stood still over the weekend is no reason to write down more.
const MOST_MISSED: Duration = Duration::from_secs(86_400);

/// Farther than any machine runs; keeps sums of instants from overflowing.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

/// `hash mod length`; `length` is positive.
fn remainder(hash: u64, length: Nanos) -> Nanos {
    Nanos::try_from(hash % length.unsigned_abs().max(1)).unwrap_or_default()
}

/// The ticks of one resource: every interval, at its own offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    hash: u64,
    interval: Nanos,
    begins: Begins,
}

/// When the first tick after a start comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    /// Within [`FIRST_WITHIN`], so that a new process soon knows everything.
    Soon,
    /// On the offset, as all that follow: a process that crashes again and again
    /// asks, writes and sends no more often than one that runs.
    OnOffset,
}

/// One due time, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) civil: Nanos,
    pub(super) at: Instant,
}

impl Due {
    /// The given civil time, seen from `now`.
    fn seen_from(now: &Moment, civil: Nanos) -> Self {
        let ahead = civil.saturating_sub(nanos(now.civil));
        let ahead = Duration::from_nanos(u64::try_from(ahead.max(0)).unwrap_or(u64::MAX)).min(FAR);
        Self {
            civil,
            at: now.monotonic + ahead,
        }
    }

    /// The same due time after the civil clock was set.
    pub(super) fn seen_again(&self, now: &Moment) -> Self {
        Self {
            civil: nanos(now.civil) - self.monotonic_age(now),
            at: self.at,
        }
    }

    fn monotonic_age(&self, now: &Moment) -> Nanos {
        let since = now.monotonic.saturating_duration_since(self.at);
        let until = self.at.saturating_duration_since(now.monotonic);
        length(since) - length(until)
    }

    /// How long ago this was, by whichever clock says more; negative if ahead.
    fn age(&self, now: &Moment) -> Nanos {
        self.monotonic_age(now)
            .max(nanos(now.civil).saturating_sub(self.civil))
    }
}

/// When in its interval a resource is probed, counted from 1970.
#[must_use]
pub fn phase(resource: &Resource) -> Duration {
    let schedule = Schedule::new(hash::of_resource(resource), resource.interval, Begins::Soon);
    Duration::from_nanos(u64::try_from(schedule.offset()).unwrap_or_default())
}

impl Schedule {
    /// `interval` counts as at least a millisecond.
    pub(super) fn new(hash: u64, interval: Duration, begins: Begins) -> Self {
        let interval = interval.clamp(Duration::from_millis(1), FAR);
        Self {
            hash,
            interval: length(interval),
            begins,
        }
    }

    fn offset(&self) -> Nanos {
        remainder(self.hash, self.interval)
    }

    /// The first time on the offset that is not before `time`.
    fn on_offset_from(&self, time: Nanos) -> Nanos {
        time + (self.offset() - time).rem_euclid(self.interval)
    }

    /// The first tick after a start.
    pub(super) fn first(&self, start: &Moment) -> Due {
        if self.begins == Begins::OnOffset {
            return Due::seen_from(start, self.on_offset_from(nanos(start.civil)));
        }
        let within = self.interval.min(length(FIRST_WITHIN));
        let offset = remainder(self.hash, within);
        Due::seen_from(start, nanos(start.civil) + offset)
    }

    /// The first tick on the offset that is in the future and at least half an
    /// interval after `last`.
    pub(super) fn after(&self, last: &Due, now: &Moment) -> Due {
        let today = nanos(now.civil);
        let wait = (self.interval / 2 - last.age(now)).max(1);
        Due::seen_from(now, self.on_offset_from(today + wait))
    }

    /// The next tick of a resource that comes into the schedule anew but may
    /// have been probed before: as after a start, half an interval after `last`.
    pub(super) fn resume(&self, last: Option<&Due>, now: &Moment) -> Due {
        let first = self.first(now);
        match last {
            Some(last) if first.civil < last.civil + self.interval / 2 => self.after(last, now),
            _ => first,
        }
    }

    /// The tick that comes `ticks` after `due`.
    pub(super) fn later(&self, due: &Due, ticks: u64) -> Due {
        let distance = self
            .interval
            .saturating_mul(Nanos::try_from(ticks).unwrap_or(Nanos::MAX));
        let nanos = u64::try_from(distance).unwrap_or(u64::MAX);
        Due {
            civil: due.civil.saturating_add(distance),
            at: due.at + Duration::from_nanos(nanos).min(FAR),
        }
    }

    /// How many ticks lie from `due` on up to now, if `due` itself was one. By
    /// the time that really went by: what a civil clock jumps over when it is
    /// set was never due.
    pub(super) fn passed(&self, due: &Due, now: &Moment) -> u64 {
        let age = due.monotonic_age(now);
        if age < 0 {
            return 0;
        }
        let most = (length(MOST_MISSED) / self.interval).max(1);
        u64::try_from((age / self.interval + 1).min(most)).unwrap_or(u64::MAX)
    }

    /// True for every other tick; half of the resources have theirs in one
    /// interval, half in the next, so that leaving them out halves the load of
    /// every moment.
    pub(super) fn is_odd(&self, due: &Due) -> bool {
        let number = due.civil.div_euclid(self.interval);
        // A bit that the offset hardly depends on.
        let shift = Nanos::from(self.hash >> 63 == 1);
        (number + shift).rem_euclid(2) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moment(begin: Instant, monotonic: Duration, civil: Nanos) -> Moment {
        Moment {
            civil: Timestamp::from_nanosecond(civil.into()).unwrap(),
            monotonic: begin + monotonic,
        }
    }

    const SECOND: Nanos = 1_000_000_000;
    const NOW: Nanos = 1_800_000_000 * SECOND;

    #[test]
    fn one_gap_leaves_a_bounded_number_behind() {
        let begin = Instant::now();
        let schedule = Schedule::new(7, Duration::from_secs(60), Begins::Soon);
        let due = schedule.first(&moment(begin, Duration::ZERO, NOW));
        let later = |seconds: u64| moment(due.at, Duration::from_secs(seconds), NOW);
        let before = moment(begin, Duration::ZERO, NOW + 86_400 * SECOND);
        assert_eq!(
            schedule.passed(&due, &before),
            0,
            "only the civil clock went on"
        );
        assert_eq!(schedule.passed(&due, &later(0)), 1);
        assert_eq!(schedule.passed(&due, &later(59)), 1);
        assert_eq!(schedule.passed(&due, &later(60)), 2);
        assert_eq!(schedule.passed(&due, &later(40 * 365 * 86_400)), 1_440);
    }

    #[test]
    fn left_out_ticks_alternate() {
        let begin = Instant::now();
        for hash in [0, 1, u64::MAX, 0x8123_4567_89ab_cdef] {
            let schedule = Schedule::new(hash, Duration::from_secs(60), Begins::Soon);
            let mut now = moment(begin, Duration::ZERO, NOW);
            let mut due = schedule.after(&schedule.first(&now), &now);
            for _ in 0..10 {
                now = moment(begin, due.at - begin, due.civil);
                let next = schedule.after(&due, &now);
                assert_ne!(schedule.is_odd(&due), schedule.is_odd(&next));
                due = next;
            }
        }
    }

    proptest! {
        #[test]
        fn the_first_tick_is_soon_and_the_second_on_the_phase(
            hash: u64, millis in 1_000_u64..8_000_000, start in 0..2 * NOW,
        ) {
            let interval = Duration::from_millis(millis);
            let schedule = Schedule::new(hash, interval, Begins::Soon);
            let begin = Instant::now();
            let start = moment(begin, Duration::ZERO, start);
            let first = schedule.first(&start);
            let offset = first.at - start.monotonic;
            prop_assert!(offset < interval.min(FIRST_WITHIN));
            prop_assert_eq!(first.civil - nanos(start.civil), length(offset));

            let now = moment(begin, offset, first.civil);
            let second = schedule.after(&first, &now);
            let gap = second.at - first.at;
            prop_assert!(gap >= interval / 2 && gap < interval + interval / 2 + Duration::from_nanos(2));
            prop_assert_eq!(second.civil.rem_euclid(schedule.interval), schedule.offset());

            // From there on it is exactly the interval, however late we look.
            let late = moment(begin, second.at - begin + interval / 3, second.civil + schedule.interval / 3);
            let third = schedule.after(&second, &late);
            prop_assert_eq!(third.at - second.at, interval);
        }

        #[test]
        fn what_begins_on_its_offset_never_comes_between(
            hash: u64, millis in 1_000_u64..8_000_000, starts in prop::collection::vec(0..NOW, 1..20),
        ) {
            let schedule = Schedule::new(hash, Duration::from_millis(millis), Begins::OnOffset);
            let begin = Instant::now();
            for start in starts {
                let due = schedule.first(&moment(begin, Duration::ZERO, start));
                prop_assert_eq!(due.civil.rem_euclid(schedule.interval), schedule.offset());
                prop_assert!((0..schedule.interval).contains(&(due.civil - start)));
            }
        }

        #[test]
        fn a_restart_finds_the_same_phase(
            hash: u64, millis in 1_000_u64..8_000_000, one in 0..NOW, other in 0..NOW,
        ) {
            let schedule = Schedule::new(hash, Duration::from_millis(millis), Begins::Soon);
            let begin = Instant::now();
            let settled = |start: Nanos| {
                let start = moment(begin, Duration::ZERO, start);
                schedule.after(&schedule.first(&start), &start).civil
            };
            prop_assert_eq!((settled(one) - settled(other)) % schedule.interval, 0);
        }

        #[test]
        fn a_clock_that_jumps_never_doubles_a_probe(
            hash: u64, millis in 1_000_u64..8_000_000, jump in -NOW / 2..NOW / 2, waited in 0.0..1.0,
        ) {
            let interval = Duration::from_millis(millis);
            let schedule = Schedule::new(hash, interval, Begins::Soon);
            let begin = Instant::now();
            let start = moment(begin, Duration::ZERO, NOW);
            let last = schedule.first(&start);
            let waited = interval.mul_f64(waited);
            let now = moment(
                begin,
                last.at - begin + waited,
                last.civil + length(waited) + jump,
            );
            let next = schedule.after(&last, &now);
            prop_assert!(next.at > now.monotonic);
            prop_assert!(next.at - now.monotonic <= interval + interval / 2 + Duration::from_nanos(2));
            if jump <= 0 {
                prop_assert!(next.at - last.at >= interval / 2);
            }
        }
    }
}
