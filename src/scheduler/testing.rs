//! Small resources and scripted chance for this room's unit tests.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{
    Account, AppCredential, Cloud, ConnectionPolicy, Kind, Mode, Random, Resource, Secret,
    SecretSource, SignIn, SiteApi, Tenant,
};

/// An account of the tenant `NAME.onmicrosoft.com`.
pub(super) fn account(name: &str) -> Arc<Account> {
    Arc::new(Account {
        name: name.into(),
        cloud: Cloud::Global,
        tenant: Tenant::parse(&format!("{name}.onmicrosoft.com")),
        client_id: Some("11111111-2222-3333-4444-555555555555".into()),
        sign_in: SignIn::App(AppCredential::ClientSecret {
            secret: SecretSource::Inline(Secret::new("canary".into())),
            expires: None,
        }),
    })
}

/// A site, every minute, in the background.
pub(super) fn site(account_name: &str, name: &str) -> Resource {
    Resource {
        name: name.into(),
        account: account(account_name),
        kind: Kind::SharePointSite {
            url: format!("https://contoso.sharepoint.com/sites/{name}")
                .parse()
                .unwrap(),
            api: SiteApi::Graph,
        },
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(10),
        mode: Mode::Background,
        connection: ConnectionPolicy::New,
        min_age: Duration::from_secs(54),
        labels: Arc::from([]),
    }
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
