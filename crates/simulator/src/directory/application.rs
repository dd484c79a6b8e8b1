//! Applications: how they prove who they are and what they were granted.

use std::collections::{BTreeMap, BTreeSet};

use super::ResourceApp;
use m365mon_base::{Secret, Timestamp};

/// A client secret. Secrets before `starts` and after `ends` are refused
/// (AADSTS7000222 after the end).
#[derive(Debug, Clone)]
pub struct ClientSecret {
    /// Names it to people; not the secret.
    pub key_id: String,
    /// The secret.
    pub value: Secret,
    /// Valid from.
    pub starts: Timestamp,
    /// Valid until.
    pub ends: Timestamp,
    /// The directory kept its first characters; false for one made by older means.
    pub hinted: bool,
}

/// A registered certificate.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// DER of the whole certificate.
    pub der: Vec<u8>,
    /// DER of an RSA public key (PKCS#1), as `ring` wants it.
    pub rsa_public_key: Vec<u8>,
    /// Valid from.
    pub starts: Timestamp,
    /// Valid until.
    pub ends: Timestamp,
}

/// Where a redirect URI was registered, which decides what it may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// A confidential client.
    Web,
    /// A script in a browser: refresh tokens of 24 hours, `Origin` needed.
    Spa,
    /// Mobile and desktop; `http://localhost` matches any port.
    PublicClient,
}

/// A registered redirect URI.
#[derive(Debug, Clone)]
pub struct RedirectUri {
    /// Compared as text, but for the port of loopback addresses.
    pub uri: String,
    /// Where.
    pub platform: Platform,
}

/// Trust in tokens of another identity provider.
#[derive(Debug, Clone)]
pub struct FederatedCredential {
    /// `iss` of its tokens.
    pub issuer: String,
    /// `sub` of its tokens.
    pub subject: String,
    /// `aud` of its tokens, usually `api://AzureADTokenExchange`.
    pub audience: String,
    /// The issuer's key: an uncompressed P-256 point (ES256) of 65 bytes, or
    /// DER of an RSA public key (PKCS#1; RS256, PS256).
    pub public_key: Vec<u8>,
}

/// Delegated permissions that were granted.
#[derive(Debug, Clone)]
pub struct Consent {
    /// Object id of the person; `None` for everyone (administrator's consent).
    pub user: Option<String>,
    /// Of which API.
    pub resource: ResourceApp,
    /// Short names, `Mail.ReadBasic`.
    pub scopes: BTreeSet<String>,
}

/// A role assignment of Exchange's RBAC for Applications.
#[derive(Debug, Clone)]
pub struct MailboxScope {
    /// As in `Application Mail.ReadBasic`, without the first word.
    pub role: String,
    /// Object ids of the mailboxes in scope.
    pub mailboxes: BTreeSet<String>,
}

/// An application with its service principal in one organization.
#[derive(Debug, Clone)]
pub struct Application {
    /// `appid` in tokens.
    pub client_id: String,
    /// `oid` in app-only tokens: of the service principal.
    pub object_id: String,
    /// As people see it.
    pub display_name: String,
    /// GUID of the organization it lives in; no other knows it (AADSTS700016).
    pub organization: String,
    /// Switched off (AADSTS7000112).
    pub disabled: bool,
    /// Public client flows are allowed: device code, no credential at the
    /// token endpoint.
    pub public_client: bool,
    /// Where codes may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// Its secrets.
    pub secrets: Vec<ClientSecret>,
    /// Secrets of its service principal, which do as well.
    pub principal_secrets: Vec<ClientSecret>,
    /// Its certificates.
    pub certificates: Vec<Certificate>,
    /// Whom it trusts instead.
    pub federated: Vec<FederatedCredential>,
    /// It is the identity of a machine: no credential of its own, known to the
    /// metadata service only.
    pub managed_identity: bool,
    /// Application permissions that an administrator granted.
    pub app_roles: BTreeMap<ResourceApp, BTreeSet<String>>,
    /// Delegated permissions that were granted.
    pub consents: Vec<Consent>,
    /// Mailboxes that Exchange lets it use without a role in the token.
    pub mailbox_scopes: Vec<MailboxScope>,
    /// Exchange's older access policy: if set, app-only use of any other
    /// mailbox is refused whatever the roles say.
    pub access_policy: Option<BTreeSet<String>>,
    /// Only these people may sign in to it (AADSTS50105 otherwise).
    pub assigned_users: Option<BTreeSet<String>>,
}

impl Application {
    /// An application with no credential and no permission.
    #[must_use]
    pub fn new(client_id: &str, display_name: &str, organization: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            object_id: crate::chance::guid_of(&format!("service principal {client_id}")),
            display_name: display_name.to_owned(),
            organization: organization.to_owned(),
            disabled: false,
            public_client: false,
            redirect_uris: Vec::new(),
            secrets: Vec::new(),
            principal_secrets: Vec::new(),
            certificates: Vec::new(),
            federated: Vec::new(),
            managed_identity: false,
            app_roles: BTreeMap::new(),
            consents: Vec::new(),
            mailbox_scopes: Vec::new(),
            access_policy: None,
            assigned_users: None,
        }
    }

    /// Grants an application permission.
    pub fn grant_role(&mut self, resource: ResourceApp, role: &str) {
        self.app_roles
            .entry(resource)
            .or_default()
            .insert(role.to_owned());
    }

    /// The application permissions on one API, as they stand in `roles`.
    #[must_use]
    pub fn roles(&self, resource: ResourceApp) -> Vec<String> {
        self.app_roles
            .get(&resource)
            .map(|roles| roles.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Grants delegated permissions, to one person or (`None`) for everyone.
    pub fn grant_scopes(&mut self, user: Option<&str>, resource: ResourceApp, scopes: &[&str]) {
        let scopes = scopes.iter().map(|&s| s.to_owned());
        let existing = self
            .consents
            .iter_mut()
            .find(|c| c.user.as_deref() == user && c.resource == resource);
        match existing {
            Some(consent) => consent.scopes.extend(scopes),
            None => self.consents.push(Consent {
                user: user.map(str::to_owned),
                resource,
                scopes: scopes.collect(),
            }),
        }
    }

    /// Takes back what was granted to one person, or (`None`) for everyone;
    /// of one API or of all. True if there was something.
    pub fn revoke_scopes(&mut self, user: Option<&str>, resource: Option<ResourceApp>) -> bool {
        let before = self.consents.len();
        self.consents.retain(|consent| {
            consent.user.as_deref() != user || resource.is_some_and(|r| r != consent.resource)
        });
        self.consents.len() != before
    }

    /// What this person may let the application do with one API.
    #[must_use]
    pub fn scopes(&self, user: &str, resource: ResourceApp) -> BTreeSet<String> {
        self.consents
            .iter()
            .filter(|c| c.resource == resource)
            .filter(|c| {
                c.user
                    .as_deref()
                    .is_none_or(|u| u.eq_ignore_ascii_case(user))
            })
            .flat_map(|c| c.scopes.iter().cloned())
            .collect()
    }

    /// True if RBAC for Applications gives `role` on the mailbox of `user`.
    #[must_use]
    pub fn has_mailbox_role(&self, role: &str, user: &str) -> bool {
        self.mailbox_scopes
            .iter()
            .any(|scope| scope.role == role && scope.mailboxes.contains(user))
    }
}
