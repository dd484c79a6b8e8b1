//! Moments on a page: the text for people, the exact moment for the script that
//! lets ages grow, and for the curious.

use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;

use super::words;
use crate::model::Timestamp;

/// `2 min 5 s`: how long ago a moment was. The script counts on.
#[derive(Debug, Template)]
#[template(
    source = r#"<time datetime="{{ exact }}" title="{{ utc }}" data-ago>{{ text }}</time>"#,
    ext = "html"
)]
pub(super) struct Ago {
    exact: String,
    utc: String,
    text: String,
}

impl HtmlSafe for Ago {}

impl Ago {
    pub(super) fn of(at: Timestamp, now: Timestamp) -> Self {
        let passed = Duration::try_from(now.duration_since(at)).unwrap_or_default();
        Self {
            exact: words::exact(at),
            utc: words::utc(at),
            text: words::span(passed),
        }
    }
}

/// `07:53:46 UTC`: a moment, with the date where that is another than today's.
#[derive(Debug, Template)]
#[template(
    source = r#"<time datetime="{{ exact }}" title="{{ utc }}">{{ text }}</time>"#,
    ext = "html"
)]
pub(super) struct At {
    exact: String,
    utc: String,
    text: String,
}

impl HtmlSafe for At {}

impl At {
    /// The first of two moments: what both have in common stands at the second.
    pub(super) fn from(at: Timestamp, to: Timestamp, now: Timestamp) -> Self {
        let mut from = Self::of(at, now);
        let date = |at| words::utc(at).split(' ').next().map(str::to_owned);
        if date(at) == date(to) {
            from.text = from.text.trim_end_matches(" UTC").to_owned();
        }
        from
    }

    pub(super) fn of(at: Timestamp, now: Timestamp) -> Self {
        Self {
            exact: words::exact(at),
            utc: words::utc(at),
            text: words::clock(at, now),
        }
    }
}

/// How soon a deadline is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// It has passed.
    Passed,
    /// Three days or less.
    Now,
    /// Two weeks or less.
    Soon,
    /// Later.
    Later,
}

impl Urgency {
    const NOW: i64 = 3 * 86_400;
    const SOON: i64 = 14 * 86_400;

    pub(super) fn of(at: Timestamp, now: Timestamp) -> Self {
        let left = at.duration_since(now).as_secs();
        if left < 0 {
            Self::Passed
        } else if left <= Self::NOW {
            Self::Now
        } else if left <= Self::SOON {
            Self::Soon
        } else {
            Self::Later
        }
    }

    /// The class of its colour: red, amber, none.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Passed | Self::Now => "down",
            Self::Soon => "unsure",
            Self::Later => "",
        }
    }

    /// Somebody should see it without looking for it.
    pub(super) const fn is_pressing(self) -> bool {
        !matches!(self, Self::Later)
    }
}

/// `Client secret expires in 179 days`.
#[derive(Debug, Template)]
#[template(
    source = r#"<span class="deadline {{ urgency.class() }}">{{ what }} {{ verb }} <time datetime="{{ exact }}" title="{{ utc }}">{{ text }}</time></span>"#,
    ext = "html"
)]
pub(super) struct DeadlineNote {
    pub(super) urgency: Urgency,
    pub(super) utc: String,
    what: &'static str,
    verb: &'static str,
    exact: String,
    text: String,
}

impl HtmlSafe for DeadlineNote {}

impl DeadlineNote {
    /// The end of what `credential` names (`client_secret` …).
    pub(super) fn of(credential: &str, at: Timestamp, now: Timestamp) -> Self {
        let is_sign_in = matches!(credential, "refresh_token" | "consent");
        let left = Duration::try_from(at.duration_since(now));
        Self {
            urgency: Urgency::of(at, now),
            what: words::ending(credential),
            verb: match (is_sign_in, left.is_ok()) {
                (true, true) => "ends",
                (true, false) => "ended",
                (false, true) => "expires",
                (false, false) => "expired",
            },
            exact: words::exact(at),
            utc: words::utc(at),
            text: left.map_or_else(
                |_| passed(at, now),
                |left| format!("in {}", words::days(left)),
            ),
        }
    }
}

fn passed(at: Timestamp, now: Timestamp) -> String {
    let passed = Duration::try_from(now.duration_since(at)).unwrap_or_default();
    format!("{} ago", words::days(passed))
}

/// `in 12 min`, for what is no deadline of a person.
#[derive(Debug, Template)]
#[template(
    source = r#"<time datetime="{{ exact }}" title="{{ utc }}">{{ text }}</time>"#,
    ext = "html"
)]
pub(super) struct Countdown {
    exact: String,
    utc: String,
    text: String,
}

impl HtmlSafe for Countdown {}

impl Countdown {
    pub(super) fn of(at: Timestamp, now: Timestamp) -> Self {
        let left = Duration::try_from(at.duration_since(now));
        Self {
            exact: words::exact(at),
            utc: words::utc(at),
            text: left.map_or_else(
                |_| passed(at, now),
                |left| format!("in {}", words::days(left)),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_say_what_ends_and_how_soon() {
        let now = Timestamp::from_second(1_764_028_800).unwrap();
        const DAY: i64 = 86_400;
        for (credential, seconds, class, words) in [
            (
                "client_secret",
                179 * DAY + 5,
                "",
                "Client secret expires in 179 days",
            ),
            (
                "client_secret",
                14 * DAY + 1,
                "",
                "Client secret expires in 14 days",
            ),
            (
                "client_secret",
                14 * DAY,
                "unsure",
                "Client secret expires in 14 days",
            ),
            (
                "client_certificate",
                3 * DAY + 1,
                "unsure",
                "Client certificate expires in 3 days",
            ),
            (
                "client_certificate",
                3 * DAY,
                "down",
                "Client certificate expires in 3 days",
            ),
            ("refresh_token", 3_600, "down", "Sign-in ends in 1 h"),
            ("refresh_token", -3_600, "down", "Sign-in ended 1 h ago"),
            (
                "client_secret",
                -5 * DAY,
                "down",
                "Client secret expired 5 days ago",
            ),
        ] {
            let at = Timestamp::from_second(now.as_second() + seconds).unwrap();
            let deadline = DeadlineNote::of(credential, at, now);
            assert_eq!(deadline.urgency.class(), class, "{words}");
            assert_eq!(deadline.urgency.is_pressing(), !class.is_empty());
            let text = format!("{} {} {}", deadline.what, deadline.verb, deadline.text);
            assert_eq!(text, words);
        }
    }
}
