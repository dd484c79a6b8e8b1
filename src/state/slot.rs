//! The place of one resource on the board.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::account::AccountSlot;
use super::{HistoryEntry, Record, Shared, SkipCause};
use crate::kinds::{Mode, Resource};
use crate::model::{GateKey, Moment, Outcome, Reason, Report, Verdict};

/// One resource of the current configuration and what is known of it.
#[derive(Debug)]
pub struct ResourceSlot {
    resource: Arc<Resource>,
    account: Arc<AccountSlot>,
    gate_key: Arc<GateKey>,
    /// Goes on in the next slot when the configuration changes the resource.
    facts: Arc<ResourceFacts>,
    /// See [`Record::target`]: a report for another one is not this record's.
    target: u32,
    shared: Arc<Shared>,
    /// By which the scheduler knows it; 0 before it does.
    schedule_id: AtomicU64,
}

#[derive(Debug, Default)]
struct ResourceFacts {
    record: Mutex<Record>,
    /// Only for resources whose reports may be reused.
    latest: Mutex<Option<(Moment, Arc<Report>)>>,
    in_flight: AtomicU32,
}

/// What a page shows of one resource, copied at one moment.
#[derive(Debug, Clone)]
pub struct ResourceSnapshot {
    /// Counters and latest reports; judge their freshness with its methods.
    pub record: Record,
    /// Oldest first: older problems, then everything recent.
    pub history: Vec<HistoryEntry>,
    /// Probes under way.
    pub in_flight: u32,
}

/// A probe under way; ends when dropped.
#[derive(Debug)]
pub struct InFlight {
    facts: Arc<ResourceFacts>,
    shared: Arc<Shared>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.facts.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.shared.process.probe_ended();
    }
}

impl ResourceSlot {
    /// A slot for `resource` that goes on where `before` stopped, if that was
    /// the same resource to the eye of a counter: name, account and kind.
    pub(super) fn follow(
        before: Option<&Self>,
        resource: &Arc<Resource>,
        account: Arc<AccountSlot>,
        gate_key: Arc<GateKey>,
        shared: Arc<Shared>,
    ) -> Self {
        let facts = before
            .filter(|before| {
                before.resource.account.name == resource.account.name
                    && before.resource.kind.as_str() == resource.kind.as_str()
            })
            .map_or_else(Arc::default, |before| {
                let same_target = before.resource.kind == resource.kind
                    && before.resource.account == resource.account;
                if !same_target {
                    // Both at once: a probe of the old target may end now.
                    let mut record = before.facts.record.lock();
                    record.forget_latest();
                    *before.facts.latest.lock() = None;
                }
                before.facts.clone()
            });
        let target = facts.record.lock().target();
        Self {
            resource: resource.clone(),
            account,
            gate_key,
            facts,
            target,
            shared,
            schedule_id: AtomicU64::new(0),
        }
    }

    /// See [`Record::prepare`].
    pub(super) fn prepare(&self, bounds: Option<&Arc<[f64]>>) {
        let limit = self.shared.history_limit;
        let info = self.resource.kind.info();
        self.facts.record.lock().prepare(info, bounds, limit);
    }

    /// What is watched.
    #[must_use]
    pub const fn resource(&self) -> &Arc<Resource> {
        &self.resource
    }

    /// By which the scheduler knows it; 0 before it does.
    #[must_use]
    pub fn schedule_id(&self) -> u64 {
        self.schedule_id.load(Ordering::Relaxed)
    }

    /// The scheduler has taken it in.
    pub fn set_schedule_id(&self, id: u64) {
        self.schedule_id.store(id, Ordering::Relaxed);
    }

    /// The account it is watched through.
    #[must_use]
    pub const fn account(&self) -> &Arc<AccountSlot> {
        &self.account
    }

    /// The gate that holds it back, made once.
    #[must_use]
    pub const fn gate_key(&self) -> &Arc<GateKey> {
        &self.gate_key
    }

    /// Counts a report and logs the change it brings: at warn when it begins to
    /// be a problem of this resource, at info when the verdict changes
    /// otherwise, at debug when it repeats. What troubles an account (no token)
    /// or a gate (throttled) is told once there and not again for each resource.
    /// What throttled us and what the service said about our rate is counted
    /// here as well.
    ///
    /// False, and nothing of it, if a reload has given the name to another target
    /// meanwhile: the record is that one's.
    pub fn record(&self, report: &Report) -> bool {
        let moment = self.shared.clock.moment();
        let mut record = self.facts.record.lock();
        if record.target() != self.target {
            return false;
        }
        let was_down = record.was_down();
        let limit = self.shared.history_limit;
        let before = record.add(report, moment, limit, &self.shared.spares);
        if self.resource.mode != Mode::Background {
            *self.facts.latest.lock() = Some((moment, Arc::new(report.clone())));
        }
        drop(record);
        self.account.answered(&self.resource, report, moment);
        self.log(before, was_down, report);
        true
    }

    /// After the report that was just recorded nothing is asked for so long,
    /// because the service wants it so. The probe after it takes its time too.
    pub fn hold(&self, wait: Duration) {
        let wait = wait + self.resource.timeout;
        self.facts.record.lock().hold(wait);
    }

    /// The latest report in full and when it came in, for resources that may
    /// reuse it (`on_scrape`, `on_probe`).
    #[must_use]
    pub fn latest_report(&self) -> Option<(Moment, Arc<Report>)> {
        self.facts.latest.lock().clone()
    }

