//! A number that an answer carried beside the verdict.

use std::sync::Arc;

/// One value of a reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Which of the kind's readings, by its place in the list that it declares.
    pub reading: u8,
    /// The values of its labels, in their order. Only from closed lists:
    /// Microsoft's ids of services, part numbers of licences, names of our own
    /// configuration. Shared, so that a scrape copies none of them.
    pub labels: Arc<[Box<str>]>,
    /// The number.
    pub value: f64,
}

impl Sample {
    /// A value without labels.
    #[must_use]
    pub fn plain(reading: u8, value: f64) -> Self {
        Self {
            reading,
            labels: Arc::default(),
            value,
        }
    }

    /// A value with labels.
    #[must_use]
    pub fn of<const N: usize>(reading: u8, labels: [&str; N], value: f64) -> Self {
        Self {
            reading,
            labels: labels.into_iter().map(Box::from).collect(),
            value,
        }
    }
}
