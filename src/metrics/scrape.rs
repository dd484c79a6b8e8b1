//! Everything one scrape shows, copied before the first line is written, so
//! that all families tell of the same moment. Compact: ten thousand resources
//! are a few megabytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::process::ProcessFacts;
use super::table::{Row, Table};
use crate::model::{AccountReason, Moment, Reason, Service, Timestamp};
use crate::state::{
    AccountSnapshot, ClosedGates, Exemplar, Good, Micros, ProblemCount, ProcessSnapshot, Record,
    ResourceSlot, State,
};

/// One resource as it stood.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) outcomes: [u64; 3],
    /// Whether it is up, and the failures in a row.
    pub(super) conclusion: Option<(bool, u32)>,
    pub(super) good: Option<Good>,
    pub(super) last_probe: Option<Micros>,
    pub(super) last_success: Option<Micros>,
    pub(super) http_status: Option<u16>,
    pub(super) problem: Option<Reason>,
    pub(super) sum: f64,
    /// Ends of this resource's part of the shared lists; it begins where that
    /// of the one before ended.
    problems_end: usize,
    exemplars_end: usize,
}

/// All resources as they stood.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) list: Vec<Sample>,
    problems: Vec<ProblemCount>,
    exemplars: Vec<(u8, Exemplar)>,
    /// So many per resource; none when there is no histogram.
    counts: Vec<u64>,
    pub(super) bounds: Option<Arc<[f64]>>,
}

impl Samples {
    /// `bounds` are those of the histogram, where there is one.
    pub(super) fn new(bounds: Option<Arc<[f64]>>, expected: usize) -> Self {
        let buckets = bounds.as_ref().map_or(0, |bounds| bounds.len() + 1);
        Self {
            list: Vec::with_capacity(expected),
            counts: Vec::with_capacity(expected * buckets),
            bounds,
            ..Self::default()
        }
    }

    pub(super) fn take(&mut self, slot: &ResourceSlot, now: Moment, gates: &ClosedGates) {
        let held = gates.until(slot.gate_key()).is_some();
        let interval = slot.resource().interval;
        slot.read(|record| {
            self.problems.extend_from_slice(record.problems());
            let sum = self.take_histogram(record);
            self.list.push(Sample {
                outcomes: record.outcomes(),
                conclusion: record
                    .fresh_conclusion(interval, now)
                    .map(|(conclusion, failures)| (conclusion.up, failures)),
                good: record.fresh_good(interval, now),
                last_probe: record.last().map(|last| last.finished),
                last_success: record.last_success(),
                http_status: record
                    .fresh_last(interval, now)
                    .and_then(|last| last.status),
                problem: record.problem(interval, now, held),
                sum,
                problems_end: self.problems.len(),
                exemplars_end: self.exemplars.len(),
            });
        });
    }

    /// Copies counts and exemplars and returns the sum. A histogram with other
    /// bounds belongs to another configuration and counts as empty.
    fn take_histogram(&mut self, record: &Record) -> f64 {
        let Some(bounds) = &self.bounds else {
            return 0.0;
        };
        let histogram = record.histogram().filter(|h| h.bounds() == bounds);
        let Some(histogram) = histogram else {
            self.counts.resize(self.counts.len() + bounds.len() + 1, 0);
            return 0.0;
        };
        self.counts.extend_from_slice(histogram.counts());
        self.exemplars.extend_from_slice(histogram.exemplars());
        histogram.sum()
    }

    fn begin<T>(&self, place: usize, end: impl Fn(&Sample) -> T) -> Option<T> {
        Some(end(self.list.get(place.checked_sub(1)?)?))
    }

    pub(super) fn problems(&self, place: usize) -> &[ProblemCount] {
        let begin = self.begin(place, |s| s.problems_end).unwrap_or_default();
        let end = self.list.get(place).map_or(begin, |s| s.problems_end);
        self.problems.get(begin..end).unwrap_or_default()
    }

    pub(super) fn exemplars(&self, place: usize) -> &[(u8, Exemplar)] {
        let begin = self.begin(place, |s| s.exemplars_end).unwrap_or_default();
        let end = self.list.get(place).map_or(begin, |s| s.exemplars_end);
        self.exemplars.get(begin..end).unwrap_or_default()
    }

    pub(super) fn counts(&self, place: usize) -> &[u64] {
        let buckets = self.bounds.as_ref().map_or(0, |bounds| bounds.len() + 1);
        self.counts
            .get(place * buckets..(place + 1) * buckets)
            .unwrap_or_default()
    }
}

/// Everything one scrape of `/metrics` shows.
#[derive(Debug)]
pub(super) struct Scrape {
    pub(super) table: Arc<Table>,
    pub(super) samples: Samples,
    pub(super) accounts: Vec<AccountSnapshot>,
    /// In the order of the table's tokens.
    pub(super) token_expiries: Vec<Option<Timestamp>>,
    /// Which accounts are held back, and until when.
    pub(super) held: BTreeMap<(usize, Service), Timestamp>,
    pub(super) now: Moment,
    pub(super) process: ProcessSnapshot,
    pub(super) facts: ProcessFacts,
}

impl Scrape {
    pub(super) fn take(state: &State, table: Arc<Table>) -> Self {
        let now = state.clock().moment();
        let gates = state.closed_gates();
        let metrics = &table.board.metrics;
        let bounds = metrics.histogram.then(|| metrics.histogram_buckets.clone());
        let mut samples = Samples::new(bounds, table.rows.len());
        for row in &table.rows {
            samples.take(&row.slot, now, &gates);
        }
        let accounts: Vec<AccountSnapshot> = table
            .accounts
            .iter()
            .map(|account| account.slot.snapshot())
            .collect();
        let token_expiries = table
            .tokens
            .iter()
            .map(|(account, audience)| accounts.get(*account)?.token_expiry(audience))
            .collect();
        Self {
            held: held(&table, &accounts, &gates, now.civil),
            samples,
            accounts,
            token_expiries,
            now,
            process: state.process().snapshot(),
            facts: ProcessFacts::read(),
            table,
        }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, &Row, &Sample)> {
        let rows = self.table.rows.iter().zip(&self.samples.list);
        rows.zip(0..)
            .map(|((row, sample), place)| (place, row, sample))
    }
}

/// The gates that hold back an account, the longest of each service: those of
/// its resources, whoever shares them, and Entra's own.
fn held(
    table: &Table,
    accounts: &[AccountSnapshot],
    gates: &ClosedGates,
    now: Timestamp,
) -> BTreeMap<(usize, Service), Timestamp> {
    let mut held = BTreeMap::new();
    let mut hold = |account: usize, service: Service, until: Timestamp| {
        let longest = held.entry((account, service)).or_insert(until);
        *longest = (*longest).max(until);
    };
    if !gates.is_empty() {
        let places: BTreeMap<&str, usize> = (table.accounts.iter())
            .map(|account| &*account.slot.account().name)
            .zip(0..)
            .collect();
        // Resources that are shown elsewhere hold the account back as well.
        for slot in table.board.slots.iter() {
            if let Some(until) = gates.until(slot.gate_key())
                && let Some(account) = places.get(&*slot.resource().account.name)
            {
                hold(*account, slot.resource().service(), until);
            }
        }
    }
    for (place, account) in accounts.iter().enumerate() {
        // An account is also held while only a person can mend it; that is no throttling.
        let throttled = account.problem() == Some(AccountReason::Throttled);
        if let Some(until) = account
            .standing
            .held_until
            .filter(|until| throttled && *until > now)
        {
            hold(place, Service::Entra, until);
        }
    }
    held
}
