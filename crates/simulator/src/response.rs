//! What answers of every service are made with.

use axum::body::Body;
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// An answer with nothing but a status.
pub(crate) fn status_only(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

/// Sets a header; what cannot stand in one is left out.
pub(crate) fn set(answer: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// A time as HTTP writes it (RFC 9110, section 5.6.7).
pub(crate) fn http_date(time: jiff::Timestamp) -> String {
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&time)
        .unwrap_or_default()
}
