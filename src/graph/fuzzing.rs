//! For `fuzz/entries.rs`: an answer of any status, judged as a probe judges it.

use http::HeaderMap;

use super::origin::{Origin, RefusedAnswer};
use super::{diagnostics, throttling, verdict};
use crate::http::{BodyEnd, LONGEST_WAIT};
use crate::kinds::ServiceError;
use crate::model::{Hold, Reason, Timestamp, Verdict};

/// Every answer has one verdict, and no wait is longer than the longest.
pub(crate) fn answer(status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) {
    let error = ServiceError::read(body);
    for of_microsoft in [true, false] {
        let refusal = RefusedAnswer {
            status,
            headers,
            body,
            ours: None,
            host: "graph.microsoft.com",
            of_microsoft,
            proxied: false,
        };
        let origin = refusal.origin();
        let verdict = verdict(
            status,
            false,
            headers,
            &error,
            BodyEnd::Complete,
            origin,
            false,
        );
        if origin != Origin::Service && !matches!(status, 300..=399 | 401) {
            // A box on the way says nothing about rights.
            let forbidden = Verdict::Problem(Reason::Forbidden);
            assert!(verdict != forbidden, "{status} {headers:?}");
        }
        let wait = match throttling::hold(verdict, headers, now) {
            Some(Hold::Gate { wait }) => wait.unwrap_or_default(),
            Some(Hold::Resource { wait }) => wait,
            None => continue,
        };
        assert!(wait <= LONGEST_WAIT, "{wait:?}");
    }
    _ = (
        diagnostics::request_id(headers),
        diagnostics::hints(headers),
    );
    _ = throttling::rate_limit(headers);
}
