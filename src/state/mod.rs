//! The latest reports and short history of every resource, where every account
//! stands, and what this process counts about itself.
//!
//! Promises: a reload keeps what did not change; what was removed is gone with
//! the next look; locks are held only while something is copied, never across
//! an await; memory is bounded by the configuration, not by time.
//!
//! Written by the scheduler (`ResourceSlot::record`, gates), the token room
//! (through [`AccountObserver`]) and the web room (requests, reloads); read by
//! the metrics, the status page and the API.

mod account;
mod account_snapshot;
mod day;
mod freshness;
mod gates;
mod histogram;
mod history;
mod history_entry;
mod last;
mod packed;
mod process;
mod record;
mod references;
mod slot;
mod spare;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

pub use account::AccountSlot;
pub use account_snapshot::{AccountSnapshot, LastRate, LastToken, TokenProblemCount};
pub use day::{HalfHour, SLOT_SECONDS, SLOTS, share};
pub use freshness::window;
pub use gates::ClosedGates;
pub use histogram::{Exemplar, Histogram, USUAL_EXEMPLARS};
pub use history_entry::HistoryEntry;
pub use last::{
    Found, Last, LastChain, LastConclusive, LastSuccess, ProblemCount, StepLatency, seconds,
};
pub use packed::{Micros, PackedId};
pub use process::{Process, ProcessSnapshot, Reload, START_DELAY_BUCKETS, SkipCause};
pub use record::Record;
pub use references::{LastLook, REFERENCE_INTERVAL, ReferenceSlot};
pub use slot::{InFlight, ResourceSlot, ResourceSnapshot};

use crate::kinds::{Configuration, Labels, ResourceName, Windows};
use crate::model::{
    Account, AccountObserver, AccountStatus, Clock, GateKey, MetricsSettings, Timestamp,
    TokenReport,
};

/// What one configuration put on the board: slots and accounts in its order.
/// Replaced as a whole by a reload.
#[derive(Debug)]
pub struct Board {
    /// One slot per resource, in the order of the file.
    pub slots: Arc<[Arc<ResourceSlot>]>,
    /// One per account, in the order of the file.
    pub accounts: Arc<[Arc<AccountSlot>]>,
    /// The process's labels.
    pub labels: Labels,
    /// What is exposed.
    pub metrics: MetricsSettings,
    /// Planned times.
    pub windows: Arc<Windows>,
    /// One per reference, in the order of the file.
    pub references: Arc<[Arc<ReferenceSlot>]>,
    by_name: HashMap<ResourceName, Arc<ResourceSlot>>,
}

/// Everything that metrics, pages and logs read.
#[derive(Debug)]
pub struct State {
    shared: Arc<Shared>,
    board: ArcSwap<Board>,
    /// Held while a new board is made, so that two reloads cannot interleave.
    configuring: Mutex<()>,
}

/// What slots need of the state they belong to.
#[derive(Debug)]
struct Shared {
    clock: Clock,
    history_limit: usize,
    process: Process,
    gates: gates::GateTable,
    spares: spare::Spares,
}

impl State {
    /// An empty state. `history_limit` bounds both rings of each resource.
    #[must_use]
    pub fn new(clock: Clock, history_limit: usize) -> Arc<Self> {
        Arc::new(Self {
            shared: Arc::new(Shared {
                clock,
                history_limit,
                process: Process::default(),
                gates: gates::GateTable::default(),
                spares: spare::Spares::new(),
            }),
            board: ArcSwap::from_pointee(Board {
                slots: [].into(),
                accounts: [].into(),
                labels: [].into(),
                metrics: MetricsSettings {
                    histogram: false,
                    phases: false,
                    histogram_buckets: [].into(),
                },
                windows: Arc::default(),
                references: [].into(),
                by_name: HashMap::new(),
            }),
            configuring: Mutex::new(()),
        })
    }

