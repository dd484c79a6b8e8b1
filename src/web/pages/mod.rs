//! Pages for people: rendered here, without an asset from elsewhere. They work
//! without a script and refresh themselves with a little of it.

mod account;
mod approval;
mod frame;
mod html;
mod landing;
mod operator;
mod pieces;
mod resource;
mod sign_in;
mod words;

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;

pub(super) use account::account;
pub(super) use approval::approval;
pub(super) use frame::{Links, segment};
pub(super) use html::Html;
pub(super) use landing::{Filter, overview};
pub(super) use operator::{LinkExchange, operator};
pub(super) use resource::resource;
pub(super) use sign_in::{SignInView, again, elsewhere, leave, no_sign_in, sign_in};

/// `/assets/style.css`.
pub(super) async fn style() -> impl IntoResponse {
    asset("text/css; charset=utf-8", include_str!("style.css"))
}

/// `/assets/page.js`.
pub(super) async fn script() -> impl IntoResponse {
    asset("text/javascript; charset=utf-8", include_str!("page.js"))
}

/// `/assets/link.js`.
pub(super) async fn link_script() -> impl IntoResponse {
    asset("text/javascript; charset=utf-8", include_str!("link.js"))
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "max-age=300"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, text)
}
