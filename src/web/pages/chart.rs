//! The latency of probes over time, drawn here: a bar for each probe where it
//! was, its phases stacked, what did not succeed marked, gaps left open.

use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;

use super::axis::{Mark, TimeAxis, top};
use super::words;
use crate::model::{Phase, Timestamp};
use crate::state::{HalfHour, SLOT_SECONDS, SLOTS, share};
use crate::web::view::EntryView;

/// The height of the area that bars stand in, in CSS pixels; below it stands
/// the axis, and above it the marks of failures.
const HEIGHT: f64 = 150.0;
const ABOVE: f64 = 22.0;
/// A bar is no thinner and no thicker, in percent of the width.
const THIN: f64 = 0.35;
const THICK: f64 = 2.5;
/// All half hours together, in seconds.
const DAY: i64 = 86_400;

/// A chart.
#[derive(Debug, Template)]
#[template(path = "pieces/chart.html")]
pub(super) struct Chart {
    /// What it says, for those who do not see it.
    label: String,
    bars: Vec<Bar>,
    gaps: Vec<Gap>,
    times: Vec<Mark>,
    grid: Vec<Mark>,
    /// Phases that have bars, for the legend.
    phases: Vec<Phase>,
    has_failures: bool,
    has_unsure: bool,
}

impl HtmlSafe for Chart {}

/// What stands at one moment.
#[derive(Debug)]
struct Bar {
    x: f64,
    /// The middle.
    middle: f64,
    width: f64,
    parts: Vec<BarPart>,
    /// `failure` or `inconclusive`; empty for a success.
    mark: &'static str,
    title: String,
}

#[derive(Debug)]
struct BarPart {
    /// The class of its colour.
    class: &'static str,
    y: f64,
    height: f64,
}

/// A time without probes.
#[derive(Debug)]
struct Gap {
    x: f64,
    width: f64,
}

impl Chart {
    const BOTTOM: f64 = ABOVE + HEIGHT;
    const TOTAL: f64 = ABOVE + HEIGHT + 22.0;
    const TIMES: f64 = ABOVE + HEIGHT + 16.0;

    /// The latest probes, between which nothing is missing; nothing of fewer
    /// than two.
    pub(super) fn of_probes(
        entries: &[&EntryView],
        interval: Duration,
        now: Timestamp,
    ) -> Option<Self> {
        let [first, _, ..] = entries else { return None };
        let axis = TimeAxis {
            from: first.finished.checked_sub(interval).ok()?,
            to: now.max(entries.last()?.finished),
        };
        let slowest = slowest(entries.iter().filter_map(|entry| entry.latency_seconds));
        let scale = top(slowest);
        let share = interval.as_secs_f64() / axis.seconds() * 100.0;
        let width = (share * 0.7).clamp(THIN, THICK);
        let bars: Vec<Bar> = entries
            .iter()
            .map(|entry| bar(entry, axis.percent(entry.finished), width, scale, now))
            .collect();
        let failures = entries.iter().filter(|entry| entry.outcome == "failure");
        let failures = failures.count();
        let unsure = entries
            .iter()
            .filter(|entry| entry.outcome == "inconclusive");
        let unsure = unsure.count();
        let phases = Phase::ALL.into_iter().filter(|phase| {
            let has = |bar: &Bar| bar.parts.iter().any(|part| part.class == phase.as_str());
            bars.iter().any(has)
        });
        Some(Self {
            label: format!(
                "Latency of the last {} probes, {} to {}: at most {}; {} failed, {} could not tell",
                entries.len(),
                words::utc(first.finished),
                words::utc(axis.to),
                words::latency(slowest),
                failures,
                unsure,
            ),
            gaps: gaps(entries, &axis, interval),
            times: axis.marks(),
            grid: grid(scale),
            phases: phases.collect(),
            has_failures: failures > 0,
            has_unsure: unsure > 0,
            bars,
        })
    }

