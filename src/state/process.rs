//! What this process counts about itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::histogram::Histogram;
use super::packed::Micros;
use crate::model::{Timestamp, words};

/// Upper bounds of the start delay, in seconds.
pub const START_DELAY_BUCKETS: [f64; 5] = [0.01, 0.05, 0.1, 1.0, 10.0];

/// Upper bounds of how long own answers take, in seconds.
const ANSWER_BUCKETS: [f64; 8] = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

words! {
    /// Why a due tick left no report.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    SkipCause {
        /// The probe before was still under way.
        Overlap = "overlap",
        /// The process was not awake, or the probe's turn did not come in time, or
        /// a reload or a shutdown cut it off.
        Missed = "missed",
        /// A gate was closed, or the resource's own service asked to come back later.
        Gate = "gate",
        /// The service is close to throttling us, so every second tick is left out.
        SlowDown = "slow_down",
        /// Whoever asked had no time left before the probe got its turn.
        Budget = "budget",
    }
}

/// How the last reading of the configuration went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reload {
    /// Whether it was taken.
    pub successful: bool,
    /// When one was last taken.
    pub last_success: Option<Timestamp>,
}

/// Counters of this process.
#[derive(Debug)]
pub struct Process {
    in_flight: AtomicU64,
    skipped: [AtomicU64; 5],
    start_delay: Mutex<Histogram>,
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    answers: Mutex<BTreeMap<&'static str, Histogram>>,
    answer_bounds: Arc<[f64]>,
    reload: Mutex<Option<Reload>>,
    reloads: [AtomicU64; 2],
    storage_writable: Mutex<Option<bool>>,
}

/// The same, copied at one moment.
#[derive(Debug, Clone)]
pub struct ProcessSnapshot {
    /// Probes under way.
    pub in_flight: u64,
    /// In the order of [`SkipCause::ALL`].
    pub skipped: [u64; 5],
    /// How late probes started against their schedule, seconds.
    pub start_delay: Histogram,
    /// HTTP requests by handler and status code.
    pub requests: Vec<(&'static str, u16, u64)>,
    /// How long own answers took by handler, in seconds.
    pub answers: Vec<(&'static str, Histogram)>,
    /// `None` before the first configuration.
    pub reload: Option<Reload>,
    /// Reloads that were taken, and those that were refused.
    pub reloads: [u64; 2],
    /// Whether the token store can be written; `None` if nothing must last.
    pub storage_writable: Option<bool>,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            in_flight: AtomicU64::new(0),
            skipped: Default::default(),
            start_delay: Mutex::new(Histogram::new(START_DELAY_BUCKETS.into())),
            requests: Mutex::default(),
            answers: Mutex::default(),
            answer_bounds: ANSWER_BUCKETS.into(),
            reload: Mutex::default(),
            reloads: Default::default(),
            storage_writable: Mutex::default(),
        }
    }
}

impl Process {
    pub(super) fn probe_began(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn probe_ended(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn skipped(&self, cause: SkipCause, ticks: u64) {
        if let Some(count) = self.skipped.get(cause as usize) {
            count.fetch_add(ticks, Ordering::Relaxed);
        }
    }

    /// A probe started this late against its schedule.
    pub fn started(&self, delay: Duration) {
        let now = Micros::of(Timestamp::UNIX_EPOCH);
        self.start_delay
            .lock()
            .observe(delay.as_secs_f64(), now, None);
    }

    /// An HTTP request was answered. `handler` is the route, not the path, so
    /// that callers cannot make series.
    pub fn http_request(&self, handler: &'static str, code: u16) {
        *self.requests.lock().entry((handler, code)).or_default() += 1;
        tracing::trace!(handler, status = code, "request answered");
    }

    /// An answer of `handler` took so long, to the last byte of its body.
    pub fn http_answered(&self, handler: &'static str, took: Duration) {
        let now = Micros::of(Timestamp::UNIX_EPOCH);
        self.answers
            .lock()
            .entry(handler)
            .or_insert_with(|| Histogram::new(self.answer_bounds.clone()))
            .observe(took.as_secs_f64(), now, None);
    }

    /// A configuration was read at `at`, and taken or refused. The first is that
    /// of the start; those after it are reloads.
    pub fn reloaded(&self, successful: bool, at: Timestamp) {
        let mut reload = self.reload.lock();
        if reload.is_some() {
            let [taken, refused] = &self.reloads;
            let count = if successful { taken } else { refused };
            count.fetch_add(1, Ordering::Relaxed);
        }
        let before = reload.and_then(|reload| reload.last_success);
        *reload = Some(Reload {
            successful,
            last_success: if successful { Some(at) } else { before },
        });
    }

    pub(super) fn storage(&self, writable: Option<bool>) {
        *self.storage_writable.lock() = writable;
    }

    /// Probes under way.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// A copy of everything.
    #[must_use]
    pub fn snapshot(&self) -> ProcessSnapshot {
        ProcessSnapshot {
            in_flight: self.in_flight(),
            skipped: [0, 1, 2, 3, 4]
                .map(|place: usize| self.skipped[place].load(Ordering::Relaxed)),
            start_delay: self.start_delay.lock().clone(),
            requests: self
                .requests
                .lock()
                .iter()
                .map(|((handler, code), count)| (*handler, *code, *count))
                .collect(),
            answers: self
                .answers
                .lock()
                .iter()
                .map(|(handler, durations)| (*handler, durations.clone()))
                .collect(),
            reload: *self.reload.lock(),
            reloads: self
                .reloads
                .each_ref()
                .map(|count| count.load(Ordering::Relaxed)),
            storage_writable: *self.storage_writable.lock(),
        }
    }
}
