//! What Microsoft asks us to wait for, and whose probes that holds back.

use std::sync::Arc;
use std::time::Duration;

use super::words;

words! {
    /// Which of Microsoft's limits a request counts against (learn.microsoft.com,
    /// "Microsoft Graph service-specific throttling limits").
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    Service {
        /// Sites and drives, through Graph or through SharePoint's own REST.
        SharePoint = "sharepoint",
        /// Mail, calendar, contacts: counted per mailbox.
        Outlook = "outlook",
        /// Teams and their channels.
        Teams = "teams",
        /// Presence.
        Presence = "presence",
        /// Service health and the message center.
        ServiceCommunications = "service_communications",
        /// Users, applications, licences: whatever is kept in Entra's directory.
        Directory = "directory",
        /// Security and device management.
        Security = "security",
        /// The rest of Graph.
        Graph = "graph",
        /// One host of its own.
        Host = "host",
        /// The token endpoint.
        Entra = "entra",
    }
}

/// Whose probes a gate holds back: everything that Microsoft counts together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GateKey {
    /// The login root of the cloud.
    pub cloud: Arc<str>,
    /// Domain or GUID, as configured, lower case.
    pub tenant: Arc<str>,
    /// The application.
    pub client_id: Arc<str>,
    /// The limit.
    pub service: Service,
    /// The delegated user (SharePoint), the mailbox (Outlook) or the host, lower
    /// case.
    pub subject: Option<Arc<str>>,
}

/// A wait that the service asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The service throttles us: the gate closes. Without a time the gate
    /// chooses one, growing while refused.
    Gate {
        /// `Retry-After` or `RateLimit-Reset`, the greater, at most an hour.
        wait: Option<Duration>,
    },
    /// The service is unwell and says when to come back: only this resource
    /// waits, from the second such answer in a row.
    Resource {
        /// `Retry-After`, at most an hour.
        wait: Duration,
    },
}

impl Hold {
    /// The one that asks for more: a gate holds back more than one resource does, and
    /// a time that was told more than none.
    #[must_use]
    pub fn longer(self, other: Self) -> Self {
        match (self, other) {
            (Self::Gate { wait: one }, Self::Gate { wait: two }) => {
                Self::Gate { wait: one.max(two) }
            }
            (Self::Resource { wait: one }, Self::Resource { wait: two }) => {
                Self::Resource { wait: one.max(two) }
            }
            (gate @ Self::Gate { .. }, Self::Resource { .. })
            | (Self::Resource { .. }, gate @ Self::Gate { .. }) => gate,
        }
    }

    /// The same where there may be none.
    #[must_use]
    pub fn longest(one: Option<Self>, two: Option<Self>) -> Option<Self> {
        match (one, two) {
            (Some(one), Some(two)) => Some(one.longer(two)),
            (one, two) => one.or(two),
        }
    }
}

/// `RateLimit-*` as SharePoint sends them from 80 % of the limit on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Units per window.
    pub limit: u32,
    /// Units left.
    pub remaining: u32,
    /// Until the window ends.
    pub reset: Duration,
}

impl RateLimit {
    /// What is left of the limit, 0 to 1.
    #[must_use]
    pub fn remaining_ratio(&self) -> f64 {
        if self.limit == 0 {
            return 0.0;
        }
        (f64::from(self.remaining) / f64::from(self.limit)).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_of_two_waits_is_kept() {
        let gate = |wait: Option<u64>| Hold::Gate {
            wait: wait.map(Duration::from_secs),
        };
        let resource = |wait| Hold::Resource {
            wait: Duration::from_secs(wait),
        };
        for (one, two, kept) in [
            (gate(Some(9)), gate(Some(120)), gate(Some(120))),
            (gate(Some(9)), gate(None), gate(Some(9))),
            (gate(None), gate(None), gate(None)),
            (gate(None), resource(120), gate(None)),
            (gate(Some(9)), resource(120), gate(Some(9))),
            (resource(9), resource(120), resource(120)),
        ] {
            assert_eq!(one.longer(two), kept, "{one:?} {two:?}");
            assert_eq!(two.longer(one), kept, "{one:?} {two:?}");
            assert_eq!(Hold::longest(Some(one), Some(two)), Some(kept));
            assert_eq!(Hold::longest(None, Some(two)), Some(two));
            assert_eq!(Hold::longest(Some(one), None), Some(one));
        }
        assert_eq!(Hold::longest(None, None), None);
    }
}
