//! A cumulative histogram with one exemplar per bucket, as small as it can be:
//! ten thousand of these are kept.

use std::sync::Arc;

use super::packed::{Micros, PackedId};
use super::spare::Lists;

/// One observation that stands for its bucket or counter.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// What Microsoft's support asks for.
    pub request_id: PackedId,
    /// The observed value.
    pub value: f64,
    /// When.
    pub at: Micros,
}

/// Counts per bucket, not yet cumulated.
#[derive(Debug, Clone)]
pub struct Histogram {
    bounds: Arc<[f64]>,
    /// One more than there are bounds: the last is `+Inf`.
    counts: Box<[u64]>,
    sum: f64,
    /// By bucket; few buckets are ever hit.
    exemplars: Vec<(u8, Exemplar)>,
}

/// Buckets that most resources hit, each with an exemplar.
pub const USUAL_EXEMPLARS: usize = 2;

impl Histogram {
    /// An empty histogram. `bounds` are ascending upper bounds without `+Inf`.
    #[must_use]
    pub fn new(bounds: Arc<[f64]>) -> Self {
        Self {
            counts: vec![0; bounds.len() + 1].into(),
            exemplars: Vec::with_capacity(USUAL_EXEMPLARS.min(bounds.len() + 1)),
            bounds,
            sum: 0.0,
        }
    }

    /// Counts one value; what is not finite is not counted. Its exemplar is a request id,
    /// with where room for one more comes from.
    pub(super) fn observe(
        &mut self,
        value: f64,
        at: Micros,
        exemplar: Option<(PackedId, &Lists<(u8, Exemplar)>)>,
    ) {
        if !value.is_finite() {
            return;
        }
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum += value;
        let (Some((request_id, spares)), Ok(bucket)) = (exemplar, u8::try_from(bucket)) else {
            return;
        };
        let exemplar = Exemplar {
            request_id,
            value,
            at,
        };
        match self.exemplars.iter_mut().find(|(b, _)| *b == bucket) {
            Some((_, old)) => *old = exemplar,
            None => {
                spares.make_room(&mut self.exemplars);
                self.exemplars.push((bucket, exemplar));
            }
        }
    }

    /// The upper bounds without `+Inf`.
    #[must_use]
    pub fn bounds(&self) -> &Arc<[f64]> {
        &self.bounds
    }

    /// Counts per bucket, the last one for `+Inf`; not cumulated.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The sum of all values.
    #[must_use]
    pub const fn sum(&self) -> f64 {
        self.sum
    }

    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    #[cfg(test)]
    pub(super) fn exemplar_bytes(&self) -> usize {
        self.exemplars.capacity() * size_of::<(u8, Exemplar)>()
    }

    /// Exemplars with the bucket they stand for, in no order.
    #[must_use]
    pub fn exemplars(&self) -> &[(u8, Exemplar)] {
        &self.exemplars
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RequestId, Timestamp};
    use proptest::prelude::*;

    fn buckets() -> Arc<[f64]> {
        [0.05, 0.1, 1.0].into()
    }

    #[test]
    fn a_value_on_a_bound_belongs_below_it() {
        let mut histogram = Histogram::new(buckets());
        for value in [0.05, 0.050_001, 1.0, 1.5, f64::NAN, f64::INFINITY] {
            histogram.observe(value, Micros::of(Timestamp::UNIX_EPOCH), None);
        }
        assert_eq!(histogram.counts(), [1, 1, 1, 1]);
        assert_eq!(histogram.count(), 4);
    }

    #[test]
    fn the_latest_exemplar_of_a_bucket_stays() {
        let mut histogram = Histogram::new(buckets());
        for id in ["a", "b"] {
            let id = PackedId::of(&RequestId::parse(id).unwrap());
            let spares = Lists::new([4, 7, 13]);
            let exemplar = Some((id, &spares));
            histogram.observe(0.07, Micros::of(Timestamp::UNIX_EPOCH), exemplar);
        }
        histogram.observe(0.08, Micros::of(Timestamp::UNIX_EPOCH), None);
        let [(1, exemplar)] = histogram.exemplars() else {
            panic!("{histogram:?}");
        };
        assert_eq!(exemplar.request_id.to_string(), "b");
    }

    proptest! {
        #[test]
        fn every_value_is_in_the_first_bucket_that_holds_it(values in prop::collection::vec(0.0..3.0_f64, 0..50)) {
            let mut histogram = Histogram::new(buckets());
            for value in &values {
                histogram.observe(*value, Micros::of(Timestamp::UNIX_EPOCH), None);
            }
            let mut cumulated = 0;
            for (place, bound) in buckets().iter().enumerate() {
                cumulated += histogram.counts()[place];
                let expected = values.iter().filter(|v| **v <= *bound).count();
                prop_assert_eq!(usize::try_from(cumulated).unwrap(), expected);
            }
            prop_assert_eq!(usize::try_from(histogram.count()).unwrap(), values.len());
        }
    }
}
