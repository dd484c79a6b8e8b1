//! The resources as they stood at one moment, in few large lists that are used
//! again by the next scrape.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::model::{Moment, Reason, Sample};
use crate::state::{
    ClosedGates, Exemplar, LastChain, LastSuccess, Micros, ProblemCount, Record, ResourceSlot,
    StepLatency, USUAL_EXEMPLARS,
};

/// One resource as it stood.
#[derive(Debug)]
pub(super) struct MetricSample {
    pub(super) outcomes: [u64; 3],
    /// Whether it is up, and the failures in a row.
    pub(super) conclusive: Option<(bool, u32)>,
    pub(super) success: Option<LastSuccess>,
    pub(super) last_probe: Option<Micros>,
    pub(super) last_success: Option<Micros>,
    pub(super) http_status: Option<u16>,
    pub(super) problem: Option<Reason>,
    pub(super) chain: Option<LastChain>,
    pub(super) sum: f64,
    /// Ends of this resource's part of the shared lists; it begins where that
    /// of the one before ended.
    problems_end: usize,
    exemplars_end: usize,
    readings_end: usize,
    steps_end: usize,
}

/// All resources as they stood.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) list: Vec<MetricSample>,
    problems: Vec<ProblemCount>,
    exemplars: Vec<(u8, Exemplar)>,
    readings: Vec<Sample>,
    steps: Vec<StepLatency>,
    /// So many per resource; none when there is no histogram.
    counts: Vec<u64>,
    pub(super) bounds: Option<Arc<[f64]>>,
}

impl Samples {
    /// `bounds` are those of the histogram, where there is one.
    pub(super) fn new(bounds: Option<Arc<[f64]>>, expected: usize) -> Self {
        let mut samples = Self::default();
        samples.clear(bounds, expected);
        samples
    }

    /// As new, in the same memory if it fits.
    fn clear(&mut self, bounds: Option<Arc<[f64]>>, expected: usize) {
        // The configuration became another one.
        if self.bounds != bounds || self.list.capacity() > expected * 2 + 1024 {
            *self = Self::default();
        }
        let buckets = bounds.as_ref().map_or(0, |bounds| bounds.len() + 1);
        let exemplars = if buckets > 0 {
            expected * USUAL_EXEMPLARS
        } else {
            0
        };
        self.bounds = bounds;
        fit(&mut self.list, expected);
        fit(&mut self.counts, expected * buckets);
        fit(&mut self.exemplars, exemplars);
        self.problems.clear();
        self.readings.clear();
        self.steps.clear();
    }

    pub(super) fn sample(&mut self, slot: &ResourceSlot, now: Moment, gates: &ClosedGates) {
        let held = gates.until(slot.gate_key()).is_some();
        let interval = slot.resource().interval;
        slot.read(|record| {
            self.problems.extend_from_slice(record.problems());
            let sum = self.sample_histogram(record);
            if let Some(found) = record.fresh_found(interval, now) {
                self.readings.extend_from_slice(&found.readings);
                self.steps.extend_from_slice(&found.steps);
            }
            self.list.push(MetricSample {
                outcomes: record.outcomes(),
                conclusive: record
                    .fresh_conclusive(interval, now)
                    .map(|(conclusive, failures)| (conclusive.up, failures)),
                success: record.fresh_success(interval, now),
                last_probe: record.last().map(|last| last.finished),
                last_success: record.last_success(),
                http_status: record
                    .fresh_last(interval, now)
                    .and_then(|last| last.status),
                problem: record.problem(interval, now, held),
                chain: record.fresh_chain(interval, now),
                sum,
                problems_end: self.problems.len(),
                exemplars_end: self.exemplars.len(),
                readings_end: self.readings.len(),
                steps_end: self.steps.len(),
            });
        });
    }

    /// Copies counts and exemplars and returns the sum. A histogram with other
    /// bounds belongs to another configuration and counts as empty.
    fn sample_histogram(&mut self, record: &Record) -> f64 {
        let Some(bounds) = &self.bounds else {
            return 0.0;
        };
        let histogram = record.histogram().filter(|h| h.bounds() == bounds);
        let Some(histogram) = histogram else {
            self.counts.resize(self.counts.len() + bounds.len() + 1, 0);
            return 0.0;
        };
        self.counts.extend_from_slice(histogram.counts());
        self.exemplars.extend_from_slice(histogram.exemplars());
        histogram.sum()
    }

    /// The part of a shared list that is this resource's.
    fn part<'a, T>(
        &self,
        list: &'a [T],
        place: usize,
        end: impl Fn(&MetricSample) -> usize,
    ) -> &'a [T] {
        let before = place
            .checked_sub(1)
            .and_then(|before| self.list.get(before));
        let begin = before.map_or(0, &end);
        let end = self.list.get(place).map_or(begin, end);
        list.get(begin..end).unwrap_or_default()
    }

    pub(super) fn problems(&self, place: usize) -> &[ProblemCount] {
        self.part(&self.problems, place, |sample| sample.problems_end)
    }

    pub(super) fn exemplars(&self, place: usize) -> &[(u8, Exemplar)] {
        self.part(&self.exemplars, place, |sample| sample.exemplars_end)
    }

    pub(super) fn readings(&self, place: usize) -> &[Sample] {
        self.part(&self.readings, place, |sample| sample.readings_end)
    }

    pub(super) fn steps(&self, place: usize) -> &[StepLatency] {
        self.part(&self.steps, place, |sample| sample.steps_end)
    }

    pub(super) fn counts(&self, place: usize) -> &[u64] {
        let buckets = self.bounds.as_ref().map_or(0, |bounds| bounds.len() + 1);
        self.counts
            .get(place * buckets..(place + 1) * buckets)
            .unwrap_or_default()
    }
}

/// Empties a list and makes room for so many.
fn fit<T>(list: &mut Vec<T>, expected: usize) {
    list.clear();
    list.reserve_exact(expected);
}

/// Where the samples of one scrape wait for the next: megabytes for thousands
/// of resources, which the allocator would spread over the arenas of as many
/// threads as scrapes happen to run on, and never give back.
#[derive(Debug, Clone, Default)]
pub(super) struct SamplePool(Arc<Mutex<Option<Samples>>>);

impl SamplePool {
    /// Samples for one scrape. A second scrape at the same time has its own.
    pub(super) fn acquire(&self, bounds: Option<Arc<[f64]>>, expected: usize) -> PooledSamples {
        let kept = self.0.lock().take();
        let mut samples = kept.unwrap_or_default();
        samples.clear(bounds, expected);
        PooledSamples {
            samples,
            home: self.clone(),
        }
    }
}

/// Samples that go back when they were shown.
#[derive(Debug)]
pub(super) struct PooledSamples {
    samples: Samples,
    home: SamplePool,
}

impl Deref for PooledSamples {
    type Target = Samples;

    fn deref(&self) -> &Samples {
        &self.samples
    }
}

impl DerefMut for PooledSamples {
    fn deref_mut(&mut self) -> &mut Samples {
        &mut self.samples
    }
}

impl Drop for PooledSamples {
    fn drop(&mut self) {
        *self.home.0.lock() = Some(std::mem::take(&mut self.samples));
    }
}