    /// The last 24 hours in half hours: the slowest success of each, and what
    /// failed. Nothing before the second half hour.
    pub(super) fn of_day(day: &[HalfHour; SLOTS], now: Timestamp) -> Option<Self> {
        let known = day.iter().filter(|slot| slot.outcomes != [0; 3]);
        if known.count() < 2 {
            return None;
        }
        let end = (now.as_second().div_euclid(SLOT_SECONDS) + 1) * SLOT_SECONDS;
        let axis = TimeAxis {
            from: Timestamp::from_second(end - DAY).ok()?,
            to: Timestamp::from_second(end).ok()?,
        };
        let most = slowest(
            day.iter()
                .filter_map(|slot| Some(slot.slowest?.as_secs_f64())),
        );
        let scale = top(most);
        let step = 100.0 / SLOTS as f64;
        let bars: Vec<Bar> = day
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.outcomes != [0; 3])
            .map(|(place, slot)| half_hour(slot, place as f64 * step, step, scale))
            .collect();
        let is = |mark| bars.iter().any(|bar| bar.mark == mark);
        let share = share(day.iter().copied()).map(words::percent);
        Some(Self {
            label: format!(
                "The last 24 hours in half hours: {} of the probes succeeded, the slowest took {}",
                share.as_deref().unwrap_or("none"),
                words::latency(most),
            ),
            gaps: Vec::new(),
            times: axis.marks(),
            grid: grid(scale),
            phases: Vec::new(),
            has_failures: is("failure"),
            has_unsure: is("inconclusive"),
            bars,
        })
    }
}

fn slowest(latencies: impl Iterator<Item = f64>) -> f64 {
    latencies.fold(0.0, f64::max)
}

/// Lines at the top and in the middle.
fn grid(scale: f64) -> Vec<Mark> {
    [1.0, 0.5]
        .map(|share| Mark {
            at: Chart::BOTTOM - HEIGHT * share,
            text: words::latency(scale * share),
        })
        .into()
}

fn bar(entry: &EntryView, middle: f64, width: f64, scale: f64, now: Timestamp) -> Bar {
    let mut y = Chart::BOTTOM;
    let mut parts = Vec::new();
    for phase in Phase::ALL {
        let phases = entry.phases_seconds.as_ref();
        let seconds = phases.and_then(|phases| phases.get(phase.as_str()));
        let height = seconds.copied().unwrap_or_default() / scale * HEIGHT;
        if height >= 0.05 {
            y -= height;
            parts.push(BarPart {
                class: phase.as_str(),
                y,
                height,
            });
        }
    }
    let mut title = words::clock(entry.finished, now);
    match entry.reason.and_then(words::reason_of) {
        Some(reason) => title.push_str(&format!(": {} ({reason})", words::reason(reason))),
        None => title.push_str(": success"),
    }
    if let Some(seconds) = entry.latency_seconds {
        title.push_str(&format!(", {}", words::latency(seconds)));
    }
    Bar {
        x: (middle - width / 2.0).clamp(0.0, 100.0 - width),
        middle: middle.clamp(1.0, 99.0),
        width,
        parts,
        mark: if entry.reason.is_some() {
            entry.outcome
        } else {
            ""
        },
        title,
    }
}

fn half_hour(slot: &HalfHour, x: f64, step: f64, scale: f64) -> Bar {
    let [good, bad, unsure] = slot.outcomes;
    let seconds = slot.slowest.map(|slowest| slowest.as_secs_f64());
    let height = seconds.unwrap_or_default() / scale * HEIGHT;
    let mut title = format!("{good} succeeded");
    if let Some(seconds) = seconds {
        title.push_str(&format!(", the slowest in {}", words::latency(seconds)));
    }
    for (count, what) in [(bad, "failed"), (unsure, "could not tell")] {
        if count > 0 {
            title.push_str(&format!(", {count} {what}"));
        }
    }
    Bar {
        x: x + step * 0.1,
        middle: x + step / 2.0,
        width: step * 0.8,
        parts: vec![BarPart {
            class: "slowest",
            y: Chart::BOTTOM - height,
            height,
        }],
        mark: match (bad, unsure, good) {
            (1.., _, _) => "failure",
            (0, 1.., 0) => "inconclusive",
            _ => "",
        },
        title,
    }
}

