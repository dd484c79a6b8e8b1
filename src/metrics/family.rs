//! Writes one family after another: the descriptor once, and only if there is
//! a series, then the series.

use std::cell::Cell;
use std::fmt;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit as ClientUnit;

use super::catalogue::{Metric, Type, Unit};
use super::labels::LabelSet;
use super::stream::ExemplarSlot;
use crate::state::{Exemplar, Micros, PackedId};

/// What an exemplar says: a request id, a value, a time.
type Mark<'a> = (&'a PackedId, f64, Micros);

/// Writes families.
pub(super) struct Families<'e, 'h> {
    pub(super) encoder: DescriptorEncoder<'e>,
    pub(super) exemplar_slot: &'h ExemplarSlot,
    /// False where what counts, counters and histograms, is left out.
    pub(super) counting: bool,
}

/// One histogram.
pub(super) struct Buckets<'a> {
    pub(super) bounds: &'a [f64],
    /// One more than there are bounds; not cumulated.
    pub(super) counts: &'a [u64],
    pub(super) sum: f64,
    pub(super) exemplars: &'a [(u8, Exemplar)],
}

impl Families<'_, '_> {
    pub(super) fn gauges<'a, V: EncodeGaugeValue>(
        &mut self,
        metric: &Metric,
        series: impl IntoIterator<Item = (LabelSet<'a>, V)>,
    ) -> fmt::Result {
        self.family(metric, series, |encoder, set, value| {
            if set.is_empty() {
                encoder.encode_gauge(&value)
            } else {
                encoder.encode_family(&set)?.encode_gauge(&value)
            }
        })
    }

    pub(super) fn counters<'a>(
        &mut self,
        metric: &Metric,
        series: impl IntoIterator<Item = (LabelSet<'a>, u64, Option<Mark<'a>>)>,
    ) -> fmt::Result {
        if !self.counting {
            return Ok(());
        }
        let exemplar_slot = self.exemplar_slot;
        let series = series
            .into_iter()
            .map(|(set, value, mark)| (set, (value, mark)));
        self.family(metric, series, |encoder, set, (value, mark)| {
            if let Some(mark) = mark {
                exemplar_slot.put(|text| exemplar(text, mark));
            }
            if set.is_empty() {
                encoder.encode_counter::<NoLabelSet, u64, f64>(&value, None)
            } else {
                encoder
                    .encode_family(&set)?
                    .encode_counter::<NoLabelSet, u64, f64>(&value, None)
            }
        })
    }

    /// One counter that is no whole number and has no labels.
    pub(super) fn seconds_counter(&mut self, metric: &Metric, value: Option<f64>) -> fmt::Result {
        self.family(
            metric,
            value.map(|value| (LabelSet::new(""), value)),
            |encoder, _, value| encoder.encode_counter::<NoLabelSet, f64, f64>(&value, None),
        )
    }

    pub(super) fn histograms<'a>(
        &mut self,
        metric: &Metric,
        series: impl IntoIterator<Item = (LabelSet<'a>, Buckets<'a>)>,
    ) -> fmt::Result {
        if !self.counting {
            return Ok(());
        }
        let exemplar_slot = self.exemplar_slot;
        let mut pairs: Vec<(f64, u64)> = Vec::new();
        self.family(metric, series, |encoder, set, buckets| {
            pairs.clear();
            let bounds = buckets.bounds.iter().copied().chain([f64::INFINITY]);
            pairs.extend(bounds.zip(buckets.counts.iter().copied()));
            let count = buckets.counts.iter().sum();
            if set.is_empty() {
                return encoder.encode_histogram::<NoLabelSet>(buckets.sum, count, &pairs, None);
            }
            let lines = BucketLines {
                set,
                exemplars: buckets.exemplars,
                exemplar_slot,
                next: Cell::new(0),
            };
            encoder
                .encode_family(&lines)?
                .encode_histogram::<NoLabelSet>(buckets.sum, count, &pairs, None)
        })
    }

    fn family<'a, T>(
        &mut self,
        metric: &Metric,
        series: impl IntoIterator<Item = (LabelSet<'a>, T)>,
        mut write: impl FnMut(&mut MetricEncoder<'_>, LabelSet<'a>, T) -> fmt::Result,
    ) -> fmt::Result {
        let mut series = series.into_iter();
        let Some((set, value)) = series.next() else {
            return Ok(());
        };
        let unit = match metric.unit {
            Unit::None => None,
            Unit::Seconds => Some(ClientUnit::Seconds),
            Unit::Bytes => Some(ClientUnit::Bytes),
            Unit::Ratio => Some(ClientUnit::Other("ratio".to_owned())),
        };
        let kind = match metric.kind {
            Type::Gauge => MetricType::Gauge,
            Type::Counter => MetricType::Counter,
            Type::Histogram => MetricType::Histogram,
        };
        let mut encoder =
            self.encoder
                .encode_descriptor(metric.stem(), metric.help, unit.as_ref(), kind)?;
        write(&mut encoder, set, value)?;
        series.try_for_each(|(set, value)| write(&mut encoder, set, value))
    }
}

