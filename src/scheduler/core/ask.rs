//! Somebody asks: for a probe, or for what is known.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Core;
use super::entry::{Latest, hold};
use crate::model::{Mode, Moment, ResourceName};
use crate::scheduler::flight::Tally;
use crate::scheduler::gate::{Passage, in_civil_time};
use crate::scheduler::{ProbeAnswer, Shard};
use crate::state::{ResourceSlot, SkipCause};

/// What came of a wish at once.
#[derive(Debug)]
pub(in crate::scheduler) enum Wished {
    Answer(ProbeAnswer),
    Wait(oneshot::Receiver<ProbeAnswer>),
}

impl Core {
    /// Somebody wants a probe of a resource and waits for it until `deadline`.
    pub(in crate::scheduler) fn wish(
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

    /// Until when a probe of this resource would have to wait.
    pub(in crate::scheduler) fn held(&self, slot: &ResourceSlot, now: &Moment) -> Option<Instant> {
        match self.gates.passage(slot.gate_key(), now.monotonic) {
            Passage::Closed(until) => Some(until),
            Passage::SlowDown | Passage::Open => None,
        }
    }

    /// The names of the resources that a scrape probes.
    pub(in crate::scheduler) fn on_scrape(&self, shard: Shard) -> Vec<ResourceName> {
        self.state
            .slots()
            .iter()
            .map(|slot| slot.resource())
            .filter(|resource| resource.mode == Mode::OnScrape && shard.has(resource))
            .map(|resource| resource.name.clone())
            .collect()
    }

    pub(in crate::scheduler) fn tally(&self, name: &str) -> Option<Tally> {
        let entry = self.entries.get(self.by_name.get(name)?)?;
        let waiting = entry.flight.as_ref().is_some_and(|f| f.latest().is_some());
        Some(entry.ledger.tally(waiting))
    }
}
