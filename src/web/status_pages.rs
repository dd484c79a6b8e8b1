//! Pages and JSON for everyone who may read the metrics, with more for
//! operators; and `/config`, for operators alone.

use std::sync::Arc;

use axum::extract::{Path, Request, State as Shared};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;

use super::app::App;
use super::errors::wants_page;
use super::pages;
use super::reply::{plain, refused};
use super::resources_json::{self, Listed};
use super::runbooks::Runbook;
use super::view::{AccountView, ResourceView};
use crate::config::{redacted, suggest};
use crate::model::bounded_text;

/// `/`.
pub(super) async fn landing(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let frame = app.frame(&parts);
    let filter = pages::Filter::parse(parts.uri.query().unwrap_or_default());
    pages::overview(&frame, &app.state, &filter).into_response()
}

/// `/resources/NAME`.
pub(super) async fn resource(
    Shared(app): Shared<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let Some(slot) = app.state.slot(&name) else {
        return unknown_resource(&app, &name);
    };
    pages::resource(&app.frame(&parts), &app.state, &slot).into_response()
}

/// `/accounts/NAME`.
pub(super) async fn account(
    Shared(app): Shared<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let frame = app.frame(&parts);
    let Some(slot) = app.state.account(&name) else {
        return unknown_account(&app, &name);
    };
    let view = AccountView::of(&slot, &app.state, frame.reader);
    pages::account(&frame, &app.state, &view).into_response()
}

/// `/config`: the running configuration, without its secrets.
pub(super) async fn config(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if let Err(refusal) = app.visitor(&parts).may_visit() {
        return refused(refusal);
    }
    let Some(configuration) = app.configuration() else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "there is none yet");
    };
    let yaml = redacted(&configuration);
    if wants_page(&parts.headers) {
        return pages::configuration(&app.frame(&parts), &yaml).into_response();
    }
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    ([(header::CONTENT_TYPE, text)], yaml).into_response()
}

/// `/runbooks`: a list of them.
pub(super) async fn runbooks(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if wants_page(&parts.headers) {
        return pages::runbooks(&app.frame(&parts)).into_response();
    }
    let names: Vec<&str> = Runbook::all().map(|runbook| runbook.name).collect();
    plain(StatusCode::OK, names.join("\n"))
}

/// `/runbooks/NAME`: a page in a browser, its text for programs.
pub(super) async fn runbook(
    Shared(app): Shared<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let Some(runbook) = Runbook::find(&name) else {
        return unknown("runbook", &name, Runbook::all().map(|runbook| runbook.name));
    };
    if wants_page(&parts.headers) {
        return pages::runbook(&app.frame(&parts), runbook).into_response();
    }
    plain(StatusCode::OK, runbook.text.trim_end())
}

#[derive(Serialize)]
struct Resources {
    resources: Vec<Listed>,
}

/// `/api/v1/resources[?resource=NAME]`: all, or one with history and permissions.
pub(super) async fn api_resources(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let reader = app.reader(&parts);
    let resources = match wanted(parts.uri.query(), "resource") {
        Some(name) => {
            let Some(slot) = app.state.slot(&name) else {
                return unknown_resource(&app, &name);
            };
            vec![Listed::of(
                &app,
                ResourceView::in_full(&slot, &app.state, reader),
            )]
        }
        None => {
            let json = HeaderValue::from_static("application/json");
            return match resources_json::everything(&app, reader).await {
                Ok(body) => ([(header::CONTENT_TYPE, json)], body).into_response(),
                Err(error) => {
                    tracing::error!(%error, "resources could not be listed");
                    let why = "the resources could not be listed";
                    plain(StatusCode::INTERNAL_SERVER_ERROR, why)
                }
            };
        }
    };
    Json(Resources { resources }).into_response()
}

#[derive(Serialize)]
struct Accounts {
    accounts: Vec<AccountView>,
}

/// `/api/v1/accounts[?account=NAME]`.
pub(super) async fn api_accounts(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let reader = app.reader(&parts);
    let accounts = app.state.accounts();
    let name = wanted(parts.uri.query(), "account");
    let is_wanted = |account: &str| name.as_deref().is_none_or(|name| name == account);
    let views: Vec<_> = accounts
        .iter()
        .filter(|slot| is_wanted(&slot.account().name))
        .map(|slot| AccountView::of(slot, &app.state, reader))
        .collect();
    if let (Some(name), true) = (&name, views.is_empty()) {
        return unknown_account(&app, name);
    }
    Json(Accounts { accounts: views }).into_response()
}

fn wanted(query: Option<&str>, key: &str) -> Option<String> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(name, value)| name == key && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

/// 404 for a resource that the configuration does not know.
pub(super) fn unknown_resource(app: &App, name: &str) -> Response {
    let slots = app.state.slots();
    unknown(
        "resource",
        name,
        slots.iter().map(|slot| &*slot.resource().name),
    )
}

/// 404 for an account that the configuration does not know.
pub(super) fn unknown_account(app: &App, name: &str) -> Response {
    let accounts = app.state.accounts();
    let names = accounts.iter().map(|account| &*account.account().name);
    unknown("account", name, names)
}

fn unknown<'a>(what: &str, name: &str, names: impl IntoIterator<Item = &'a str>) -> Response {
    let meant = suggest(name, names);
    let name = bounded_text(name, 128);
    plain(
        StatusCode::NOT_FOUND,
        format!("unknown {what} \"{name}\"{meant}"),
    )
}
