//! What is known of one resource: counters that only grow, and the latest
//! reports as far as they speak for it.

use std::sync::Arc;
use std::time::Duration;

use super::day::{DayRing, HalfHour, SLOTS};
use super::histogram::Histogram;
use super::history::History;
use super::history_entry::{HistoryEntry, micros};
use super::last::{Found, Last, LastChain, LastConclusive, LastSuccess, ProblemCount};
use super::packed::{Micros, PackedId};
use super::spare::Spares;
use super::window;
use crate::kinds::Info;
use crate::model::{Moment, Outcome, Reason, Report, Timestamp, Verdict};

/// What is known of one resource.
#[derive(Debug, Clone, Default)]
pub struct Record {
    outcomes: [u64; 3],
    problems: Vec<ProblemCount>,
    consecutive_failures: u32,
    histogram: Option<Box<Histogram>>,
    last: Option<Last>,
    conclusive: Option<LastConclusive>,
    success: Option<LastSuccess>,
    last_success: Option<Micros>,
    chain: Option<LastChain>,
    /// After the last report nothing is asked for so long.
    /// In seconds: ten thousand records must stay small.
    held_for: u32,
    /// Raised with each other target that this becomes the record of.
    target: u32,
    found: Option<Box<Found>>,
    history: History,
    day: DayRing,
    /// Our own ids of problems, for support: of the last probe of each of the
    /// latest runs of equal problems. Empty for what never had one.
    asked: Vec<(Micros, PackedId)>,
}

/// Runs of equal problems whose own id is kept.
const MOST_ASKED: usize = 4;

impl Record {
    /// Counts a report that came in at `at` and says how the one before ended.
    pub(super) fn add(
        &mut self,
        report: &Report,
        at: Moment,
        limit: usize,
        spares: &Spares,
    ) -> Option<Verdict> {
        let before = self.last.map(|last| last.verdict);
        let finished = Micros::of(report.finished);
        let outcome = report.verdict.outcome();
        if let Some(count) = self.outcomes.get_mut(outcome.index()) {
            *count += 1;
        }
        let entry = HistoryEntry::of(report, self.history.iter());
        self.day.count(at.civil, finished, outcome, entry.latency());
        if let Some(reason) = report.verdict.reason() {
            self.count_problem(reason, entry.request_id(), finished, spares);
            if let Some(ours) = &report.exchange.client_request_id {
                let is_same = before == Some(report.verdict);
                self.keep_ours(is_same, finished, PackedId::of(ours), spares);
            }
        }
        match outcome {
            Outcome::Success => {
                self.consecutive_failures = 0;
                self.concluded(true, at, finished);
                self.last_success = Some(finished);
                self.success = entry.phase_micros().map(|phases| LastSuccess {
                    at,
                    phases,
                    server_latency: report.exchange.server.latency.map(micros),
                });
                if !report.readings.is_empty() || !report.steps.is_empty() {
                    self.found.get_or_insert_default().replace(report, at);
                } else if let Some(found) = &mut self.found {
                    found.clear();
                }
                if let (Some(histogram), Some(success)) = (&mut self.histogram, &self.success) {
                    let (latency, id) = (success.latency(), entry.request_id());
                    let exemplar = id.map(|id| (id, &spares.exemplars));
                    histogram.observe(latency, finished, exemplar);
                }
            }
            Outcome::Failure => {
                self.consecutive_failures = self.consecutive_failures.saturating_add(1);
                self.concluded(false, at, finished);
                self.success = None;
                // Something is missing, and the rest was found.
                if !report.readings.is_empty() {
                    self.found.get_or_insert_default().replace(report, at);
                }
            }
            Outcome::Inconclusive => {}
        }
        let shown = &report.exchange.connection;
        if shown.certificate_expiry.is_some() || shown.intercepted.is_some() {
            self.chain = Some(LastChain {
                at,
                expiry: shown.certificate_expiry.map(Micros::of),
                intercepted: shown.intercepted,
            });
        }
        self.held_for = 0;
        self.last = Some(Last {
            at,
            finished,
            verdict: report.verdict,
            status: report.exchange.status,
        });
        self.history.push(entry, limit, &spares.older);
        before
    }

    fn concluded(&mut self, up: bool, at: Moment, finished: Micros) {
        let (since, since_at_least) = match self.conclusive {
            Some(before) if before.up == up => (before.since, before.since_at_least),
            Some(_) => (finished, false),
            None => (finished, true),
        };
        self.conclusive = Some(LastConclusive {
            at,
            up,
            since,
            since_at_least,
        });
    }

    /// Keeps our id of a problem, in place of the one before where that is the
    /// same problem still.
    fn keep_ours(&mut self, is_same: bool, finished: Micros, id: PackedId, spares: &Spares) {
        if is_same {
            self.asked.pop();
        } else if self.asked.len() >= MOST_ASKED {
            self.asked.remove(0);
        }
        spares.asked.make_room(&mut self.asked);
        self.asked.push((finished, id));
    }

    /// The service asked to be left alone for so long, which is kept: what is
    /// known speaks for that time too.
    pub(super) fn hold(&mut self, wait: Duration) {
        self.held_for = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
    }

    /// True while what came in at `at` speaks for its resource: within the
    /// window, and where nothing is asked because the service wants it so,
    /// until one interval after that ends.
    fn is_fresh(&self, at: Moment, interval: Duration, now: Moment) -> bool {
        let held = self.last.filter(|_| self.held_for > 0);
        at.age_at(&now) <= window(interval)
            || held.is_some_and(|last| {
                last.at.age_at(&now) <= Duration::from_secs(self.held_for.into()) + interval
            })
    }

