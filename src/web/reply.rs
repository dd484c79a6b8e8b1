//! Short answers in plain text.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::errors::Said;
use super::visitor::Refusal;

/// A plain-text answer for programs and for people at a terminal. A complaint
/// is remembered, for a browser is shown a page of it.
pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    let mut text = text.into();
    text.push('\n');
    if !(status.is_client_error() || status.is_server_error()) {
        return (status, text).into_response();
    }
    let mut response = (status, text.clone()).into_response();
    response.extensions_mut().insert(Said(text));
    response
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
