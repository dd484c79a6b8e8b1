//! The token endpoint: `POST /{tenant}/oauth2/v2.0/token` (RFC 6749 section
//! 3.2, PROTOCOL section 2). What is common to all grants is checked here, in
//! the order in which Entra seems to; each grant is in [`grants`](super::grants).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use jiff::Timestamp;
use serde_json::Value;

use super::aadsts::{self, Refusal};
use super::answer::Trace;
use super::client::{Client, Proof};
use super::form::Form;
use super::grants;
use super::issue::{ClaimsRequest, Issue};
use super::place::{self, Named};
use crate::Tenant;
use crate::directory::{Application, Directory, Organization};

/// The grant of a device code (RFC 8628).
pub(super) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A request whose client and tenant are known.
pub(super) struct Request<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) directory: &'a Directory,
    pub(super) organization: &'a Organization,
    pub(super) app: &'a Application,
    pub(super) client: Client<'a>,
    pub(super) form: &'a Form,
    pub(super) claims: ClaimsRequest,
    /// An `Origin` header came with it.
    pub(super) origin: Option<String>,
    /// The root that the organization's documents name.
    pub(super) base: String,
    /// The names of this endpoint, for assertions.
    pub(super) endpoints: Vec<String>,
    pub(super) now: Timestamp,
}

impl<'a> Request<'a> {
    /// The client must prove itself.
    pub(super) fn prove(&self) -> Result<Proof, Refusal> {
        self.refuse_origin()?;
        self.client
            .prove(self.app, &self.endpoints, &self.tenant.entra, self.now)
    }

    /// The client must prove itself unless it is a public one.
    pub(super) fn prove_if_needed(&self) -> Result<Proof, Refusal> {
        self.refuse_origin()?;
        self.client
            .prove_if_needed(self.app, &self.endpoints, &self.tenant.entra, self.now)
    }

    /// Scripts in browsers may redeem codes of their own platform only.
    pub(super) fn refuse_origin(&self) -> Result<(), Refusal> {
        self.origin
            .as_deref()
            .map_or(Ok(()), |origin| Err(aadsts::cross_origin(origin)))
    }

    /// What answers are made from.
    pub(super) fn issue(&'a self, proof: Proof) -> Issue<'a> {
        Issue {
            tenant: self.tenant,
            organization: self.organization,
            app: self.app,
            proof,
            claims: self.claims,
            base: &self.base,
        }
    }
}

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
    let host = place::host_of(&headers, &uri);
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
    let refusal = Refusal::new(
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
) -> Result<Value, Refusal> {
    let text = |header| headers.get(header).and_then(|v| v.to_str().ok());
    let form = Form::of_body(text(header::CONTENT_TYPE), body)?;
    let grant = form.require("grant_type")?;
    let client = Client::read(&form, headers)?;
    if form.names("resource") {
        return Err(aadsts::resource_parameter());
    }
    let claims = ClaimsRequest::parse(form.get("claims"))?;
    let named = Named::parse(name);
    if grant == "client_credentials" {
        match named {
            Named::Common | Named::Consumers => return Err(aadsts::grant_needs_tenant()),
            Named::Organizations => return Err(aadsts::no_tenant_information()),
            Named::Tenant(_) => {}
        }
    }
    let directory = tenant.directory.read();
    let confidential = client.is_confidential();
    let (organization, app) = place::find(&directory, host, named, &client.id, confidential)?;
    let base = place::base(host, organization.cloud);
    let request = Request {
        endpoints: endpoints(&base, host, name, organization),
        tenant,
        directory: &directory,
        organization,
        app,
        client,
        form: &form,
        claims,
        origin: text(header::ORIGIN).map(str::to_owned),
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
