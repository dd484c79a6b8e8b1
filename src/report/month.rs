//! A month of UTC and its minutes.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use crate::model::Timestamp;

/// A month, `2026-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month(Date);

/// What is no month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it must be a month like 2026-10")]
pub struct MonthError;

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let (year, month) = text.split_once('-').ok_or(MonthError)?;
        let digits = |text: &str, n| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(MonthError);
        }
        let (year, month) = (
            year.parse().map_err(|_| MonthError)?,
            month.parse().map_err(|_| MonthError)?,
        );
        if !(1970..=2999).contains(&year) || !(1..=12).contains(&month) {
            return Err(MonthError);
        }
        Ok(Self(date(year, month, 1)))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

/// The part of a month that has been: whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Seconds since 1970 of the first minute.
    pub from: i64,
    /// How many minutes.
    pub minutes: usize,
}

impl Month {
    /// Until now, if it has not ended; none if it has not begun.
    #[must_use]
    pub fn until(self, now: Timestamp) -> Option<Period> {
        let second = |day: Date| {
            let day = day.to_zoned(TimeZone::UTC).ok()?;
            Some(day.timestamp().as_second())
        };
        let from = second(self.0)?;
        let end = second(self.0.last_of_month().tomorrow().ok()?)?.min(now.as_second());
        let minutes = usize::try_from((end - from) / 60).ok()?;
        (minutes > 0).then_some(Period { from, minutes })
    }
}

impl Period {
    /// When a minute begins, as RFC 3339 in UTC.
    #[must_use]
    pub fn moment(&self, minute: usize) -> String {
        let minute = i64::try_from(minute).unwrap_or(i64::MAX);
        Timestamp::from_second(self.from.saturating_add(minute.saturating_mul(60)))
            .map(|moment| moment.to_string())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_their_minutes() {
        let late: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        for (text, from, minutes) in [
            ("2026-10", "2026-10-01T00:00:00Z", 31 * 1440),
            ("2026-12", "2026-12-01T00:00:00Z", 31 * 1440),
            ("2028-02", "2028-02-01T00:00:00Z", 29 * 1440),
        ] {
            let month: Month = text.parse().unwrap();
            assert_eq!(month.to_string(), text);
            let period = month.until(late).unwrap();
            assert_eq!((&*period.moment(0), period.minutes), (from, minutes));
        }
        let month: Month = "2026-10".parse().unwrap();
        let now = |text: &str| month.until(text.parse().unwrap());
        assert_eq!(now("2026-09-30T23:59:59Z"), None);
        assert_eq!(now("2026-10-01T00:00:59Z"), None);
        let two = now("2026-10-01T00:02:59Z").unwrap();
        assert_eq!((two.minutes, &*two.moment(2)), (2, "2026-10-01T00:02:00Z"));
        for bad in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "26-10",
            "2026-1",
            "+026-10",
            "2026-10-01",
        ] {
            assert_eq!(bad.parse::<Month>(), Err(MonthError), "{bad}");
        }
    }
}
