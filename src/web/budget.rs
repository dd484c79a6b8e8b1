//! How long a scrape may take.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};

/// Sent by Prometheus with every scrape: its timeout in seconds, a decimal number.
pub(super) const SCRAPE_TIMEOUT: HeaderName =
    HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

/// What is longer than this is this.
const LONGEST: Duration = Duration::from_secs(600);

/// The header does not hold one positive number.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the header X-Prometheus-Scrape-Timeout-Seconds must be one number of seconds")]
pub(super) struct BadTimeout;

/// The scraper's own timeout; `None` without the header, or when it says 0.
pub(super) fn scrape_timeout(headers: &HeaderMap) -> Result<Option<Duration>, BadTimeout> {
    let mut values = headers.get_all(SCRAPE_TIMEOUT).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(BadTimeout);
    }
    let seconds: f64 = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .ok_or(BadTimeout)?;
    if !seconds.is_finite() || seconds.is_sign_negative() {
        return Err(BadTimeout);
    }
    let timeout = Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64()));
    Ok((!timeout.is_zero()).then_some(timeout))
}

/// What is left of the scraper's timeout for probing: `offset` less, so that
/// the answer is there in time, but never less than half of it.
pub(super) fn budget(timeout: Duration, offset: Duration) -> Duration {
    timeout.saturating_sub(offset).max(timeout / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(value: &str) -> Result<Option<Duration>, BadTimeout> {
        let mut headers = HeaderMap::new();
        headers.insert(SCRAPE_TIMEOUT, value.parse().unwrap());
        scrape_timeout(&headers)
    }

    #[test]
    fn header() {
        assert_eq!(scrape_timeout(&HeaderMap::new()), Ok(None));
        assert_eq!(parse("10"), Ok(Some(Duration::from_secs(10))));
        assert_eq!(parse("10.000000"), Ok(Some(Duration::from_secs(10))));
        assert_eq!(parse("0.25"), Ok(Some(Duration::from_millis(250))));
        assert_eq!(parse("0"), Ok(None));
        assert_eq!(parse("1e300"), Ok(Some(LONGEST)));
        for bad in ["", "ten", "10s", "-1", "-0.0", "NaN", "inf", "1,5"] {
            assert_eq!(parse(bad), Err(BadTimeout), "{bad:?}");
        }
        let mut twice = HeaderMap::new();
        twice.append(SCRAPE_TIMEOUT, "1".parse().unwrap());
        twice.append(SCRAPE_TIMEOUT, "2".parse().unwrap());
        assert_eq!(scrape_timeout(&twice), Err(BadTimeout));
    }

    #[test]
    fn never_below_half() {
        let offset = Duration::from_millis(500);
        assert_eq!(
            budget(Duration::from_secs(10), offset),
            Duration::from_millis(9500)
        );
        assert_eq!(
            budget(Duration::from_secs(1), offset),
            Duration::from_millis(500)
        );
        assert_eq!(
            budget(Duration::from_millis(600), offset),
            Duration::from_millis(300)
        );
        assert_eq!(
            budget(Duration::from_millis(100), offset),
            Duration::from_millis(50)
        );
    }

    proptest! {
        #[test]
        fn budget_is_within_the_timeout(timeout in 1_u64..1_000_000, offset in 0_u64..1_000_000) {
            let (timeout, offset) = (Duration::from_millis(timeout), Duration::from_millis(offset));
            let budget = budget(timeout, offset);
            prop_assert!(budget <= timeout && budget >= timeout / 2 && !budget.is_zero());
        }

        #[test]
        fn any_header_is_harmless(value in "[ -~]{0,40}") {
            if let Ok(Some(timeout)) = parse(&value) {
                prop_assert!(timeout <= LONGEST && !timeout.is_zero());
            }
        }
    }
}