/// The labels of a histogram's lines. The encoder asks for them line by line,
/// for the sum and the count before the buckets, so the number of times it
/// asked tells which bucket's exemplar belongs to the line.
struct BucketLines<'a> {
    set: LabelSet<'a>,
    exemplars: &'a [(u8, Exemplar)],
    exemplar_slot: &'a ExemplarSlot,
    next: Cell<usize>,
}

/// Lines of a histogram before its buckets: `_sum` and `_count`.
const LINES_BEFORE_BUCKETS: usize = 2;

impl EncodeLabelSet for BucketLines<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        let line = self.next.replace(self.next.get() + 1);
        let bucket = line.checked_sub(LINES_BEFORE_BUCKETS);
        let found = bucket.and_then(|bucket| {
            self.exemplars
                .iter()
                .find(|(place, _)| usize::from(*place) == bucket)
        });
        if let Some((_, e)) = found {
            self.exemplar_slot
                .put(|text| exemplar(text, (&e.request_id, e.value, e.at)));
        }
        self.set.encode(encoder)
    }
}

/// ` # {request_id="…"} value time`, as OpenMetrics 1.0 has it, to the
/// microsecond. An id holds no character that would need escaping. There is one
/// for every other line of a histogram: nothing here goes through `fmt`.
fn exemplar(text: &mut String, (id, value, at): Mark<'_>) {
    text.push_str(" # {request_id=\"");
    id.append_to(text);
    text.push_str("\"} ");
    push_seconds(text, Micros::of_seconds(value));
    text.push(' ');
    push_seconds(text, at);
}

/// Seconds with as many digits as it takes and at least one behind the point.
fn push_seconds(text: &mut String, micros: Micros) {
    let (seconds, mut rest) = micros.split();
    // The point, six digits, and twenty before them: the most that a u64 has.
    let mut digits = [b'0'; 27];
    let mut places = digits.iter_mut().rev();
    for place in places.by_ref().take(6) {
        *place = digit(rest);
        rest /= 10;
    }
    places.next().into_iter().for_each(|place| *place = b'.');
    let (mut left, mut used) = (seconds, 0);
    for place in places {
        *place = digit(left);
        left /= 10;
        used += 1;
        if left == 0 {
            break;
        }
    }
    let begin = 20_usize.saturating_sub(used);
    let zeros = digits
        .iter()
        .rev()
        .take(5)
        .take_while(|d| **d == b'0')
        .count();
    let shown = digits.get(begin..27 - zeros).unwrap_or_default();
    text.push_str(str::from_utf8(shown).unwrap_or_default());
}

/// The last digit of a number.
fn digit(number: u64) -> u8 {
    // Less than ten: nothing is cut off.
    b'0' + (number % 10) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Timestamp;

    proptest! {
        #[test]
        fn seconds_are_written_as_they_are(micros in 0..4_102_444_800_000_000_i64) {
            let mut text = String::new();
            push_seconds(&mut text, Micros::of(Timestamp::from_microsecond(micros).unwrap()));
            let (whole, rest) = text.split_once('.').unwrap();
            prop_assert!(rest.len() == 1 || (rest.len() <= 6 && !rest.ends_with('0')), "{text}");
            let back = whole.parse::<i64>().unwrap() * 1_000_000
                + format!("{rest:0<6}").parse::<i64>().unwrap();
            prop_assert_eq!(back, micros, "{}", text);
            prop_assert!(whole == "0" || !whole.starts_with('0'), "{text}");
        }
    }
}
