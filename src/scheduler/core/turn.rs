//! Probes start, wait for their turn, and end.

use std::cmp::Reverse;
use std::sync::Arc;

use tokio::time::Instant;

use super::entry::{Latest, hold};
use super::{Core, What};
use crate::model::{Hold, Moment, Report};
use crate::scheduler::ProbeAnswer;
use crate::scheduler::flight::{Flight, Landing, Ledger, Stage, Start, deadline};
use crate::scheduler::gate::{LONGEST_WAIT, Passage, in_civil_time};
use crate::scheduler::phase::Due;
use crate::scheduler::turns::{Id, Ready};
use crate::state::{ResourceSlot, SkipCause};

/// What the task of a probe knows of it when it ends.
pub(in crate::scheduler) struct Flown<'a> {
    pub(in crate::scheduler) id: Id,
    pub(in crate::scheduler) number: u64,
    pub(in crate::scheduler) slot: &'a ResourceSlot,
    pub(in crate::scheduler) ledger: &'a Ledger,
    pub(in crate::scheduler) began: Instant,
    pub(in crate::scheduler) recorded: bool,
}

impl Core {
    /// Creates a flight and starts it, or lets it wait for its turn.
    pub(super) fn launch(&mut self, id: Id, due: Option<Due>, latest: Instant, now: &Moment) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        self.next_flight += 1;
        entry.flight = Some(Box::new(Flight::new(self.next_flight, due, latest)));
        if self.turns.has_room(entry.account()) && self.gates.has_room(entry.slot.gate_key()) {
            self.start(id, now);
        } else {
            self.turns.wait(entry.account(), id);
            self.agenda.push(Reverse((latest, What::GiveUp, id)));
        }
    }

    pub(super) fn start(&mut self, id: Id, now: &Moment) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let deadline = deadline(entry.resource(), now.monotonic, entry.due.as_ref());
        let Some(flight) = &mut entry.flight else {
            return;
        };
        let due = match flight.stage {
            Stage::Waiting { due, .. } => due.map(|due| due.at),
            Stage::Running => return,
        };
        flight.stage = Stage::Running;
        entry.ledger.started();
        self.turns.enter(&entry.slot.resource().account.name);
        self.gates.enter(entry.slot.gate_key());
        self.starts.push(Start {
            id,
            number: flight.number,
            slot: entry.slot.clone(),
            ledger: entry.ledger.clone(),
            guard: entry.slot.begin(),
            due,
            began: now.monotonic,
            deadline,
        });
    }

    /// Lets those start whose turn it is.
    pub(super) fn pump(&mut self, now: &Moment) {
        loop {
            let (entries, gates) = (&self.entries, &self.gates);
            let id = self.turns.next(|id| {
                let wants = entries.get(&id).filter(|entry| {
                    let flight = entry.flight.as_ref();
                    flight.is_some_and(|flight| flight.is_waiting(now.monotonic))
                });
                match wants {
                    None => Ready::No,
                    Some(entry) if gates.has_room(entry.slot.gate_key()) => Ready::Yes,
                    Some(_) => Ready::NotYet,
                }
            });
            let Some(id) = id else { return };
            let Some(entry) = self.entries.get_mut(&id) else {
                continue;
            };
            // The gate may have closed while it waited.
            match hold(entry, &self.gates, now.monotonic) {
                Passage::Closed(until) => {
                    let until = in_civil_time(until, now);
                    entry.give_up(SkipCause::Gate, &ProbeAnswer::Held { until });
                }
                Passage::SlowDown | Passage::Open => self.start(id, now),
            }
        }
    }

    /// True if this flight's report still has a home: neither here nor on the
    /// state's board, which a reload changes first, has another one taken its
    /// resource's place.
    pub(in crate::scheduler) fn is_expected(
        &self,
        id: Id,
        number: u64,
        slot: &Arc<ResourceSlot>,
    ) -> bool {
        let flight = self.entries.get(&id).and_then(|e| e.flight.as_ref());
        let on_board = self.state.slot(&slot.resource().name);
        flight.is_some_and(|flight| flight.number == number)
            && on_board.is_some_and(|on_board| Arc::ptr_eq(&on_board, slot))
    }

    /// A probe ended; whoever waits for it is told. One whose report was not
    /// recorded, because it was cut off or its resource is gone, counts as
    /// missed.
    pub(in crate::scheduler) fn ended(
        &mut self,
        flown: &Flown<'_>,
        landing: &Landing,
        now: &Moment,
    ) {
        let key = flown.slot.gate_key();
        self.turns.leave(&flown.slot.resource().account.name);
        self.gates.leave(key, now.monotonic);
        flown.ledger.ended(flown.recorded);
        if !flown.recorded {
            flown.slot.skipped(SkipCause::Missed);
        }
        let report = match landing {
            Landing::Report(report) => Some(report),
            Landing::CutOff => None,
        };
        if let Some(report) = report {
            self.learn(flown.slot, flown.began, report, now);
        }
        if let Some(entry) = self.entries.get_mut(&flown.id)
            && entry
                .flight
                .as_ref()
                .is_some_and(|f| f.number == flown.number)
        {
            if let Some(report) = report {
                if let Latest::Asked(latest) = &mut entry.latest {
                    *latest = Some((*now, report.clone()));
                }
                if let Some(Hold::Resource { wait }) = report.hold {
                    let until = now.monotonic + wait.min(LONGEST_WAIT);
                    entry.held_until = entry.held_until.max(Some(until));
                }
            }
            if let Some(flight) = entry.flight.take() {
                flight.land(&report.map_or(ProbeAnswer::Gone, |report| {
                    ProbeAnswer::Probed(report.clone())
                }));
            }
        }
        if !self.stopped {
            self.pump(now);
        }
    }

    /// A wait that Microsoft asked for is honoured, whoever asked.
    pub(in crate::scheduler) fn learn(
        &mut self,
        slot: &ResourceSlot,
        began: Instant,
        report: &Report,
        now: &Moment,
    ) {
        let key = slot.gate_key();
        let changed = self
            .gates
            .learn(key, began, report, now, self.random.as_ref());
        if let Some(until) = changed {
            self.state.gate_closed(key, until);
        }
    }
}
