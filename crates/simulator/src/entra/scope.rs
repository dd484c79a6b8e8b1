//! Scopes: which API a request is for and what it wants there (Microsoft's
//! `scopes-oidc` page). A scope is an OpenID word, a short name of Graph
//! (`Mail.Read`), or a resource and a name (`https://contoso.sharepoint.com/AllSites.Read`).

use std::collections::BTreeSet;

use super::aadsts::{self, EntraError};
use crate::directory::{Organization, ResourceApp};

/// What may be asked beside the permissions of one API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct OpenId {
    /// An id token.
    pub(super) openid: bool,
    /// `name` and the like.
    pub(super) profile: bool,
    /// `email`.
    pub(super) email: bool,
    /// A refresh token.
    pub(super) offline_access: bool,
}

/// What is wanted of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Permissions {
    /// All that was granted.
    Default,
    /// These, as the API spells them; may be empty.
    Named(BTreeSet<String>),
}

/// A request's scopes, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestedScopes {
    /// Which API; Graph if only OpenID words were given.
    pub(super) resource: ResourceApp,
    /// The `aud` of its tokens.
    pub(super) audience: String,
    /// What of it.
    pub(super) permissions: Permissions,
    /// Beside it.
    pub(super) openid: OpenId,
    /// The API was named in full: the answer does the same.
    pub(super) in_full: bool,
}

/// Delegated permissions of Graph that the simulated tenant knows.
const GRAPH: &[&str] = &[
    "Application.Read.All",
    "Application.ReadWrite.All",
    "AuditLog.Read.All",
    "Calendars.Read",
    "Calendars.Read.Shared",
    "Calendars.ReadBasic",
    "Calendars.ReadWrite",
    "Calendars.ReadWrite.Shared",
    "Channel.ReadBasic.All",
    "ChannelSettings.Read.All",
    "ChannelSettings.ReadWrite.All",
    "Chat.ReadBasic",
    "Contacts.Read",
    "Contacts.Read.Shared",
    "Contacts.ReadWrite",
    "DeviceManagementManagedDevices.Read.All",
    "DeviceManagementServiceConfig.Read.All",
    "DeviceManagementServiceConfig.ReadWrite.All",
    "Directory.Read.All",
    "Domain.Read.All",
    "Files.Read",
    "Files.Read.All",
    "Files.ReadWrite",
    "Files.ReadWrite.All",
    "Files.SelectedOperations.Selected",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "LicenseAssignment.Read.All",
    "LicenseAssignment.ReadWrite.All",
    "Lists.SelectedOperations.Selected",
    "Mail.Read",
    "Mail.Read.Shared",
    "Mail.ReadBasic",
    "Mail.ReadBasic.Shared",
    "Mail.ReadWrite",
    "Mail.ReadWrite.Shared",
    "Mail.Send",
    "Mail.Send.Shared",
    "MailboxSettings.Read",
    "OnPremDirectorySynchronization.Read.All",
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "Presence.Read",
    "Presence.Read.All",
    "Presence.ReadWrite",
    "Reports.Read.All",
    "SecurityAlert.Read.All",
    "SecurityEvents.Read.All",
    "ServiceHealth.Read.All",
    "ServiceMessage.Read.All",
    "SharePointTenantSettings.Read.All",
    "Sites.FullControl.All",
    "Sites.Manage.All",
    "Sites.Read.All",
    "Sites.ReadWrite.All",
    "Sites.Selected",
    "Tasks.Read",
    "Team.ReadBasic.All",
    "User.Read",
    "User.Read.All",
    "User.ReadBasic.All",
    "User.ReadWrite",
    "User.ReadWrite.All",
];

/// Delegated permissions of SharePoint.
const SHAREPOINT: &[&str] = &[
    "AllSites.FullControl",
    "AllSites.Manage",
    "AllSites.Read",
    "AllSites.Write",
    "MyFiles.Read",
    "MyFiles.Write",
    "Sites.Search.All",
    "Sites.Selected",
    "TermStore.Read.All",
    "User.Read.All",
];

/// Delegated permissions of Exchange.
const EXCHANGE: &[&str] = &[
    "Calendars.Read",
    "Contacts.Read",
    "EWS.AccessAsUser.All",
    "IMAP.AccessAsUser.All",
    "Mail.Read",
    "Mail.ReadBasic",
    "POP.AccessAsUser.All",
    "SMTP.Send",
];

/// Delegated permissions of Contoso's own API.
const ORDERS: &[&str] = &["Health.Read", "Orders.Read"];

/// The permission as the API spells it, whatever the case.
pub(super) fn known(resource: ResourceApp, name: &str) -> Option<&'static str> {
    let names = match resource {
        ResourceApp::Graph => GRAPH,
        ResourceApp::SharePoint => SHAREPOINT,
        ResourceApp::Exchange => EXCHANGE,
        ResourceApp::Orders => ORDERS,
    };
    names.iter().copied().find(|n| n.eq_ignore_ascii_case(name))
}

