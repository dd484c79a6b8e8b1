//! What a month was like, from what Prometheus recorded: outages, availability
//! against Microsoft's commitment, and the time that nobody watched.
//!
//! Prometheus is the only record; nothing is kept here. A month is cut into
//! minutes of UTC. A minute is up or down as the last sample of
//! `m365_resource_up` within it says, and unknown without one: a sample never
//! speaks for a later minute, so restarts and missed scrapes show as what they
//! are. Called by `m365mon report`.

mod access;
mod minutes;
mod month;
mod render;
mod source;

pub use access::Access;
pub use minutes::{Minute, Outage, Tally, outages};
pub use month::{Month, MonthError, Period};
pub use render::{AvailabilityRow, OutageRow, Report};
pub use source::{Prometheus, SourceError};

use std::collections::BTreeMap;

/// What identifies a resource over all exporters, as in the recording rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watched {
    /// Name of the account.
    pub account: String,
    /// Kind of the resource.
    pub kind: String,
    /// Name of the resource.
    pub resource: String,
    /// The label `location`; empty without one.
    pub location: String,
}

/// One resource in one period.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// One entry a minute.
    pub minutes: Vec<Minute>,
    /// Why probes failed: by reason, the minutes in which it was so.
    pub reasons: BTreeMap<String, Vec<usize>>,
}

impl Course {
    /// The reason that was there for most of the minutes, the first by name of
    /// those that tie; empty when none was recorded.
    #[must_use]
    pub fn reason(&self, outage: &Outage) -> &str {
        let span = outage.first..outage.end;
        let count = |at: &[usize]| at.iter().filter(|minute| span.contains(minute)).count();
        let mut best = ("", 0);
        for (reason, at) in &self.reasons {
            let its = count(at);
            if its > best.1 {
                best = (reason, its);
            }
        }
        best.0
    }
}
