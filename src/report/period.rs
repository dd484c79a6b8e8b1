//! The time that is told of: a month or a span of days, its minutes and days, in
//! one time zone.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use jiff::Span;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;

use crate::model::Timestamp;

/// Minutes of the longest period: two years and a day.
const LONGEST: usize = 732 * 1440;

/// A month, `2026-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month(Date);

/// What is no month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it must be a month like 2026-10, or \"last\"")]
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

/// Where a period begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// By the clock on the wall of the report's time zone.
    Civil(DateTime),
    /// Wherever one is.
    Exact(Timestamp),
}

/// What is no border.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it must be a date (2026-10-01), with a time (2026-10-01T08:30) and an offset (2026-10-01T08:30:00Z) if need be"
)]
pub struct BorderError;

impl FromStr for Border {
    type Err = BorderError;

    fn from_str(text: &str) -> Result<Self, BorderError> {
        if text.len() == 10 {
            let day: Date = text.parse().map_err(|_| BorderError)?;
            return Ok(Self::Civil(day.at(0, 0, 0, 0)));
        }
        if text.contains('[') {
            return Err(BorderError);
        }
        // A timestamp needs an offset; what has none is civil.
        (text.parse().map(Self::Exact))
            .or_else(|_| text.parse().map(Self::Civil))
            .map_err(|_| BorderError)
    }
}

/// What is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportTime {
    /// A month.
    Month(Month),
    /// The month that ended last.
    LastMonth,
    /// From here to there, or until now.
    Between(Border, Option<Border>),
}

/// There is nothing to tell of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// It is all in the future.
    #[error("{0} has not begun")]
    Future(String),
    /// Its end is not after its beginning.
    #[error("--to must be after --from, by a minute at least")]
    Reversed,
    /// Too long.
    #[error("the period must not be longer than two years")]
    TooLong,
    /// No such time.
    #[error("the period lies outside the calendar")]
    Calendar,
}

/// The part of it that has been: whole minutes.
#[derive(Debug, Clone)]
pub struct Period {
    /// Seconds since 1970 of the first minute.
    pub from: i64,
    /// How many minutes.
    pub minutes: usize,
    /// `2026-10`, or `2026-10-01/2026-10-15`.
    pub name: String,
    /// Where days begin and moments are written.
    pub zone: TimeZone,
}

impl Period {
    /// Until now, if it has not ended.
    ///
    /// # Errors
    /// If nothing of it has been, or it is none.
    pub fn new(wanted: ReportTime, zone: TimeZone, now: Timestamp) -> Result<Self, PeriodError> {
        let civil = |moment: DateTime| {
            let zoned = moment.to_zoned(zone.clone());
            zoned
                .map(|zoned| zoned.timestamp())
                .map_err(|_| PeriodError::Calendar)
        };
        let exact = |border| match border {
            Border::Civil(moment) => civil(moment),
            Border::Exact(moment) => Ok(moment),
        };
        let (from, to, name) = match wanted {
            ReportTime::Month(month) => of_month(month, civil)?,
            ReportTime::LastMonth => {
                let today = now.to_zoned(zone.clone()).date();
                let before = today.first_of_month().checked_sub(Span::new().months(1));
                of_month(Month(before.map_err(|_| PeriodError::Calendar)?), civil)?
            }
            ReportTime::Between(from, to) => {
                let from = exact(from)?;
                let to = to.map_or(Ok(now), exact)?;
                let name = format!("{}/{}", short(from, &zone), short(to, &zone));
                if to.as_second() - from.as_second() < 60 {
                    return Err(if from > now {
                        PeriodError::Future(name)
                    } else {
                        PeriodError::Reversed
                    });
                }
                (from, to, name)
            }
        };
        let from = from.as_second().div_euclid(60) * 60;
        let end = to.min(now).as_second();
        match usize::try_from((end - from).div_euclid(60)) {
            Ok(minutes) if minutes > LONGEST => Err(PeriodError::TooLong),
            Ok(minutes) if minutes > 0 => Ok(Self {
                from,
                minutes,
                name,
                zone,
            }),
            _ => Err(PeriodError::Future(name)),
        }
    }

    /// The name of its time zone.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    fn timestamp(&self, minute: usize) -> Timestamp {
        let minute = i64::try_from(minute).unwrap_or(i64::MAX);
        let second = self.from.saturating_add(minute.saturating_mul(60));
        Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
    }

    /// When a minute begins, as RFC 3339: with `Z` in UTC, else with the offset.
    #[must_use]
    pub fn moment(&self, minute: usize) -> String {
        let moment = self.timestamp(minute);
        if self.zone == TimeZone::UTC {
            return moment.to_string();
        }
        let offset = self.zone.to_offset(moment);
        moment.display_with_offset(offset).to_string()
    }

    /// The same for people, in this form of `strftime`.
    #[must_use]
    pub fn read(&self, minute: usize, form: &str) -> String {
        let zoned = self.timestamp(minute).to_zoned(self.zone.clone());
        zoned.strftime(form).to_string()
    }

    /// Its days, each with its minutes: 23 hours long in a night of spring.
    #[must_use]
    pub fn days(&self) -> Vec<(Date, Range<usize>)> {
        let mut days = Vec::new();
        let mut first = 0;
        while first < self.minutes {
            let day = self.timestamp(first).to_zoned(self.zone.clone()).date();
            let next = day
                .tomorrow()
                .and_then(|next| next.to_zoned(self.zone.clone()));
            let end = next.map_or(self.minutes, |next| {
                let minutes = (next.timestamp().as_second() - self.from).div_euclid(60);
                usize::try_from(minutes).unwrap_or(self.minutes)
            });
            let end = end.clamp(first + 1, self.minutes);
            days.push((day, first..end));
            first = end;
        }
        days
    }
}

type Borders = (Timestamp, Timestamp, String);

fn of_month(
    month: Month,
    civil: impl Fn(DateTime) -> Result<Timestamp, PeriodError>,
) -> Result<Borders, PeriodError> {
    let next = month.0.last_of_month().tomorrow();
    let next = next.map_err(|_| PeriodError::Calendar)?;
    let midnight = |day: Date| civil(day.at(0, 0, 0, 0));
    Ok((midnight(month.0)?, midnight(next)?, month.to_string()))
}

/// `2026-10-01`, with a time where it is not midnight.
fn short(moment: Timestamp, zone: &TimeZone) -> String {
    let civil = moment.to_zoned(zone.clone()).datetime();
    let form = if civil.hour() == 0 && civil.minute() == 0 {
        "%Y-%m-%d"
    } else {
        "%Y-%m-%dT%H:%M"
    };
    civil.strftime(form).to_string()
}

#[cfg(test)]
mod tests;
