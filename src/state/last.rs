//! The latest reports of a resource, each kind of them for itself, as far as they
//! are kept: the last of all, the last conclusive one, the last success.

use super::packed::{Micros, PackedId};
use crate::model::{Moment, Phase, Reason, Sample, Step, Verdict};

/// How often a reason was met.
#[derive(Debug, Clone)]
pub struct ProblemCount {
    /// The reason.
    pub reason: Reason,
    /// How often.
    pub count: u64,
    /// Request id and time of the latest one that had an id.
    pub exemplar: Option<(PackedId, Micros)>,
}

/// The last report of any outcome.
#[derive(Debug, Clone, Copy)]
pub struct Last {
    /// When it came in.
    pub at: Moment,
    /// When the probe ended.
    pub finished: Micros,
    /// How it ended.
    pub verdict: Verdict,
    /// HTTP status of its answer.
    pub status: Option<u16>,
}

/// The last conclusive report.
#[derive(Debug, Clone, Copy)]
pub struct LastConclusive {
    /// When it came in.
    pub at: Moment,
    /// Success.
    pub up: bool,
    /// When the first of the conclusive probes ended that all ended so.
    pub since: Micros,
    /// It was the first of all: it may have been so for longer.
    pub since_at_least: bool,
}

/// The last success, as long as no failure came after it.
#[derive(Debug, Clone, Copy)]
pub struct LastSuccess {
    /// When it came in.
    pub at: Moment,
    /// Microseconds, in the order of [`Phase::ALL`].
    pub phases: [u32; 5],
    /// The service's own figure, microseconds.
    pub server_latency: Option<u32>,
}

impl LastSuccess {
    /// Seconds of one phase.
    #[must_use]
    pub fn phase(&self, phase: Phase) -> f64 {
        seconds(self.phases[phase as usize].into())
    }

    /// Seconds of the whole request: the sum of the phases.
    #[must_use]
    pub fn latency(&self) -> f64 {
        seconds(self.phases.iter().map(|micros| u64::from(*micros)).sum())
    }
}

/// What the last chain of certificates said that was shown.
#[derive(Debug, Clone, Copy)]
pub struct LastChain {
    /// When the report of it came in.
    pub at: Moment,
    /// The first end in it.
    pub expiry: Option<Micros>,
    /// As in [`crate::model::ConnectionFacts::intercepted`].
    pub intercepted: Option<bool>,
}

/// What the last probe that found something found beside its verdict.
#[derive(Debug)]
pub struct Found {
    pub(super) at: Moment,
    /// Numbers that its answers carried.
    pub readings: Box<[Sample]>,
    /// Its steps, where it had several.
    pub steps: Box<[Step]>,
}

/// Microseconds as seconds.
#[must_use]
pub fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
