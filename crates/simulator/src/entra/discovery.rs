//! What clients read before they ask: OpenID Connect Discovery, the keys,
//! and what Microsoft's libraries want to know about hosts and people.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::aadsts::EntraError;
use super::answer::Trace;
use super::form::Form;
use super::tenant::{self, TenantName};
use crate::Tenant;
use crate::directory::Cloud;

/// Documents may be kept for a day.
fn cacheable(trace: &Trace, body: &Value) -> Response {
    let mut response = trace.json(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("max-age=86400, private"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    for gone in [header::PRAGMA, header::EXPIRES] {
        headers.remove(gone);
    }
    response
}

/// `/{tenant}/v2.0/.well-known/openid-configuration`.
pub(super) async fn configuration(
    State(tenant): State<Arc<Tenant>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let trace = Trace::new(&tenant, &headers);
    let host = tenant::host_of(&headers, &uri);
    match document(&tenant, &host, &name) {
        Ok(body) => cacheable(&trace, &body),
        Err(refusal) => trace.refuse(&refusal),
    }
}

fn document(tenant: &Tenant, host: &str, name: &str) -> Result<Value, EntraError> {
    let directory = tenant.directory.read();
    // A tenant of another cloud is described all the same, with the endpoints
    // of its own: this is how a client learns that it asked in the wrong one.
    let (cloud, path, issuer) = match TenantName::parse(name) {
        TenantName::Tenant(name) => {
            let organization = tenant::anywhere(&directory, name)?;
            let id = organization.id.as_str();
            (organization.cloud, id, id)
        }
        TenantName::Common => (Cloud::Global, "common", "{tenantid}"),
        TenantName::Organizations => (Cloud::Global, "organizations", "{tenantid}"),
        TenantName::Consumers => (Cloud::Global, "consumers", "{tenantid}"),
    };
    let base = if matches!(TenantName::parse(name), TenantName::Tenant(_)) {
        tenant::base(host, cloud)
    } else {
        format!("https://{host}")
    };
    let graph = cloud.graph_url().trim_start_matches("https://");
    let (region, sub_region) = match cloud {
        Cloud::Global => ("EU", None),
        Cloud::GccHigh => ("USGov", Some("DODCON")),
        Cloud::Dod => ("USGov", Some("DOD")),
        Cloud::China => ("CN", None),
    };
    let mut body = json!({
        "token_endpoint": format!("{base}/{path}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported":
            ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/{path}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{base}/{issuer}/v2.0"),
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("https://{graph}/oidc/userinfo"),
        "authorization_endpoint": format!("{base}/{path}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/{path}/oauth2/v2.0/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{base}/{path}/oauth2/v2.0/logout"),
        "claims_supported": ["sub", "iss", "cloud_instance_name", "cloud_instance_host_name",
            "cloud_graph_host_name", "msgraph_host", "aud", "exp", "iat", "auth_time", "acr",
            "nonce", "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "tenant_region_scope": region,
        "cloud_instance_name": tenant::instance_name(cloud),
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": graph,
        "rbac_url": "https://pas.windows.net",
    });
    if let Some(sub_region) = sub_region {
        body["tenant_region_sub_scope"] = sub_region.into();
    }
    Ok(body)
}

/// `/{tenant}/discovery/v2.0/keys`.
pub(super) async fn keys(State(tenant): State<Arc<Tenant>>, headers: HeaderMap) -> Response {
    let trace = Trace::new(&tenant, &headers);
    cacheable(&trace, &json!({"keys": [tenant.tokens.public_jwk()]}))
}

/// The clouds that know each other: their network and cache names, and aliases.
const CLOUDS: [(&str, &str, &[&str]); 3] = [
    (
        "login.microsoftonline.com",
        "login.windows.net",
        &[
            "login.microsoftonline.com",
            "login.windows.net",
            "login.microsoft.com",
            "sts.windows.net",
        ],
    ),
    (
        "login.partner.microsoftonline.cn",
        "login.partner.microsoftonline.cn",
        &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
    ),
    (
        "login.microsoftonline.us",
        "login.microsoftonline.us",
        &["login.microsoftonline.us", "login.usgovcloudapi.net"],
    ),
];

/// `/common/discovery/instance`: whether a login host is one of Microsoft's.
pub(super) async fn instances(
    State(tenant): State<Arc<Tenant>>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let trace = Trace::new(&tenant, &headers);
    let here = tenant::host_of(&headers, &uri);
    let answer = Form::parse(query.unwrap_or_default().as_bytes()).and_then(|form| {
        let version = form.get("api-version").unwrap_or("1.0").to_owned();
        let endpoint = form.require("authorization_endpoint")?;
        let unknown =
            || EntraError::new("invalid_instance", 50_049, "Unknown or invalid instance.");
        let endpoint = url::Url::parse(endpoint).map_err(|_| unknown())?;
        let host = match (endpoint.host_str(), endpoint.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return Err(unknown()),
        };
        let known = CLOUDS.iter().any(|(_, _, names)| names.contains(&&*host));
        if !known && host != here {
            return Err(unknown());
        }
        let path = endpoint.path_segments().and_then(|mut parts| parts.next());
        let path = path.filter(|p| !p.is_empty()).unwrap_or("common");
        let clouds: Vec<Value> = CLOUDS
            .iter()
            .map(|(network, cache, aliases)| {
                json!({
                    "preferred_network": network, "preferred_cache": cache, "aliases": aliases,
                })
            })
            .collect();
        Ok(json!({
            "tenant_discovery_endpoint":
                format!("https://{host}/{path}/v2.0/.well-known/openid-configuration"),
            "api-version": version,
            "metadata": clouds,
        }))
    });
    match answer {
        Ok(body) => cacheable(&trace, &body),
        Err(refusal) => trace.refuse(&refusal),
    }
}

/// `/common/userrealm/{upn}`: where a person signs in.
pub(super) async fn user_realm(
    State(tenant): State<Arc<Tenant>>,
    Path((_, upn)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let trace = Trace::new(&tenant, &headers);
    let domain = upn.rsplit('@').next().unwrap_or_default();
    let directory = tenant.directory.read();
    let body = match directory.organization(domain) {
        Some(organization) => json!({
            "ver": "1.0",
            "account_type": "Managed",
            "domain_name": domain,
            "cloud_instance_name": tenant::instance_name(organization.cloud),
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        }),
        None => json!({"ver": "1.0", "account_type": "Unknown"}),
    };
    trace.json(StatusCode::OK, &body)
}
