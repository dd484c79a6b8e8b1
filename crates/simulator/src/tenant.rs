//! What all listeners of one simulated tenant share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::chance::Seeded;
use super::clock::AdjustableClock;
use super::directory::Directory;
use super::endpoints::Endpoints;
use super::entra;
use super::faults::Faults;
use super::file_store::FileStore;
use super::journal::Journal;
use super::mail_flow::MailFlow;
use super::orders::Orders;
use super::throttle::Throttle;
use super::tokens::{KeyError, Tokens};

/// The simulated cloud's state, shared by its listeners, its control endpoint
/// and its scenario. Locks are held for lookups only, never across an await.
#[derive(Debug)]
pub struct Tenant {
    /// Its time.
    pub clock: AdjustableClock,
    /// Its chance.
    pub random: Seeded,
    /// What exists.
    pub directory: RwLock<Directory>,
    /// Access tokens.
    pub tokens: Tokens,
    /// What goes wrong.
    pub faults: Faults,
    /// What was asked.
    pub journal: Journal,
    /// Mail on its way and where it came to.
    pub mail: MailFlow,
    /// A word that stands in everything that is content.
    pub canary: Mutex<Option<String>>,
    /// Files that were put into drives.
    pub files: FileStore,
    /// Microsoft's published list of addresses.
    pub endpoints: Endpoints,
    /// The API that Contoso made.
    pub orders: Orders,
    /// Limits that count by themselves.
    pub throttle: Throttle,
    /// What Entra remembers between requests.
    pub entra: entra::Sessions,
    /// Where the secret of an application was written for its user: a new
    /// secret is written there as well, as an administrator would.
    pub secret_files: Mutex<BTreeMap<String, PathBuf>>,
}

impl Tenant {
    /// A tenant with this directory.
    pub fn new(
        clock: AdjustableClock,
        seed: u64,
        directory: Directory,
    ) -> Result<Arc<Self>, KeyError> {
        Ok(Arc::new(Self {
            tokens: Tokens::new(clock.clone())?,
            clock,
            // Another stream than the directory's.
            random: Seeded::new(seed ^ 0x006d_3336_356d_6f6e),
            directory: RwLock::new(directory),
            faults: Faults::default(),
            journal: Journal::default(),
            mail: MailFlow::default(),
            canary: Mutex::default(),
            files: FileStore::default(),
            endpoints: Endpoints::default(),
            orders: Orders::default(),
            throttle: Throttle::default(),
            entra: entra::Sessions::default(),
            secret_files: Mutex::default(),
        }))
    }
}