/// True for a permission that people may not grant by themselves even where
/// user consent is allowed.
pub(super) fn needs_administrator(name: &str) -> bool {
    let named = [
        "Sites.FullControl.All",
        "Sites.Selected",
        "AllSites.FullControl",
        "ServiceHealth.Read.All",
        "ServiceMessage.Read.All",
        "Reports.Read.All",
        "AuditLog.Read.All",
        "Directory.Read.All",
        "Application.Read.All",
        "User.Read.All",
        "SecurityEvents.Read.All",
        "SecurityAlert.Read.All",
        "Organization.Read.All",
        "Domain.Read.All",
        "LicenseAssignment.Read.All",
        "SharePointTenantSettings.Read.All",
    ];
    named.iter().any(|n| n.eq_ignore_ascii_case(name))
}

/// One scope, cut in two.
enum Part<'a> {
    OpenId,
    Short(&'a str),
    Full { resource: &'a str, name: &'a str },
}

fn cut(scope: &str) -> Result<Part<'_>, EntraError> {
    // RFC 6749 section 3.3.
    let fits = scope
        .bytes()
        .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    if !fits || scope.len() > 512 {
        return Err(aadsts::bad_scope(scope));
    }
    if matches!(scope, "openid" | "profile" | "email" | "offline_access") {
        return Ok(Part::OpenId);
    }
    match scope.rsplit_once('/') {
        None => Ok(Part::Short(scope)),
        Some((resource, name)) if !resource.is_empty() && !name.is_empty() => {
            Ok(Part::Full { resource, name })
        }
        Some(_) => Err(aadsts::bad_scope(scope)),
    }
}

impl RequestedScopes {
    /// Understands a scope parameter (AADSTS70011, 700022, 500011, 650053).
    /// `app` is named in the refusals.
    pub(super) fn parse(
        text: &str,
        organization: &Organization,
        app: &str,
    ) -> Result<Self, EntraError> {
        let mut openid = OpenId::default();
        let mut api: Option<(ResourceApp, String)> = None;
        let mut in_full = false;
        let mut all = None;
        let mut names = BTreeSet::new();
        for scope in text.split(' ').filter(|s| !s.is_empty()) {
            let (resource, name) = match cut(scope)? {
                Part::OpenId => {
                    match scope {
                        "openid" => openid.openid = true,
                        "profile" => openid.profile = true,
                        "email" => openid.email = true,
                        _ => openid.offline_access = true,
                    }
                    continue;
                }
                Part::Short(name) => {
                    let graph = ResourceApp::Graph.app_id();
                    let api = organization.resource(graph).ok_or_else(|| {
                        aadsts::unknown_resource(graph, &organization.display_name)
                    })?;
                    (api, name)
                }
                Part::Full { resource, name } => {
                    if !resource.contains("://") && !m365mon_base::is_guid(resource) {
                        return Err(aadsts::bad_scope(scope));
                    }
                    in_full = true;
                    let api = organization.resource(resource).ok_or_else(|| {
                        aadsts::unknown_resource(resource, &organization.display_name)
                    })?;
                    (api, name)
                }
            };
            if api.as_ref().is_some_and(|seen| *seen != resource) {
                return Err(aadsts::several_resources(text));
            }
            if name.eq_ignore_ascii_case(".default") {
                all = Some(scope);
            } else {
                let known = known(resource.0, name)
                    .ok_or_else(|| aadsts::unknown_scope(app, name, &resource.1))?;
                names.insert(known.to_owned());
            }
            api = Some(resource);
        }
        let permissions = match all {
            Some(scope) if !names.is_empty() => return Err(aadsts::mixed_default(scope)),
            Some(_) => Permissions::Default,
            None => Permissions::Named(names),
        };
        let (resource, audience) = match api {
            Some(api) => api,
            None if openid == OpenId::default() => return Err(aadsts::bad_scope(text)),
            None => organization
                .resource(ResourceApp::Graph.app_id())
                .ok_or_else(|| aadsts::bad_scope(text))?,
        };
        Ok(Self {
            resource,
            audience,
            permissions,
            openid,
            in_full,
        })
    }

    /// Understands the scope of a request without a person: `{resource}/.default`
    /// and nothing else (AADSTS1002012).
    pub(super) fn app_only(text: &str, organization: &Organization) -> Result<Self, EntraError> {
        let mut scopes = text.split(' ').filter(|s| !s.is_empty());
        let (Some(scope), None) = (scopes.next(), scopes.next()) else {
            // Several resources are told apart from several names of one.
            Self::parse(text, organization, "")?;
            return Err(aadsts::bad_scope(text));
        };
        match cut(scope)? {
            Part::Full { name, .. } if name.eq_ignore_ascii_case(".default") => {
                Self::parse(scope, organization, "")
            }
            Part::OpenId | Part::Short(_) | Part::Full { .. } => {
                Err(aadsts::scope_needs_default(scope))
            }
        }
    }

