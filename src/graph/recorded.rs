//! What real answers of other tenants were, and what is made of each
//! (`tests/data/recorded`). A file whose verdict needs a kind that looks into
//! the body is judged as far as its status goes.

use super::origin::{Origin, RefusedAnswer};
use super::verdict;
use crate::http::BodyEnd;
use crate::http::recorded::{RecordedAnswer, answers};
use crate::kinds::{Envelope, ServiceError, list_of};
use crate::model::{Cloud, Provider, Verdict};

/// What only the kind can say: an error inside a 200, a 404 that is none, a
/// redirect to a file.
const DECIDED_BY_KIND: [&str; 6] = ["040", "065", "082", "089", "091", "095"];

#[test]
fn each_is_judged_as_it_should_be() {
    let mut wrong = Vec::new();
    let mut judged = 0;
    for recorded in answers() {
        let RecordedAnswer {
            name,
            kind,
            status,
            headers,
            body,
            ..
        } = recorded;
        let Some((outcome, reason)) = recorded.expected else {
            continue;
        };
        if kind == "sign_in" || DECIDED_BY_KIND.contains(&&name[..3]) {
            continue;
        }
        let url = recorded
            .request
            .split_whitespace()
            .find(|word| word.starts_with("http"));
        let url = url.and_then(|url| url::Url::parse(url).ok());
        let host = url
            .as_ref()
            .and_then(|url| url.host_str())
            .unwrap_or("graph.microsoft.com");
        let expected = (200..300).contains(&status);
        let error = if expected {
            ServiceError::default()
        } else {
            let diagnostics = headers
                .get("x-ms-diagnostics")
                .and_then(|v| v.to_str().ok());
            ServiceError::read(&body).or_header(diagnostics)
        };
        let refusal = RefusedAnswer {
            status,
            headers: &headers,
            body: &body,
            ours: None,
            host,
            of_microsoft: Provider::of_host(host, &Cloud::Global).has_signs(),
            proxied: false,
        };
        let origin = if expected {
            Origin::Service
        } else {
            refusal.origin()
        };
        let mut verdict = verdict(
            status,
            expected,
            &headers,
            &error,
            BodyEnd::Complete,
            origin,
            false,
        );
        if expected && matches!(&*kind, "sharepoint_site" | "exchange_mailbox") {
            let declared = headers.get("content-type").and_then(|v| v.to_str().ok());
            let declared = declared.unwrap_or_default().split(';').next().unwrap();
            if list_of(Envelope::PlainOrVerbose, declared, &body).is_err() {
                verdict = Verdict::Problem(crate::model::Reason::BadResponse);
            }
        }
        judged += 1;
        let found = (
            verdict.outcome().as_str(),
            verdict.reason().map(crate::model::Reason::as_str),
        );
        let wanted = (&*outcome, reason.as_deref());
        if found != wanted {
            wrong.push(format!("{name}: {found:?}, wanted {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(judged >= 55, "{judged}");
}
