//! Which permissions a probe needs, and why (Microsoft Graph permissions
//! reference; SharePoint's own for its REST). Each kind states its own; `login`
//! asks for them, `setup` grants them, `doctor` compares them with what the
//! token holds, and a refused probe names them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::{Configuration, Grant, Remedy, Resource};
use crate::model::{Account, AccountName, Audience, GateKey, NeededRights, Service};

/// Whose permission it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Api {
    /// As the portal calls it.
    pub name: Cow<'static, str>,
    /// Its application id or another name that Entra knows it by.
    pub id: Cow<'static, str>,
}

impl Api {
    /// Microsoft Graph.
    pub const GRAPH: Self = Self {
        name: Cow::Borrowed("Microsoft Graph"),
        id: Cow::Borrowed("00000003-0000-0000-c000-000000000000"),
    };
    /// SharePoint.
    pub const SHAREPOINT: Self = Self {
        name: Cow::Borrowed("SharePoint"),
        id: Cow::Borrowed("00000003-0000-0ff1-ce00-000000000000"),
    };
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
    /// How this account holds what it was granted.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        if account.person().is_some() {
            Self::Delegated
        } else {
            Self::Application
        }
    }

    /// As the portal calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delegated => "delegated",
            Self::Application => "application",
        }
    }
}

/// Who gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Granting {
    /// An administrator's or a person's consent in Entra; it is in the token.
    Entra,
    /// Another grant stands in for it, which the kind names among its grants
    /// and which is never in the token.
    Elsewhere(StandIn),
}

/// What stands in for a permission, so that no whole tenant is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StandIn {
    /// A role of Exchange on one mailbox, as `Application Mail.ReadBasic`.
    MailboxRole(&'static str),
    /// Consent in one team, to a permission such as `ChannelSettings.Read.Group`.
    TeamConsent(&'static str),
}

impl StandIn {
    /// For people: what may be missing.
    fn describe(self) -> String {
        match self {
            Self::MailboxRole(role) => format!("the role {role} of Exchange on the mailbox"),
            Self::TeamConsent(permission) => format!("the team's consent to {permission}"),
        }
    }

    /// True if this grant gives it.
    #[must_use]
    pub fn is_given_by(self, grant: &Grant) -> bool {
        match (self, grant) {
            (Self::MailboxRole(wanted), Grant::MailboxRole { role, .. }) => *role == wanted,
            (Self::TeamConsent(wanted), Grant::TeamConsent { permission, .. }) => {
                *permission == wanted
            }
            _ => false,
        }
    }
}

/// Rights that open a whole tenant where a narrower one does.
#[derive(Debug, Clone, PartialEq)]
pub struct Wide {
    /// Their names.
    pub names: &'static [&'static str],
    /// What they open and what does instead, as the end of a sentence that
    /// begins with the name.
    pub says: &'static str,
    /// What shows whether something restricts them.
    pub test: Option<Remedy>,
}

/// One permission that a resource needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Permission {
    /// Whose it is.
    pub api: Api,
    /// How it is held.
    pub held: PermissionType,
    /// What the token must be for.
    pub audience: Audience,
    /// The account that needs it, where that is not the resource's own.
    pub account: Option<Arc<Account>>,
    /// The one to ask for.
    pub name: Cow<'static, str>,
    /// Others that do as well, each on its own, and may be meant.
    pub or: &'static [&'static str],
    /// Others that do as well, but open more than anything here needs.
    pub broader: &'static [&'static str],
    /// Who gives it.
    pub granting: Granting,
    /// Without it the service refuses nothing and leaves out what was asked for:
    /// an answer does not prove it.
    pub silent: bool,
    /// What opens a whole tenant, where something narrower does.
    pub wide: Option<Wide>,
    /// One sentence for people.
    pub reason: &'static str,
}

impl Permission {
    /// A permission of Graph as `account` holds it, the one to ask for.
    #[must_use]
    pub fn of_graph(account: &Account, name: &'static str, reason: &'static str) -> Self {
        Self::new(
            Api::GRAPH,
            Audience::graph(&account.cloud),
            account,
            name,
            reason,
        )
    }

