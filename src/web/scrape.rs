//! `/metrics`: probes the `on_scrape` resources within the scrape's own time,
//! then shows the state.

use crate::kinds::{Mode, Resource};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::budget::{budget, scrape_timeout};
use super::encoding::accepts_gzip;
use super::reply::plain;
use crate::metrics::{Format, Rendering};

/// The answer to a scrape.
pub(super) async fn metrics(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let timeout = match scrape_timeout(&parts.headers) {
        Ok(timeout) => timeout,
        Err(error) => return plain(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let shape = rendering(&parts.headers);
    if parts.method == Method::HEAD {
        return response(shape, Body::empty());
    }
    let slots = app.state.slots();
    let own = slots
        .iter()
        .map(|slot| slot.resource())
        .filter(|resource| resource.mode == Mode::OnScrape)
        .map(|resource| own_time(resource))
        .max();
    if let Some(own) = own {
        let budget = timeout.map_or(own, |timeout| budget(timeout, app.settings.timeout_offset));
        // On a task of its own: a scraper that goes away cancels nothing.
        let scheduler = Arc::clone(&app.scheduler);
        let scrape = tokio::spawn(async move { scheduler.scrape(budget).await });
        _ = scrape.await;
    }
    let exposition = Arc::clone(&app.exposition);
    let body = app
        .renderings
        .body(move |out| exposition.write(shape, out))
        .await;
    match body {
        Ok(body) => response(shape, body),
        Err(error) => {
            tracing::error!(%error, "metrics could not be rendered");
            plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the metrics could not be rendered",
            )
        }
    }
}

/// What a probe may take by its own timeouts: the wait for a token and the
/// request, and a little for the way between.
pub(super) fn own_time(resource: &Resource) -> Duration {
    resource.timeout * 2 + Duration::from_millis(500)
}

/// How the client wants it.
pub(super) fn rendering(headers: &HeaderMap) -> Rendering {
    let accept = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    Rendering {
        format: Format::negotiate(accept),
        gzip: accepts_gzip(headers),
    }
}

/// The answer around an exposition.
pub(super) fn response(rendering: Rendering, body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, rendering.format.content_type()),
        (header::VARY, "accept, accept-encoding"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)));
    let mut response = (headers, body).into_response();
    if rendering.gzip {
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
