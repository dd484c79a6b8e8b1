//! The token endpoint: `POST /{tenant}/oauth2/v2.0/token` (RFC 6749 section
//! 3.2, PROTOCOL section 2). What is common to all grants is checked here, in
//! the order in which Entra seems to; each grant is in [`grants`](super::grants).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::Value;

use super::aadsts::{self, EntraError};
use super::answer::Trace;
use super::client::Client;
use super::form::Form;
use super::grants;
use super::issue::ClaimsRequest;
use super::request::Request;
use super::tenant::{self, TenantName};
use crate::Tenant;
use crate::directory::Organization;

/// The grant of a device code (RFC 8628).
pub(super) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The names under which an assertion may mean this endpoint: by GUID, by
/// domain and as it was asked, of both versions, and the issuer.
fn endpoints(base: &str, host: &str, tenant: &str, organization: &Organization) -> Vec<String> {
    let mut names = Vec::new();
    let asked = format!("https://{host}");
    for base in [base, &asked] {
        let tenants = [tenant, &organization.id]
            .into_iter()
            .chain(organization.domains.iter().map(String::as_str));
        for tenant in tenants {
            for path in ["oauth2/v2.0/token", "oauth2/token", "v2.0"] {
                names.push(format!("{base}/{tenant}/{path}"));
            }
        }
    }
    names
}

/// The endpoint.
pub(super) async fn token(
    State(tenant): State<Arc<Tenant>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let trace = Trace::new(&tenant, &headers);
    let host = tenant::host_of(&headers, &uri);
    match answer(&tenant, &name, &host, &headers, &body) {
        Ok(body) => trace.json(StatusCode::OK, &body),
        Err(refusal) => trace.refuse(&refusal),
    }
}

/// Anything but a POST.
pub(super) async fn wrong_method(
    State(tenant): State<Arc<Tenant>>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let refusal = EntraError::new(
        "invalid_request",
        900_561,
        format!("The endpoint only accepts POST requests. Received a {method} request."),
    );
    Trace::new(&tenant, &headers).refuse(&refusal)
}

fn answer(
    tenant: &Tenant,
    name: &str,
    host: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, EntraError> {
    let form = Form::of_body(headers, body)?;
    let grant = form.require("grant_type")?;
    let client = Client::read(&form, headers)?;
    if form.names("resource") {
        return Err(aadsts::resource_parameter());
    }
    let claims = ClaimsRequest::parse(form.get("claims"))?;
    let named = TenantName::parse(name);
    if grant == "client_credentials" {
        match named {
            TenantName::Common | TenantName::Consumers => return Err(aadsts::grant_needs_tenant()),
            TenantName::Organizations => return Err(aadsts::no_tenant_information()),
            TenantName::Tenant(_) => {}
        }
    }
    let directory = tenant.directory.read();
    let confidential = client.is_confidential();
    let (organization, app) = tenant::find(&directory, host, named, &client.id, confidential)?;
    let base = tenant::base(host, organization.cloud);
    let request = Request {
        endpoints: endpoints(&base, host, name, organization),
        tenant,
        directory: &directory,
        organization,
        app,
        client,
        form: &form,
        claims,
        origin: headers
            .get(header::ORIGIN)
            .and_then(|origin| origin.to_str().ok())
            .map(str::to_owned),
        base,
        now: tenant.clock.now(),
    };
    match grant {
        "client_credentials" => grants::client_credentials(&request),
        "authorization_code" => grants::authorization_code(&request),
        "refresh_token" => grants::refresh_token(&request),
        // The short word is from before the RFC; a library of Microsoft's sends it.
        DEVICE_CODE | "device_code" => grants::device_code(&request),
        other => Err(aadsts::unsupported_grant(other)),
    }
}
