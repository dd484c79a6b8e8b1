//! Graph's answers as HTTP: status, body, and the headers that support cases
//! are made of (PROTOCOL section 7).

use std::convert::Infallible;
use std::io::Write as _;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value};

use super::error::GraphError;
use super::guard::CHALLENGE;
use super::target::{self, Target};
use crate::Tenant;
use crate::incoming::IncomingRequest;
use crate::response::status_only;
use crate::throttle::Budget;

const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;\
IEEE754Compatible=false;charset=utf-8";
const DIAGNOSTIC: &str = r#"{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5","ScaleUnit":"004","RoleInstance":"AM2PEPF00005517"}}"#;

/// What was asked for, or only that it was done.
pub(super) fn success(
    tenant: &Tenant,
    incoming: &IncomingRequest,
    status: StatusCode,
    body: Option<&Value>,
    budget: Option<Budget>,
) -> Response<Body> {
    let mut answer = match body {
        Some(body) => make(tenant, incoming, status, body),
        None => dress(tenant, incoming, status_only(status)),
    };
    if body.is_some() {
        set(&mut answer, "odata-version", "4.0");
    }
    tell_budget(&mut answer, budget);
    answer
}

/// An error with its body.
pub(super) fn failure(
    tenant: &Tenant,
    incoming: &IncomingRequest,
    error: &GraphError,
) -> Response<Body> {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut inner = Map::new();
    if let Some(code) = error.inner {
        inner.insert("code".into(), code.into());
    }
    let date = tenant.clock.now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
    inner.insert("date".into(), date.into());
    inner.insert("request-id".into(), incoming.request_id.as_str().into());
    inner.insert("client-request-id".into(), client_id(incoming).into());
    let body = serde_json::json!({"error": {
        "code": error.code, "message": error.message, "innerError": inner,
    }});
    let mut answer = make(tenant, incoming, status, &body);
    if status == StatusCode::UNAUTHORIZED {
        set(&mut answer, "www-authenticate", &authenticate(error));
    }
    if let Some(seconds) = error.retry_after {
        set(&mut answer, "retry-after", &seconds.to_string());
    }
    tell_budget(&mut answer, error.budget);
    answer
}

fn authenticate(error: &GraphError) -> String {
    let mut text = String::from(
        "Bearer realm=\"\", \
         authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
         client_id=\"00000003-0000-0000-c000-000000000000\"",
    );
    if let Some(since) = error.challenge {
        text.push_str(&format!(
            ", error=\"insufficient_claims\", error_description=\"{CHALLENGE}\", claims=\"{}\"",
            claims(since)
        ));
    }
    text
}

/// The `claims` of a challenge: base64 of a request for a later `nbf`.
pub(crate) fn claims(since: i64) -> String {
    STANDARD.encode(format!(
        r#"{{"access_token":{{"nbf":{{"essential":true, "value":"{since}"}}}}}}"#
    ))
}

/// What a fault on command looks like here.
pub(crate) fn refusal(
    tenant: &Tenant,
    incoming: &IncomingRequest,
    status: StatusCode,
) -> Response<Body> {
    let path = incoming.path.trim_start_matches('/');
    let rest = path.split_once('/').map_or("", |(_, rest)| rest);
    let target = target::parse(rest);
    let site = matches!(
        target,
        Target::Site { .. } | Target::SiteId { .. } | Target::Drive { .. }
    );
    let mailbox = match target {
        Target::Me { tail } | Target::User { tail, .. } => tail.starts_with('m'),
        _ => false,
    };
    let error = match status {
        StatusCode::TOO_MANY_REQUESTS if site => GraphError::new(
            429,
            "activityLimitReached",
            "The request has been throttled.",
        )
        .inside("throttledRequest"),
        StatusCode::TOO_MANY_REQUESTS if mailbox => application_throttled(),
        StatusCode::TOO_MANY_REQUESTS => {
            GraphError::new(429, "TooManyRequests", "Too many requests.")
        }
        StatusCode::SERVICE_UNAVAILABLE if site => GraphError::new(
            503,
            "serviceNotAvailable",
            "The service is not available. Try the request again after a delay.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => {
            GraphError::new(503, "ServiceUnavailable", "The service is unavailable.")
        }
        _ if site => GraphError::new(
            500,
            "generalException",
            "General exception while processing",
        ),
        _ => GraphError::new(
            500,
            "InternalServerError",
            "An internal server error occurred.",
        ),
    };
    failure(tenant, incoming, &error)
}

