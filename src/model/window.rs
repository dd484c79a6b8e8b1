//! Windows of time in which a resource may be down without anybody being
//! called: when one is open, and when it opens next. Pure arithmetic on civil
//! time: a window of 22:00 to 02:00 is that by the clocks of its zone, also in
//! the nights in which they are changed.
//!
//! A time that such a night does not have stands for the moment at which the
//! clocks jump over it. Of a time that it has twice a window begins with the
//! first and ends with the second, so that it is open once, without a hole.

use std::fmt;
use std::sync::Arc;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Span, Timestamp, ToSpan as _};

/// What a window is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WindowType {
    /// Inside it something may be down.
    Maintenance,
    /// Outside of all of these something may be down.
    ServiceHours,
}

impl WindowType {
    /// The words of the configuration.
    pub const WORDS: [(&'static str, Self); 2] = [
        ("maintenance", Self::Maintenance),
        ("service_hours", Self::ServiceHours),
    ];

    /// The word of the configuration, and the label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Maintenance => "maintenance",
            Self::ServiceHours => "service_hours",
        }
    }

    /// Whether planned downtime is now, by a window that is `open` or not.
    /// `in_service`: one of the resource's service hours is open.
    #[must_use]
    pub const fn is_planned_downtime(self, open: bool, in_service: bool) -> bool {
        match self {
            Self::Maintenance => open,
            Self::ServiceHours => !in_service,
        }
    }
}

/// A set of days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weekdays(u8);

impl Weekdays {
    /// All seven.
    pub const ALL: Self = Self(0x7f);

    /// With one more.
    #[must_use]
    pub fn with(self, day: Weekday) -> Self {
        Self(self.0 | bit(day))
    }

    /// True if it has this day.
    #[must_use]
    pub fn has(self, day: Weekday) -> bool {
        self.0 & bit(day) != 0
    }

    /// Its days, from Monday on.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        let week = Weekday::Monday.cycle_forward().take(7);
        week.filter(move |day| self.has(*day))
    }
}

fn bit(day: Weekday) -> u8 {
    1 << day.to_monday_zero_offset()
}

/// A time of the day in minutes since midnight, `24:00` included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MinuteOfDay(u16);

impl MinuteOfDay {
    /// The first moment of a day.
    pub const MIDNIGHT: Self = Self(0);
    /// The end of a day: the midnight after it.
    pub const END: Self = Self(24 * 60);

    /// Reads `HH:MM`, up to `24:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !(1..=2).contains(&hours.len()) || minutes.len() != 2 {
            return None;
        }
        if !digits(hours) || !digits(minutes) {
            return None;
        }
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        let minute = Self(hours * 60 + minutes);
        (minutes < 60 && minute <= Self::END).then_some(minute)
    }

    /// On this day, or on the next where it is the end of this.
    fn on(self, date: Date) -> Option<DateTime> {
        let date = if self == Self::END {
            date.checked_add(1.day()).ok()?
        } else {
            date
        };
        let (hour, minute) = (self.0 / 60 % 24, self.0 % 60);
        let time = Time::new(hour.try_into().ok()?, minute.try_into().ok()?, 0, 0).ok()?;
        Some(date.to_datetime(time))
    }
}

impl fmt::Display for MinuteOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Debug for MinuteOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// When a window is open, by the clocks of its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WindowTimes {
    /// Every week.
    Weekly {
        /// The days on which it begins.
        days: Weekdays,
        /// When it begins.
        from: MinuteOfDay,
        /// When it ends: on the next day where that is not later.
        to: MinuteOfDay,
    },
    /// Once.
    Once {
        /// When it begins.
        start: DateTime,
        /// When it ends.
        end: DateTime,
    },
}

/// From one moment to another, the second not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The first moment.
    pub begin: Timestamp,
    /// The first moment after it; `None` if it never ends.
    pub end: Option<Timestamp>,
}

/// A window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Unique; the label value.
    pub name: Arc<str>,
    /// What it is for.
    pub r#type: WindowType,
    /// When it is open.
    pub times: WindowTimes,
    /// Whose clocks count.
    pub zone: TimeZone,
}

