//! The last 24 hours of a resource as a strip of half hours: a picture of a few
//! hundred bytes, drawn here.

use std::fmt::Write as _;

use askama::Template;
use askama::filters::HtmlSafe;

use super::words::{counted, percent};
use crate::model::Outcome;
use crate::state::{HalfHour, SLOTS, share};

/// The height of the strip in units of its own; its width is one a half hour.
const HEIGHT: f64 = 8.0;
/// What failed within a half hour is never thinner than this.
const LEAST: f64 = 1.6;

/// Probes that are shown one by one.
const BEATS: usize = 20;

/// The latest probes one by one, drawn as the strip is.
#[derive(Debug, Default, Template)]
#[template(path = "pieces/beats.html")]
pub(super) struct Beats {
    label: String,
    up: String,
    down: String,
    unsure: String,
}

impl HtmlSafe for Beats {}

impl Beats {
    /// Of the latest, oldest first.
    pub(super) fn of(outcomes: &[Outcome]) -> Self {
        let outcomes = &outcomes[outcomes.len().saturating_sub(BEATS)..];
        let mut beats = Self::default();
        let mut from = BEATS - outcomes.len();
        for run in outcomes.chunk_by(|a, b| a == b) {
            let path = match run[0] {
                Outcome::Success => &mut beats.up,
                Outcome::Failure => &mut beats.down,
                Outcome::Inconclusive => &mut beats.unsure,
            };
            rectangle(path, from, run.len(), 0.0, HEIGHT);
            from += run.len();
        }
        let count = |wanted| outcomes.iter().filter(|one| **one == wanted).count();
        beats.label = format!(
            "the last {}: {} failed, {} could not tell",
            counted(outcomes.len(), "probe", "probes"),
            count(Outcome::Failure),
            count(Outcome::Inconclusive)
        );
        beats
    }
}

/// A strip and what it says.
#[derive(Debug, Template)]
#[template(path = "pieces/strip.html")]
pub(super) struct Strip {
    label: String,
    /// `99.3 %` of the conclusive probes, or nothing without any.
    pub(super) share: String,
    /// The share is less than whole.
    pub(super) is_whole: bool,
    up: String,
    down: String,
    unsure: String,
    none: String,
}

impl HtmlSafe for Strip {}

/// What a half hour is drawn as: how much of it is red, and what the rest is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bar {
    None,
    Unsure,
    /// The height of what failed.
    Known(f64),
}

impl Bar {
    fn of(slot: &HalfHour) -> Self {
        match slot.share() {
            Some(share) if share >= 1.0 => Self::Known(0.0),
            Some(share) => Self::Known(((1.0 - share) * HEIGHT).clamp(LEAST, HEIGHT)),
            None if slot.outcomes[Outcome::Inconclusive.index()] > 0 => Self::Unsure,
            None => Self::None,
        }
    }
}

impl Strip {
    pub(super) fn of(day: &[HalfHour; SLOTS]) -> Self {
        let mut strip = Self {
            label: String::new(),
            share: String::new(),
            is_whole: true,
            up: String::new(),
            down: String::new(),
            unsure: String::new(),
            none: String::new(),
        };
        let bars = day.each_ref().map(Bar::of);
        let mut from = 0;
        // Neighbours that look alike are one rectangle.
        for run in bars.chunk_by(|a, b| a == b) {
            let width = run.len();
            match run[0] {
                Bar::None => rectangle(&mut strip.none, from, width, 0.0, HEIGHT),
                Bar::Unsure => rectangle(&mut strip.unsure, from, width, 0.0, HEIGHT),
                Bar::Known(red) => {
                    rectangle(&mut strip.up, from, width, 0.0, HEIGHT - red);
                    rectangle(&mut strip.down, from, width, HEIGHT - red, red);
                }
            }
            from += width;
        }
        let known = share(day.iter().copied());
        strip.share = known.map(percent).unwrap_or_default();
        strip.is_whole = known.is_none_or(|share| share >= 1.0);
        let hours = bars.iter().position(|bar| *bar != Bar::None);
        strip.label = match (known, hours) {
            (Some(share), Some(first)) => format!(
                "{} of the probes succeeded in the last {}",
                percent(share),
                hours_of(SLOTS - first)
            ),
            _ => "nothing is known of the last 24 hours".into(),
        };
        strip
    }
}

/// `half hour`, `24 hours`.
fn hours_of(slots: usize) -> String {
    match slots {
        1 => "half hour".into(),
        2 => "hour".into(),
        slots => format!("{} hours", slots.div_ceil(2)),
    }
}

fn rectangle(path: &mut String, x: usize, width: usize, y: f64, height: f64) {
    if height > 0.0 {
        _ = write!(path, "M{x} {y:.1}h{width}v{height:.1}h-{width}z");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats() {
        use Outcome::{Failure, Inconclusive, Success};
        let beats = Beats::of(&[Success, Success, Failure, Inconclusive, Success]);
        assert_eq!(beats.up, "M15 0.0h2v8.0h-2zM19 0.0h1v8.0h-1z");
        assert_eq!(beats.down, "M17 0.0h1v8.0h-1z");
        assert_eq!(beats.label, "the last 5 probes: 1 failed, 1 could not tell");
        assert_eq!(Beats::of(&[Failure; 30]).down, "M0 0.0h20v8.0h-20z");
    }

    #[test]
    fn strips() {
        let mut day = [HalfHour::default(); SLOTS];
        let strip = Strip::of(&day);
        assert_eq!(strip.share, "");
        assert_eq!(strip.none, "M0 0.0h48v8.0h-48z");
        for slot in &mut day[40..] {
            slot.outcomes = [30, 0, 0];
        }
        day[42].outcomes = [0, 0, 5];
        let strip = Strip::of(&day);
        assert_eq!(strip.share, "100 %");
        assert!(strip.is_whole);
        assert_eq!(
            strip.label,
            "100 % of the probes succeeded in the last 4 hours"
        );
        assert_eq!(strip.up, "M40 0.0h2v8.0h-2zM43 0.0h5v8.0h-5z");
        assert_eq!(strip.unsure, "M42 0.0h1v8.0h-1z");
        // One failure of thirty is seen.
        day[47].outcomes = [29, 1, 0];
        let strip = Strip::of(&day);
        assert_eq!(strip.down, "M47 6.4h1v1.6h-1z");
        assert_eq!(strip.share, "99.5 %");
        assert!(!strip.is_whole);
    }
}
