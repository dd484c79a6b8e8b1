//! The latest reports of a resource, each kind of them for itself, as far as they
//! are kept: the last of all, the last conclusive one, the last success.

use super::history_entry::micros;
use super::packed::{Micros, PackedId};
use crate::kinds::Info;
use crate::model::{Moment, Phase, Reason, Report, Sample, Verdict};

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

/// What the last probe that found something found beside its verdict, in memory
/// that the next one uses again.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// When it came in; none: it holds nothing.
    at: Option<Moment>,
    /// Numbers that its answers carried.
    pub readings: Vec<Sample>,
    /// Its steps, where it had several.
    pub steps: Vec<StepLatency>,
}

/// How long a step took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepLatency {
    /// Its name, one of the kind's.
    pub name: &'static str,
    /// Microseconds, of its last request.
    latency: u32,
}

impl StepLatency {
    /// Seconds of its last request.
    #[must_use]
    pub fn seconds(self) -> f64 {
        seconds(self.latency.into())
    }
}

impl Found {
    /// Room for what a probe of this kind finds, but for readings with labels: those
    /// have as many values as a tenant has licences, and few resources have them.
    /// `None` where it finds nothing.
    pub(super) fn with_room(info: &Info) -> Option<Box<Self>> {
        let plain = info.readings.iter().filter(|one| one.labels.is_empty());
        let (readings, steps) = (plain.count(), info.steps.len());
        (readings + steps > 0).then(|| {
            Box::new(Self {
                at: None,
                readings: Vec::with_capacity(readings),
                steps: Vec::with_capacity(steps),
            })
        })
    }

    /// What this report found, in place of what was there.
    pub(super) fn replace(&mut self, report: &Report, at: Moment) {
        self.clear();
        self.at = Some(at);
        self.readings.extend_from_slice(&report.readings);
        self.steps
            .extend(report.steps.iter().map(|step| StepLatency {
                name: step.name,
                latency: micros(step.phases.total()),
            }));
    }

    pub(super) fn clear(&mut self) {
        self.at = None;
        self.readings.clear();
        self.steps.clear();
    }

    /// When it came in; `None` while it holds nothing.
    pub(super) const fn at(&self) -> Option<Moment> {
        self.at
    }
}

/// Microseconds as seconds.
#[must_use]
pub fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