/// Where the next probe came much later than it was due.
fn gaps(entries: &[&EntryView], axis: &TimeAxis, interval: Duration) -> Vec<Gap> {
    let mut moments: Vec<Timestamp> = entries.iter().map(|entry| entry.finished).collect();
    moments.push(axis.to);
    let late = interval.as_secs_f64() * 2.5;
    let pairs = moments.windows(2);
    pairs
        .filter(|pair| pair[1].duration_since(pair[0]).as_secs_f64() > late)
        .filter_map(|pair| {
            let from = axis.percent(pair[0].checked_add(interval / 2).ok()?);
            let to = axis.percent(pair[1].checked_sub(interval / 2).ok()?);
            Some(Gap {
                x: from,
                width: (to - from).max(0.0),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(second: i64, outcome: &'static str, seconds: f64) -> EntryView {
        let half = [("processing", seconds / 2.0), ("transfer", seconds / 2.0)];
        EntryView {
            finished: Timestamp::from_second(1_764_028_800 + second).unwrap(),
            outcome,
            reason: (outcome != "success").then_some("timeout"),
            http_status: None,
            latency_seconds: Some(seconds),
            phases_seconds: Some(half.into()),
            broke_in: None,
            repeated: None,
            request_id: None,
            is_our_id: false,
            client_request_id: None,
            is_recent: true,
            detail: None,
        }
    }

    #[test]
    fn probes_stand_where_they_were() {
        let minute = Duration::from_secs(60);
        let entries = [
            entry(60, "success", 0.1),
            entry(120, "failure", 0.2),
            // Twenty minutes without a probe.
            entry(1_320, "success", 0.1),
        ];
        let entries: Vec<&EntryView> = entries.iter().collect();
        let now = Timestamp::from_second(1_764_028_800 + 1_320).unwrap();
        assert!(Chart::of_probes(&entries[..1], minute, now).is_none());
        let chart = Chart::of_probes(&entries, minute, now).unwrap();
        let middles: Vec<f64> = chart.bars.iter().map(|bar| bar.middle.round()).collect();
        assert_eq!(middles, [5.0, 9.0, 99.0]);
        assert_eq!(chart.bars[1].mark, "failure");
        assert_eq!(chart.bars[0].mark, "");
        // The slowest reaches the top, its phases above each other.
        let [low, high] = &chart.bars[1].parts[..] else {
            panic!("two phases: {:?}", chart.bars[1].parts)
        };
        assert!((low.y + low.height - Chart::BOTTOM).abs() < 1e-9);
        assert!((high.y - ABOVE).abs() < 1e-6 && (high.y + high.height - low.y).abs() < 1e-6);
        assert_eq!(chart.gaps.len(), 1);
        assert!(chart.gaps[0].width > 80.0, "{:?}", chart.gaps);
        assert!(chart.label.contains("1 failed, 0 could not tell"));
        let svg = chart.render().unwrap();
        assert!(
            svg.contains("<svg") && svg.contains("10:00") || svg.contains("00:10"),
            "{svg}"
        );
    }

    #[test]
    fn a_day_of_half_hours() {
        let now = Timestamp::from_second(1_764_028_800).unwrap();
        let mut day = [HalfHour::default(); SLOTS];
        assert!(Chart::of_day(&day, now).is_none());
        day[46].outcomes = [30, 0, 0];
        day[46].slowest = Some(Duration::from_millis(200));
        day[47].outcomes = [10, 2, 0];
        let chart = Chart::of_day(&day, now).unwrap();
        assert_eq!(chart.bars.len(), 2);
        assert_eq!(chart.bars[1].mark, "failure");
        assert!(chart.label.contains("95.2 %"), "{}", chart.label);
    }
}
