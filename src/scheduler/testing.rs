//! Small resources and scripted chance for this room's unit tests.

use std::sync::Arc;

use crate::fixtures;
use crate::kinds::Resource;
use crate::model::{Account, Random, Tenant};

/// An account of the tenant `NAME.onmicrosoft.com`.
pub(super) fn account(name: &str) -> Arc<Account> {
    Arc::new(Account {
        tenant: Tenant::parse(&format!("{name}.onmicrosoft.com")),
        ..fixtures::account(name)
    })
}

/// A site, every minute, in the background.
pub(super) fn site(account_name: &str, name: &str) -> Resource {
    let url = format!("https://contoso.sharepoint.com/sites/{name}");
    fixtures::resource(name, &account(account_name), fixtures::site_at(&url))
}

/// Always the middle: `jitter` changes nothing.
pub(super) struct Middle;

impl Random for Middle {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
        if let Some(last) = bytes.last_mut() {
            *last = 0x80;
        }
    }
}