    /// What is asked for beyond `granted`; with `.default` everything is asked
    /// for, and something must be there.
    pub(super) fn missing(&self, granted: &BTreeSet<String>) -> BTreeSet<String> {
        match &self.permissions {
            Permissions::Default if granted.is_empty() => BTreeSet::from([".default".to_owned()]),
            Permissions::Default => BTreeSet::new(),
            Permissions::Named(names) => names.difference(granted).cloned().collect(),
        }
    }

    /// The `scope` of the answer: everything granted on this API, in full if
    /// the API was named in full and always for APIs other than Graph, then
    /// the OpenID words. `offline_access` is never echoed.
    pub(super) fn answer(&self, granted: &BTreeSet<String>) -> String {
        let full = self.in_full || self.resource != ResourceApp::Graph;
        let spell = |name: &str| {
            if full {
                format!("{}/{name}", self.audience)
            } else {
                name.to_owned()
            }
        };
        let mut words: Vec<String> = granted.iter().map(|name| spell(name)).collect();
        if self.openid.openid || self.openid.profile {
            words.extend(["profile", "openid", "email"].map(str::to_owned));
        } else if self.openid.email {
            words.push("email".to_owned());
        }
        if self.permissions == Permissions::Default {
            words.push(spell(".default"));
        }
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::directory::{Directory, Size, TENANT_ID};

    fn contoso() -> Organization {
        let directory = Directory::contoso(Size::default(), 1, jiff::Timestamp::UNIX_EPOCH);
        directory.organization(TENANT_ID).unwrap().clone()
    }

    #[test]
    fn names_and_resources() {
        let contoso = contoso();
        let parse = |text: &str| RequestedScopes::parse(text, &contoso, "app");
        let wanted = parse("openid offline_access mail.readbasic User.Read").unwrap();
        assert_eq!(wanted.audience, "https://graph.microsoft.com");
        assert!(wanted.openid.openid && wanted.openid.offline_access && !wanted.in_full);
        let granted = BTreeSet::from(["Mail.ReadBasic".to_owned()]);
        assert_eq!(
            wanted.missing(&granted),
            BTreeSet::from(["User.Read".to_owned()])
        );
        assert_eq!(
            wanted.answer(&granted),
            "Mail.ReadBasic profile openid email"
        );

        let wanted = parse("https://contoso.sharepoint.com/AllSites.Read").unwrap();
        assert_eq!(wanted.resource, ResourceApp::SharePoint);
        assert_eq!(
            wanted.answer(&BTreeSet::from(["AllSites.Read".to_owned()])),
            "https://contoso.sharepoint.com/AllSites.Read"
        );
        assert!(parse("https://graph.microsoft.com//.default").is_ok());
        assert!(parse("00000003-0000-0000-c000-000000000000/.default").is_ok());
    }

    #[test]
    fn refusals() {
        let contoso = contoso();
        let code = |text: &str| {
            RequestedScopes::parse(text, &contoso, "app")
                .unwrap_err()
                .code
        };
        for (text, expected) in [
            ("", 70_011),
            ("https://graph.microsoft.com/", 70_011),
            ("a\"b", 70_011),
            ("Mail.Read/x", 70_011),
            ("Mail.Read https://graph.microsoft.com/.default", 70_011),
            (
                "Mail.Read https://contoso.sharepoint.com/AllSites.Read",
                700_022,
            ),
            ("https://contoso2.sharepoint.com/.default", 500_011),
            ("api://nothing/.default", 500_011),
            ("Mail.Raed", 650_053),
        ] {
            assert_eq!(code(text), expected, "{text}");
        }
        let app = |text: &str| RequestedScopes::app_only(text, &contoso).map_err(|r| r.code);
        assert!(app("https://graph.microsoft.com/.default").is_ok());
        for (text, expected) in [
            ("https://graph.microsoft.com/Mail.Read", 1_002_012),
            ("Mail.Read", 1_002_012),
            ("openid", 1_002_012),
            ("https://graph.microsoft.com/.default openid", 70_011),
            (
                "https://graph.microsoft.com/.default https://contoso.sharepoint.com/.default",
                700_022,
            ),
        ] {
            assert_eq!(app(text).unwrap_err(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in ".{0,80}") {
            _ = RequestedScopes::parse(&text, &contoso(), "app");
            _ = RequestedScopes::app_only(&text, &contoso());
        }
    }
}
