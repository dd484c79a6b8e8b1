//! Which permission a probe needs, and why (Microsoft Graph permissions
//! reference; SharePoint's own for its REST). `login` asks for them, `doctor`
//! compares them with what the token holds, and a refused probe names them.

use std::collections::HashMap;

use crate::model::{
    Account, AccountName, Audience, Configuration, GateKey, Kind, NeededRights, Resource, Service,
    SiteApi,
};

/// Whose permission it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PermissionApi {
    /// Microsoft Graph.
    Graph,
    /// SharePoint (`00000003-0000-0ff1-ce00-000000000000`).
    SharePoint,
}

impl PermissionApi {
    /// As the portal calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Graph => "Microsoft Graph",
            Self::SharePoint => "SharePoint",
        }
    }
}

/// How it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PermissionType {
    /// A scope, on behalf of a person (`scp`).
    Delegated,
    /// An app role (`roles`).
    Application,
}

impl PermissionType {
    /// As the portal calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delegated => "delegated",
            Self::Application => "application",
        }
    }
}

/// One permission that a resource needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NeededPermission {
    /// Whose it is.
    pub api: PermissionApi,
    /// How it is held.
    pub held: PermissionType,
    /// What the token must be for.
    pub audience: Audience,
    /// The one to ask for.
    pub name: &'static str,
    /// Others that do as well, each on its own, and may be meant.
    pub or: &'static [&'static str],
    /// Others that do as well, but open more than anything here needs.
    pub broader: &'static [&'static str],
    /// One sentence for people.
    pub reason: &'static str,
}

impl NeededPermission {
    /// The delegated scope as it is asked for, `{audience}/{name}`.
    #[must_use]
    pub fn scope(&self) -> String {
        format!("{}/{}", self.audience, self.name)
    }

    /// True if a token that holds `granted` (a scope or a role) is enough, as
    /// far as permissions go.
    #[must_use]
    pub fn is_met_by(&self, granted: &str) -> bool {
        self.name == granted || self.or.contains(&granted) || self.broader.contains(&granted)
    }

    /// The names none of which is beyond need, the one to ask for first.
    #[must_use]
    pub fn fitting(&self) -> Vec<&'static str> {
        [&[self.name], self.or].concat()
    }
}

/// What `resource` needs; each of them. What a site grants to an application
/// beside (`Sites.Selected`) is not a permission of the token, and what
/// Exchange assigns to one (RBAC for Applications) is not in it either.
#[must_use]
pub fn needed_permissions(resource: &Resource) -> Vec<NeededPermission> {
    use PermissionApi::{Graph, SharePoint};
    use PermissionType::{Application, Delegated};
    let held = if resource.account.person().is_some() {
        Delegated
    } else {
        Application
    };
    let need = |api, name, or, broader, reason| NeededPermission {
        api,
        held,
        audience: resource.audience(),
        name,
        or,
        broader,
        reason,
    };
    vec![match (&resource.kind, held) {
        (Kind::SharePointSite { api, .. }, Delegated) => match api {
            SiteApi::Graph => need(
                Graph,
                "Sites.Read.All",
                &["Sites.Selected"],
                &WRITE_SITES,
                "reads the names of lists where the person may read them; Sites.Selected with a \
                 grant on the site narrows it down",
            ),
            SiteApi::SharePoint => need(
                SharePoint,
                "AllSites.Read",
                &["Sites.Selected"],
                &["AllSites.Write", "AllSites.Manage", "AllSites.FullControl"],
                "SharePoint's own REST knows only its own permissions; this one reads where the \
                 person may read",
            ),
        },
        (Kind::SharePointSite { api, .. }, Application) => match api {
            SiteApi::Graph => need(
                Graph,
                "Sites.Selected",
                &["Sites.Read.All"],
                &WRITE_SITES,
                "reads the names of lists of the sites on which an administrator granted the \
                 application the role read, and of no other",
            ),
            SiteApi::SharePoint => need(
                SharePoint,
                "Sites.Selected",
                &["Sites.Read.All"],
                &WRITE_SITES,
                "SharePoint's own REST knows only its own permissions; this one reads the sites \
                 on which an administrator granted the application the role read",
            ),
        },
        (Kind::ExchangeMailbox { user: None }, Delegated) => need(
            Graph,
            "Mail.ReadBasic",
            &[],
            &["Mail.Read", "Mail.ReadWrite"],
            "reads ids of messages in the person's own mailbox, never a body",
        ),
        (Kind::ExchangeMailbox { user: Some(_) }, Delegated) => need(
            Graph,
            "Mail.ReadBasic.Shared",
            &[],
            &["Mail.Read.Shared", "Mail.ReadWrite.Shared"],
            "reads ids of messages in a mailbox that is shared with the person, never a body",
        ),
        (Kind::ExchangeMailbox { .. }, Application) => need(
            Graph,
            "Mail.ReadBasic.All",
            &["Mail.ReadBasic"],
            &["Mail.Read", "Mail.ReadWrite"],
            "reads ids of messages, never a body; a role assignment in Exchange (RBAC for \
             Applications) narrows it down to one mailbox",
        ),
    }]
}

const WRITE_SITES: [&str; 3] = [
    "Sites.ReadWrite.All",
    "Sites.Manage.All",
    "Sites.FullControl.All",
];

/// What the resources of each account need of its tokens. Accounts that use
/// one registration in the same way need what all of them need: a token
/// carries what was granted to the registration, whoever asks.
#[must_use]
pub fn needed_rights(configuration: &Configuration) -> HashMap<AccountName, NeededRights> {
    type Holder = (GateKey, Option<String>);
    let holder = |account: &Account| -> Holder {
        let person = account
            .person()
            .map(|person| person.username.to_lowercase());
        (account.gate_key(Service::Entra, None), person)
    };
    let mut by_holder: HashMap<Holder, NeededRights> = HashMap::new();
    for resource in &configuration.resources {
        let needed = by_holder.entry(holder(&resource.account)).or_default();
        for permission in needed_permissions(resource) {
            needed.add(&permission.audience, permission.fitting());
        }
    }
    let accounts = configuration.accounts.iter();
    accounts
        .map(|account| {
            let needed = by_holder.get(&holder(account)).cloned();
            (account.name.clone(), needed.unwrap_or_default())
        })
        .collect()
}
