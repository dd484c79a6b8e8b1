//! The simulated Entra ID: token endpoint, sign-in pages, device code and the
//! metadata service of managed identities.

use std::sync::Arc;

use axum::Router;

use super::Tenant;

/// What Entra remembers between requests: codes, refresh tokens, device codes.
#[derive(Debug, Default)]
pub struct Sessions {}

/// Everything under the login hosts. Not built yet.
pub fn router(tenant: Arc<Tenant>) -> Router {
    drop(tenant);
    Router::new()
}

/// The metadata service of managed identities, plain HTTP. Not built yet.
pub fn metadata_router(tenant: Arc<Tenant>) -> Router {
    drop(tenant);
    Router::new()
}
