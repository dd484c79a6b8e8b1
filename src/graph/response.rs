//! One answer and what it means, as far as that can be seen without knowing
//! what was asked for.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, LOCATION, WWW_AUTHENTICATE};

use super::origin::{Origin, RefusedAnswer};
use super::{diagnostics, throttling, verdict};
use crate::entra::ClaimsChallenge;
use crate::http::{BodyEnd, ProbeAnswer};
use crate::kinds::{Request, ServiceError};
use crate::model::{
    Exchange, Hold, Phase, Provider, Reason, RequestId, Timestamp, TokenProblem, Verdict,
    bounded_text,
};

/// An answer and what it means.
#[derive(Debug)]
pub struct Response {
    /// What was measured and what the service said about itself.
    pub exchange: Exchange,
    /// HTTP status.
    pub status: u16,
    /// What it means, as far as it can be seen without knowing the question.
    pub verdict: Verdict,
    /// What its body says, unless its status is a plain success.
    pub error: ServiceError,
    /// `Content-Type`, lower case, without parameters.
    pub content_type: String,
    /// Of an answer with an expected status, bounded.
    pub body: Bytes,
    /// How it ended.
    pub body_end: BodyEnd,
    /// Who sent it.
    pub origin: Origin,
    /// Why a refused token could not be replaced; the verdict is `token` then.
    pub token_problem: Option<TokenProblem>,
    /// The wait that the answer asks for, if what is inside of it says that we are
    /// throttled: its status may say that all is well.
    pub hold_if_throttled: Option<Hold>,
    pub(super) headers: HeaderMap,
}

impl Response {
    /// A token request that was measured as a whole.
    pub(super) fn of_sign_in(exchange: Exchange) -> Self {
        Self {
            exchange,
            status: 0,
            verdict: Verdict::Success,
            error: ServiceError::default(),
            content_type: String::new(),
            body: Bytes::new(),
            body_end: BodyEnd::Complete,
            origin: Origin::Service,
            token_problem: None,
            hold_if_throttled: None,
            headers: HeaderMap::new(),
        }
    }
}

impl Response {
    /// Judges what came of `request`; with it goes a claims challenge, if the
    /// service asks for more claims and is one that may.
    pub(super) fn read(
        request: &Request,
        answer: ProbeAnswer,
        client_request_id: Option<RequestId>,
        proxied: bool,
        now: Timestamp,
    ) -> (Self, Option<ClaimsChallenge>) {
        let ProbeAnswer {
            status,
            headers,
            body,
            body_end,
            mut exchange,
        } = answer;
        let expected = request.expect.contains(&status);
        let error = if (200..300).contains(&status) {
            ServiceError::default()
        } else {
            ServiceError::read(&body).or_header(text(&headers, "x-ms-diagnostics"))
        };
        let host = request.url.host_str().unwrap_or_default();
        let refusal = RefusedAnswer {
            status,
            headers: &headers,
            body: &body,
            ours: client_request_id.as_ref().map(RequestId::as_str),
            host,
            of_microsoft: request.provider.has_signs(),
            proxied,
        };
        let leads_home = (300..400).contains(&status)
            && text(&headers, LOCATION.as_str()).is_some_and(|to| request.may_lead_to(to));
        let origin = if request.takes_from_anyone(status) || leads_home {
            Origin::Service
        } else {
            refusal.origin()
        };
        let verdict = verdict(
            status, expected, &headers, &error, body_end, origin, proxied,
        );
        // What it asks goes on to Entra, which may end a sign-in over it: nobody else's
        // business.
        let challenge = if request.provider == Provider::Workload && origin == Origin::Service {
            let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
            ClaimsChallenge::find(challenges.filter_map(|v| v.to_str().ok()))
        } else {
            None
        };
        let content_type = text(&headers, CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        exchange.request_id = diagnostics::request_id(&headers);
        exchange.client_request_id = client_request_id;
        exchange.server = diagnostics::hints(&headers);
        exchange.hold = throttling::hold(verdict, &headers, now);
        let throttled = Verdict::Problem(Reason::Throttled);
        let hold_if_throttled = throttling::hold(throttled, &headers, now);
        // A whole body of the wrong kind broke nowhere on its way.
        exchange.broke_in = (expected && body_end != BodyEnd::Complete).then_some(Phase::Transfer);
        let response = Self {
            exchange,
            status,
            verdict,
            error,
            content_type: bounded_text(&essence.to_ascii_lowercase(), 64),
            body: if expected { body } else { Bytes::new() },
            body_end,
            origin,
            token_problem: None,
            hold_if_throttled,
            headers,
        };
        (response, challenge)
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