    /// A probe begins; it is under way until the guard is dropped.
    #[must_use]
    pub fn begin(&self) -> InFlight {
        self.facts.in_flight.fetch_add(1, Ordering::Relaxed);
        self.shared.process.probe_began();
        InFlight {
            facts: self.facts.clone(),
            shared: self.shared.clone(),
        }
    }

    /// A due tick leaves no report.
    pub fn skipped(&self, cause: SkipCause) {
        self.skipped_times(cause, 1);
    }

    /// So many due ticks leave no report.
    pub fn skipped_times(&self, cause: SkipCause, ticks: u64) {
        self.shared.process.skipped(cause, ticks);
        tracing::debug!(
            resource = &*self.resource.name,
            cause = cause.as_str(),
            ticks,
            "probe skipped"
        );
    }

    /// Reads the record; `look` must only copy what it needs.
    pub fn read<T>(&self, look: impl FnOnce(&Record) -> T) -> T {
        look(&self.facts.record.lock())
    }

    /// A copy of everything.
    #[must_use]
    pub fn snapshot(&self) -> ResourceSnapshot {
        let record = self.facts.record.lock().clone();
        ResourceSnapshot {
            history: record.history().cloned().collect(),
            record,
            in_flight: self.facts.in_flight.load(Ordering::Relaxed),
        }
    }

    fn log(&self, before: Option<Verdict>, was_down: bool, report: &Report) {
        let outcome = report.verdict.outcome();
        let from = before.map_or("unknown", |verdict| verdict.outcome().as_str());
        let to = outcome.as_str();
        let resource = &*self.resource.name;
        let kind = self.resource.kind.as_str();
        let account = &*self.resource.account.name;
        let reason = report.verdict.reason().map(tracing::field::display);
        let request_id = report
            .exchange
            .request_id
            .as_ref()
            .map(tracing::field::display);
        let client_request_id = report
            .exchange
            .client_request_id
            .as_ref()
            .map(tracing::field::display);
        let status = report.exchange.status;
        let phase = report.exchange.broke_in.map(crate::model::Phase::as_str);
        let latency_seconds = report.latency().map(|latency| latency.as_secs_f64());
        let detail = Some(&*report.detail).filter(|detail| !detail.is_empty());
        macro_rules! say {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    resource,
                    kind,
                    account,
                    from,
                    to,
                    reason,
                    status,
                    phase,
                    request_id,
                    client_request_id,
                    latency_seconds,
                    detail,
                    $message
                )
            };
        }
        match loudness(before, was_down, report.verdict) {
            Loudness::Problem => say!(warn, "resource changed"),
            Loudness::News => say!(info, "resource changed"),
            Loudness::ToldElsewhere => say!(debug, "resource changed"),
            Loudness::Repeats => say!(debug, "resource probed"),
        }
    }
}

/// How a report is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loudness {
    /// Somebody should know.
    Problem,
    /// A change.
    News,
    /// A change whose cause is logged for the account.
    ToldElsewhere,
    /// Nothing new.
    Repeats,
}

/// `was_down`: the last conclusive report was a failure.
fn loudness(before: Option<Verdict>, was_down: bool, now: Verdict) -> Loudness {
    let of_account = |verdict: Verdict| verdict.reason() == Some(Reason::Token);
    if before == Some(now) {
        return Loudness::Repeats;
    }
    match now.outcome() {
        // The first report is news only if it is bad news.
        Outcome::Success if before.is_none() => Loudness::Repeats,
        Outcome::Success if before.is_some_and(of_account) && !was_down => Loudness::ToldElsewhere,
        Outcome::Success => Loudness::News,
        _ if of_account(now) => Loudness::ToldElsewhere,
        _ if now.reason() == Some(Reason::Throttled) => Loudness::News,
        // It goes on, for another reason or after a pause.
        Outcome::Failure if was_down => Loudness::News,
        outcome
            if before.is_some_and(|before| before.outcome() == outcome && !of_account(before)) =>
        {
            Loudness::News
        }
        _ => Loudness::Problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_loud_where_they_begin() {
        use Loudness::*;
        let bad = |reason| Some(Verdict::Problem(reason));
        let fine = Some(Verdict::Success);
        for (before, was_down, now, expected) in [
            (None, false, fine, Repeats),
            (None, false, bad(Reason::Dns), Problem),
            (None, false, bad(Reason::Forbidden), Problem),
            (None, false, bad(Reason::Token), ToldElsewhere),
            (fine, false, fine, Repeats),
            (fine, false, bad(Reason::ServerError), Problem),
            (fine, false, bad(Reason::Forbidden), Problem),
            (fine, false, bad(Reason::Token), ToldElsewhere),
            (fine, false, bad(Reason::Throttled), News),
            (bad(Reason::Throttled), false, bad(Reason::Dns), Problem),
            (bad(Reason::Token), false, bad(Reason::Dns), Problem),
            (bad(Reason::Token), false, bad(Reason::Forbidden), Problem),
            (bad(Reason::Token), false, fine, ToldElsewhere),
            // It was down before, and nobody has heard of its end.
            (bad(Reason::Token), true, fine, News),
            (bad(Reason::Dns), true, bad(Reason::Connect), News),
            (bad(Reason::Dns), true, bad(Reason::Dns), Repeats),
            (bad(Reason::Throttled), true, bad(Reason::Dns), News),
            (bad(Reason::Dns), true, fine, News),
            (bad(Reason::Forbidden), false, bad(Reason::Rejected), News),
        ] {
            assert_eq!(
                loudness(before, was_down, now.unwrap()),
                expected,
                "{before:?} to {now:?}"
            );
        }
    }
}
