//! How long a server asks to be left alone, in every form in which it is
//! known to be said: `Retry-After` (RFC 9110, sections 10.2.3 and 5.6.7:
//! seconds, or one of three forms of a date) and what is met beside the
//! standard: fractions, lists and several lines, ISO 8601, hours with minutes
//! and seconds, and Azure's headers in milliseconds.
//!
//! Whoever asks for two waits asks for the longer one. What cannot be read is
//! a wait all the same, and nobody knows how long: the longest there is.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::model::bounded_text;

/// The longest wait that is honoured (DESIGN section 8, rule 4).
pub const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Azure's own headers, in milliseconds (azure-core's retry policies, Cosmos DB).
const IN_MILLISECONDS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];
/// Headers and members of a list that are looked at.
const MOST_MEMBERS: usize = 32;
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The wait that an answer asks for, at most an hour: the longest that any of
/// its headers, lines or members says. A date is measured against the
/// answer's own `Date` where there is one, so that our clock does not matter;
/// one in the past is a wait of zero. `None` only if nothing is said.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let from = date(headers, now).unwrap_or(now);
    let lines = headers.get_all(http::header::RETRY_AFTER);
    let seconds = lines
        .iter()
        .take(MOST_MEMBERS)
        .map(|line| longest(line, |text| member(text, from), "retry-after"));
    let milliseconds = IN_MILLISECONDS.into_iter().flat_map(|name| {
        let lines = headers.get_all(name).iter().take(MOST_MEMBERS);
        lines.map(move |line| longest(line, |text| Some(number(text)? / 1000), name))
    });
    seconds.chain(milliseconds).max()
}

/// The answer's `Date`, in any of the three forms; `now` tells the century of
/// the one with two digits.
#[must_use]
pub fn date(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    http_date(text.trim(), now)
}

/// The longest wait of one line, member by member.
fn longest(
    line: &HeaderValue,
    read: impl Fn(&str) -> Option<Duration>,
    name: &'static str,
) -> Duration {
    let text = line.to_str().ok();
    let waits: Option<Vec<Duration>> =
        text.and_then(|text| members(text).iter().map(|member| read(member)).collect());
    match waits.and_then(|waits| waits.into_iter().max()) {
        Some(wait) => wait.min(LONGEST_WAIT),
        None => {
            let text: String = String::from_utf8_lossy(line.as_bytes())
                .chars()
                .map(|c| if c.is_control() { '?' } else { c })
                .collect();
            tracing::warn!(
                header = name,
                value = bounded_text(&text, 60),
                seconds = LONGEST_WAIT.as_secs(),
                "a wait that was asked for cannot be read, the longest is kept"
            );
            LONGEST_WAIT
        }
    }
}

/// The members of a list, a date with a comma in it as one. Empty members say
/// nothing (RFC 9110, section 5.6.1.2).
fn members(text: &str) -> Vec<String> {
    let mut members: Vec<String> = Vec::new();
    let mut day: Option<&str> = None;
    for part in text
        .split(',')
        .map(|part| part.trim_matches([' ', '\t', '"']))
    {
        match day.take() {
            Some(day) => members.push(format!("{day}, {part}")),
            None if is_day(part) => day = Some(part),
            None if part.is_empty() => {}
            None => members.push(part.to_owned()),
        }
    }
    members.extend(day.map(str::to_owned));
    members
}

/// `Wed` or `Wednesday`, alone.
fn is_day(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.bytes().all(|b| b.is_ascii_alphabetic()) && DAYS.iter().any(|day| lower.starts_with(day))
}

fn member(text: &str, from: Timestamp) -> Option<Duration> {
    // A parameter belongs to nothing that is known.
    let text = text.split(';').next().unwrap_or_default().trim();
    if let Some(wait) = number(text)
        .or_else(|| with_unit(text))
        .or_else(|| clock_face(text))
    {
        return Some(wait);
    }
    let until = http_date(text, from).or_else(|| text.parse().ok())?;
    Some(Duration::try_from(until.duration_since(from)).unwrap_or_default())
}

/// Digits, perhaps with a fraction. Nothing here is longer than it may be, so
/// that it can be added up.
fn number(text: &str) -> Option<Duration> {
    let fits = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !fits || !text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    // Milliseconds of an hour are the largest number that means anything.
    let most = LONGEST_WAIT.as_secs_f64() * 1000.0;
    let seconds: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(seconds.min(most)).ok()
}

