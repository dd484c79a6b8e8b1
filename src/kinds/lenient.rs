//! Members that only readings are made from: absent, `null` or of another type
//! than documented, they cost the reading and nothing else. What a verdict needs
//! is declared without this.

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;

use crate::model::Timestamp;

/// A value, or nothing where what came is no such value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lenient<T>(pub(super) Option<T>);

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(serde_json::from_value(value).ok()))
    }
}

/// A moment in any of the forms that Graph writes: with 0 to 7 digits of a
/// second. The first year of the calendar stands for none.
pub(super) type Moment = Lenient<Timestamp>;

impl Moment {
    /// The moment, where there is one.
    pub(super) fn given(self) -> Option<Timestamp> {
        /// The second year of the calendar, in seconds since 1970.
        const NEVER: i64 = -62_104_060_800;
        self.0.filter(|moment| moment.as_second() > NEVER)
    }

    /// The same in seconds since 1970.
    pub(super) fn seconds(self) -> Option<f64> {
        self.given().map(|moment| moment.as_second() as f64)
    }
}

/// The values that are some, of a list in which others may stand.
pub(super) fn all_of<T>(list: Vec<Lenient<T>>) -> impl Iterator<Item = T> {
    list.into_iter().filter_map(|one| one.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(json: &str) -> Option<f64> {
        serde_json::from_str::<Moment>(json).unwrap().seconds()
    }

    #[test]
    fn moments() {
        for digits in 0..=7 {
            let fraction = match digits {
                0 => String::new(),
                some => format!(".{}", "1".repeat(some)),
            };
            let text = format!("\"2026-11-30T07:12:41{fraction}Z\"");
            assert_eq!(seconds(&text), Some(1_796_022_761.0), "{text}");
        }
        for none in [
            "null",
            "\"\"",
            "\"0001-01-01T00:00:00Z\"",
            "\"0001-01-01T08:00:00Z\"",
            "\"yesterday\"",
            "7",
            "{}",
            "[\"2026-11-30T07:12:41Z\"]",
        ] {
            assert_eq!(seconds(none), None, "{none}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let list: Vec<Lenient<u8>> = serde_json::from_str(r#"[1,null,"x",300,2.5,{},3]"#).unwrap();
        assert_eq!(all_of(list).collect::<Vec<_>>(), [1, 3]);
    }
}
