//! One way into one tenant.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::{BoundHosts, GateKey, ProxySetting, Secret, Service, is_guid, words};

/// The name of an account, from the configuration; unique in it.
pub type AccountName = Arc<str>;

/// A tenant: a verified domain or a GUID, lower case; never `common`,
/// `organizations` or `consumers`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tenant(Arc<str>);

impl Tenant {
    /// Takes a domain (`contoso.onmicrosoft.com`) or a GUID.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let label = |part: &str| {
            (1..=63).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !part.starts_with('-')
                && !part.ends_with('-')
        };
        let domain = text.len() <= 253 && text.contains('.') && text.split('.').all(label);
        (domain || is_guid(&text)).then(|| Self(text.into()))
    }

    /// As it goes into URLs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The shared text.
    #[must_use]
    pub const fn shared(&self) -> &Arc<str> {
        &self.0
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// True for the name that a tenant gives to a guest, as
/// `steve_partner.example#EXT#@contoso.onmicrosoft.com` (Microsoft: "Properties of
/// a B2B guest user"). A guest signs in elsewhere and has no mailbox here.
#[must_use]
pub fn is_guest(text: &str) -> bool {
    text.to_ascii_uppercase().contains("#EXT#@")
}

/// A name, an `@` and a domain; nothing that would change a URL.
#[must_use]
pub fn is_upn(text: &str) -> bool {
    let wrong = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '/' | '\\' | '"');
    text.len() <= 256
        && !text.contains(wrong)
        && text.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty() && domain.len() >= 3 && domain.contains('.') && !domain.contains('@')
        })
}

/// One of Microsoft's clouds, or a pair of roots.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cloud {
    /// Worldwide, and GCC.
    Global,
    /// US Government L4.
    GccHigh,
    /// US Government L5.
    Dod,
    /// Operated by 21Vianet.
    China,
    /// Roots from the configuration; https, no path.
    Custom {
        /// As `https://login.microsoftonline.com`, without a trailing slash.
        login_url: Arc<str>,
        /// As `https://graph.microsoft.com`, without a trailing slash.
        graph_url: Arc<str>,
    },
}

impl Cloud {
    /// All but those whose roots were configured.
    #[must_use]
    pub fn known() -> &'static [Self] {
        static KNOWN: [Cloud; 4] = [Cloud::Global, Cloud::GccHigh, Cloud::Dod, Cloud::China];
        &KNOWN
    }

    /// The label value; `custom` for roots from the configuration.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::GccHigh => "gcc_high",
            Self::Dod => "dod",
            Self::China => "china",
            Self::Custom { .. } => "custom",
        }
    }

    /// The root of Entra's endpoints, without a trailing slash.
    #[must_use]
    pub fn login_url(&self) -> &str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::GccHigh | Self::Dod => "https://login.microsoftonline.us",
            Self::China => "https://login.partner.microsoftonline.cn",
            Self::Custom { login_url, .. } => login_url,
        }
    }

    /// The root of Graph, without a trailing slash; also Graph's audience.
    #[must_use]
    pub fn graph_url(&self) -> &str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::GccHigh => "https://graph.microsoft.us",
            Self::Dod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
            Self::Custom { graph_url, .. } => graph_url,
        }
    }

    /// The domains under which this cloud has its SharePoint hosts; empty if unknown.
    #[must_use]
    pub const fn sharepoint_suffixes(&self) -> &'static [&'static str] {
        match self {
            Self::Global => &[".sharepoint.com"],
            Self::GccHigh => &[".sharepoint.us"],
            Self::Dod => &[".dps.mil", ".sharepoint-mil.us"],
            Self::China => &[".sharepoint.cn"],
            Self::Custom { .. } => &[],
        }
    }

    /// Where Exchange is asked; empty if unknown (learn.microsoft.com, "Office 365
    /// URLs and IP address ranges" of each cloud).
    #[must_use]
    pub const fn exchange_hosts(&self) -> &'static [&'static str] {
        match self {
            Self::Global => &["outlook.office365.com", "outlook.office.com"],
            Self::GccHigh => &["outlook.office365.us"],
            Self::Dod => &["outlook-dod.office365.us"],
            Self::China => &["partner.outlook.cn"],
            Self::Custom { .. } => &[],
        }
    }
}

/// Where a secret comes from. Files are re-read when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// Written into the configuration itself.
    Inline(Secret),
    /// A file; surrounding white space is not part of the secret.
    File(PathBuf),
    /// An environment variable.
    Environment(Arc<str>),
}

/// How the application itself proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppCredential {
    /// A shared secret.
    ClientSecret {
        /// The secret.
        secret: SecretSource,
        /// When it ends, as its owner wrote it down.
        expires: Option<Timestamp>,
    },
    /// A certificate and its RSA key.
    ClientCertificate {
        /// PEM; may hold the key as well.
        certificate_file: PathBuf,
        /// PEM, PKCS#8 or PKCS#1; the same file if it holds both.
        key_file: PathBuf,
        /// For an encrypted key.
        passphrase: Option<SecretSource>,
    },
    /// A token of another identity provider, in a file.
    WorkloadIdentity {
        /// `None` means `AZURE_FEDERATED_TOKEN_FILE`, already resolved where set.
        token_file: PathBuf,
    },
}