    /// A permission of any API as `account` holds it.
    #[must_use]
    pub fn new(
        api: Api,
        audience: Audience,
        account: &Account,
        name: impl Into<Cow<'static, str>>,
        reason: &'static str,
    ) -> Self {
        Self {
            api,
            held: PermissionType::of(account),
            audience,
            account: None,
            name: name.into(),
            or: &[],
            broader: &[],
            granting: Granting::Entra,
            silent: false,
            wide: None,
            reason,
        }
    }

    /// With others that do as well and may be meant.
    #[must_use]
    pub fn or(self, or: &'static [&'static str]) -> Self {
        Self { or, ..self }
    }

    /// With others that do as well, but open more than anything here needs.
    #[must_use]
    pub fn broader(self, broader: &'static [&'static str]) -> Self {
        Self { broader, ..self }
    }

    /// Not Entra grants it, but this does.
    #[must_use]
    pub fn granted_by(self, stand_in: StandIn) -> Self {
        Self {
            granting: Granting::Elsewhere(stand_in),
            ..self
        }
    }

    /// Without it the service answers all the same, with less.
    #[must_use]
    pub fn silent(self) -> Self {
        Self {
            silent: true,
            ..self
        }
    }

    /// With what opens a whole tenant.
    #[must_use]
    pub fn wide(self, wide: Wide) -> Self {
        Self {
            wide: Some(wide),
            ..self
        }
    }

    /// Of another account than the resource's.
    #[must_use]
    pub fn through(self, account: Arc<Account>) -> Self {
        Self {
            account: Some(account),
            ..self
        }
    }

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
    pub fn fitting(&self) -> Vec<Cow<'static, str>> {
        let others = self.or.iter().map(|name| Cow::Borrowed(*name));
        std::iter::once(self.name.clone()).chain(others).collect()
    }

    /// Names that open a whole tenant though something narrower does; none where
    /// no name does so (what a person may not open, no scope opens).
    pub fn tenant_wide(&self) -> impl Iterator<Item = &'static str> {
        let names = self.wide.as_ref().map_or(&[][..], |wide| wide.names);
        let broader = if names.is_empty() {
            &[][..]
        } else {
            self.broader
        };
        names.iter().chain(broader).copied()
    }

    /// For people: `the delegated permission Mail.ReadBasic of Microsoft Graph`; or
    /// the narrow grant that stands in for a permission that opens a whole tenant.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.granting {
            Granting::Elsewhere(stand_in) => stand_in.describe(),
            Granting::Entra => format!(
                "the {} permission {} of {}",
                self.held.as_str(),
                self.name,
                self.api.name
            ),
        }
    }
}

/// Whose name does for all that is needed by the name of `one`: another of
/// `needed`, which is granted anyway and opens more. `None` where `one` has to be
/// granted itself.
#[must_use]
pub fn covering<'a>(one: &Permission, needed: &'a [Permission]) -> Option<&'a Permission> {
    let other = |like: &Permission| {
        needed.iter().find(|other| {
            other.granting == Granting::Entra
                && other.audience == like.audience
                && other.name != like.name
                && like.broader.contains(&&*other.name)
        })
    };
    let mut alike = needed.iter().filter(|like| {
        like.granting == Granting::Entra && like.audience == one.audience && like.name == one.name
    });
    if alike.all(|like| other(like).is_some()) {
        other(one)
    } else {
        None
    }
}

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
        for permission in resource.permissions() {
            let account = account_of(resource, &permission);
            let needed = by_holder.entry(holder(account)).or_default();
            needed.add(&permission.audience, permission.fitting());
            needed.add_wide(&permission.audience, permission.tenant_wide());
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

/// Which account needs a permission of a resource.
#[must_use]
pub fn account_of<'a>(resource: &'a Resource, permission: &'a Permission) -> &'a Arc<Account> {
    permission.account.as_ref().unwrap_or(&resource.account)
}
