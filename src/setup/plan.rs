//! What an account needs, gathered from its resources.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use url::Url;

use crate::kinds::{Api, Grant, Granting, Resource, SiteRole, account_of, covering};
use crate::model::{Account, Cloud, SignIn};

/// Names of permissions of one API.
pub(super) type Names = BTreeSet<Cow<'static, str>>;

/// All that must be granted.
pub(super) struct Plan<'a> {
    pub(super) account: &'a Account,
    /// Names of permissions to grant in Entra, by the variable of the script
    /// that holds the API. What stands in for a permission is not among them.
    pub(super) permissions: BTreeMap<String, (Api, Names)>,
    /// What is granted beside permissions.
    pub(super) grants: BTreeSet<Grant>,
    /// How many resources there are.
    pub(super) resources: usize,
}

impl<'a> Plan<'a> {
    pub(super) fn of(account: &'a Account, resources: &[Arc<Resource>]) -> Self {
        let mut plan = Self {
            account,
            permissions: BTreeMap::new(),
            grants: BTreeSet::new(),
            resources: 0,
        };
        let mut needed = Vec::new();
        for resource in resources {
            if resource.account.name == account.name {
                plan.resources += 1;
                plan.grants.extend(resource.kind.grants(account));
            } else if let Some(other) = resource
                .kind
                .accounts()
                .iter()
                .find(|other| other.name == account.name)
            {
                plan.grants.extend(resource.kind.grants(other));
            }
            let all = resource.permissions().into_iter();
            needed.extend(all.filter(|one| account_of(resource, one).name == account.name));
        }
        for one in &needed {
            if one.granting == Granting::Entra && covering(one, &needed).is_none() {
                plan.add(one.api.clone(), one.name.clone());
            }
        }
        plan
    }

    fn add(&mut self, api: Api, name: Cow<'static, str>) {
        let variable = if api == Api::GRAPH {
            "$graph".to_owned()
        } else if api == Api::SHAREPOINT {
            "$sharePoint".to_owned()
        } else {
            let known = self
                .permissions
                .iter()
                .find(|(_, (known, _))| *known == api);
            known.map_or_else(
                || format!("$api{}", self.permissions.len() + 1),
                |(variable, _)| variable.clone(),
            )
        };
        let entry = self.permissions.entry(variable);
        let (_, names) = entry.or_insert_with(|| (api, Names::new()));
        names.insert(name);
    }

    /// Sites that grant the application a role, as Graph addresses them.
    pub(super) fn site_roles(&self, role: SiteRole) -> BTreeSet<String> {
        let of_role = |grant: &Grant| match grant {
            Grant::SiteRole { url, role: own } if *own == role => Some(site_address(url)),
            _ => None,
        };
        self.grants.iter().filter_map(of_role).collect()
    }

    /// Sites that the person must be able to read, by their addresses in Graph.
    pub(super) fn visited(&self) -> BTreeMap<String, &str> {
        self.grants
            .iter()
            .filter_map(|grant| match grant {
                Grant::SiteVisitor { url } => Some((site_address(url), url.as_str())),
                _ => None,
            })
            .collect()
    }

    /// Mailboxes on which the application gets a role of Exchange, by role.
    pub(super) fn mailbox_roles(&self) -> BTreeMap<&'static str, BTreeSet<&str>> {
        let mut roles: BTreeMap<&'static str, BTreeSet<&str>> = BTreeMap::new();
        for grant in &self.grants {
            if let Grant::MailboxRole { user, role } = grant {
                roles.entry(role).or_default().insert(user);
            }
        }
        roles
    }

    /// Folders in mailboxes of others that the person reads: whose, and which.
    pub(super) fn read_folders(&self) -> BTreeSet<(&str, &'static str)> {
        self.grants
            .iter()
            .filter_map(|grant| match grant {
                Grant::FolderReader { user, folder } => Some((&**user, *folder)),
                _ => None,
            })
            .collect()
    }

    /// True if application permissions of Graph are granted.
    pub(super) fn grants_roles_of_graph(&self) -> bool {
        self.account.person().is_none() && self.permissions.contains_key("$graph")
    }

    /// True if some sites are concerned.
    pub(super) fn needs_sites(&self) -> bool {
        self.grants
            .iter()
            .any(|grant| matches!(grant, Grant::SiteRole { .. }))
    }

    /// True if Exchange must be told of anything.
    pub(super) fn needs_exchange(&self) -> bool {
        self.grants.iter().any(|grant| {
            matches!(
                grant,
                Grant::MailboxRole { .. } | Grant::FolderReader { .. }
            )
        })
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
pub(super) fn site_address(url: &Url) -> String {
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
