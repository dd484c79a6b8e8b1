//! Planned times: `windows[]`, and what its values must look like.

use std::borrow::Cow;

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;

use super::key;
use crate::config::suggest::suggest;
use crate::kinds::key::{Described, Form, Key, Keys, OneOf, Parsed, Role, Setting, Table};
use crate::model::{MinuteOfDay, Weekdays, WindowType, quoted, time_zone, time_zone_names};

const DAYS: [(&str, &str, Weekday); 7] = [
    ("mon", "monday", Weekday::Monday),
    ("tue", "tuesday", Weekday::Tuesday),
    ("wed", "wednesday", Weekday::Wednesday),
    ("thu", "thursday", Weekday::Thursday),
    ("fri", "friday", Weekday::Friday),
    ("sat", "saturday", Weekday::Saturday),
    ("sun", "sunday", Weekday::Sunday),
];

const TIME_OF_DAY: Parsed<MinuteOfDay> = Parsed {
    takes: "`HH:MM`, up to `24:00`",
    parse: time_of_day,
};
const CIVIL_TIME: Parsed<DateTime> = Parsed {
    takes: "date with time (`2026-12-05T22:00`)",
    parse: civil_time,
};

/// Days of the week, and ranges of them.
pub(in crate::config) struct Days;

fn day(word: &str) -> Option<Weekday> {
    let word = word.trim();
    let found = DAYS.iter().find(|(short, long, _)| {
        word.eq_ignore_ascii_case(short) || word.eq_ignore_ascii_case(long)
    });
    found.map(|(_, _, day)| *day)
}

/// `mon`, or `mon-fri`, also over the end of the week.
fn days(text: &str) -> Option<Weekdays> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (day(first)?, day(last)?);
    let more = usize::try_from(last.since(first)).ok()?;
    let range = first.cycle_forward().take(more + 1);
    Some(range.fold(Weekdays::default(), Weekdays::with))
}

impl Form for Days {
    type Value = Weekdays;

    fn takes(&self) -> Cow<'static, str> {
        "list of days, `mon` to `sun`, or ranges such as `mon-fri`".into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Weekdays> {
        let mut all = Weekdays::default();
        for text in keys.texts(key)? {
            let Some(some) = days(text) else {
                let words = DAYS.iter().flat_map(|(short, long, _)| [*short, *long]);
                let near = suggest(text, words);
                keys.refuse(
                    key,
                    format!(
                        "\"{key}\" must be days such as \"mon\" or \"mon-fri\", not {}{near}",
                        quoted(text)
                    ),
                );
                return None;
            };
            all = some.iter().fold(all, Weekdays::with);
        }
        if all == Weekdays::default() {
            keys.refuse(
                key,
                format!("\"{key}\" is empty; leave it out for every day"),
            );
            return None;
        }
        Some(all)
    }

    fn show(&self, value: &Weekdays) -> Setting {
        let names = value.iter().filter_map(|one| {
            let known = DAYS.iter().find(|(_, _, day)| *day == one);
            known.map(|(short, _, _)| Setting::Plain((*short).to_owned()))
        });
        Setting::List(names.collect())
    }
}

fn time_of_day(text: &str) -> Result<MinuteOfDay, String> {
    MinuteOfDay::parse(text).ok_or_else(|| {
        let found = quoted(text);
        format!("must be a time of the day such as \"22:00\", not {found}")
    })
}

/// A date with a time, by the clocks of the window's zone.
fn civil_time(text: &str) -> Result<DateTime, String> {
    let wrong = |why: &str| {
        let found = quoted(text);
        let like = "a date with a time such as \"2026-12-05T22:00\"";
        Err(format!("must be {like}, not {found}{why}"))
    };
    let Some((_, time)) = text.split_once(['T', 't', ' ']) else {
        return match text.parse::<jiff::civil::Date>() {
            Ok(_) => wrong("; the time is missing"),
            Err(_) => wrong(""),
        };
    };
    if time.contains(['Z', 'z', '+', '-', '[']) {
        return wrong("; whose clocks count is what \"timezone\" says");
    }
    // "22:00" and "22:00:00"; an hour alone, or more, is a slip.
    let plain = time.bytes().all(|b| b.is_ascii_digit() || b == b':');
    match text.parse() {
        Ok(at) if plain && time.contains(':') => Ok(at),
        _ => wrong(""),
    }
}

