//! `Retry-After` (RFC 9110 section 10.2.3): seconds or an HTTP date.

use std::time::Duration;

use jiff::Timestamp;

/// The longest wait that is honoured (DESIGN section 8, rule 4).
pub(super) const LONGEST: Duration = Duration::from_secs(3600);

/// Reads `Retry-After`; at most an hour. A date is measured against the
/// answer's own `Date` where there is one, so that our clock does not matter.
/// `None` for anything else; a date in the past is a wait of zero.
#[must_use]
pub fn retry_after(headers: &http::HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // A number too large for u64 is longer than an hour as well.
        return Some(
            text.parse()
                .map_or(LONGEST, Duration::from_secs)
                .min(LONGEST),
        );
    }
    let until = http_date(text)?;
    let from = date(headers).unwrap_or(now);
    let wait = Duration::try_from(until.duration_since(from)).unwrap_or_default();
    Some(wait.min(LONGEST))
}

/// The answer's `Date`.
pub fn date(headers: &http::HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(http::header::DATE)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<Timestamp> {
    // IMF-fixdate is the form that senders must use; RFC 2822 parsing covers it.
    jiff::fmt::rfc2822::parse(text)
        .ok()
        .map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> http::HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    http::HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    fn read(text: &str) -> Option<u64> {
        let now = "2026-11-25T12:00:00Z".parse().unwrap();
        retry_after(&headers(&[("retry-after", text)]), now).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates() {
        assert_eq!(read("31"), Some(31));
        assert_eq!(read(" 7 "), Some(7));
        assert_eq!(read("Wed, 25 Nov 2026 12:00:30 GMT"), Some(30));
        assert_eq!(read("Wed, 25 Nov 2026 11:00:00 GMT"), Some(0));
        assert_eq!(read("86400"), Some(3600));
        assert_eq!(read("99999999999999999999999"), Some(3600));
        assert_eq!(read("soon"), None);
        assert_eq!(read("-5"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn dates_are_measured_against_the_senders_clock() {
        let now = "2031-01-01T00:00:00Z".parse().unwrap();
        let headers = headers(&[
            ("retry-after", "Wed, 25 Nov 2026 12:00:30 GMT"),
            ("date", "Wed, 25 Nov 2026 12:00:00 GMT"),
        ]);
        assert_eq!(retry_after(&headers, now), Some(Duration::from_secs(30)));
    }
}
