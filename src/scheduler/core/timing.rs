//! Time goes by: ticks that are due, clocks that jump, waits that end.

use std::cmp::Reverse;
use std::time::Duration;

use tokio::time::Instant;

use super::entry::hold;
use super::{Core, What};
use crate::model::Moment;
use crate::scheduler::ProbeAnswer;
use crate::scheduler::flight::latest_start;
use crate::scheduler::gate::Passage;
use crate::scheduler::turns::Id;
use crate::state::SkipCause;

/// A tick that is found later than this, or half an interval, is not caught up on: after a standstill
/// of the process the resources go on at their own phases, without a burst.
const LATE: Duration = Duration::from_secs(1);
/// The clocks disagree by more than this since the last look: one was set, or
/// the machine slept.
const JUMP: Duration = Duration::from_millis(500);
/// The core wants to be asked at least so often: to open gates, to notice a
/// clock that was set, and to show that it is alive.
const BEAT: Duration = Duration::from_secs(1);

impl Core {
    /// Does what is due by now, and says when to come back at the latest.
    pub(in crate::scheduler) fn advance(&mut self, now: &Moment) -> Instant {
        if self.jumped(now) {
            self.realign(now);
        }
        self.seen = *now;
        if now.monotonic.saturating_duration_since(self.swept) >= BEAT {
            self.swept = now.monotonic;
            for key in self.gates.sweep(now.monotonic) {
                self.state.gate_open(&key);
            }
        }
        while let Some(&Reverse((at, what, id))) = self.agenda.peek() {
            if at > now.monotonic {
                break;
            }
            self.agenda.pop();
            match what {
                What::Tick => self.tick(id, at, now),
                What::GiveUp => self.give_up(id, now),
            }
        }
        let beat = now.monotonic + BEAT;
        match self.agenda.peek() {
            Some(&Reverse((at, ..))) => beat.min(at),
            None => beat,
        }
    }

    fn jumped(&self, now: &Moment) -> bool {
        let monotonic = now
            .monotonic
            .saturating_duration_since(self.seen.monotonic)
            .as_nanos()
            .cast_signed();
        let civil = now.civil.as_nanosecond() - self.seen.civil.as_nanosecond();
        (civil - monotonic).unsigned_abs() > JUMP.as_nanos()
    }

    /// The civil clock was set, or the machine slept: every resource goes on at
    /// its phase. A tick that the clock jumped over is missed.
    fn realign(&mut self, now: &Moment) {
        tracing::info!(
            from = %self.seen.civil,
            to = %now.civil,
            "the clock jumped; probes go on at their phases"
        );
        let back = now.civil < self.seen.civil;
        for entry in self.entries.values_mut() {
            let Some(due) = entry.due else { continue };
            if back && due.at <= now.monotonic {
                // Due at this very moment, as the monotonic clock goes on.
                entry.due = Some(due.seen_again(now));
                continue;
            }
            entry.due = Some(match &entry.last {
                Some(last) => {
                    let next = entry.rhythm.after(last, now);
                    let passed = entry.rhythm.passed(&due, now);
                    entry.ledger.due(passed);
                    entry.skip(SkipCause::Missed, passed);
                    next
                }
                // The first tick after the start is bound to the start alone.
                None => due.seen_again(now),
            });
        }
        self.rebuild_agenda();
        for (key, until) in self.gates.closed(now) {
            self.state.gate_closed(&key, until);
        }
    }

    fn tick(&mut self, id: Id, at: Instant, now: &Moment) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let Some(due) = entry.due.filter(|due| due.at == at) else {
            return;
        };
        let passed = entry.rhythm.passed(&due, now).max(1);
        // Of several that passed only the latest may still start.
        let due = entry.rhythm.later(&due, passed - 1);
        let next = entry.rhythm.after(&due, now);
        entry.due = Some(next);
        entry.last = Some(due);
        self.agenda.push(Reverse((next.at, What::Tick, id)));
        entry.ledger.due(passed);
        entry.skip(SkipCause::Missed, passed - 1);
        // A tick still in the line that could not start in time is given up by
        // its own appointment, which comes first; what is left is under way.
        let cause = if entry.flight.is_some() {
            Some(SkipCause::Overlap)
        } else if now.monotonic.saturating_duration_since(due.at)
            > LATE.min(entry.resource().interval / 2)
        {
            Some(SkipCause::Missed)
        } else {
            match hold(entry, &self.gates, now.monotonic) {
                Passage::Closed(_) => Some(SkipCause::Gate),
                Passage::SlowDown if !entry.left_out && entry.rhythm.is_odd(&due) => {
                    Some(SkipCause::SlowDown)
                }
                Passage::SlowDown | Passage::Open => None,
            }
        };
        entry.left_out = cause == Some(SkipCause::SlowDown);
        match cause {
            Some(cause) => entry.skip(cause, 1),
            None => {
                let latest = latest_start(entry.resource(), &due, &next);
                self.launch(id, Some(due), latest, now);
            }
        }
    }

    fn give_up(&mut self, id: Id, now: &Moment) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let Some(flight) = &entry.flight else { return };
        match flight.latest() {
            // Somebody joined who waits longer.
            Some(latest) if latest > now.monotonic => {
                self.agenda.push(Reverse((latest, What::GiveUp, id)));
            }
            Some(_) => entry.give_up(flight.cause(), &ProbeAnswer::Budget),
            None => {}
        }
    }
}
