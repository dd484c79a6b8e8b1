//! Short answers in plain text.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// A plain-text answer for programs and for people at a terminal.
pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    let mut text = text.into();
    text.push('\n');
    (status, text).into_response()
}
