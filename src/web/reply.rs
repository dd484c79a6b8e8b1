//! Short answers in plain text.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::visitor::Refusal;

/// A plain-text answer for programs and for people at a terminal.
pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    let mut text = text.into();
    text.push('\n');
    (status, text).into_response()
}

/// Says why not.
pub(super) fn refused(refusal: Refusal) -> Response {
    plain(refusal.status(), refusal.to_string())
}

/// 303 to a path or URL of ours.
pub(super) fn see_other(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        // Paths of ours are percent-encoded; a prefix is part of a URL.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
