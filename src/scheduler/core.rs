//! The scheduler's decisions, as one state machine without tasks, sockets or
//! waiting: told what time it is, what was asked for and what ended, it says
//! which probes start now and when it wants to be asked again.
//!
//! Every due tick ends in exactly one way: it leaves a report, or it is counted
//! as skipped with one cause. Lives behind one lock that is never held across
//! an await; the state's locks may be taken under it, never the other way.

mod ask;
mod dispatch;
mod scheduled;
mod timing;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

pub(super) use self::ask::DemandReply;
pub(super) use self::dispatch::Finished;
use self::scheduled::{ReportCache, Scheduled};
use super::fair_queue::{FairQueue, Id};
use super::gate::Gates;
use super::probe_run::{ProbeStart, RunStage};
use super::schedule::{Begins, Schedule};
use super::{DemandResult, Shard, hash};
use crate::kinds::{Mode, ResourceName};
use crate::model::{AccountName, GateKey, Limits, Moment, Random};
use crate::state::{ResourceSlot, State};

/// What to do, and when. Giving up comes before the next tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum AgendaItem {
    GiveUp,
    Tick,
}

type Agenda = BinaryHeap<Reverse<(Instant, AgendaItem, Id)>>;

/// See the module.
pub(super) struct Core {
    state: Arc<State>,
    random: Arc<dyn Random>,
    /// In their order, so that what is due at once begins in the same order each time.
    entries: BTreeMap<Id, Scheduled>,
    next_id: Id,
    next_run: u64,
    agenda: Agenda,
    gates: Gates,
    queue: FairQueue,
    seen: Moment,
    swept: Instant,
    stopped: bool,
    starts: Vec<ProbeStart>,
}

impl Core {
    pub(super) fn new(state: Arc<State>, random: Arc<dyn Random>, now: Moment) -> Self {
        Self {
            state,
            random,
            entries: BTreeMap::new(),
            next_id: 0,
            next_run: 0,
            agenda: Agenda::new(),
            gates: Gates::default(),
            queue: FairQueue::new(),
            seen: now,
            swept: now.monotonic,
            stopped: false,
            starts: Vec::new(),
        }
    }

    /// The probes that start now; whoever called something else here must
    /// fetch and spawn them.
    pub(super) fn take_starts(&mut self) -> Vec<ProbeStart> {
        std::mem::take(&mut self.starts)
    }

    /// Takes the slots of a new configuration. A slot that is the very same as
    /// before keeps its offset, its run and its gate.
    pub(super) fn configure(&mut self, limits: &Limits, shard: Shard, now: &Moment) {
        if self.stopped {
            return;
        }
        let entries = self.entries.iter();
        let mut before: BTreeMap<ResourceName, Id> = entries
            .map(|(id, entry)| (entry.resource().name.clone(), *id))
            .collect();
        let slots = self.state.slots();
        for slot in slots.iter() {
            let old = before.remove(&slot.resource().name);
            let same = old.filter(|id| {
                let entry = self.entries.get(id);
                entry.is_some_and(|entry| Arc::ptr_eq(&entry.slot, slot))
            });
            let id = same.unwrap_or_else(|| {
                let old = old.and_then(|id| self.retire(id, true));
                let entry = Self::admit(slot, old, shard, now);
                self.next_id += 1;
                self.entries.insert(self.next_id, entry);
                self.next_id
            });
            slot.set_schedule_id(id);
        }
        for id in before.into_values() {
            self.retire(id, false);
        }
        let accounts: HashSet<AccountName> =
            self.entries.values().map(|e| e.account().clone()).collect();
        self.queue.configure(limits, accounts);
        let used: HashSet<&GateKey> = self
            .entries
            .values()
            .map(|e| &**e.slot.gate_key())
            .collect();
        self.gates.keep_only(|key| used.contains(key));
        self.rebuild_agenda();
        self.dispatch(now);
    }

    /// Takes an entry out. What waits is given up; what runs goes on without
    /// anybody who waits for it, and leaves no report.
    fn retire(&mut self, id: Id, goes_on: bool) -> Option<Scheduled> {
        let mut entry = self.entries.remove(&id)?;
        if let Some(run) = entry.run.take() {
            if goes_on && run.stage != RunStage::Running {
                entry.skip(run.cause(), 1);
            }
            run.complete(&DemandResult::Gone);
        }
        Some(entry)
    }

    /// A new entry that goes on where `old` stopped, as far as it is the same.
    fn admit(
        slot: &Arc<ResourceSlot>,
        old: Option<Scheduled>,
        shard: Shard,
        now: &Moment,
    ) -> Scheduled {
        let resource = slot.resource();
        let begins = if resource.kind.info().background_only() {
            Begins::OnOffset
        } else {
            Begins::Soon
        };
        let schedule = Schedule::new(hash::of_resource(resource), resource.interval, begins);
        let scheduled = resource.mode == Mode::Background && shard.has(resource);
        let mut entry = Scheduled {
            slot: slot.clone(),
            schedule,
            due: None,
            last: None,
            slowed_down: false,
            held_until: None,
            unwell: false,
            run: None,
            counters: Arc::default(),
            report_cache: ReportCache::of(slot.resource()),
        };
        let mut due = None;
        if let Some(old) = old {
            due = old.due.filter(|_| old.schedule == schedule);
            let was = old.resource();
            let same_target = was.kind == resource.kind && was.account == resource.account;
            entry.held_until = old.held_until.filter(|_| same_target);
            entry.unwell = old.unwell && same_target;
            entry.last = old.last;
            entry.slowed_down = old.slowed_down;
            entry.counters = old.counters;
        }
        if scheduled {
            entry.due = due.or_else(|| Some(schedule.resume(entry.last.as_ref(), now)));
        }
        entry
    }

    fn rebuild_agenda(&mut self) {
        self.agenda = self
            .entries
            .iter()
            .flat_map(|(&id, entry)| {
                let tick = entry.due.map(|due| (due.at, AgendaItem::Tick, id));
                let run = entry.run.as_ref();
                let give_up = run.and_then(|run| run.latest());
                tick.into_iter()
                    .chain(give_up.map(|at| (at, AgendaItem::GiveUp, id)))
            })
            .map(Reverse)
            .collect();
    }

    /// Nothing starts any more; what waits is given up.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.agenda.clear();
        for entry in self.entries.values_mut() {
            entry.due = None;
            if let Some(run) = &entry.run
                && run.stage != RunStage::Running
            {
                entry.give_up(run.cause(), &DemandResult::Gone);
            }
        }
    }
}