/// `30s`, `30 seconds`, `1500ms`.
fn with_unit(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (amount, unit) = text.split_at(end);
    let amount = number(amount.trim())?;
    match &*unit.to_ascii_lowercase() {
        "s" | "sec" | "secs" | "second" | "seconds" => Some(amount),
        "ms" | "milliseconds" => Some(amount / 1000),
        _ => None,
    }
}

/// `00:01:30`, perhaps with a fraction: how .NET writes a `TimeSpan`.
fn clock_face(text: &str) -> Option<Duration> {
    let mut parts = text.split(':');
    let (hours, minutes) = (number(parts.next()?)?, number(parts.next()?)?);
    let seconds = number(parts.next()?)?;
    let none = parts.next().is_none();
    none.then(|| hours * 3600 + minutes * 60 + seconds)
}

/// The three forms of RFC 9110, section 5.6.7, and what mail writes: any case,
/// any zone, a day of the week that is none of that date's.
fn http_date(text: &str, now: Timestamp) -> Option<Timestamp> {
    let mail = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    if let Ok(time) = mail.parse_timestamp(text) {
        return Some(time);
    }
    let parts: Vec<&str> = text
        .split([' ', '\t', ',', '-'])
        .filter(|part| !part.is_empty())
        .collect();
    let (day, month, year, time) = match *parts.as_slice() {
        // Sunday, 06-Nov-94 08:49:37 GMT
        [_, day, month, year, time, zone] if is_utc(zone) => (day, month, year, time),
        // Sun Nov  6 08:49:37 1994
        [_, month, day, time, year] => (day, month, year, time),
        _ => return None,
    };
    let wanted = month.to_ascii_lowercase();
    let month = MONTHS.iter().position(|month| *month == wanted)?;
    let mut clock = time.split(':').map(|part| part.parse::<i8>().ok());
    let time = (clock.next()??, clock.next()??, clock.next()??.min(59));
    let year = match (year.len(), year.parse::<i16>().ok()?) {
        (2, year) => century(year, now),
        (4, year) => year,
        _ => return None,
    };
    let civil = DateTime::new(
        year,
        i8::try_from(month).ok()? + 1,
        day.parse().ok()?,
        time.0,
        time.1,
        time.2,
        0,
    );
    let zoned = civil.ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

fn is_utc(zone: &str) -> bool {
    ["gmt", "utc", "ut", "z"].contains(&&*zone.to_ascii_lowercase())
}

/// The year with these last two digits that lies no more than fifty years in
/// the future.
fn century(digits: i16, now: Timestamp) -> i16 {
    let this = now.to_zoned(TimeZone::UTC).year();
    let year = this - this.rem_euclid(100) + digits;
    match year - this {
        51.. => year - 100,
        ..-49 => year + 100,
        _ => year,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use jiff::Span;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-25T12:00:00Z".parse().unwrap()
    }

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, HeaderValue::from_bytes(value).unwrap())
            })
            .collect()
    }

    fn lines(texts: &[&str]) -> Option<f64> {
        let pairs: Vec<_> = (texts.iter())
            .map(|text| ("retry-after", text.as_bytes()))
            .collect();
        retry_after(&headers(&pairs), now()).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn every_form() {
        for (text, seconds) in [
            ("31", 31.0),
            (" 7 ", 7.0),
            ("0", 0.0),
            ("007", 7.0),
            ("1.5", 1.5),
            ("2.", 2.0),
            ("86400", 3600.0),
            ("99999999999999999999999", 3600.0),
            // RFC 9110, section 5.6.7: IMF-fixdate, rfc850-date, asctime-date.
            ("Wed, 25 Nov 2026 12:00:30 GMT", 30.0),
            ("Wednesday, 25-Nov-26 12:00:30 GMT", 30.0),
            ("Wed Nov 25 12:00:30 2026", 30.0),
            ("wed, 25 nov 2026 12:00:30 gmt", 30.0),
            ("Wed, 25 Nov 2026 14:00:30 +0200", 30.0),
            ("Wed, 25-Nov-2026 12:00:30 UTC", 30.0),
            // The wrong day of the week is no reason to come back at once.
            ("Mon, 25 Nov 2026 12:00:30 GMT", 30.0),
            ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
            ("Fri, 01 Jan 2099 00:00:00 GMT", 3600.0),
            ("Thursday, 01-Jan-70 00:00:00 GMT", 3600.0),
            ("Friday, 01-Jan-99 00:00:00 GMT", 0.0),
            ("Thu Jan  1 00:00:00 1970", 0.0),
            ("2026-11-25T12:00:30Z", 30.0),
            ("2026-11-25T12:00:30.5+00:00", 30.5),
            ("00:01:30", 90.0),
            ("00:00:01.5", 1.5),
            ("30s", 30.0),
            ("30 seconds", 30.0),
            ("1500ms", 1.5),
            ("\"45\"", 45.0),
            ("120;comment=x", 120.0),
            // Lists: the longest.
            ("30,120", 120.0),
            ("120, 30", 120.0),
            (",30,,", 30.0),
            ("30, Wed, 25 Nov 2026 12:01:30 GMT, 5", 90.0),
            (
                "Wed, 25 Nov 2026 12:00:10 GMT, Wed, 25 Nov 2026 12:00:40 GMT",
                40.0,
            ),
            // What cannot be read is the longest.
            ("soon", 3600.0),
            ("-5", 3600.0),
            ("", 3600.0),
            (",", 3600.0),
            ("Wed", 3600.0),
            ("Wed, 32 Nov 2026 12:00:30 GMT", 3600.0),
            ("1e1", 3600.0),
            ("1.2.3", 3600.0),
            ("null", 3600.0),
            ("30, soon", 3600.0),
        ] {
            assert_eq!(lines(&[text]), Some(seconds), "{text:?}");
        }
        assert_eq!(lines(&[]), None);
        assert_eq!(lines(&["30", "120", "7"]), Some(120.0));
        assert_eq!(lines(&["30", "soon"]), Some(3600.0));
        let obscure = headers(&[("retry-after", &[0xff, b'1'])]);
        assert_eq!(retry_after(&obscure, now()), Some(LONGEST_WAIT));
    }

    #[test]
    fn milliseconds_count_too() {
        let both = headers(&[("retry-after", b"1"), ("x-ms-retry-after-ms", b"2500")]);
        let wait = retry_after(&both, now());
        assert_eq!(wait, Some(Duration::from_millis(2500)));
        let much = headers(&[("retry-after-ms", b"360000000")]);
        assert_eq!(retry_after(&much, now()), Some(LONGEST_WAIT));
    }

    #[test]
    fn dates_are_measured_against_the_senders_clock() {
        let ours = "2031-01-01T00:00:00Z".parse().unwrap();
        for date in [
            "Wed, 25 Nov 2026 12:00:00 GMT",
            "Wednesday, 25-Nov-26 12:00:00 GMT",
            "Wed Nov 25 12:00:00 2026",
        ] {
            let headers = headers(&[
                ("retry-after", b"Wed, 25 Nov 2026 12:00:30 GMT"),
                ("date", date.as_bytes()),
            ]);
            let wait = retry_after(&headers, ours);
            assert_eq!(wait, Some(Duration::from_secs(30)), "{date}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_at_most_an_hour_and_never_none(lines in proptest::collection::vec(any::<Vec<u8>>(), 1..4)) {
            let mut headers = HeaderMap::new();
            for line in lines {
                if let Ok(value) = HeaderValue::from_bytes(&line) {
                    headers.append("retry-after", value);
                }
            }
            let wait = retry_after(&headers, now());
            prop_assert_eq!(wait.is_none(), headers.is_empty());
            prop_assert!(wait.unwrap_or_default() <= LONGEST_WAIT);
        }

        #[test]
        fn what_looks_like_a_wait_is_survived(text in "[0-9A-Za-z:;,. -]{0,60}") {
            prop_assert!(lines(&[&text]).unwrap() <= 3600.0);
        }

        #[test]
        fn a_list_asks_for_its_longest(waits in proptest::collection::vec(0_u32..5000, 1..8), at in 0_usize..8) {
            let longest = f64::from(waits.iter().max().copied().unwrap().min(3600));
            let texts: Vec<String> = waits.iter().map(u32::to_string).collect();
            prop_assert_eq!(lines(&[&texts.join(",")]), Some(longest));
            let (head, tail) = texts.split_at(at.min(texts.len()));
            let halves = [head.join(" , "), tail.join(",")];
            let halves: Vec<&str> = halves.iter().map(|half| &**half).filter(|half| !half.is_empty()).collect();
            prop_assert_eq!(lines(&halves), Some(longest));
        }

        #[test]
        fn the_three_forms_say_the_same(ahead in 0_i64..3600) {
            let until = now() + Span::new().seconds(ahead);
            for form in ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"] {
                let text = until.strftime(form).to_string();
                prop_assert_eq!(lines(&[&text]), Some(ahead as f64), "{}", text);
            }
        }
    }
}