/// A person who consented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegated {
    /// The UPN of the person, as configured.
    pub username: Arc<str>,
    /// Where Entra sends the browser back to, if not the default.
    pub redirect_url: Option<Url>,
    /// How long a consent lasts where a policy of the tenant limits it.
    pub max_age: Option<Duration>,
}

/// How an account signs in; exactly one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// As the application itself.
    App(AppCredential),
    /// As a person; `client` makes it a confidential client.
    Delegated {
        /// The person.
        person: Delegated,
        /// The application's own credential, if any.
        client: Option<AppCredential>,
    },
    /// As the identity that the platform gave this machine.
    ManagedIdentity,
    /// Not at all: for resources that need no token.
    Nobody,
}

words! {
    /// The names of credentials in metrics.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    CredentialKind {
        /// The 90 days of a refresh token.
        RefreshToken = "refresh_token",
        /// A tenant's limit on how long a consent lasts.
        Consent = "consent",
        /// The end of a client secret.
        ClientSecret = "client_secret",
        /// The end of a certificate.
        ClientCertificate = "client_certificate",
    }
}

/// A credential and its end.
pub type CredentialExpiry = (CredentialKind, Timestamp);

/// One way into one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Unique.
    pub name: AccountName,
    /// Where.
    pub cloud: Cloud,
    /// Which; `None` only for managed identities.
    pub tenant: Option<Tenant>,
    /// The application; `None` only for a system-assigned managed identity.
    pub client_id: Option<Arc<str>>,
    /// How.
    pub sign_in: SignIn,
    /// Hosts of APIs other than Microsoft's, by the audience of their tokens.
    pub audiences: BoundHosts,
    /// By which proxy its requests go, where it is not that of `http`.
    pub proxy: Option<Arc<ProxySetting>>,
}

impl Account {
    /// What stands for an account where none is needed: without a name, and
    /// without any way to sign in.
    #[must_use]
    pub fn nobody() -> Arc<Self> {
        Arc::new(Self {
            name: "".into(),
            cloud: Cloud::Global,
            tenant: None,
            client_id: None,
            sign_in: SignIn::Nobody,
            audiences: BoundHosts::new(),
            proxy: None,
        })
    }

    /// The label value of `credential` in `m365_account_info`.
    #[must_use]
    pub const fn credential_label(&self) -> &'static str {
        match &self.sign_in {
            SignIn::Delegated { .. } => "delegated",
            SignIn::ManagedIdentity => "managed_identity",
            SignIn::Nobody => "none",
            SignIn::App(AppCredential::ClientSecret { .. }) => "client_secret",
            SignIn::App(AppCredential::ClientCertificate { .. }) => "client_certificate",
            SignIn::App(AppCredential::WorkloadIdentity { .. }) => "workload_identity",
        }
    }

    /// What the application itself proves who it is with; `None` for a public
    /// client and for a managed identity.
    #[must_use]
    pub const fn app_credential(&self) -> Option<&AppCredential> {
        match &self.sign_in {
            SignIn::App(credential) => Some(credential),
            SignIn::Delegated { client, .. } => client.as_ref(),
            SignIn::ManagedIdentity | SignIn::Nobody => None,
        }
    }

    /// The person, for a delegated account.
    #[must_use]
    pub const fn person(&self) -> Option<&Delegated> {
        match &self.sign_in {
            SignIn::Delegated { person, .. } => Some(person),
            SignIn::App(_) | SignIn::ManagedIdentity | SignIn::Nobody => None,
        }
    }

    /// The gate key of this account for a service.
    #[must_use]
    pub fn gate_key(&self, service: Service, subject: Option<&str>) -> GateKey {
        GateKey {
            cloud: self.cloud.login_url().into(),
            tenant: self
                .tenant
                .as_ref()
                .map_or_else(|| "".into(), |t| t.shared().clone()),
            client_id: self.client_id.clone().unwrap_or_else(|| "".into()),
            service,
            subject: subject.map(|s| s.to_lowercase().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principal_names() {
        for good in [
            "steve@contoso.com",
            "o'brien@contoso.com",
            "a_b#EXT#@contoso.onmicrosoft.com",
        ] {
            assert!(is_upn(good), "{good}");
        }
        for bad in [
            "",
            "steve",
            "@contoso.com",
            "steve@contoso",
            "a@b@c.de",
            "a b@c.de",
            "a/b@c.de",
        ] {
            assert!(!is_upn(bad), "{bad}");
        }
    }

    #[test]
    fn tenants() {
        assert!(Tenant::parse("contoso.onmicrosoft.com").is_some());
        assert!(Tenant::parse("11111111-2222-3333-4444-555555555555").is_some());
        for bad in [
            "common",
            "organizations",
            "consumers",
            "",
            "a/b.com",
            "contoso..com",
            "-a.com",
        ] {
            assert!(Tenant::parse(bad).is_none(), "{bad}");
        }
    }
}
