//! What an account needs, gathered from its resources.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Account, Cloud, Kind, Resource, SignIn, SiteApi};
use crate::probe::{PermissionApi, needed_permissions};

/// All that must be granted.
pub(super) struct Plan<'a> {
    pub(super) account: &'a Account,
    /// Names of permissions to grant in Entra. An application's right to a
    /// mailbox is not among them: Exchange assigns it.
    pub(super) permissions: BTreeMap<&'static str, BTreeSet<&'static str>>,
    /// Sites, as Graph addresses them, with their URLs.
    pub(super) sites: BTreeMap<String, &'a str>,
    /// Mailboxes of others than the signed-in person.
    pub(super) mailboxes: BTreeSet<&'a str>,
    /// How many resources there are.
    pub(super) resources: usize,
}

/// The variable of the script that holds an API.
pub(super) const fn variable(api: PermissionApi) -> &'static str {
    match api {
        PermissionApi::Graph => "$graph",
        PermissionApi::SharePoint => "$sharePoint",
    }
}

impl<'a> Plan<'a> {
    pub(super) fn of(account: &'a Account, resources: &'a [Arc<Resource>]) -> Self {
        let mut plan = Self {
            account,
            permissions: BTreeMap::new(),
            sites: BTreeMap::new(),
            mailboxes: BTreeSet::new(),
            resources: 0,
        };
        let mine = resources
            .iter()
            .filter(|resource| resource.account.name == account.name);
        for resource in mine {
            plan.resources += 1;
            match &resource.kind {
                Kind::SharePointSite { url, .. } => {
                    plan.sites.insert(site_address(url), url.as_str());
                }
                Kind::ExchangeMailbox { user } => {
                    plan.mailboxes.extend(user.as_deref());
                    if account.person().is_none() {
                        continue;
                    }
                }
            }
            for needed in needed_permissions(resource) {
                let names = plan.permissions.entry(variable(needed.api)).or_default();
                names.insert(needed.name);
            }
        }
        plan
    }

    /// True if Exchange must be told of anything.
    pub(super) fn needs_exchange(&self) -> bool {
        !self.mailboxes.is_empty()
    }

    /// True for an application that has no credential of its own.
    pub(super) const fn is_public_client(&self) -> bool {
        matches!(self.account.sign_in, SignIn::Delegated { client: None, .. })
    }

    /// A name for what is made: the application, the scope in Exchange.
    pub(super) fn name(&self) -> String {
        format!("m365mon {}", self.account.name)
    }
}

/// `{host}:/{path}`, or `{host}` for a root site.
pub(super) fn site_address(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let path = url.path().trim_matches('/');
    if path.is_empty() {
        host.to_owned()
    } else {
        format!("{host}:/{path}")
    }
}

/// `-ExchangeEnvironmentName` of `Connect-ExchangeOnline`.
pub(super) const fn exchange_environment(cloud: &Cloud) -> Option<&'static str> {
    match cloud {
        Cloud::Global => Some("O365Default"),
        Cloud::GccHigh => Some("O365USGovGCCHigh"),
        Cloud::Dod => Some("O365USGovDoD"),
        Cloud::China => Some("O365China"),
        Cloud::Custom { .. } => None,
    }
}

/// Which API a resource is asked through.
pub(super) const fn api_of(kind: &Kind) -> PermissionApi {
    match kind {
        Kind::SharePointSite {
            api: SiteApi::SharePoint,
            ..
        } => PermissionApi::SharePoint,
        Kind::SharePointSite { .. } | Kind::ExchangeMailbox { .. } => PermissionApi::Graph,
    }
}
