//! What the core keeps of one resource.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::kinds::Resource;
use crate::model::{AccountName, Hold, Moment, Reason, Report, Verdict};
use crate::scheduler::DemandResult;
use crate::scheduler::gate::{Admission, Gates};
use crate::scheduler::probe_run::{ProbeRun, TickCounters};
use crate::scheduler::schedule::{Due, Schedule};
use crate::state::{ResourceSlot, SkipCause};

/// A service that is unwell is left alone for this long at most, or for three
/// intervals where these are longer.
const MOST_LEFT_ALONE: Duration = Duration::from_secs(10 * 60);

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
    /// Until when a service that is unwell is left alone.
    pub(super) held_until: Option<Instant>,
    /// The latest report was a server error: the next one confirms it.
    pub(super) unwell: bool,
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

impl ReportCache {
    /// A kind that keeps a pace of its own answers everybody by its last report.
    pub(super) fn of(resource: &Resource) -> Self {
        if resource.kind.info().background_only() {
            Self::On(None)
        } else {
            Self::Off
        }
    }
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

    /// A report that is younger than `min_age`; while the service is left
    /// alone the latest one is as young as it gets.
    pub(super) fn young_report(&self, min_age: Duration, now: &Moment) -> Option<Arc<Report>> {
        let (at, report) = match &self.report_cache {
            ReportCache::On(Some(latest)) => latest.clone(),
            _ => self.slot.latest_report()?,
        };
        (self.is_held(now.monotonic) || at.age_at(now) < min_age).then_some(report)
    }

    fn is_held(&self, now: Instant) -> bool {
        self.held_until.is_some_and(|until| until > now)
    }

    /// Takes what a recorded report says of the service's health. The first
    /// server error holds nothing back, so that the next tick confirms it;
    /// from the second in a row the wait that the service asks for is kept,
    /// three intervals or ten minutes at most (DESIGN section 2).
    pub(super) fn learn(&mut self, report: &Report, now: Instant) {
        let unwell = report.verdict == Verdict::Problem(Reason::ServerError);
        let confirmed = unwell && self.unwell;
        self.unwell = unwell;
        if let Some(Hold::Resource { wait }) = report.exchange.hold.filter(|_| confirmed) {
            let most = self
                .resource()
                .interval
                .saturating_mul(3)
                .max(MOST_LEFT_ALONE);
            let wait = wait.min(most);
            self.held_until = self.held_until.max(Some(now + wait));
            self.slot.hold(wait);
        }
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
