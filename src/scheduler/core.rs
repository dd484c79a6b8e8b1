//! The scheduler's decisions, as one state machine without tasks, sockets or
//! waiting: told what time it is, what was asked for and what ended, it says
//! which probes start now and when it wants to be asked again.
//!
//! Every due tick ends in exactly one way: it leaves a report, or it is counted
//! as skipped with one cause. Lives behind one lock that is never held across
//! an await; the state's locks may be taken under it, never the other way.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::flight::{Flight, Landing, Ledger, Stage, Start, Tally, deadline, latest_start};
use super::gate::{Gates, LONGEST_WAIT, Passage, in_civil_time};
use super::phase::{Due, Rhythm};
use super::turns::{Id, Ready, Turns};
use super::{ProbeAnswer, Shard, hash};
use crate::model::{
    AccountName, GateKey, Hold, Limits, Mode, Moment, Random, Report, Resource, ResourceName,
};
use crate::state::{ResourceSlot, SkipCause, State};

/// A tick that is found later than this, or half an interval, is not caught up on: after a standstill
/// of the process the resources go on at their own phases, without a burst.
const LATE: Duration = Duration::from_secs(1);
/// The clocks disagree by more than this since the last look: one was set, or
/// the machine slept.
const JUMP: Duration = Duration::from_millis(500);
/// The core wants to be asked at least so often: to open gates, to notice a
/// clock that was set, and to show that it is alive.
const BEAT: Duration = Duration::from_secs(1);

/// What to do at a time. Giving up comes before the next tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    GiveUp,
    Tick,
}

type Agenda = BinaryHeap<Reverse<(Instant, What, Id)>>;

#[derive(Debug)]
struct Entry {
    slot: Arc<ResourceSlot>,
    rhythm: Rhythm,
    /// Only for `background` resources of this shard.
    due: Option<Due>,
    /// The latest tick that came before `due`.
    last: Option<Due>,
    /// The latest tick was left out to slow down.
    left_out: bool,
    held_until: Option<Instant>,
    flight: Option<Box<Flight>>,
    ledger: Arc<Ledger>,
    /// The latest report of a `background` resource that somebody asked for;
    /// for the other modes the state keeps it.
    latest: Latest,
}

#[derive(Debug, Clone, Default)]
enum Latest {
    #[default]
    NotAsked,
    Asked(Option<(Moment, Arc<Report>)>),
}

impl Entry {
    fn resource(&self) -> &Arc<Resource> {
        self.slot.resource()
    }

    fn account(&self) -> &AccountName {
        &self.resource().account.name
    }

    fn skip(&self, cause: SkipCause, ticks: u64) {
        if ticks > 0 {
            self.ledger.skipped(ticks);
            self.slot.skipped_times(cause, ticks);
        }
    }

    /// The flight leaves no report.
    fn give_up(&mut self, cause: SkipCause, answer: &ProbeAnswer) {
        if let Some(flight) = self.flight.take() {
            self.skip(cause, 1);
            flight.land(answer);
        }
    }

    /// A report that is younger than `min_age`.
    fn young_report(&self, min_age: Duration, now: &Moment) -> Option<Arc<Report>> {
        let (at, report) = match &self.latest {
            Latest::Asked(Some(latest)) => latest.clone(),
            _ => self.slot.latest_report()?,
        };
        (at.age_at(now) < min_age).then_some(report)
    }
}

/// What came of a wish at once.
#[derive(Debug)]
pub(super) enum Wished {
    Answer(ProbeAnswer),
    Wait(oneshot::Receiver<ProbeAnswer>),
}

/// See the module.
pub(super) struct Core {
    state: Arc<State>,
    random: Arc<dyn Random>,
    entries: HashMap<Id, Entry>,
    by_name: HashMap<ResourceName, Id>,
    next_id: Id,
    next_flight: u64,
    agenda: Agenda,
    gates: Gates,
    turns: Turns,
    seen: Moment,
    swept: Instant,
    stopped: bool,
    starts: Vec<Start>,
}

impl Core {
    pub(super) fn new(state: Arc<State>, random: Arc<dyn Random>, now: Moment) -> Self {
        Self {
            state,
            random,
            entries: HashMap::new(),
            by_name: HashMap::new(),
            next_id: 0,
            next_flight: 0,
            agenda: Agenda::new(),
            gates: Gates::default(),
            turns: Turns::new(),
            seen: now,
            swept: now.monotonic,
            stopped: false,
            starts: Vec::new(),
        }
    }

