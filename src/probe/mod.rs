//! One file per kind: what is asked for, as little as the service allows, and
//! what a good answer looks like. Beside them what all kinds share: the
//! prober, the sentence for people, the permissions that are needed.
//!
//! Nothing of an answer's content is kept: a body is looked at and dropped.
//! The scheduler and the commands `probe`, `login` and `doctor` call this room.

mod collection;
mod detail;
mod exchange_mailbox;
mod needs;
mod permissions;
mod sharepoint_site;
mod tenant;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::graph::Address;
use crate::model::{Kind, Report, Resource, Story};

pub use collection::BadBody;
pub use needs::{Need, needs_of, wanted};
pub use permissions::{
    NeededPermission, PermissionApi, PermissionType, needed_permissions, needed_rights,
};
pub use tenant::TenantProber;

/// Makes one attempt to use a resource; what the scheduler knows of probing.
///
/// The future owns all it needs. Dropping it cuts the probe off. It ends by
/// itself: `timeout` bounds the request and, once more, the wait for a token.
pub trait Prober: Send + Sync {
    /// Probes `resource` once, telling `story` what happens.
    fn probe(&self, resource: Arc<Resource>, story: Story) -> BoxFuture<'static, Report>;
}

/// What a probe of `resource` asks for; `None` if its configuration makes no
/// URL.
#[must_use]
pub fn address(resource: &Resource) -> Option<Address> {
    match &resource.kind {
        Kind::SharePointSite { url, api } => {
            sharepoint_site::address(&resource.account.cloud, url, *api)
        }
        Kind::ExchangeMailbox { user } => {
            exchange_mailbox::address(&resource.account.cloud, user.as_deref())
        }
    }
}

/// Looks into the whole body of a 200. `content_type` is lower case, without
/// parameters.
///
/// # Errors
/// What is wrong with it.
pub fn judge(resource: &Resource, content_type: &str, body: &[u8]) -> Result<(), BadBody> {
    match &resource.kind {
        Kind::SharePointSite { api, .. } => sharepoint_site::judge(*api, content_type, body),
        Kind::ExchangeMailbox { .. } => exchange_mailbox::judge(content_type, body),
    }
}