/// Which edge of a window a civil time is.
#[derive(Clone, Copy)]
enum Edge {
    Begin,
    End,
}

/// Days before and after a moment that are looked at for the next opening: one
/// that begins within a week ends within the next, or never; one that falls into
/// an hour that clocks leave out is not there, and the next comes a week later.
const AROUND: (i32, i32) = (-8, 15);
/// What comes every week and is open for longer never ends.
const ENDLESS: SignedDuration = SignedDuration::from_hours(8 * 24);

impl Window {
    /// True if it is open at this moment.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        // One that began yesterday may end today; clocks may jump over a day.
        self.spans(at, -2, 1)
            .iter()
            .any(|(begin, end)| *begin <= at && at < *end)
    }

    /// The opening that this moment is in, else the next one; `None` if it is
    /// over for good. Openings that touch are one.
    #[must_use]
    pub fn next(&self, at: Timestamp) -> Option<Opening> {
        let (first, last) = AROUND;
        let mut joined: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (begin, end) in self.spans(at, first, last) {
            match joined.last_mut() {
                Some((_, until)) if begin <= *until => *until = end.max(*until),
                _ => joined.push((begin, end)),
            }
        }
        let mut left = joined.into_iter().skip_while(|(_, end)| *end <= at);
        let (begin, end) = left.next()?;
        let endless =
            matches!(self.times, WindowTimes::Weekly { .. }) && end.duration_since(begin) > ENDLESS;
        Some(Opening {
            begin,
            end: (!endless).then_some(end),
        })
    }

    /// Its openings around a moment in the order of their begin, one for each
    /// day on which it opens, from so many days before it to so many after it.
    fn spans(&self, at: Timestamp, first: i32, last: i32) -> Vec<(Timestamp, Timestamp)> {
        match &self.times {
            WindowTimes::Once { start, end } => {
                let span = self.moments(*start, *end);
                span.into_iter().collect()
            }
            WindowTimes::Weekly { days, from, to } => {
                let today = at.to_zoned(self.zone.clone()).date();
                let dates = (first..=last).filter_map(|distance| {
                    let distance = Span::new().try_days(distance).ok()?;
                    today.checked_add(distance).ok()
                });
                let dates = dates.filter(|date| days.has(date.weekday()));
                dates
                    .filter_map(|date| {
                        let ends_on = if to > from {
                            date
                        } else {
                            date.checked_add(1.day()).ok()?
                        };
                        self.moments(from.on(date)?, to.on(ends_on)?)
                    })
                    .collect()
            }
        }
    }

    /// Two civil times as moments; `None` if nothing is between them.
    fn moments(&self, begin: DateTime, end: DateTime) -> Option<(Timestamp, Timestamp)> {
        let begin = self.moment(begin, Edge::Begin)?;
        let end = self.moment(end, Edge::End)?;
        (begin < end).then_some((begin, end))
    }

    /// The first moment from which the clocks show this time or a later one, or
    /// the last before which they show an earlier one.
    fn moment(&self, civil: DateTime, edge: Edge) -> Option<Timestamp> {
        let tick = 1.nanosecond();
        // The end does not belong to the window: what counts is just before it.
        let shown = match edge {
            Edge::Begin => civil,
            Edge::End => civil.checked_sub(tick).ok()?,
        };
        let moment = match self.zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(shown).ok()?,
            AmbiguousOffset::Fold { before, after } => {
                let offset = match edge {
                    Edge::Begin => before,
                    Edge::End => after,
                };
                offset.to_timestamp(shown).ok()?
            }
            AmbiguousOffset::Gap { after, .. } => {
                // By the later offset it lies before the jump.
                let before_it = after.to_timestamp(shown).ok()?;
                return Some(self.zone.following(before_it).next()?.timestamp());
            }
        };
        match edge {
            Edge::Begin => Some(moment),
            Edge::End => moment.checked_add(tick).ok(),
        }
    }
}

#[cfg(test)]
mod tests;
