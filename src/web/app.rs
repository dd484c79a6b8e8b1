//! The routes and what every answer has in common.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::Router;
use axum::extract::{MatchedPath, Request, State as Shared};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::access::{self, Access};
use super::discovery::{self, Place};
use super::external::{ExternalUrl, host_of};
use super::local_access::Visitor;
use super::reload::Reloads;
use super::sign_in::{self, SignInSessions};
use super::streaming::Renderings;
use super::{pages, probe, reload, scrape, status_pages};
use crate::entra::Consent;
use crate::metrics::Exposition;
use crate::model::{Configuration, Random};
use crate::scheduler::Scheduler;
use crate::state::State;

/// What the command line says about the pages.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the metrics are; begins with a slash.
    pub telemetry_path: String,
    /// How the world reaches this exporter.
    pub external_url: Option<ExternalUrl>,
    /// Taken off the scraper's timeout.
    pub timeout_offset: Duration,
    /// Whether the listeners speak TLS.
    pub tls: bool,
}

/// What the pages look into.
pub struct Dependencies {
    /// What is shown.
    pub state: Arc<State>,
    /// Who probes.
    pub scheduler: Arc<Scheduler>,
    /// How metrics are written.
    pub exposition: Exposition,
    /// Who reads the configuration again, if that may be asked for.
    pub reloads: Option<Reloads>,
    /// Who may come in; without it everybody.
    pub access: Option<Arc<Access>>,
}

/// Everything that the handlers need.
pub struct App {
    pub(super) settings: Settings,
    pub(super) state: Arc<State>,
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) exposition: Arc<Exposition>,
    pub(super) reloads: Option<Reloads>,
    pub(super) renderings: Renderings,
    sign_ins: OnceLock<Arc<SignInSessions>>,
    pub(super) access: Option<Arc<Access>>,
    configuration: ArcSwapOption<Configuration>,
    ready: AtomicBool,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(settings: Settings, dependencies: Dependencies) -> Arc<Self> {
        Arc::new(Self {
            settings,
            state: dependencies.state,
            scheduler: dependencies.scheduler,
            exposition: Arc::new(dependencies.exposition),
            reloads: dependencies.reloads,
            renderings: Renderings::new(),
            sign_ins: OnceLock::new(),
            access: dependencies.access,
            configuration: ArcSwapOption::empty(),
            ready: AtomicBool::new(false),
        })
    }

    /// The configuration that runs now, for `/config`.
    pub fn set_configuration(&self, configuration: &Configuration) {
        self.configuration
            .store(Some(Arc::new(configuration.clone())));
    }

    pub(super) fn configuration(&self) -> Option<Arc<Configuration>> {
        self.configuration.load_full()
    }

    /// From now on the pages sign people in, with `consent`.
    pub fn offer_sign_in(&self, consent: Consent, random: Arc<dyn Random>) {
        let sessions = SignInSessions::new(consent, self.state.clock().clone(), random);
        // A second one would forget what is under way with the first.
        _ = self.sign_ins.set(Arc::new(sessions));
    }

    pub(super) fn sign_ins(&self) -> Option<Arc<SignInSessions>> {
        self.sign_ins.get().cloned()
    }

    /// The first schedule is built.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// The routes.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/", get(status_pages::landing))
            .route("/resources/{name}", get(status_pages::resource))
            .route("/accounts/{name}", get(status_pages::account))
            .route(
                "/accounts/{name}/sign-in",
                get(sign_in::show).post(sign_in::begin),
            )
            .route("/accounts/{name}/sign-out", post(sign_in::sign_out))
            .route("/accounts/{name}/approval", get(sign_in::approval))
            .route("/auth/callback", get(sign_in::callback))
            .route("/api/v1/resources", get(status_pages::api_resources))
            .route("/api/v1/accounts", get(status_pages::api_accounts))
            .route("/config", get(status_pages::config))
            .route("/assets/style.css", get(pages::style))
            .route("/assets/page.js", get(pages::script))
            .route("/-/reload", post(reload::reload).put(reload::reload))
            .route(&self.settings.telemetry_path, get(scrape::metrics))
            .route("/probe", get(probe::probe))
            .route("/sd", get(service_discovery))
            .route("/-/healthy", get(healthy))
            .route("/-/ready", get(ready))
            .method_not_allowed_fallback(method_not_allowed)
            .fallback(not_found)
            .layer(from_fn_with_state(
                self.access.clone(),
                access::authenticate,
            ))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn_with_state(Arc::clone(self), finish))
            .with_state(Arc::clone(self))
    }

    pub(super) fn visitor(&self, parts: &Parts) -> Visitor {
        Visitor::of(parts, self.settings.external_url.as_ref())
    }

    pub(super) fn links(&self, parts: &Parts) -> pages::Links<'_> {
        pages::Links {
            prefix: self.prefix(),
            telemetry_path: &self.settings.telemetry_path,
            trusted: self.visitor(parts).is_trusted(),
        }
    }

    pub(super) fn prefix(&self) -> &str {
        self.settings
            .external_url
            .as_ref()
            .map_or("", ExternalUrl::prefix)
    }

    /// The name of a route in `m365mon_http_requests_total`: one of a few, so
    /// that nobody outside can make series.
    fn handler(&self, matched: Option<&MatchedPath>) -> &'static str {
        const HANDLERS: [(&str, &str); 17] = [
            ("/", "/"),
            ("/resources/{name}", "/resources"),
            ("/accounts/{name}", "/accounts"),
            ("/accounts/{name}/sign-in", "/accounts/sign-in"),
            ("/accounts/{name}/sign-out", "/accounts/sign-out"),
            ("/accounts/{name}/approval", "/accounts/approval"),
            ("/auth/callback", "/auth/callback"),
            ("/api/v1/resources", "/api/v1/resources"),
            ("/api/v1/accounts", "/api/v1/accounts"),
            ("/config", "/config"),
            ("/assets/style.css", "/assets"),
            ("/assets/page.js", "/assets"),
            ("/probe", "/probe"),
            ("/sd", "/sd"),
            ("/-/healthy", "/-/healthy"),
            ("/-/ready", "/-/ready"),
            ("/-/reload", "/-/reload"),
        ];
        let Some(path) = matched.map(MatchedPath::as_str) else {
            return "other";
        };
        if path == self.settings.telemetry_path {
            return "/metrics";
        }
        HANDLERS
            .into_iter()
            .find(|(route, _)| *route == path)
            .map_or("other", |(_, handler)| handler)
    }
}

