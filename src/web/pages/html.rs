//! A page as an answer.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::piece::rendered;

/// What a page may load and do: its own style sheet, script and pictures,
/// nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A whole page, made by a template.
pub(in crate::web) struct Html(String);

impl Html {
    pub(super) fn of(page: &impl Template) -> Self {
        Self(rendered(page))
    }

    /// The text of it, for an answer that has its status and headers already.
    pub(in crate::web) fn into_text(self) -> String {
        self.0
    }

    /// The headers of a page.
    pub(in crate::web) fn headers() -> [(header::HeaderName, HeaderValue); 2] {
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
        ]
        .map(|(name, value)| (name, HeaderValue::from_static(value)))
    }
}

impl IntoResponse for Html {
    fn into_response(self) -> Response {
        (StatusCode::OK, Self::headers(), self.0).into_response()
    }
}
