//! Everything one scrape shows, copied before the first line is written, so
//! that all families tell of the same moment. Compact: ten thousand resources
//! are a few megabytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::planned::PlannedAt;
use super::process::ProcessFacts;
use super::samples::{MetricSample, PooledSamples, SamplePool};
use super::table::{Row, SeriesTable};
use crate::model::{AccountReason, Moment, Service, Timestamp};
use crate::state::{AccountSnapshot, ClosedGates, ProcessSnapshot, State};

/// Everything one scrape of `/metrics` shows.
#[derive(Debug)]
pub(super) struct Scrape {
    pub(super) table: Arc<SeriesTable>,
    pub(super) samples: PooledSamples,
    pub(super) accounts: Vec<AccountSnapshot>,
    /// In the order of the table's tokens.
    pub(super) token_expiries: Vec<Option<Timestamp>>,
    /// Which accounts are held back, and until when.
    pub(super) held: BTreeMap<(usize, Service), Timestamp>,
    pub(super) planned: PlannedAt,
    /// In the order of the table's references.
    pub(super) references: Vec<Option<bool>>,
    pub(super) now: Moment,
    pub(super) process: ProcessSnapshot,
    pub(super) facts: ProcessFacts,
}

impl Scrape {
    pub(super) fn sample(state: &State, table: Arc<SeriesTable>, pool: &SamplePool) -> Self {
        let now = state.clock().moment();
        let gates = state.closed_gates();
        let metrics = &table.board.metrics;
        let bounds = metrics.histogram.then(|| metrics.histogram_buckets.clone());
        let mut samples = pool.acquire(bounds, table.rows.len());
        for row in &table.rows {
            samples.sample(&row.slot, now, &gates);
        }
        let accounts: Vec<AccountSnapshot> = table
            .accounts
            .iter()
            .map(|account| account.slot.snapshot())
            .collect();
        let token_expiries = table
            .tokens
            .iter()
            .map(|(account, audience)| accounts.get(*account)?.token_expiry(audience.as_ref()))
            .collect();
        Self {
            held: held(&table, &accounts, &gates, now.civil),
            planned: PlannedAt::new(
                table.board.windows.clone(),
                table.window_labels.clone(),
                now.civil,
            ),
            references: table
                .references
                .iter()
                .map(|row| row.slot.fresh(now).map(|look| look.is_up()))
                .collect(),
            samples,
            accounts,
            token_expiries,
            now,
            process: state.process().snapshot(),
            facts: ProcessFacts::read(),
            table,
        }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, &Row, &MetricSample)> + Clone {
        let rows = self.table.rows.iter().zip(&self.samples.list);
        rows.zip(0..)
            .map(|((row, sample), place)| (place, row, sample))
    }
}

/// The gates that hold back an account, the longest of each service: those of
/// its resources, whoever shares them, and Entra's own.
fn held(
    table: &SeriesTable,
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
            .status
            .held_until
            .filter(|until| throttled && *until > now)
        {
            hold(place, Service::Entra, until);
        }
    }
    held
}
