//! Somebody asks: for a probe, or for what is known.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Core;
use super::scheduled::{ReportCache, hold};
use crate::kinds::Mode;
use crate::model::Moment;
use crate::scheduler::fair_queue::Id;
use crate::scheduler::gate::{Admission, in_civil_time};
use crate::scheduler::probe_run::TickSnapshot;
use crate::scheduler::{DemandResult, Shard};
use crate::state::{ResourceSlot, SkipCause};

/// What came of a demand at once.
#[derive(Debug)]
pub(in crate::scheduler) enum DemandReply {
    Answer(DemandResult),
    Wait(oneshot::Receiver<DemandResult>),
}

impl Core {
    /// Somebody wants a probe of a resource and waits for it until `deadline`.
    pub(in crate::scheduler) fn demand(
        &mut self,
        id: Id,
        min_age: Option<Duration>,
        deadline: Instant,
        now: &Moment,
    ) -> DemandReply {
        let Some(entry) = self.entries.get_mut(&id).filter(|_| !self.stopped) else {
            return DemandReply::Answer(DemandResult::Gone);
        };
        let own_pace = entry.resource().kind.info().background_only();
        if entry.resource().mode == Mode::Background
            && matches!(entry.report_cache, ReportCache::Off)
        {
            entry.report_cache = ReportCache::On(None);
        }
        // What keeps a pace of its own, or writes, is asked by nobody else.
        let min_age = if own_pace {
            Duration::MAX
        } else {
            min_age.unwrap_or(entry.resource().min_age)
        };
        if let Some(report) = entry.young_report(min_age, now) {
            return DemandReply::Answer(DemandResult::Reused(report));
        }
        if let Some(run) = &mut entry.run {
            return DemandReply::Wait(run.subscribe(deadline));
        }
        if own_pace {
            return DemandReply::Answer(DemandResult::OwnPace);
        }
        entry.counters.due(1);
        let admission = hold(entry, &self.gates, now.monotonic);
        let slow_down = admission == Admission::SlowDown && !entry.slowed_down;
        entry.slowed_down = slow_down;
        if let Admission::Closed(until) = admission {
            entry.skip(SkipCause::Gate, 1);
            let until = in_civil_time(until, now);
            return DemandReply::Answer(DemandResult::Held { until });
        }
        if slow_down {
            entry.skip(SkipCause::SlowDown, 1);
            return DemandReply::Answer(DemandResult::SlowedDown);
        }
        self.enqueue(id, None, deadline, now);
        let run = self.entries.get_mut(&id).and_then(|e| e.run.as_mut());
        run.map_or(DemandReply::Answer(DemandResult::Gone), |run| {
            DemandReply::Wait(run.subscribe(deadline))
        })
    }

    /// Until when a probe of this resource would have to wait.
    pub(in crate::scheduler) fn held(&self, slot: &ResourceSlot, now: &Moment) -> Option<Instant> {
        match self.gates.admission(slot.gate_key(), now.monotonic) {
            Admission::Closed(until) => Some(until),
            Admission::SlowDown | Admission::Open => None,
        }
    }

    /// The resources that a scrape probes.
    pub(in crate::scheduler) fn on_scrape(&self, shard: Shard) -> Vec<Id> {
        let slots = self.state.slots();
        let probed = slots.iter().filter(|slot| {
            let resource = slot.resource();
            resource.mode == Mode::OnScrape && shard.has(resource)
        });
        probed.map(|slot| slot.schedule_id()).collect()
    }

    pub(in crate::scheduler) fn ticks(&self, name: &str) -> Option<TickSnapshot> {
        let entry = self.entries.get(&self.state.slot(name)?.schedule_id())?;
        let waiting = entry.run.as_ref().is_some_and(|f| f.latest().is_some());
        Some(entry.counters.ticks(waiting))
    }
}