    /// Puts a configuration on the board.
    ///
    /// An unchanged resource keeps its very slot. A changed one gets a new slot
    /// and, if name, account name and kind are the same, goes on counting where
    /// the old one stopped; when it is another target or another way in, its
    /// latest reports are forgotten, for they tell of something else. What is
    /// not in the configuration vanishes. Call this before the token room
    /// learns of the configuration: it tells again how changed accounts stand.
    pub fn configure(&self, configuration: &Configuration) {
        let _guard = self.configuring.lock();
        let old = self.board.load_full();
        let accounts: Arc<[Arc<AccountSlot>]> = configuration
            .accounts
            .iter()
            .map(|account| {
                let before = old
                    .accounts
                    .iter()
                    .find(|a| a.account().name == account.name);
                AccountSlot::follow(before, account)
            })
            .collect();
        let by_account: HashMap<&str, &Arc<AccountSlot>> =
            accounts.iter().map(|a| (&*a.account().name, a)).collect();
        let bounds = configuration
            .metrics
            .histogram
            .then(|| configuration.metrics.histogram_buckets.clone());
        let mut keys: HashSet<Arc<GateKey>> = HashSet::new();
        let slots: Arc<[Arc<ResourceSlot>]> = configuration
            .resources
            .iter()
            .map(|resource| {
                let slot = match old.by_name.get(&resource.name) {
                    Some(slot) if *slot.resource() == *resource => slot.clone(),
                    before => {
                        let key = resource.gate_key();
                        let key = keys.get(&key).cloned().unwrap_or_else(|| {
                            let key = Arc::new(key);
                            keys.insert(key.clone());
                            key
                        });
                        let account = by_account.get(&*resource.account.name).map_or_else(
                            || AccountSlot::follow(None, &resource.account),
                            |a| (*a).clone(),
                        );
                        Arc::new(ResourceSlot::follow(
                            before.map(Arc::as_ref),
                            resource,
                            account,
                            key,
                            self.shared.clone(),
                        ))
                    }
                };
                slot.prepare(bounds.as_ref());
                slot.account().uses(resource.service());
                slot
            })
            .collect();
        let by_name = slots
            .iter()
            .map(|slot| (slot.resource().name.clone(), slot.clone()))
            .collect();
        self.board.store(Arc::new(Board {
            slots,
            accounts,
            labels: configuration.labels.clone(),
            metrics: configuration.metrics.clone(),
            windows: configuration.windows.clone(),
            references: ReferenceSlot::follow(&old.references, &configuration.references),
            by_name,
        }));
    }

    /// What the current configuration put on the board.
    #[must_use]
    pub fn board(&self) -> Arc<Board> {
        self.board.load_full()
    }

    /// The slots, in the order of the configuration.
    #[must_use]
    pub fn slots(&self) -> Arc<[Arc<ResourceSlot>]> {
        self.board.load().slots.clone()
    }

    /// The slot of a resource.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<Arc<ResourceSlot>> {
        self.board.load().by_name.get(name).cloned()
    }

    /// The accounts, in the order of the configuration.
    #[must_use]
    pub fn accounts(&self) -> Arc<[Arc<AccountSlot>]> {
        self.board.load().accounts.clone()
    }

    /// One account.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<Arc<AccountSlot>> {
        let board = self.board.load();
        board
            .accounts
            .iter()
            .find(|a| &*a.account().name == name)
            .cloned()
    }

    /// What this process counts about itself.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.shared.process
    }

    /// The clock by which freshness is judged.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// A gate closed, or closed for longer. What Microsoft throttled is counted
    /// by [`ResourceSlot::record`]; this only says how long it lasts.
    pub fn gate_closed(&self, key: &GateKey, until: Timestamp) {
        self.shared.gates.close(key, until, self.shared.clock.now());
    }

    /// A gate opened again, before or at its time.
    pub fn gate_open(&self, key: &GateKey) {
        self.shared.gates.open(key);
    }

    /// The gates that are closed now.
    #[must_use]
    pub fn closed_gates(&self) -> ClosedGates {
        self.shared.gates.closed(self.shared.clock.now())
    }
}

impl AccountObserver for State {
    fn token_request(&self, account: &Account, report: &TokenReport) {
        if let Some(slot) = self.account(&account.name) {
            slot.token_request(report);
        }
    }

    fn status(&self, account: &Account, status: &AccountStatus) {
        if let Some(slot) = self.account(&account.name) {
            slot.set_status(status);
        }
    }

    fn storage(&self, writable: Option<bool>) {
        self.shared.process.storage(writable);
    }
}

#[cfg(test)]
mod tests;