/// Exchange's refusal of a fifth request at a time.
pub(super) fn application_throttled() -> GraphError {
    GraphError::new(
        429,
        "ApplicationThrottled",
        "Application is over its MailboxConcurrency limit.",
    )
}

/// A claims challenge on command.
pub(crate) fn challenge(tenant: &Tenant, incoming: &IncomingRequest, since: i64) -> Response<Body> {
    let mut error = GraphError::invalid_token(CHALLENGE);
    error.challenge = Some(since);
    failure(tenant, incoming, &error)
}

fn client_id(incoming: &IncomingRequest) -> &str {
    // Graph echoes its own id where the client sent none.
    incoming
        .client_request_id
        .as_deref()
        .unwrap_or(&incoming.request_id)
}

fn make(
    tenant: &Tenant,
    incoming: &IncomingRequest,
    status: StatusCode,
    body: &Value,
) -> Response<Body> {
    let planted = tenant.canary.lock().as_deref().map(|word| {
        let mut body = body.clone();
        crate::canary::plant(&mut body, word);
        body
    });
    let bytes = serde_json::to_vec(planted.as_ref().unwrap_or(body)).unwrap_or_default();
    let (bytes, encoded) = if incoming.takes_gzip {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        // Writing into memory does not fail.
        _ = encoder.write_all(&bytes);
        (encoder.finish().unwrap_or_default(), true)
    } else {
        (bytes, false)
    };
    // Of unknown length, so that it goes out in chunks as Graph's do.
    let chunks = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from(bytes))]);
    let mut answer = Response::new(Body::from_stream(chunks));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE.as_str(), JSON);
    if encoded {
        set(&mut answer, header::CONTENT_ENCODING.as_str(), "gzip");
    }
    dress(tenant, incoming, answer)
}

/// What the services behind Graph say of caches (RECORDED section 1): Teams,
/// chats and presence nothing.
fn cache_control(incoming: &IncomingRequest) -> Option<&'static str> {
    let path = incoming.path.trim_start_matches('/');
    let mut segments = path
        .split('/')
        .skip(1)
        .filter(|segment| !segment.is_empty());
    let first = segments.next().unwrap_or_default();
    let third = match first {
        "me" => segments.next(),
        "users" => segments.nth(1),
        _ => None,
    };
    match (first, third.unwrap_or_default()) {
        ("teams" | "communications", _) | (_, "presence") => None,
        ("sites" | "drives", _) | (_, "drive") => Some("no-store, no-cache"),
        (_, "messages" | "mailFolders" | "calendar" | "events" | "calendarView" | "sendMail") => {
            Some("private")
        }
        _ => Some("no-cache"),
    }
}

/// The headers of every answer.
fn dress(
    tenant: &Tenant,
    incoming: &IncomingRequest,
    mut answer: Response<Body>,
) -> Response<Body> {
    if let Some(cached) = cache_control(incoming) {
        set(&mut answer, "cache-control", cached);
    }
    let headers = [
        ("vary", "Accept-Encoding"),
        ("strict-transport-security", "max-age=31536000"),
        ("request-id", &incoming.request_id),
        ("client-request-id", client_id(incoming)),
        ("x-ms-ags-diagnostic", DIAGNOSTIC),
        ("date", &crate::response::http_date(tenant.clock.now())),
    ];
    for (name, value) in headers {
        set(&mut answer, name, value);
    }
    answer
}

/// `RateLimit-*`, once SharePoint speaks of it.
pub(crate) fn tell_budget(answer: &mut Response<Body>, budget: Option<Budget>) {
    let Some(budget) = budget.filter(|budget| budget.is_told()) else {
        return;
    };
    set(answer, "ratelimit-limit", &budget.limit.to_string());
    set(answer, "ratelimit-remaining", &budget.remaining.to_string());
    set(answer, "ratelimit-reset", &budget.reset.to_string());
}

fn set(answer: &mut Response<Body>, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_str(value),
    ) {
        answer.headers_mut().insert(name, value);
    }
}
