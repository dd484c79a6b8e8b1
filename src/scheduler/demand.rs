//! What somebody who asks for a probe says, and what they get.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Report, Timestamp};

/// Asks for a probe of one resource, now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeDemand {
    /// How long the asker waits, for its turn and for the probe together. The
    /// probe itself goes on to its own end when nobody waits any more.
    pub budget: Duration,
    /// A report younger than this will do; `None` takes the resource's own
    /// `min_age`, zero always probes.
    pub min_age: Option<Duration>,
}

/// What came of a demand.
#[derive(Debug, Clone)]
pub enum DemandResult {
    /// A probe ended while the asker waited: its own, or one that was running
    /// already.
    Probed(Arc<Report>),
    /// The latest report was young enough.
    Reused(Arc<Report>),
    /// Microsoft asked us to wait; counted as skipped (`gate`).
    Held {
        /// When the gate opens, as far as is known now.
        until: Timestamp,
    },
    /// Microsoft is about to ask us to wait, and this was the turn to leave
    /// out; counted as skipped (`slow_down`).
    SlowedDown,
    /// The kind keeps a pace of its own, and was not asked yet.
    OwnPace,
    /// The budget ran out first. Counted as skipped (`budget`) if the probe
    /// never got its turn; else it still runs and will be recorded.
    Budget,
    /// A reload took the resource away or a shutdown cut the probe off.
    Gone,
}

impl DemandResult {
    /// The report, if there is one.
    #[must_use]
    pub const fn report(&self) -> Option<&Arc<Report>> {
        match self {
            Self::Probed(report) | Self::Reused(report) => Some(report),
            Self::Held { .. } | Self::SlowedDown | Self::OwnPace | Self::Budget | Self::Gone => {
                None
            }
        }
    }
}
