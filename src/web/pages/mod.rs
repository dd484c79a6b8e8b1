//! Pages for people: rendered here, without a script or an asset from elsewhere.

mod board;
mod html;
mod landing;
mod words;

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;

pub(super) use landing::{Links, bare, board};

/// `/assets/style.css`.
pub(super) async fn style() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=300"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, include_str!("style.css"))
}
