//! What the core keeps of one resource.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{AccountName, Moment, Report, Resource};
use crate::scheduler::ProbeAnswer;
use crate::scheduler::flight::{Flight, Ledger};
use crate::scheduler::gate::{Gates, Passage};
use crate::scheduler::phase::{Due, Rhythm};
use crate::state::{ResourceSlot, SkipCause};

/// One resource.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) slot: Arc<ResourceSlot>,
    pub(super) rhythm: Rhythm,
    /// Only for `background` resources of this shard.
    pub(super) due: Option<Due>,
    /// The latest tick that came before `due`.
    pub(super) last: Option<Due>,
    /// The latest tick was left out to slow down.
    pub(super) left_out: bool,
    pub(super) held_until: Option<Instant>,
    pub(super) flight: Option<Box<Flight>>,
    pub(super) ledger: Arc<Ledger>,
    /// The latest report of a `background` resource that somebody asked for;
    /// for the other modes the state keeps it.
    pub(super) latest: Latest,
}

/// Which reports are kept for those who ask.
#[derive(Debug, Clone, Default)]
pub(super) enum Latest {
    #[default]
    NotAsked,
    Asked(Option<(Moment, Arc<Report>)>),
}

impl Entry {
    pub(super) fn resource(&self) -> &Arc<Resource> {
        self.slot.resource()
    }

    pub(super) fn account(&self) -> &AccountName {
        &self.resource().account.name
    }

    pub(super) fn skip(&self, cause: SkipCause, ticks: u64) {
        if ticks > 0 {
            self.ledger.skipped(ticks);
            self.slot.skipped_times(cause, ticks);
        }
    }

    /// The flight leaves no report.
    pub(super) fn give_up(&mut self, cause: SkipCause, answer: &ProbeAnswer) {
        if let Some(flight) = self.flight.take() {
            self.skip(cause, 1);
            flight.land(answer);
        }
    }

    /// A report that is younger than `min_age`.
    pub(super) fn young_report(&self, min_age: Duration, now: &Moment) -> Option<Arc<Report>> {
        let (at, report) = match &self.latest {
            Latest::Asked(Some(latest)) => latest.clone(),
            _ => self.slot.latest_report()?,
        };
        (at.age_at(now) < min_age).then_some(report)
    }
}

/// What holds a resource back: its own service, or its gate.
pub(super) fn hold(entry: &Entry, gates: &Gates, now: Instant) -> Passage {
    let own = entry.held_until.filter(|until| *until > now);
    match (gates.passage(entry.slot.gate_key(), now), own) {
        (Passage::Closed(gate), Some(own)) => Passage::Closed(gate.max(own)),
        (_, Some(own)) => Passage::Closed(own),
        (passage, None) => passage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_at_rest_takes_little() {
        // Ten thousand of them beside their records in 64 MB.
        assert!(size_of::<Entry>() <= 160, "{}", size_of::<Entry>());
    }
}
