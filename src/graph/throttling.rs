//! What the service says about its limits in headers (Microsoft Graph
//! throttling guidance; SharePoint's `RateLimit-*` after the IETF draft).

use std::time::Duration;

use http::HeaderMap;

use crate::http::{LONGEST_WAIT, retry_after};
use crate::model::{Hold, RateLimit, Reason, Timestamp, Verdict};

/// `RateLimit-Limit`, `-Remaining` and `-Reset`, where all three are there.
pub(super) fn rate_limit(headers: &HeaderMap) -> Option<RateLimit> {
    Some(RateLimit {
        limit: number(headers, "ratelimit-limit")?,
        remaining: number(headers, "ratelimit-remaining")?,
        reset: Duration::from_secs(number(headers, "ratelimit-reset")?.into()).min(LONGEST_WAIT),
    })
}

/// True if the headers say that it is us who ask too much.
pub(super) fn names_us(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .any(|name| name.as_str().starts_with("x-ms-throttle-"))
        || number(headers, "ratelimit-remaining") == Some(0)
}

/// The wait that the service asked for: a throttled answer closes the gate,
/// for the greater of `Retry-After` and `RateLimit-Reset`; a server error
/// holds back the one resource. No wait at all is none that helps.
pub(super) fn hold(verdict: Verdict, headers: &HeaderMap, now: Timestamp) -> Option<Hold> {
    let after = retry_after(headers, now);
    match verdict {
        Verdict::Problem(Reason::Throttled) => {
            let reset = number(headers, "ratelimit-reset")
                .map(|seconds| Duration::from_secs(seconds.into()));
            let wait = after.max(reset).map(|wait| wait.min(LONGEST_WAIT));
            Some(Hold::Gate {
                wait: wait.filter(|wait| !wait.is_zero()),
            })
        }
        Verdict::Problem(Reason::ServerError) => {
            after
                .filter(|wait| !wait.is_zero())
                .map(|wait| Hold::Resource {
                    wait: wait.min(LONGEST_WAIT),
                })
        }
        _ => None,
    }
}

/// The number at the start of a header (`1200, 1200;w=60` is 1200); one that
/// is too large is the largest.
fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let digits = text.get(..end)?;
    if digits.is_empty() {
        return None;
    }
    Some(digits.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<HeaderMap>()
    }

    fn seconds(wait: u64) -> Option<Duration> {
        Some(Duration::from_secs(wait))
    }

    #[test]
    fn rate_limits() {
        let three = headers(&[
            ("ratelimit-limit", "1200, 1200;w=60"),
            ("ratelimit-remaining", "120"),
            ("ratelimit-reset", "5"),
        ]);
        let limit = rate_limit(&three).unwrap();
        assert_eq!((limit.limit, limit.remaining), (1200, 120));
        assert!((limit.remaining_ratio() - 0.1).abs() < 1e-9);
        assert_eq!(rate_limit(&headers(&[("ratelimit-limit", "1200")])), None);
        let odd = headers(&[
            ("ratelimit-remaining", "99999999999999"),
            ("ratelimit-limit", "x"),
        ]);
        assert_eq!(number(&odd, "ratelimit-remaining"), Some(u32::MAX));
        assert_eq!(number(&odd, "ratelimit-limit"), None);
    }

    #[test]
    fn who_is_meant() {
        assert!(names_us(&headers(&[("ratelimit-remaining", "0")])));
        assert!(names_us(&headers(&[("x-ms-throttle-scope", "Tenant")])));
        assert!(!names_us(&headers(&[
            ("ratelimit-remaining", "1"),
            ("retry-after", "9")
        ])));
    }

    #[test]
    fn holds() {
        let now = Timestamp::UNIX_EPOCH;
        let gate = Verdict::Problem(Reason::Throttled);
        let sick = Verdict::Problem(Reason::ServerError);
        for (verdict, pairs, wanted) in [
            (
                gate,
                &[("retry-after", "31")][..],
                Some(Hold::Gate { wait: seconds(31) }),
            ),
            (
                gate,
                &[("retry-after", "3"), ("ratelimit-reset", "40")],
                Some(Hold::Gate { wait: seconds(40) }),
            ),
            (
                gate,
                &[("retry-after", "30,120")],
                Some(Hold::Gate { wait: seconds(120) }),
            ),
            (
                gate,
                &[("retry-after", "30"), ("retry-after", "soon")],
                Some(Hold::Gate {
                    wait: seconds(3600),
                }),
            ),
            (
                gate,
                &[("retry-after", "0")],
                Some(Hold::Gate { wait: None }),
            ),
            (gate, &[], Some(Hold::Gate { wait: None })),
            (
                gate,
                &[("retry-after", "86400")],
                Some(Hold::Gate {
                    wait: seconds(3600),
                }),
            ),
            (
                gate,
                &[("ratelimit-reset", "86400")],
                Some(Hold::Gate {
                    wait: seconds(3600),
                }),
            ),
            (
                sick,
                &[("retry-after", "120")],
                Some(Hold::Resource {
                    wait: Duration::from_secs(120),
                }),
            ),
            (sick, &[("ratelimit-reset", "9")], None),
            (sick, &[], None),
            (Verdict::Success, &[("retry-after", "9")], None),
        ] {
            assert_eq!(
                hold(verdict, &headers(pairs), now),
                wanted,
                "{verdict:?} {pairs:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_in_the_headers_is_bounded(values: [Vec<u8>; 4]) {
            let names = [
                "retry-after",
                "ratelimit-limit",
                "ratelimit-remaining",
                "ratelimit-reset",
            ];
            let mut headers = HeaderMap::new();
            for (name, value) in names.into_iter().zip(values) {
                if let Ok(value) = http::HeaderValue::from_bytes(&value) {
                    headers.append(name, value);
                }
            }
            let now = "2026-11-25T12:00:00Z".parse().unwrap();
            _ = names_us(&headers);
            if let Some(limit) = rate_limit(&headers) {
                proptest::prop_assert!(limit.reset <= LONGEST_WAIT);
            }
            for reason in [Reason::Throttled, Reason::ServerError, Reason::Timeout] {
                let wait = match hold(Verdict::Problem(reason), &headers, now) {
                    Some(Hold::Gate { wait }) => wait.unwrap_or_default(),
                    Some(Hold::Resource { wait }) => wait,
                    None => Duration::ZERO,
                };
                proptest::prop_assert!(wait <= LONGEST_WAIT);
            }
        }
    }
}
