//! The endpoints from which a machine gets tokens without a secret (PROTOCOL
//! section 2.5): the instance metadata service of virtual machines, and the
//! one of App Service, Functions and Container Apps. Plain HTTP, no proxy,
//! numbers as strings. Phases in which it is updating (404, 410, 429) are
//! faults of the shared registry, not of this module.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::client::Proof;
use super::form::Form;
use super::issue::{ClaimsRequest, Issue};
use super::scope::RequestedScopes;
use super::tenant;
use crate::Tenant;
use crate::directory::{Application, Directory};
use crate::tokens::Claims;
use m365mon_base::Random;

/// An error: status, word and sentence.
struct Trouble(StatusCode, &'static str, String);

fn invalid(text: &str) -> Trouble {
    Trouble(StatusCode::BAD_REQUEST, "invalid_request", text.to_owned())
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    (status, kind, body.to_string()).into_response()
}

/// A fault on command in the words of this service. Headers such as
/// `Retry-After` are for the caller to set.
pub(crate) fn trouble_on_command(status: StatusCode) -> Response {
    let error = if status == StatusCode::TOO_MANY_REQUESTS {
        "too_many_requests"
    } else {
        "unknown"
    };
    let body = json!({"error": error, "error_description": "Try again later."});
    json_answer(status, &body)
}

/// The identity that is meant: the only one, or the one that was named.
fn identity<'d>(directory: &'d Directory, names: &[Option<&str>]) -> Option<&'d Application> {
    let named: Vec<&str> = names.iter().flatten().copied().collect();
    if named.len() > 1 {
        return None;
    }
    let mut identities = directory.applications().filter(|app| app.managed_identity);
    match named.first() {
        None => identities.next(),
        Some(name) => identities.find(|app| {
            app.client_id.eq_ignore_ascii_case(name)
                || app.object_id.eq_ignore_ascii_case(name)
                || name
                    .rsplit('/')
                    .next()
                    .is_some_and(|last| name.contains('/') && last == app.display_name)
        }),
    }
}

/// A token for one resource, with its claims.
fn issue(
    tenant: &Tenant,
    resource: &str,
    names: &[Option<&str>],
) -> Result<(String, Claims, String), Trouble> {
    let directory = tenant.directory.read();
    let app = identity(&directory, names).ok_or_else(|| invalid("Identity not found"))?;
    let invalid_resource =
        |text: String| Trouble(StatusCode::BAD_REQUEST, "invalid_resource", text);
    let organization = tenant::anywhere(&directory, &app.organization)
        .map_err(|refusal| invalid(&refusal.description()))?;
    let scope = format!("{resource}/.default");
    // The resource itself: a scope is one mistake that clients make here.
    let wanted = if resource.ends_with("/.default") || resource.contains(' ') {
        Err(())
    } else {
        RequestedScopes::app_only(&scope, organization).map_err(|_| ())
    };
    let wanted = wanted.map_err(|()| {
        invalid_resource(format!(
            "AADSTS500011: The resource principal named {resource} was not found in the tenant \
             named {}.",
            organization.display_name
        ))
    })?;
    let issue = Issue {
        tenant,
        organization,
        app,
        proof: Proof::Assertion,
        claims: ClaimsRequest::default(),
        consented_by_a_team: directory.is_in_a_team(&app.client_id),
        base: organization.cloud.login_url(),
    };
    let (token, claims) = issue.for_machine(&wanted);
    Ok((token, claims, app.client_id.clone()))
}

/// `GET /metadata/identity/oauth2/token`.
pub(super) async fn instance(
    State(tenant): State<Arc<Tenant>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match instance_answer(&tenant, query.as_deref(), &headers) {
        Ok(body) => json_answer(StatusCode::OK, &body),
        Err(Trouble(status, error, text)) => {
            json_answer(status, &json!({"error": error, "error_description": text}))
        }
    }
}

fn instance_answer(
    tenant: &Tenant,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Value, Trouble> {
    let marked = headers
        .get("metadata")
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    if !marked {
        return Err(Trouble(
            StatusCode::BAD_REQUEST,
            "bad_request_102",
            "Required metadata header not specified".into(),
        ));
    }
    // A request that came through a proxy is not from this machine.
    if headers.contains_key("x-forwarded-for") {
        return Err(invalid(
            "Requests with an X-Forwarded-For header are refused",
        ));
    }
    let form = Form::parse(query.unwrap_or_default().as_bytes())
        .map_err(|refusal| invalid(&refusal.text))?;
    match form.get("api-version") {
        None => return Err(invalid("Required query variable 'api-version' is missing")),
        Some("2018-02-01" | "2019-08-01" | "2021-02-01") => {}
        Some(_) => return Err(invalid("Unsupported 'api-version'")),
    }
    let resource = form
        .get("resource")
        .ok_or_else(|| invalid("Required query variable 'resource' is missing"))?;
    let names = [
        form.get("client_id"),
        form.get("object_id"),
        form.get("msi_res_id"),
    ];
    let (token, claims, client) = issue(tenant, resource, &names)?;
    let life = claims.exp - tenant.clock.epoch();
    Ok(json!({
        "access_token": token,
        "client_id": client,
        "expires_in": life.to_string(),
        "expires_on": claims.exp.to_string(),
        "ext_expires_in": life.to_string(),
        "not_before": claims.nbf.to_string(),
        "refresh_token": "",
        "resource": resource,
        "token_type": "Bearer",
    }))
}

/// `GET {IDENTITY_ENDPOINT}`, here `/msi/token`.
pub(super) async fn app_service(
    State(tenant): State<Arc<Tenant>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match app_service_answer(&tenant, query.as_deref(), &headers) {
        Ok(body) => json_answer(StatusCode::OK, &body),
        Err(Trouble(status, _, text)) => json_answer(
            status,
            &json!({
                "statusCode": status.as_u16(),
                "message": text,
                "correlationId": tenant.random.uuid(),
            }),
        ),
    }
}

fn app_service_answer(
    tenant: &Tenant,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Value, Trouble> {
    let expected = tenant.entra.policy().identity_header;
    let sent = headers.get("x-identity-header");
    if sent.is_none_or(|value| value.as_bytes() != expected.as_bytes()) {
        return Err(Trouble(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "The X-IDENTITY-HEADER is missing or wrong.".into(),
        ));
    }
    let form = Form::parse(query.unwrap_or_default().as_bytes())
        .map_err(|refusal| invalid(&refusal.text))?;
    if form.get("api-version") != Some("2019-08-01") {
        return Err(invalid("The api-version is missing or not supported."));
    }
    let resource = form
        .get("resource")
        .ok_or_else(|| invalid("The resource parameter is missing."))?;
    let object = form.get("principal_id").or(form.get("object_id"));
    let names = [form.get("client_id"), object, form.get("mi_res_id")];
    let (token, claims, client) = issue(tenant, resource, &names)?;
    Ok(json!({
        "access_token": token,
        "client_id": client,
        "expires_on": claims.exp.to_string(),
        "not_before": claims.nbf.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    }))
}
