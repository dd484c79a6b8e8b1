//! Time goes by: ticks that are due, clocks that jump, waits that end.

use std::cmp::Reverse;
use std::time::Duration;

use tokio::time::Instant;

use super::scheduled::hold;
use super::{AgendaItem, Core};
use crate::model::Moment;
use crate::scheduler::DemandResult;
use crate::scheduler::fair_queue::Id;
use crate::scheduler::gate::Admission;
use crate::scheduler::probe_run::latest_start;
use crate::state::SkipCause;

/// A tick that is found later than this, or half an interval, is not caught up on: after a standstill
/// of the process the resources go on at their own phases, without a burst.
const LATE: Duration = Duration::from_secs(1);
/// The clocks disagree by more than this since the last look: one was set, or
/// the machine slept.
const JUMP: Duration = Duration::from_millis(500);
/// The core wants to be asked at least so often: to open gates, to notice a
/// clock that was set, and to show that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(1);

impl Core {
    /// Does what is due by now, and says when to come back at the latest.
    pub(in crate::scheduler) fn advance(&mut self, now: &Moment) -> Instant {
        if self.jumped(now) {
            self.realign(now);
        }
        self.seen = *now;
        if now.monotonic.saturating_duration_since(self.swept) >= HEARTBEAT {
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
                AgendaItem::Tick => self.tick(id, at, now),
                AgendaItem::GiveUp => self.give_up(id, now),
            }
        }
        let heartbeat = now.monotonic + HEARTBEAT;
        match self.agenda.peek() {
            Some(&Reverse((at, ..))) => heartbeat.min(at),
            None => heartbeat,
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
    /// its offset. What the clock jumped over was never due; what became due
    /// meanwhile, as the monotonic clock goes on, is due still.
    fn realign(&mut self, now: &Moment) {
        tracing::info!(
            from = %self.seen.civil,
            to = %now.civil,
            "the clock jumped; probes go on at their phases"
        );
        for entry in self.entries.values_mut() {
            let Some(due) = entry.due else { continue };
            entry.due = Some(match &entry.last {
                Some(last) if due.at > now.monotonic => entry.schedule.after(last, now),
                // The first tick after the start is bound to the start alone.
                _ => due.seen_again(now),
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
        let passed = entry.schedule.passed(&due, now).max(1);
        // Of several that passed only the latest may still start.
        let due = entry.schedule.later(&due, passed - 1);
        let next = entry.schedule.after(&due, now);
        entry.due = Some(next);
        entry.last = Some(due);
        self.agenda.push(Reverse((next.at, AgendaItem::Tick, id)));
        entry.counters.due(passed);
        entry.skip(SkipCause::Missed, passed - 1);
        // A tick still in the line that could not start in time is given up by
        // its own appointment, which comes first; what is left is under way.
        let cause = if entry.run.is_some() {
            Some(SkipCause::Overlap)
        } else if now.monotonic.saturating_duration_since(due.at)
            > LATE.min(entry.resource().interval / 2)
        {
            Some(SkipCause::Missed)
        } else {
            match hold(entry, &self.gates, now.monotonic) {
                Admission::Closed(_) => Some(SkipCause::Gate),
                Admission::SlowDown if !entry.slowed_down && entry.schedule.is_odd(&due) => {
                    Some(SkipCause::SlowDown)
                }
                Admission::SlowDown | Admission::Open => None,
            }
        };
        entry.slowed_down = cause == Some(SkipCause::SlowDown);
        match cause {
            Some(cause) => entry.skip(cause, 1),
            None => {
                let latest = latest_start(entry.resource(), &due, &next);
                self.enqueue(id, Some(due), latest, now);
            }
        }
    }

    fn give_up(&mut self, id: Id, now: &Moment) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let Some(run) = &entry.run else { return };
        match run.latest() {
            // Somebody joined who waits longer.
            Some(latest) if latest > now.monotonic => {
                self.agenda.push(Reverse((latest, AgendaItem::GiveUp, id)));
            }
            Some(_) => entry.give_up(run.cause(), &DemandResult::Budget),
            None => {}
        }
    }
}
