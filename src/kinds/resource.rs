//! One thing to watch through one account.

use std::sync::Arc;
use std::time::Duration;

use super::{Impact, Kind, Permission};
use crate::model::{Account, Audience, ConnectionPolicy, GateKey, ProxySetting, Service};

/// The name of a resource, from the configuration; unique in it.
pub type ResourceName = Arc<str>;

/// Label pairs, sorted by name, valid and bounded.
pub type Labels = Arc<[(Arc<str>, Arc<str>)]>;

/// Where a resource is probed from; every resource has one home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The scheduler probes, `/metrics` shows.
    Background,
    /// `/metrics` probes.
    OnScrape,
    /// Only `/probe?resource=` probes and shows.
    OnProbe,
}

impl Mode {
    /// The word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::OnScrape => "on_scrape",
            Self::OnProbe => "on_probe",
        }
    }
}

/// One thing to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Unique.
    pub name: ResourceName,
    /// Through which account.
    pub account: Arc<Account>,
    /// What it is.
    pub kind: Kind,
    /// How often; at least a second.
    pub interval: Duration,
    /// For the request alone; less than the interval.
    pub timeout: Duration,
    /// Where it is probed from.
    pub mode: Mode,
    /// Which connection.
    pub connection: ConnectionPolicy,
    /// A report younger than this is reused (`on_scrape`, `on_probe`).
    pub min_age: Duration,
    /// The process's labels and the resource's own, merged (own wins), sorted.
    pub labels: Labels,
    /// Whether its failure is felt by users.
    pub impact: Impact,
    /// By which proxy it is asked, where it is not its account's.
    pub proxy: Option<Arc<ProxySetting>>,
}

impl Resource {
    /// What its access token must be for; `None` if it needs no token.
    #[must_use]
    pub fn audience(&self) -> Option<Audience> {
        self.kind.audience(&self.account)
    }

    /// Which of Microsoft's limits it counts against.
    #[must_use]
    pub fn service(&self) -> Service {
        self.kind.service()
    }

    /// By which proxy a request of `account` for this resource goes; `None` for
    /// that of `http`.
    #[must_use]
    pub fn proxy_of<'a>(&'a self, account: &'a Account) -> Option<&'a Arc<ProxySetting>> {
        self.proxy.as_ref().or(account.proxy.as_ref())
    }

    /// How long one probe may take: the next tick ends it.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let effort = self.kind.effort(&self.account);
        effort.longest(self.timeout).min(self.interval)
    }

    /// The gate that holds it back.
    #[must_use]
    pub fn gate_key(&self) -> GateKey {
        let subject = self.kind.subject(&self.account);
        self.account.gate_key(self.service(), subject.as_deref())
    }

    /// The permissions that it needs, each of them.
    #[must_use]
    pub fn permissions(&self) -> Vec<Permission> {
        self.kind.permissions(&self.account)
    }
}
