//! Axes whose marks stand at round figures.

use crate::model::Timestamp;

/// Seconds between two marks of a time axis.
const STEPS: [i64; 17] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200,
];
/// No more marks than fit on a phone.
const MOST_MARKS: i64 = 5;

/// From one moment to another, to be drawn from 0 to 100 percent.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeAxis {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

/// A mark on an axis.
#[derive(Debug, PartialEq)]
pub(super) struct Mark {
    /// Percent of a time axis, units of another.
    pub(super) at: f64,
    pub(super) text: String,
}

impl TimeAxis {
    /// At least a second.
    pub(super) fn seconds(&self) -> f64 {
        self.to.duration_since(self.from).as_secs_f64().max(1.0)
    }

    /// Where a moment stands, in percent.
    pub(super) fn percent(&self, at: Timestamp) -> f64 {
        let passed = at.duration_since(self.from).as_secs_f64();
        (passed / self.seconds() * 100.0).clamp(0.0, 100.0)
    }

    /// Round moments in UTC; the date at the first mark of a day.
    pub(super) fn marks(&self) -> Vec<Mark> {
        let (from, to) = (self.from.as_second(), self.to.as_second());
        let longest = STEPS[STEPS.len() - 1];
        let step = STEPS
            .into_iter()
            .find(|step| (to - from) / step < MOST_MARKS)
            .unwrap_or(longest.max((to - from) / MOST_MARKS / 86_400 * 86_400));
        let first = (from + step - 1).div_euclid(step) * step;
        let mut marks = Vec::new();
        let mut second = first;
        while second <= to && marks.len() < 24 {
            if let Ok(at) = Timestamp::from_second(second) {
                let exact = format!("{at:.0}");
                let time = exact.get(11..if step < 60 { 19 } else { 16 });
                marks.push(Mark {
                    at: self.percent(at),
                    text: time.unwrap_or_default().to_owned(),
                });
            }
            second += step;
        }
        // What stands at the very edge would be cut off.
        marks.retain(|mark| (4.0..=96.0).contains(&mark.at));
        marks
    }
}

/// The top of an axis of seconds: the next of 1, 2, 5, 10, 20 … milliseconds.
pub(super) fn top(most: f64) -> f64 {
    let mut top = 0.001;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            if most <= top * factor || top > 1e4 {
                return top * factor;
            }
        }
        top *= 10.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_marks() {
        let at = |second: i64| Timestamp::from_second(1_764_028_800 + second).unwrap();
        let axis = |from: i64, to: i64| TimeAxis {
            from: at(from),
            to: at(to),
        };
        let texts = |axis: TimeAxis| {
            let marks = axis.marks();
            marks.into_iter().map(|mark| mark.text).collect::<Vec<_>>()
        };
        // The mark at 00:20 would be cut off at the edge.
        assert_eq!(texts(axis(30, 1_230)), ["00:05", "00:10", "00:15"]);
        assert_eq!(texts(axis(1, 11)), ["00:00:05", "00:00:10"]);
        assert_eq!(
            texts(axis(3_700, 86_400 + 3_600)),
            ["06:00", "12:00", "18:00", "00:00"]
        );
        let marks = axis(0, 1_200).marks();
        assert!((marks[0].at - 25.0).abs() < 1e-9, "{marks:?}");
        assert!(axis(0, 400 * 86_400).marks().len() < 24);
        assert!(axis(5, 5).percent(at(9)) <= 100.0);
    }

    #[test]
    fn round_tops() {
        for (most, expected) in [
            (0.0, 0.001),
            (0.13, 0.2),
            (0.2, 0.2),
            (0.7, 1.0),
            (29.0, 50.0),
        ] {
            assert!((top(most) - expected).abs() < 1e-9, "{most} {}", top(most));
        }
        assert!(top(1e300).is_finite());
    }
}
