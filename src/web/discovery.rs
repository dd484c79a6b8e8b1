//! `/sd`: HTTP service discovery of the resources whose home is `/probe`.
//!
//! A JSON list of target groups as Prometheus' `http_sd_configs` takes it, one
//! group a resource, complete every time. Every target is this exporter; the
//! labels tell Prometheus which page to scrape and how to name the instance.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;

use super::app::App;
use super::external::{ExternalUrl, host_of};
use super::reply::plain;
use crate::kinds::{Mode, Resource};

/// Where Prometheus finds this exporter.
#[derive(Debug)]
struct Target<'a> {
    /// Host, and port where one is named.
    host: String,
    /// `http` or `https`.
    scheme: &'a str,
    /// The path before ours, without a trailing slash.
    prefix: &'a str,
}

/// One target group.
#[derive(Debug, Serialize)]
struct Group {
    targets: [String; 1],
    labels: BTreeMap<&'static str, String>,
}

/// The groups of all `on_probe` resources, in the order of the configuration.
fn groups<'a>(
    resources: impl IntoIterator<Item = &'a Arc<Resource>>,
    target: &Target<'_>,
) -> Vec<Group> {
    resources
        .into_iter()
        .filter(|resource| resource.mode == Mode::OnProbe)
        .map(|resource| Group {
            targets: [target.host.clone()],
            labels: BTreeMap::from([
                ("__metrics_path__", format!("{}/probe", target.prefix)),
                ("__scheme__", target.scheme.to_owned()),
                ("__param_resource", resource.name.as_ref().to_owned()),
                ("instance", resource.name.as_ref().to_owned()),
                (
                    "__meta_m365_account",
                    resource.account.name.as_ref().to_owned(),
                ),
                ("__meta_m365_kind", resource.kind.as_str().to_owned()),
            ]),
        })
        .collect()
}

/// The answer to `/sd`.
pub(super) async fn service_discovery(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
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
    let target = Target {
        host,
        scheme: external.map_or(scheme, ExternalUrl::scheme),
        prefix: app.prefix(),
    };
    let slots = app.state.slots();
    let groups = groups(slots.iter().map(|slot| slot.resource()), &target);
    Json(groups).into_response()
}
