//! Durations in scenarios and control requests: `250ms`, `90s`, `1m30s`, `1.5m`,
//! `24h`, `90d`, or a plain number of seconds.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct HumanDuration(pub Duration);

impl HumanDuration {
    /// Reads numbers with their units, or one number without; no sign, at most a
    /// hundred years.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const MOST: f64 = 100.0 * 366.0 * 86400.0;
        let number = |c: char| c.is_ascii_digit() || c == '.';
        let mut rest = text.trim();
        let alone = rest.chars().all(number);
        let mut seconds = 0.0;
        loop {
            let (digits, after) = rest.split_at(rest.find(|c| !number(c)).unwrap_or(rest.len()));
            let (unit, after) = after.split_at(after.find(number).unwrap_or(after.len()));
            let factor = match unit {
                "" if alone => 1.0,
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86400.0,
                _ => return None,
            };
            seconds += digits.parse::<f64>().ok()? * factor;
            if after.is_empty() {
                return (seconds <= MOST).then(|| Self(Duration::from_secs_f64(seconds)));
            }
            rest = after;
        }
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = HumanDuration;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a duration such as 250ms, 90s, 5m, 24h or 90d")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<HumanDuration, E> {
                HumanDuration::parse(text)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<HumanDuration, E> {
                self.visit_str(&seconds.to_string())
            }
            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<HumanDuration, E> {
                self.visit_str(&seconds.to_string())
            }
            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<HumanDuration, E> {
                self.visit_str(&seconds.to_string())
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{}s", self.0.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        let seconds = |text| HumanDuration::parse(text).map(|s| s.0.as_secs_f64());
        assert_eq!(seconds("250ms"), Some(0.25));
        assert_eq!(seconds("90s"), Some(90.0));
        assert_eq!(seconds("1.5m"), Some(90.0));
        assert_eq!(seconds("2"), Some(2.0));
        assert_eq!(seconds("90d"), Some(7_776_000.0));
        for bad in ["", "s", "-1s", "1w", "1.2.3s", "1e9", "99999999d"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