/// A name of the IANA database.
pub(in crate::config) struct Zone;

impl Form for Zone {
    type Value = TimeZone;

    fn takes(&self) -> Cow<'static, str> {
        "name of the IANA database, such as `Europe/Berlin`".into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<TimeZone> {
        let text = keys.text(key)?;
        let zone = time_zone(text);
        if zone.is_none() {
            let near = suggest(text, time_zone_names());
            keys.refuse(
                key,
                format!(
                    "\"{key}\" must be a name of the IANA time zone database such as \"Europe/Berlin\", not {}{near}",
                    quoted(text)
                ),
            );
        }
        zone
    }

    fn show(&self, value: &TimeZone) -> Setting {
        Setting::Text(zone_name(value).to_owned())
    }
}

/// `windows[].type`.
pub(in crate::config) static TYPE: Key<OneOf<WindowType>> = Key::required(
    "type",
    OneOf(&WindowType::WORDS),
    "\"maintenance\" or \"service_hours\"",
    "`maintenance`: inside of it a resource may be down. `service_hours`: outside of all of these that are about it a resource may be down.",
);
/// `windows[].days`.
pub(in crate::config) static DAYS_OF_WEEK: Key<Days> = Key::optional(
    "days",
    Days,
    "every day",
    "On which days it begins. One that goes over midnight belongs to the day on which it begins.",
);
/// `windows[].from`.
pub(in crate::config) static FROM: Key<Parsed<MinuteOfDay>> = Key::optional(
    "from",
    TIME_OF_DAY,
    "`00:00`, with `days`",
    "When it begins.",
);
/// `windows[].to`.
pub(in crate::config) static TO: Key<Parsed<MinuteOfDay>> = Key::optional(
    "to",
    TIME_OF_DAY,
    "`24:00`, with `days`",
    "When it ends; on the next day where it is not later than `from`.",
);
/// `windows[].start`.
pub(in crate::config) static START: Key<Parsed<DateTime>> = Key::optional(
    "start",
    CIVIL_TIME,
    "",
    "When it begins, of a window that is there once; in place of `days`, `from` and `to`.",
);
/// `windows[].end`.
pub(in crate::config) static END: Key<Parsed<DateTime>> =
    Key::optional("end", CIVIL_TIME, "", "When that one ends.");
/// `windows[].timezone`.
pub(in crate::config) static TIMEZONE: Key<Zone> = Key::optional(
    "timezone",
    Zone,
    "`UTC`",
    "Whose clocks count, also in the nights in which they are changed.",
);

/// `windows[]`.
pub(in crate::config) static WINDOW: Table = Table {
    path: "windows[]",
    help: "A time in which resources may be down without anybody being called: once (`start`, `end`) or every week (`days`, `from`, `to`). Probing goes on; `m365_resource_planned_downtime` tells the rules. A time that a night does not have, because clocks are set forward, stands for the moment of that; of a time that it has twice a window begins with the first and ends with the second. The time zone database is built in.",
    keys: &[
        &key(
            "name",
            "text, 1 to 128 bytes, without `/`",
            "",
            "Unique; the `window` label.",
        ),
        &TYPE,
        &DAYS_OF_WEEK,
        &FROM,
        &TO,
        &START,
        &END,
        &TIMEZONE,
        &Key::optional(
            "match",
            Described(
                "mapping of `resource`, `account`, `kind` or a label name to a text or a list of texts; or a list of such mappings",
                Role::Names,
            ),
            "every resource",
            "Which resources it is about: all of a mapping must fit, one text of a list is enough, and so is one mapping of a list. What is not there is an error.",
        ),
    ],
};

/// The name of a zone, as the file has it.
pub(in crate::config) fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}
