//! A run of many probes at once, outside the schedule: within the limits of the
//! configuration, within what one of Microsoft's limits takes at a time, and
//! with the pauses that a service asked for kept from then on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::kinds::Resource;
use crate::model::{AccountName, GateKey, Hold, Limits, Outcome, Reason, Report, Service};

/// Probes of one gate at a time. A run asks for everything once; it shall not
/// be what makes a service throttle.
const PER_GATE: usize = 16;
/// Exchange takes four requests of one application in one mailbox at a time
/// (learn.microsoft.com, "Microsoft Graph service-specific throttling limits",
/// Outlook).
const PER_MAILBOX: usize = 4;

/// The permits of one run.
pub struct Batch {
    all: Semaphore,
    accounts: HashMap<AccountName, Semaphore>,
    gates: HashMap<GateKey, Semaphore>,
    /// Gates that a service closed during this run.
    closed: Mutex<HashSet<GateKey>>,
}

/// A place among the probes under way; given back when dropped.
pub struct Permit<'a> {
    _held: [Option<SemaphorePermit<'a>>; 3],
}

impl Batch {
    /// For these resources.
    #[must_use]
    pub fn new<'a>(
        limits: &Limits,
        resources: impl IntoIterator<Item = &'a Arc<Resource>>,
    ) -> Self {
        let (mut accounts, mut gates) = (HashMap::new(), HashMap::new());
        for resource in resources {
            accounts
                .entry(resource.account.name.clone())
                .or_insert_with(|| Semaphore::new(limits.per_account));
            gates.entry(resource.gate_key()).or_insert_with_key(|key| {
                Semaphore::new(match key.service {
                    Service::Outlook => PER_MAILBOX,
                    _ => PER_GATE,
                })
            });
        }
        Self {
            all: Semaphore::new(limits.probes_in_flight),
            accounts,
            gates,
            closed: Mutex::default(),
        }
    }

    /// Waits for its turn; `None` if the service wants a pause by then.
    pub async fn permit(&self, resource: &Resource) -> Option<Permit<'_>> {
        let key = resource.gate_key();
        // The narrowest first: who waits for it takes no place from others.
        // No semaphore of ours is ever closed, hence `ok`.
        let mut held = [None, None, None];
        if let Some(gate) = self.gates.get(&key) {
            held[0] = gate.acquire().await.ok();
        }
        if let Some(account) = self.accounts.get(&resource.account.name) {
            held[1] = account.acquire().await.ok();
        }
        held[2] = self.all.acquire().await.ok();
        (!self.closed.lock().contains(&key)).then_some(Permit { _held: held })
    }

    /// Notes what a probe met, before its permit is given back.
    pub fn note(&self, resource: &Resource, report: &Report) {
        let asked = matches!(report.exchange.hold, Some(Hold::Gate { .. }));
        if asked || report.verdict.reason() == Some(Reason::Throttled) {
            self.closed.lock().insert(resource.gate_key());
        }
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch")
            .field("accounts", &self.accounts.len())
            .field("gates", &self.gates.len())
            .finish_non_exhaustive()
    }
}

/// Somebody who watches a run while it goes; tells nothing by default. Must not
/// block for long. What is said holds no secret.
pub trait Watcher: Send + Sync {
    /// So many resources are going to be probed.
    fn expect(&self, _resources: usize) {}
    /// What is done now, in a few words.
    fn step(&self, _words: &str) {}
    /// The probe of a resource begins.
    fn began(&self, _resource: &str) {}
    /// It ended; `Inconclusive` also where it was not asked at all.
    fn ended(&self, _resource: &str, _outcome: Outcome) {}
}

/// Nobody watches.
impl Watcher for () {}
