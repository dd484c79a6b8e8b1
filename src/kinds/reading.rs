//! Readings: numbers that an answer carries beside the verdict. A reading never
//! decides whether a resource is up; it is shown while it is fresh, and it is
//! bounded in number (DESIGN, rules 1 and 4).

use crate::model::Sample;

/// The unit of a reading; the name of its metric ends with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadingUnit {
    /// A count, a score, or 0 and 1.
    None,
    /// Seconds; also a moment, as seconds since 1970.
    Seconds,
    /// Bytes.
    Bytes,
}

/// A number that a kind's answers carry.
#[derive(Debug, PartialEq, Eq)]
pub struct Reading {
    /// The metric, a gauge.
    pub metric: &'static str,
    /// Its unit.
    pub unit: ReadingUnit,
    /// Its labels besides those of every resource.
    pub labels: &'static [&'static str],
    /// HELP: one line, without backslash or quote.
    pub help: &'static str,
    /// The most series that one resource may have; what is beyond is cut.
    pub most: usize,
}

/// A label value from outside: at most 64 of letters, digits and `_-.`, or
/// nothing.
#[must_use]
pub fn label_value(text: &str) -> Option<&str> {
    let fits = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    fits.then_some(text)
}

/// Cuts what is more than each reading may have.
#[must_use]
pub fn bounded(readings: &[Reading], samples: Vec<Sample>) -> Box<[Sample]> {
    let mut left: Vec<usize> = readings.iter().map(|reading| reading.most).collect();
    samples
        .into_iter()
        .filter(|sample| {
            let Some(left) = left.get_mut(usize::from(sample.reading)) else {
                return false;
            };
            let fits = *left > 0 && sample.value.is_finite();
            *left -= usize::from(fits);
            fits
        })
        .collect()
}