    /// The probes that start now; whoever called something else here must
    /// fetch and spawn them.
    pub(super) fn take_starts(&mut self) -> Vec<Start> {
        std::mem::take(&mut self.starts)
    }

    /// Takes the slots of a new configuration. A slot that is the very same as
    /// before keeps its phase, its flight and its gate.
    pub(super) fn configure(&mut self, limits: &Limits, shard: Shard, now: &Moment) {
        if self.stopped {
            return;
        }
        let mut before = std::mem::take(&mut self.by_name);
        let slots = self.state.slots();
        for slot in slots.iter() {
            let name = slot.resource().name.clone();
            let old = before.remove(&name);
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
            self.by_name.insert(name, id);
        }
        for id in before.into_values() {
            self.retire(id, false);
        }
        let accounts: HashSet<AccountName> =
            self.entries.values().map(|e| e.account().clone()).collect();
        self.turns.configure(limits, accounts);
        let used: HashSet<&GateKey> = self
            .entries
            .values()
            .map(|e| &**e.slot.gate_key())
            .collect();
        for key in self.gates.keep_only(|key| used.contains(key)) {
            self.state.gate_open(&key);
        }
        self.rebuild_agenda();
        self.pump(now);
    }

    /// Takes an entry out. What waits is given up; what runs goes on without
    /// anybody who waits for it, and leaves no report.
    fn retire(&mut self, id: Id, goes_on: bool) -> Option<Entry> {
        let mut entry = self.entries.remove(&id)?;
        if let Some(flight) = entry.flight.take() {
            if goes_on && flight.stage != Stage::Running {
                entry.skip(flight.cause(), 1);
            }
            flight.land(&ProbeAnswer::Gone);
        }
        Some(entry)
    }

    /// A new entry that goes on where `old` stopped, as far as it is the same.
    fn admit(slot: &Arc<ResourceSlot>, old: Option<Entry>, shard: Shard, now: &Moment) -> Entry {
        let resource = slot.resource();
        let rhythm = Rhythm::new(hash::of_resource(resource), resource.interval);
        let scheduled = resource.mode == Mode::Background && shard.has(resource);
        let mut entry = Entry {
            slot: slot.clone(),
            rhythm,
            due: None,
            last: None,
            left_out: false,
            held_until: None,
            flight: None,
            ledger: Arc::default(),
            latest: Latest::default(),
        };
        let mut due = None;
        if let Some(old) = old {
            due = old.due.filter(|_| old.rhythm == rhythm);
            let was = old.resource();
            let same_target = was.kind == resource.kind && was.account == resource.account;
            entry.held_until = old.held_until.filter(|_| same_target);
            entry.last = old.last;
            entry.left_out = old.left_out;
            entry.ledger = old.ledger;
        }
        if scheduled {
            entry.due = due.or_else(|| Some(rhythm.resume(entry.last.as_ref(), now)));
        }
        entry
    }

    fn rebuild_agenda(&mut self) {
        self.agenda = self
            .entries
            .iter()
            .flat_map(|(&id, entry)| {
                let tick = entry.due.map(|due| (due.at, What::Tick, id));
                let flight = entry.flight.as_ref();
                let give_up = flight.and_then(|flight| flight.latest());
                tick.into_iter()
                    .chain(give_up.map(|at| (at, What::GiveUp, id)))
            })
            .map(Reverse)
            .collect();
    }

    /// Does what is due by now, and says when to come back at the latest.
    pub(super) fn advance(&mut self, now: &Moment) -> Instant {
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

    /// Creates a flight and starts it, or lets it wait for its turn.
    fn launch(&mut self, id: Id, due: Option<Due>, latest: Instant, now: &Moment) {
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

    fn start(&mut self, id: Id, now: &Moment) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let deadline = deadline(entry.resource(), now.monotonic, entry.due.as_ref());
        let Some(flight) = &mut entry.flight else {
            return;
        };
        if let Stage::Waiting { due: Some(due), .. } = flight.stage {
            let delay = now.monotonic.saturating_duration_since(due.at);
            self.state.process().started(delay);
        }
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
            began: now.monotonic,
            deadline,
        });
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

