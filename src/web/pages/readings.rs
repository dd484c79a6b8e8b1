//! Numbers that an answer carried, as people read them.

use super::words;
use crate::model::Timestamp;
use crate::state::ResourceSlot;
use crate::web::view::{ReadingView, ResourceView};

/// A number and what it is.
pub(super) struct Shown {
    pub(super) metric: &'static str,
    /// What the metric's help says.
    pub(super) help: &'static str,
    /// `sku SPE_E3, state enabled`.
    pub(super) labels: String,
    pub(super) value: String,
}

/// What the last success of a resource read.
pub(super) fn shown(slot: &ResourceSlot, view: &ResourceView, now: Timestamp) -> Vec<Shown> {
    let declared = slot.resource().kind.info().readings;
    let of = |reading: &ReadingView| {
        let is_it = |one: &&crate::kinds::Reading| one.metric == reading.metric;
        let labels = reading.labels.iter();
        let labels: Vec<String> = labels
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        Shown {
            metric: reading.metric,
            help: declared.iter().find(is_it).map_or("", |one| one.help),
            labels: labels.join(", "),
            value: value(reading.metric, reading.value, now),
        }
    };
    view.readings.iter().map(of).collect()
}

/// By the unit that the name of the metric ends with.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "floats become integers within their bounds, and text"
)]
fn value(metric: &str, value: f64, now: Timestamp) -> String {
    if metric.ends_with("_timestamp_seconds") {
        let at = Timestamp::from_second(value as i64);
        return at.map_or_else(|_| value.to_string(), |at| words::clock(at, now));
    }
    if metric.ends_with("_seconds") {
        return words::latency(value);
    }
    if metric.ends_with("_bytes") {
        const UNITS: [(f64, &str); 3] = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB")];
        return UNITS
            .into_iter()
            .find(|(size, _)| value >= *size)
            .map_or_else(
                || format!("{} bytes", words::grouped(value as u64)),
                |(size, unit)| format!("{:.1} {unit}", value / size),
            );
    }
    if value >= 0.0 && value.fract() == 0.0 {
        words::grouped(value as u64)
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_metrics_become_units_of_people() {
        let now = Timestamp::from_second(1_764_028_800).unwrap();
        for (metric, number, text) in [
            ("m365_license_units", 1_500.0, "1,500"),
            ("m365_drive_used_bytes", 1.5e9, "1.5 GB"),
            ("m365_drive_used_bytes", 900.0, "900 bytes"),
            ("m365_mail_delivery_seconds", 2.5, "2,500 ms"),
            (
                "m365_directory_last_sync_timestamp_seconds",
                1_763_942_400.0,
                "2025-11-24 00:00:00 UTC",
            ),
            ("m365_sharepoint_health_score", 0.5, "0.5"),
        ] {
            assert_eq!(value(metric, number, now), text, "{metric}");
        }
    }
}
