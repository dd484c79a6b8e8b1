//! `/assets/NAME`: the style sheet, the scripts and the pictures of the tab.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::web::reply::plain;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// What a page loads.
pub(in crate::web) async fn asset(Path(name): Path<String>) -> Response {
    let (kind, text) = match name.as_str() {
        "style.css" => (CSS, include_str!("style.css")),
        "page.js" => (
            SCRIPT,
            concat!(include_str!("copy.js"), include_str!("page.js")),
        ),
        "copy.js" => (SCRIPT, include_str!("copy.js")),
        "link.js" => (SCRIPT, include_str!("link.js")),
        "icon-up.svg" => (PICTURE, include_str!("icon-up.svg")),
        "icon-unsure.svg" => (PICTURE, include_str!("icon-unsure.svg")),
        "icon-down.svg" => (PICTURE, include_str!("icon-down.svg")),
        _ => return plain(StatusCode::NOT_FOUND, "there is nothing here; see /"),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "max-age=300"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, text).into_response()
}
