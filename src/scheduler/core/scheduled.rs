//! What the core keeps of one resource.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{AccountName, Moment, Report, Resource};
use crate::scheduler::DemandResult;
use crate::scheduler::gate::{Admission, Gates};
use crate::scheduler::probe_run::{ProbeRun, TickCounters};
use crate::scheduler::schedule::{Due, Schedule};
use crate::state::{ResourceSlot, SkipCause};

/// One resource.
#[derive(Debug)]
pub(super) struct Scheduled {
    pub(super) slot: Arc<ResourceSlot>,
    pub(super) schedule: Schedule,
    /// Only for `background` resources of this shard.
    pub(super) due: Option<Due>,
    /// The latest tick that came before `due`.
    pub(super) last: Option<Due>,
    /// The latest tick was left out to slow down.
    pub(super) slowed_down: bool,
    pub(super) held_until: Option<Instant>,
    pub(super) run: Option<Box<ProbeRun>>,
    pub(super) counters: Arc<TickCounters>,
    /// The latest report of a `background` resource that somebody asked for;
    /// for the other modes the state keeps it.
    pub(super) report_cache: ReportCache,
}

/// Which reports are kept for those who ask.
#[derive(Debug, Clone, Default)]
pub(super) enum ReportCache {
    #[default]
    Off,
    On(Option<(Moment, Arc<Report>)>),
}

impl Scheduled {
    pub(super) fn resource(&self) -> &Arc<Resource> {
        self.slot.resource()
    }

    pub(super) fn account(&self) -> &AccountName {
        &self.resource().account.name
    }

    pub(super) fn skip(&self, cause: SkipCause, ticks: u64) {
        if ticks > 0 {
            self.counters.skipped(ticks);
            self.slot.skipped_times(cause, ticks);
        }
    }

    /// The run leaves no report.
    pub(super) fn give_up(&mut self, cause: SkipCause, answer: &DemandResult) {
        if let Some(run) = self.run.take() {
            self.skip(cause, 1);
            run.complete(answer);
        }
    }

    /// A report that is younger than `min_age`.
    pub(super) fn young_report(&self, min_age: Duration, now: &Moment) -> Option<Arc<Report>> {
        let (at, report) = match &self.report_cache {
            ReportCache::On(Some(latest)) => latest.clone(),
            _ => self.slot.latest_report()?,
        };
        (at.age_at(now) < min_age).then_some(report)
    }
}

/// What holds a resource back: its own service, or its gate.
pub(super) fn hold(entry: &Scheduled, gates: &Gates, now: Instant) -> Admission {
    let own = entry.held_until.filter(|until| *until > now);
    match (gates.admission(entry.slot.gate_key(), now), own) {
        (Admission::Closed(gate), Some(own)) => Admission::Closed(gate.max(own)),
        (_, Some(own)) => Admission::Closed(own),
        (admission, None) => admission,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_at_rest_takes_little() {
        // Ten thousand of them beside their records in 64 MB.
        assert!(size_of::<Scheduled>() <= 160, "{}", size_of::<Scheduled>());
    }
}