/// Counts the answer and gives it the headers that all have.
async fn finish(Shared(app): Shared<Arc<App>>, request: Request, next: Next) -> Response {
    let handler = app.handler(request.extensions().get());
    let mut response = next.run(request).await;
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

/// A plain-text answer for programs and for people at a terminal.
pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    let mut text = text.into();
    text.push('\n');
    (status, text).into_response()
}

async fn service_discovery(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let external = app.settings.external_url.as_ref();
    let Some(host) = external
        .map(ExternalUrl::host)
        .or_else(|| host_of(&parts.uri, &parts.headers))
    else {
        return plain(
            StatusCode::BAD_REQUEST,
            "the Host header does not name this exporter",
        );
    };
    let scheme = if app.settings.tls { "https" } else { "http" };
    let place = Place {
        host,
        scheme: external.map_or(scheme, ExternalUrl::scheme),
        prefix: app.prefix(),
    };
    let slots = app.state.slots();
    let groups = discovery::groups(slots.iter().map(|slot| slot.resource()), &place);
    Json(groups).into_response()
}

async fn healthy(Shared(app): Shared<Arc<App>>) -> Response {
    if app.scheduler.healthy() {
        plain(StatusCode::OK, "m365mon is healthy")
    } else {
        plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "m365mon is not healthy: its scheduler has stopped",
        )
    }
}

async fn ready(Shared(app): Shared<Arc<App>>) -> Response {
    if app.ready.load(Ordering::Acquire) {
        plain(StatusCode::OK, "m365mon is ready")
    } else {
        plain(StatusCode::SERVICE_UNAVAILABLE, "m365mon is not ready yet")
    }
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
