//! The routes, each stated once, and what every answer has in common.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State as Shared};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::answer_timer::AnswerTimer;
use super::app::App;
use super::errors::{as_page, wants_page};
use super::operator_session::{self, OPERATOR_PATH};
use super::reply::plain;
use super::sign_in::invitation;
use super::{access, discovery, health, pages, probe, reload, scrape, sign_in, status_pages};

type Methods = MethodRouter<Arc<App>>;

/// Every route: its path, its name in `m365mon_http_requests_total` (one of a
/// few, so that nobody outside can make series), and what answers.
fn routes(telemetry_path: &str) -> [(&str, &'static str, Methods); 23] {
    [
        ("/", "/", get(status_pages::landing)),
        (
            "/resources/{name}",
            "/resources",
            get(status_pages::resource),
        ),
        ("/accounts/{name}", "/accounts", get(status_pages::account)),
        (
            "/accounts/{name}/sign-in",
            "/accounts/sign-in",
            get(sign_in::show).post(sign_in::begin),
        ),
        (
            "/accounts/{name}/sign-out",
            "/accounts/sign-out",
            post(sign_in::sign_out),
        ),
        (
            "/accounts/{name}/approval",
            "/accounts/approval",
            get(sign_in::approval),
        ),
        (
            "/accounts/{name}/invite",
            "/accounts/invite",
            post(invitation::invite),
        ),
        (
            "/accounts/{name}/invitation",
            "/accounts/invitation",
            get(invitation::show).post(invitation::proceed),
        ),
        (
            "/accounts/{name}/invitation/{end}",
            "/accounts/invitation",
            get(invitation::end),
        ),
        ("/auth/callback", "/auth/callback", get(sign_in::callback)),
        (
            "/api/v1/resources",
            "/api/v1/resources",
            get(status_pages::api_resources),
        ),
        (
            "/api/v1/accounts",
            "/api/v1/accounts",
            get(status_pages::api_accounts),
        ),
        ("/config", "/config", get(status_pages::config)),
        ("/runbooks", "/runbooks", get(status_pages::runbooks)),
        ("/runbooks/{name}", "/runbooks", get(status_pages::runbook)),
        ("/assets/{name}", "/assets", get(pages::asset)),
        (
            OPERATOR_PATH,
            "/operator",
            get(operator_session::show).post(operator_session::exchange),
        ),
        (telemetry_path, "/metrics", get(scrape::metrics)),
        ("/probe", "/probe", get(probe::probe)),
        ("/sd", "/sd", get(discovery::service_discovery)),
        ("/-/healthy", "/-/healthy", get(health::healthy)),
        ("/-/ready", "/-/ready", get(health::ready)),
        (
            "/-/reload",
            "/-/reload",
            post(reload::reload).put(reload::reload),
        ),
    ]
}

/// Kept for what is ours, whether there is a route or not.
const RESERVED: [&str; 3] = ["/-/", "/api/", "/auth/"];

/// True if something of ours answers at this path, so that the metrics cannot.
#[must_use]
pub fn is_taken(path: &str) -> bool {
    let route_is = |route: &str| match route.split_once('{') {
        Some((before, _)) => path.starts_with(before),
        None => path == route,
    };
    RESERVED.iter().any(|ours| path.starts_with(ours))
        || routes("").iter().any(|(route, ..)| route_is(route))
}

/// The names of the routes by their paths.
struct Handlers(HashMap<String, &'static str>);

impl Handlers {
    fn name(&self, matched: Option<&MatchedPath>) -> &'static str {
        matched
            .and_then(|path| self.0.get(path.as_str()))
            .copied()
            .unwrap_or("other")
    }
}

/// The routes of `app`, behind its access.
pub fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    let mut handlers = HashMap::new();
    for (path, name, methods) in routes(&app.settings.telemetry_path) {
        router = router.route(path, methods);
        handlers.insert(path.to_owned(), name);
    }
    router
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(from_fn_with_state(app.access.clone(), access::authenticate))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(
            (Arc::clone(app), Arc::new(Handlers(handlers))),
            finish,
        ))
        .with_state(Arc::clone(app))
}

/// Counts the answer and gives it the headers that all have.
async fn finish(
    Shared((app, handlers)): Shared<(Arc<App>, Arc<Handlers>)>,
    request: Request,
    next: Next,
) -> Response {
    let handler = handlers.name(request.extensions().get());
    let timed = AnswerTimer::begin(handler, Arc::clone(&app.state));
    let response = if wants_page(request.headers()) {
        let (parts, body) = request.into_parts();
        let response = next.run(Request::from_parts(parts.clone(), body)).await;
        as_page(&app, &parts, response)
    } else {
        next.run(request).await
    };
    let mut response = timed.until_sent(response);
    app.state
        .process()
        .http_request(handler, response.status().as_u16());
    let common = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in common {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "there is nothing here; see /")
}

async fn method_not_allowed() -> Response {
    plain(
        StatusCode::METHOD_NOT_ALLOWED,
        "not with this method; the Allow header names those that work",
    )
}

/// What a panic said went to the log already; a client learns nothing of it.
fn panicked(_what: Box<dyn std::any::Any + Send>) -> Response {
    plain(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
}
