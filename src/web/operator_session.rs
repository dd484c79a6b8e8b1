//! `/operator`: where the link of `m365mon open` leads.
//!
//! What the link ends with stands behind its `#`, which browsers send nowhere:
//! no log of a proxy and no Referer holds it. A GET uses nothing up, for mail
//! scanners and previews open links: it shows a page with one button, which no
//! script presses; the POST exchanges the link for a cookie.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::external::host_of;
use super::form::FormBody;
use super::operator::{COOKIE_LIFE, COOKIE_NAME, HOST_PREFIX};
use super::pages;
use super::reply::{refused, see_other};
use crate::model::Secret;

/// The path of the page.
pub const OPERATOR_PATH: &str = "/operator";
/// The field of the form, and of the address behind the `#`.
const FIELD: &str = "link";

/// `GET /operator`.
pub(super) async fn show(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    match app.visitor(&parts).at_home() {
        Ok(()) => pages::operator(&app.frame(&parts), pages::LinkExchange::Offered).into_response(),
        Err(refusal) => refused(refusal),
    }
}

/// `POST /operator`.
pub(super) async fn exchange(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let visitor = app.visitor(&parts);
    if let Err(refusal) = visitor.at_home().and_then(|()| visitor.same_site()) {
        return refused(refusal);
    }
    let form = match FormBody::read(&parts.headers, body).await {
        Ok(form) => form,
        Err(response) => return *response,
    };
    let link = form.get(FIELD).unwrap_or_default();
    // Somebody may have copied the whole address.
    let link = link.rsplit('#').next().unwrap_or_default().trim();
    let Some(cookie) = app.operators.exchange(link) else {
        tracing::warn!(
            "a link for operators was refused: it is not one of this process, has ended, or was used"
        );
        let page = pages::operator(&app.frame(&parts), pages::LinkExchange::Refused);
        return (StatusCode::FORBIDDEN, page).into_response();
    };
    tracing::info!(
        by = "operator",
        "a link was exchanged: one browser is an operator's for 12 hours"
    );
    let mut response = see_other(&format!("{}/", app.prefix()));
    if let Some(cookie) = set_cookie(&parts, visitor.is_secure(), &cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// `Lax`, because Microsoft sends the browser back by a GET from its own site.
fn set_cookie(parts: &Parts, secure: bool, value: &Secret) -> Option<HeaderValue> {
    let port = host_of(&parts.uri, &parts.headers)
        .and_then(|host| host.parse::<Authority>().ok()?.port_u16())
        .unwrap_or(if secure { 443 } else { 80 });
    let (prefix, end) = if secure {
        (HOST_PREFIX, "; Secure")
    } else {
        ("", "")
    };
    let text = format!(
        "{prefix}{COOKIE_NAME}{port}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{end}",
        value.expose(),
        COOKIE_LIFE.as_secs(),
    );
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
