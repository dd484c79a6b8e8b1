//! One thing to watch through one account.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::{Account, Audience, GateKey, Service};

/// The name of a resource, from the configuration; unique in it.
pub type ResourceName = Arc<str>;

/// Label pairs, sorted by name, valid and bounded.
pub type Labels = Arc<[(Arc<str>, Arc<str>)]>;

/// Which interface of SharePoint is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SiteApi {
    /// Microsoft Graph.
    Graph,
    /// SharePoint's own REST; the token's audience is the site's host.
    SharePoint,
}

/// What a resource is, with what it takes to ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A SharePoint site: the names of its lists, one is enough.
    SharePointSite {
        /// `https://{host}[:port]/{path}`; no query, no fragment, no trailing slash.
        url: Url,
        /// How to ask.
        api: SiteApi,
    },
    /// An Exchange Online mailbox: one message id.
    ExchangeMailbox {
        /// `None` asks `/me`; else a UPN or an object id for `/users/{user}`.
        user: Option<Arc<str>>,
    },
}

impl Kind {
    /// The label value, and the word in the configuration.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::SharePointSite { .. } => "sharepoint_site",
            Self::ExchangeMailbox { .. } => "exchange_mailbox",
        }
    }
}

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

/// Which connection a probe uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionPolicy {
    /// Full handshake, no session resumption: what a new user feels.
    New,
    /// Pooled, idle at most 90 s, dropped after a 503.
    Reuse,
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
}

impl Resource {
    /// What its access token must be for.
    #[must_use]
    pub fn audience(&self) -> Audience {
        match &self.kind {
            Kind::SharePointSite {
                url,
                api: SiteApi::SharePoint,
            } => {
                let host = url.host_str().unwrap_or_default();
                match url.port() {
                    Some(port) => Audience::sharepoint(&format!("{host}:{port}")),
                    None => Audience::sharepoint(host),
                }
            }
            Kind::SharePointSite {
                api: SiteApi::Graph,
                ..
            }
            | Kind::ExchangeMailbox { .. } => Audience::graph(&self.account.cloud),
        }
    }

    /// Which of Microsoft's limits it counts against.
    #[must_use]
    pub const fn service(&self) -> Service {
        match &self.kind {
            Kind::SharePointSite { .. } => Service::SharePoint,
            Kind::ExchangeMailbox { .. } => Service::Outlook,
        }
    }

    /// The gate that holds it back.
    #[must_use]
    pub fn gate_key(&self) -> GateKey {
        let person = self.account.person().map(|p| &*p.username);
        let subject = match &self.kind {
            Kind::SharePointSite { .. } => person,
            Kind::ExchangeMailbox { user } => user.as_deref().or(person),
        };
        self.account.gate_key(self.service(), subject)
    }
}
