//! The simulated Entra ID: token endpoint with all grants, sign-in and consent
//! pages, device codes, discovery, and the metadata services of managed
//! identities. Strict like Microsoft, and built from PROTOCOL sections 1 to 3,
//! RFC 6749, 7636, 7523 and 8628, not from our client.
//!
//! Paths under a login host (`{tenant}` is a GUID, a domain, `common`, …):
//!
//! | path | |
//! |---|---|
//! | `POST /{tenant}/oauth2/v2.0/token` | all grants |
//! | `POST /{tenant}/oauth2/v2.0/devicecode` | a device begins |
//! | `/{tenant}/oauth2/v2.0/authorize` | a person begins; pages post to `/{tenant}/login`, `/factor`, `/consent`, `/approval`, `/again` |
//! | `/{tenant}/oauth2/v2.0/logout` | |
//! | `/{tenant}/adminconsent`, `/{tenant}/v2.0/adminconsent` | |
//! | `/devicelogin`, `/device`, `/{tenant}/oauth2/deviceauth` | a person types a device's code |
//! | `/{tenant}/v2.0/.well-known/openid-configuration`, `/{tenant}/discovery/v2.0/keys` | |
//! | `/{tenant}/discovery/instance`, `/{tenant}/userrealm/{upn}` | for Microsoft's libraries |
//!
//! On the metadata service: `/metadata/identity/oauth2/token` and `/msi/token`.
//!
//! Faults strike before a request gets here; what a fault answers in Entra's
//! own words comes from [`trouble`].

mod aadsts;
mod answer;
mod assertion;
mod authorization_session;
mod authorize;
mod bounded_map;
mod client;
mod consent;
mod control;
mod device;
mod discovery;
mod form;
mod grants;
mod issue;
mod metadata;
mod page_handlers;
mod pages;
mod pkce;
mod request;
mod scope;
mod sessions;
mod tenant;
mod token;
mod x509;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{any, get, post};

pub use aadsts::EntraError;
pub use control::control_router;
pub use device::{approve_device, decline_device};
pub use sessions::{ApprovalRequest, Policy, Sessions};

use super::Tenant;
use answer::Trace;

/// Everything under the login hosts.
pub fn router(tenant: Arc<Tenant>) -> Router {
    let pages = get(authorize::authorize).post(authorize::authorize);
    let device_page = get(device::page).post(device::page);
    let logout = get(page_handlers::logout).post(page_handlers::logout);
    Router::new()
        .route(
            "/{tenant}/oauth2/v2.0/token",
            post(token::token).fallback(token::wrong_method),
        )
        .route(
            "/{tenant}/oauth2/v2.0/devicecode",
            post(device::device_code).fallback(token::wrong_method),
        )
        .route("/{tenant}/oauth2/v2.0/authorize", pages)
        .route("/{tenant}/oauth2/v2.0/logout", logout)
        .route("/{tenant}/login", post(page_handlers::sign_in))
        .route("/{tenant}/factor", post(page_handlers::factor))
        .route("/{tenant}/consent", post(page_handlers::consent))
        .route("/{tenant}/approval", post(page_handlers::approval))
        .route("/{tenant}/again", post(page_handlers::again))
        .route("/{tenant}/adminconsent", get(page_handlers::administrator))
        .route(
            "/{tenant}/v2.0/adminconsent",
            get(page_handlers::administrator),
        )
        .route("/{tenant}/oauth2/deviceauth", device_page.clone())
        .route("/devicelogin", device_page.clone())
        .route("/device", device_page)
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(discovery::configuration),
        )
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::keys))
        .route("/{tenant}/discovery/instance", get(discovery::instances))
        .route("/{tenant}/userrealm/{upn}", get(discovery::user_realm))
        .layer(DefaultBodyLimit::max(form::MOST_BYTES))
        .with_state(tenant)
}

/// The metadata services of managed identities, plain HTTP.
pub fn metadata_router(tenant: Arc<Tenant>) -> Router {
    Router::new()
        .route("/metadata/identity/oauth2/token", get(metadata::instance))
        .route("/msi/token", any(metadata::app_service))
        .layer(DefaultBodyLimit::max(form::MOST_BYTES))
        .with_state(tenant)
}

pub(crate) use metadata::trouble_on_command as metadata_trouble;

/// A fault in Entra's own words: 429 says 90055, 503 says 90033, and any
/// other status 90036. Headers such as `Retry-After` are for the caller to set.
#[must_use]
pub fn trouble(tenant: &Tenant, headers: &HeaderMap, status: u16) -> Response {
    let refusal = match status {
        429 => aadsts::tenant_throttled(),
        503 => aadsts::service_trouble(),
        status => EntraError {
            status,
            ..EntraError::new(
                "server_error",
                90_036,
                "An unexpected, non-retryable error stemming from the directory service has \
                 occurred.",
            )
        },
    };
    Trace::new(tenant, headers).refuse(&refusal)
}

/// Ends a person's sessions, as an administrator or a changed password would:
/// refresh tokens issued until now are refused (AADSTS50173), access tokens of
/// clients that take challenges are challenged. False for an unknown person.
pub fn revoke_user(tenant: &Tenant, upn: &str) -> bool {
    let now = tenant.clock.now();
    let mut directory = tenant.directory.write();
    let Some(user) = directory.user_mut(upn) else {
        return false;
    };
    // Tokens know milliseconds; those of this very one are revoked as well.
    user.sessions_valid_from = now
        .checked_add(std::time::Duration::from_millis(1))
        .unwrap_or(now);
    let id = user.id.clone();
    drop(directory);
    tenant.tokens.revoke_subject(&id);
    true
}

/// Signs a person in for an application without a browser and gives a refresh
/// token, as after a finished sign-in with `scope` (which should name
/// `offline_access`). Consent is not asked for.
pub fn refresh_token_for(
    tenant: &Tenant,
    client_id: &str,
    upn: &str,
    scope: &str,
) -> Option<m365mon_base::Secret> {
    let directory = tenant.directory.read();
    let (app, user) = (directory.application(client_id)?, directory.user(upn)?);
    let now = tenant.clock.now().as_millisecond();
    let id = tenant.entra.name(16);
    let token = sessions::Refresh {
        family: id.clone(),
        id,
        grant: sessions::Grant {
            client: app.client_id.clone(),
            user: user.id.clone(),
            organization: app.organization.clone(),
            scope: scope.to_owned(),
            signed_in: now,
            factor: true,
        },
        issued: now,
        public: app.public_client,
        ends: None,
    };
    let sealed = tenant.entra.seal("refresh", &token);
    Some(m365mon_base::Secret::new(format!("1.A{sealed}")))
}
