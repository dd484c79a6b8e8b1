//! Which permission a probe needs, and why (Microsoft Graph permissions
//! reference; SharePoint's own for its REST). `login` asks for them, `doctor`
//! compares them with what the token holds, and a refused probe names them.

use crate::model::{Audience, Kind, Resource, SiteApi};

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
    /// Others that do as well, each on its own. All that is broader than
    /// necessary and not listed here does too, but should not be granted.
    pub or: &'static [&'static str],
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
        self.name == granted || self.or.contains(&granted)
    }
}

/// What `resource` needs; each of them. What a site grants to an application
/// beside (`Sites.Selected`) is not a permission of the token.
#[must_use]
pub fn needed_permissions(resource: &Resource) -> Vec<NeededPermission> {
    use PermissionApi::{Graph, SharePoint};
    use PermissionType::{Application, Delegated};
    let person = resource.account.person();
    let held = if person.is_some() {
        Delegated
    } else {
        Application
    };
    let (api, name, or, reason): (_, _, &'static [&'static str], _) = match (&resource.kind, held) {
        (
            Kind::SharePointSite {
                api: SiteApi::Graph,
                ..
            },
            Delegated,
        ) => (
            Graph,
            "Sites.Read.All",
            &["Sites.Selected"],
            "reads the names of lists where the person may read them; Sites.Selected with a grant \
             on the site narrows it down",
        ),
        (
            Kind::SharePointSite {
                api: SiteApi::Graph,
                ..
            },
            Application,
        ) => (
            Graph,
            "Sites.Selected",
            &["Sites.Read.All"],
            "reads the names of lists of the sites on which an administrator granted the \
             application the role read, and of no other",
        ),
        (
            Kind::SharePointSite {
                api: SiteApi::SharePoint,
                ..
            },
            Delegated,
        ) => (
            SharePoint,
            "AllSites.Read",
            &["Sites.Selected"],
            "SharePoint's own REST knows only its own permissions; this one reads where the person \
             may read",
        ),
        (
            Kind::SharePointSite {
                api: SiteApi::SharePoint,
                ..
            },
            Application,
        ) => (
            SharePoint,
            "Sites.Selected",
            &["Sites.Read.All"],
            "SharePoint's own REST knows only its own permissions; this one reads the sites on \
             which an administrator granted the application the role read",
        ),
        (Kind::ExchangeMailbox { user: None }, Delegated) => (
            Graph,
            "Mail.ReadBasic",
            &["Mail.Read"],
            "reads ids of messages in the person's own mailbox, never a body",
        ),
        (Kind::ExchangeMailbox { user: Some(_) }, Delegated) => (
            Graph,
            "Mail.ReadBasic.Shared",
            &["Mail.Read.Shared"],
            "reads ids of messages in a mailbox that is shared with the person, never a body",
        ),
        (Kind::ExchangeMailbox { .. }, Application) => (
            Graph,
            "Mail.ReadBasic.All",
            &["Mail.ReadBasic", "Mail.Read"],
            "reads ids of messages, never a body; a role assignment in Exchange (RBAC for \
             Applications) narrows it down to one mailbox",
        ),
    };
    vec![NeededPermission {
        api,
        held,
        audience: resource.audience(),
        name,
        or,
        reason,
    }]
}