    fn count_problem(
        &mut self,
        reason: Reason,
        id: Option<PackedId>,
        finished: Micros,
        spares: &Spares,
    ) {
        let place = match self
            .problems
            .iter()
            .position(|problem| problem.reason == reason)
        {
            Some(place) => place,
            None => {
                spares.problems.make_room(&mut self.problems);
                self.problems.push(ProblemCount {
                    reason,
                    count: 0,
                    exemplar: None,
                });
                self.problems.len() - 1
            }
        };
        if let Some(problem) = self.problems.get_mut(place) {
            problem.count += 1;
            if let Some(id) = id {
                problem.exemplar = Some((id, finished));
            }
        }
    }

    /// Makes room for all that is kept, and switches the histogram on with these
    /// bounds, or off. Other bounds mean another histogram: it starts again.
    ///
    /// What is kept for good is allocated here, before any probe: in between the
    /// short-lived buffers of ten thousand probes it would pin their memory.
    pub(super) fn prepare(&mut self, info: &Info, bounds: Option<&Arc<[f64]>>, limit: usize) {
        self.history.reserve(limit);
        if self.found.is_none() {
            self.found = Found::with_room(info);
        }
        if self.histogram.as_ref().map(|histogram| histogram.bounds()) != bounds {
            self.histogram = bounds.map(|bounds| Box::new(Histogram::new(bounds.clone())));
        }
    }

    /// Forgets the latest reports but goes on counting: the resource is another
    /// one now.
    pub(super) fn forget_latest(&mut self) {
        self.target = self.target.wrapping_add(1);
        self.day = DayRing::default();
        self.last = None;
        self.conclusive = None;
        self.success = None;
        self.last_success = None;
        self.chain = None;
        if let Some(found) = &mut self.found {
            found.clear();
        }
        self.consecutive_failures = 0;
        self.held_for = 0;
    }

    /// Which of the targets that it was the record of it is now.
    pub(super) const fn target(&self) -> u32 {
        self.target
    }

    /// Reports by outcome, in the order of [`Outcome::ALL`].
    #[must_use]
    pub const fn outcomes(&self) -> [u64; 3] {
        self.outcomes
    }

    /// The reasons met so far.
    #[must_use]
    pub fn problems(&self) -> &[ProblemCount] {
        &self.problems
    }

    /// Successful probes by latency; `None` when switched off.
    #[must_use]
    pub fn histogram(&self) -> Option<&Histogram> {
        self.histogram.as_deref()
    }

    /// The last report of any outcome, however old.
    #[must_use]
    pub const fn last(&self) -> Option<Last> {
        self.last
    }

    /// When the last successful probe ended, however long ago.
    #[must_use]
    pub const fn last_success(&self) -> Option<Micros> {
        self.last_success
    }

    /// The last report, while it is fresh.
    #[must_use]
    pub fn fresh_last(&self, interval: Duration, now: Moment) -> Option<Last> {
        self.last
            .filter(|last| self.is_fresh(last.at, interval, now))
    }

    /// True if the last conclusive report, however old, was a failure.
    pub(super) fn was_down(&self) -> bool {
        self.conclusive.is_some_and(|last| !last.up)
    }

    /// The last conclusive report, while it is fresh, with the failures in a row.
    #[must_use]
    pub fn fresh_conclusive(
        &self,
        interval: Duration,
        now: Moment,
    ) -> Option<(LastConclusive, u32)> {
        let conclusive = self.conclusive?;
        self.is_fresh(conclusive.at, interval, now)
            .then_some((conclusive, self.consecutive_failures))
    }

    /// The last success, while it is fresh and no failure came after it.
    #[must_use]
    pub fn fresh_success(&self, interval: Duration, now: Moment) -> Option<LastSuccess> {
        self.success
            .filter(|success| success.at.age_at(&now) <= window(interval))
    }

    /// What the last success found, while it is fresh, whatever came after it.
    #[must_use]
    pub fn fresh_found(&self, interval: Duration, now: Moment) -> Option<&Found> {
        let found = self.found.as_deref()?;
        (found.at()?.age_at(&now) <= window(interval)).then_some(found)
    }

    /// The last chain of certificates that was shown, while it is fresh, whatever
    /// came after it.
    #[must_use]
    pub fn fresh_chain(&self, interval: Duration, now: Moment) -> Option<LastChain> {
        self.chain
            .filter(|chain| self.is_fresh(chain.at, interval, now))
    }

    /// What the last report had to complain of: while it is fresh, and while
    /// the gate stays closed that a throttled probe met.
    #[must_use]
    pub fn problem(&self, interval: Duration, now: Moment, gate_closed: bool) -> Option<Reason> {
        let last = self.last?;
        let reason = last.verdict.reason()?;
        let held = gate_closed && reason == Reason::Throttled;
        (held || self.is_fresh(last.at, interval, now)).then_some(reason)
    }

    /// The last 24 hours in half hours, oldest first.
    #[must_use]
    pub fn day(&self, now: Timestamp) -> [HalfHour; SLOTS] {
        self.day.read(now)
    }

    /// Our own id (`client-request-id`) of the probe that ended at a moment, if
    /// it is one that is kept.
    #[must_use]
    pub fn client_request_id(&self, finished: Timestamp) -> Option<&PackedId> {
        let finished = Micros::of(finished);
        let mut asked = self.asked.iter();
        asked.find(|(at, _)| *at == finished).map(|(_, id)| id)
    }

    /// The most recent entries without a gap, oldest first.
    pub fn recent(&self) -> impl Iterator<Item = &HistoryEntry> {
        self.history.recent()
    }

    /// Oldest first: problems that the recent entries pushed out, then those.
    pub fn history(&self) -> impl Iterator<Item = &HistoryEntry> {
        self.history.iter()
    }
}

#[cfg(test)]
mod tests;