    /// Lets those start whose turn it is.
    fn pump(&mut self, now: &Moment) {
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

    /// Somebody wants a probe of a resource and waits for it until `deadline`.
    pub(super) fn wish(
        &mut self,
        name: &str,
        min_age: Option<Duration>,
        deadline: Instant,
        now: &Moment,
    ) -> Wished {
        let found = self.by_name.get(name).copied();
        let Some((id, entry)) = found
            .filter(|_| !self.stopped)
            .and_then(|id| Some((id, self.entries.get_mut(&id)?)))
        else {
            return Wished::Answer(ProbeAnswer::Gone);
        };
        if entry.resource().mode == Mode::Background && matches!(entry.latest, Latest::NotAsked) {
            entry.latest = Latest::Asked(None);
        }
        let min_age = min_age.unwrap_or(entry.resource().min_age);
        if let Some(report) = entry.young_report(min_age, now) {
            return Wished::Answer(ProbeAnswer::Reused(report));
        }
        if let Some(flight) = &mut entry.flight {
            return Wished::Wait(flight.join(deadline));
        }
        entry.ledger.due(1);
        let passage = hold(entry, &self.gates, now.monotonic);
        let leave_out = passage == Passage::SlowDown && !entry.left_out;
        entry.left_out = leave_out;
        if let Passage::Closed(until) = passage {
            entry.skip(SkipCause::Gate, 1);
            let until = in_civil_time(until, now);
            return Wished::Answer(ProbeAnswer::Held { until });
        }
        if leave_out {
            entry.skip(SkipCause::SlowDown, 1);
            return Wished::Answer(ProbeAnswer::LeftOut);
        }
        self.launch(id, None, deadline, now);
        let flight = self.entries.get_mut(&id).and_then(|e| e.flight.as_mut());
        flight.map_or(Wished::Answer(ProbeAnswer::Gone), |flight| {
            Wished::Wait(flight.join(deadline))
        })
    }

    /// True if this flight's report still has a home.
    pub(super) fn is_expected(&self, start_id: Id, number: u64) -> bool {
        self.entries
            .get(&start_id)
            .and_then(|entry| entry.flight.as_ref())
            .is_some_and(|flight| flight.number == number)
    }

    /// A probe ended; whoever waits for it is told. One whose report was not
    /// recorded, because it was cut off or its resource is gone, counts as
    /// missed.
    pub(super) fn ended(&mut self, flown: &Flown<'_>, landing: &Landing, now: &Moment) {
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
    pub(super) fn learn(
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

    /// Until when a probe of this resource would have to wait.
    pub(super) fn held(&self, slot: &ResourceSlot, now: &Moment) -> Option<Instant> {
        match self.gates.passage(slot.gate_key(), now.monotonic) {
            Passage::Closed(until) => Some(until),
            Passage::SlowDown | Passage::Open => None,
        }
    }

    /// The names of the resources that a scrape probes.
    pub(super) fn on_scrape(&self, shard: Shard) -> Vec<ResourceName> {
        self.state
            .slots()
            .iter()
            .map(|slot| slot.resource())
            .filter(|resource| resource.mode == Mode::OnScrape && shard.has(resource))
            .map(|resource| resource.name.clone())
            .collect()
    }

    pub(super) fn tally(&self, name: &str) -> Option<Tally> {
        let entry = self.entries.get(self.by_name.get(name)?)?;
        let waiting = entry.flight.as_ref().is_some_and(|f| f.latest().is_some());
        Some(entry.ledger.tally(waiting))
    }

    /// Nothing starts any more; what waits is given up.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.agenda.clear();
        for entry in self.entries.values_mut() {
            entry.due = None;
            if let Some(flight) = &entry.flight
                && flight.stage != Stage::Running
            {
                entry.give_up(flight.cause(), &ProbeAnswer::Gone);
            }
        }
    }
}

/// What the task of a probe knows of it when it ends.
pub(super) struct Flown<'a> {
    pub(super) id: Id,
    pub(super) number: u64,
    pub(super) slot: &'a ResourceSlot,
    pub(super) ledger: &'a Ledger,
    pub(super) began: Instant,
    pub(super) recorded: bool,
}

/// What holds a resource back: its own service, or its gate.
fn hold(entry: &Entry, gates: &Gates, now: Instant) -> Passage {
    let own = entry.held_until.filter(|until| *until > now);
    match (gates.passage(entry.slot.gate_key(), now), own) {
        (Passage::Closed(gate), Some(own)) => Passage::Closed(gate.max(own)),
        (_, Some(own)) => Passage::Closed(own),
        (passage, None) => passage,
    }
}
