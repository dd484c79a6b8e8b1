//! Probes start, wait for their turn, and end.

use std::cmp::Reverse;
use std::sync::Arc;

use tokio::time::Instant;

use super::scheduled::{ReportCache, hold};
use super::{AgendaItem, Core};
use crate::model::{GateKey, Moment, Report};
use crate::scheduler::DemandResult;
use crate::scheduler::fair_queue::{Id, Ready};
use crate::scheduler::gate::{Admission, in_civil_time};
use crate::scheduler::probe_run::{ProbeRun, ProbeStart, RunEnd, RunStage, TickCounters, deadline};
use crate::scheduler::schedule::Due;
use crate::state::{ResourceSlot, SkipCause};

/// What the task of a probe knows of it when it ends.
pub(in crate::scheduler) struct Finished<'a> {
    pub(in crate::scheduler) id: Id,
    pub(in crate::scheduler) number: u64,
    pub(in crate::scheduler) slot: &'a ResourceSlot,
    pub(in crate::scheduler) counters: &'a TickCounters,
    pub(in crate::scheduler) began: Instant,
    pub(in crate::scheduler) recorded: bool,
}

impl Core {
    /// Creates a run and starts it, or lets it wait for its turn.
    pub(super) fn enqueue(&mut self, id: Id, due: Option<Due>, latest: Instant, now: &Moment) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        self.next_run += 1;
        entry.run = Some(Box::new(ProbeRun::new(self.next_run, due, latest)));
        if self.queue.has_room(entry.account()) && self.gates.has_room(entry.slot.gate_key()) {
            self.start(id, now);
        } else {
            self.queue.wait(entry.account(), id);
            self.agenda.push(Reverse((latest, AgendaItem::GiveUp, id)));
        }
    }

    pub(super) fn start(&mut self, id: Id, now: &Moment) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let deadline = deadline(entry.resource(), now.monotonic, entry.due.as_ref());
        let Some(run) = &mut entry.run else {
            return;
        };
        let due = match run.stage {
            RunStage::Waiting { due, .. } => due.map(|due| due.at),
            RunStage::Running => return,
        };
        run.stage = RunStage::Running;
        entry.counters.started();
        self.queue.enter(&entry.slot.resource().account.name);
        self.gates.enter(entry.slot.gate_key());
        self.starts.push(ProbeStart {
            id,
            number: run.number,
            slot: entry.slot.clone(),
            counters: entry.counters.clone(),
            guard: entry.slot.begin(),
            due,
            began: now.monotonic,
            deadline,
        });
    }

    /// Lets those start whose turn it is.
    pub(super) fn dispatch(&mut self, now: &Moment) {
        loop {
            let (entries, gates) = (&self.entries, &self.gates);
            let id = self.queue.next(|id| {
                let wants = entries.get(&id).filter(|entry| {
                    let run = entry.run.as_ref();
                    run.is_some_and(|run| run.is_waiting(now.monotonic))
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
                Admission::Closed(until) => {
                    let until = in_civil_time(until, now);
                    entry.give_up(SkipCause::Gate, &DemandResult::Held { until });
                }
                Admission::SlowDown | Admission::Open => self.start(id, now),
            }
        }
    }

    /// True if this run's report still has a home: neither here nor on the
    /// state's board, which a reload changes first, has another one taken its
    /// resource's place.
    pub(in crate::scheduler) fn is_expected(
        &self,
        id: Id,
        number: u64,
        slot: &Arc<ResourceSlot>,
    ) -> bool {
        let run = self.entries.get(&id).and_then(|e| e.run.as_ref());
        let on_board = self.state.slot(&slot.resource().name);
        run.is_some_and(|run| run.number == number)
            && on_board.is_some_and(|on_board| Arc::ptr_eq(&on_board, slot))
    }

    /// A probe ended; whoever waits for it is told. One whose report was not
    /// recorded, because it was cut off or its resource is gone, counts as
    /// missed.
    pub(in crate::scheduler) fn ended(
        &mut self,
        finished: &Finished<'_>,
        end: &RunEnd,
        now: &Moment,
    ) {
        let key = finished.slot.gate_key();
        self.queue.leave(&finished.slot.resource().account.name);
        self.gates.leave(key, now.monotonic);
        finished.counters.ended(finished.recorded);
        let (report, cause, held) = match end {
            RunEnd::Report(report) => (Some(report), SkipCause::Missed, None),
            RunEnd::Held => (None, SkipCause::Gate, self.held(finished.slot, now)),
            RunEnd::CutOff => (None, SkipCause::Missed, None),
        };
        if !finished.recorded {
            finished.slot.skipped(cause);
        }
        if let Some(report) = report {
            self.learn(finished.slot, finished.began, report, now);
        }
        if let Some(entry) = self.entries.get_mut(&finished.id)
            && entry
                .run
                .as_ref()
                .is_some_and(|f| f.number == finished.number)
        {
            if let Some(report) = report {
                if let ReportCache::On(latest) = &mut entry.report_cache {
                    *latest = Some((*now, report.clone()));
                }
                if finished.recorded {
                    entry.learn(report, now.monotonic);
                }
            }
            if let Some(run) = entry.run.take() {
                run.complete(&match (report, held) {
                    (Some(report), _) => DemandResult::Probed(report.clone()),
                    (None, Some(until)) => DemandResult::Held {
                        until: in_civil_time(until, now),
                    },
                    (None, None) => DemandResult::Gone,
                });
            }
        }
        if !self.stopped {
            self.dispatch(now);
        }
    }

    /// What a gate says to what is asked beside the probes.
    pub(in crate::scheduler) fn admission(&self, key: &GateKey, now: Instant) -> Admission {
        self.gates.admission(key, now)
    }

    /// A wait that Microsoft asked for is honoured, whoever asked.
    pub(in crate::scheduler) fn learn(
        &mut self,
        slot: &ResourceSlot,
        began: Instant,
        report: &Report,
        now: &Moment,
    ) {
        self.learn_of(slot.gate_key(), began, report, now);
    }

    /// The same for what was asked beside the probes.
    pub(in crate::scheduler) fn learn_of(
        &mut self,
        key: &Arc<GateKey>,
        began: Instant,
        report: &Report,
        now: &Moment,
    ) {
        let changed = self
            .gates
            .learn(key, began, report, now, self.random.as_ref());
        if let Some(until) = changed {
            self.state.gate_closed(key, until);
        }
    }
}
