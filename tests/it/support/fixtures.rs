//! Accounts, resources and configurations to begin with. A test changes what it
//! is about and takes the rest from here, so that a new field costs one edit:
//!
//! ```ignore
//! Resource { mode: Mode::OnProbe, ..fixtures::site("intranet", &account) }
//! ```
//!
//! The unit tests of `src` include this file too; `m365mon` is the crate itself
//! there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use m365mon::kinds::mailbox::Mailbox;
use m365mon::kinds::{
    Configuration, ExchangeMailbox, Impact, Kind, Labels, Mode, Resource, SharePointSite, SiteApi,
};
use m365mon::model::{
    Account, AppCredential, Cloud, ConnectionPolicy, DEFAULT_BUCKETS, Delegated, HttpSettings,
    Limits, MetricsSettings, ProxySetting, Secret, SecretSource, SignIn, Storage, Tenant,
};

/// The client secret of [`account`]: seen anywhere, it is a leak.
pub(crate) const CANARY: &str = "canary-5d1f";

/// A client secret without a known end.
pub(crate) fn client_secret(secret: &str) -> AppCredential {
    AppCredential::ClientSecret {
        secret: SecretSource::Inline(Secret::new(secret.into())),
        expires: None,
    }
}

/// An application of contoso in the worldwide cloud, with a client secret.
pub(crate) fn account(name: &str) -> Account {
    Account {
        name: name.into(),
        cloud: Cloud::Global,
        tenant: Tenant::parse("contoso.onmicrosoft.com"),
        client_id: Some("11111111-2222-3333-4444-555555555555".into()),
        sign_in: SignIn::App(client_secret(CANARY)),
        audiences: Default::default(),
        proxy: None,
    }
}

/// The same application, through which `username` signs in by a public client.
pub(crate) fn delegated(name: &str, username: &str) -> Account {
    signs_in(name, person(username))
}

/// The same application, through which this person signs in by a public client.
pub(crate) fn signs_in(name: &str, person: Delegated) -> Account {
    Account {
        sign_in: SignIn::Delegated {
            person,
            client: None,
        },
        ..account(name)
    }
}

/// Somebody of whom only the name is known.
pub(crate) fn person(username: &str) -> Delegated {
    Delegated {
        username: username.into(),
        redirect_url: None,
        max_age: None,
    }
}

/// A managed identity: the machine's own without a client id.
pub(crate) fn managed_identity(name: &str, client_id: Option<&str>) -> Account {
    Account {
        tenant: None,
        client_id: client_id.map(Into::into),
        sign_in: SignIn::ManagedIdentity,
        ..account(name)
    }
}

/// A site at this URL, asked for through Graph.
pub(crate) fn site_at(url: &str) -> Kind {
    Kind::from(SharePointSite {
        url: url.parse().unwrap(),
        api: SiteApi::Graph,
    })
}

/// A site at this URL, asked for through SharePoint's own REST.
pub(crate) fn rest_site_at(url: &str) -> Kind {
    Kind::from(SharePointSite {
        url: url.parse().unwrap(),
        api: SiteApi::SharePoint,
    })
}

/// A mailbox; the person's own without a user.
pub(crate) fn mailbox_of(user: Option<&str>) -> Kind {
    Kind::from(ExchangeMailbox {
        mailbox: Mailbox(user.map(Into::into)),
    })
}

/// In the background every minute, without labels.
pub(crate) fn resource(name: &str, account: &Arc<Account>, kind: Kind) -> Resource {
    Resource {
        name: name.into(),
        account: Arc::clone(account),
        kind,
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(10),
        mode: Mode::Background,
        connection: ConnectionPolicy::New,
        min_age: Duration::from_secs(54),
        labels: labels(&[]),
        impact: Impact::Users,
        proxy: None,
    }
}

/// The example that a kind states of itself.
pub(crate) fn example(info: &m365mon::kinds::Info) -> Resource {
    let text = format!(
        "accounts:\n  - name: contoso\n    tenant: contoso.onmicrosoft.com\n    \
         client_id: 11111111-2222-3333-4444-555555555555\n    \
         client_certificate: {{certificate_file: c.pem, key_file: k.pem}}\n    \
         audiences: {{\"api://contoso-health\": api.contoso.com}}\n\
         resources:\n  - {}\n",
        info.example
    );
    let none = BTreeMap::<String, String>::new();
    let path = std::path::Path::new("m365mon.yml");
    let loaded = m365mon::config::parse(&text, path, &none).unwrap();
    Resource::clone(&loaded.configuration.resources[0])
}

/// Contoso's intranet, whatever the resource is called.
pub(crate) fn site(name: &str, account: &Arc<Account>) -> Resource {
    let url = "https://contoso.sharepoint.com/sites/intranet";
    resource(name, account, site_at(url))
}

/// The person's own mailbox.
pub(crate) fn mailbox(name: &str, account: &Arc<Account>) -> Resource {
    resource(name, account, mailbox_of(None))
}

/// Label pairs; the caller sorts them.
pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect()
}

/// These resources with their accounts, each once; everything else as it is
/// where a configuration says nothing.
pub(crate) fn configuration(resources: Vec<Resource>) -> Configuration {
    let mut accounts: Vec<Arc<Account>> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for resource in &resources {
        if known.insert(Arc::clone(&resource.account.name)) {
            accounts.push(Arc::clone(&resource.account));
        }
    }
    Configuration {
        labels: labels(&[]),
        storage: Storage {
            file: "tokens".into(),
            key_file: "key".into(),
        },
        http: http(),
        limits: Limits {
            probes_in_flight: 512,
            per_account: 64,
            on_scrape: 50,
        },
        metrics: MetricsSettings {
            histogram: true,
            phases: true,
            histogram_buckets: DEFAULT_BUCKETS.into(),
        },
        accounts,
        resources: resources.into_iter().map(Arc::new).collect(),
        resource_files: Vec::new(),
        value_files: Vec::new(),
        variables: Default::default(),
        windows: Arc::default(),
        references: Vec::new(),
    }
}

/// Nothing but a name for the User-Agent.
pub(crate) fn http() -> HttpSettings {
    HttpSettings {
        proxy: ProxySetting::Environment,
        own_proxies: Vec::new(),
        ca_file: None,
        user_agent: "NONISV|m365mon|m365mon/0".into(),
        resolve: BTreeMap::new(),
    }
}
