//! The ways into tenants: which, in which cloud, through which application.

use std::borrow::Cow;
use std::sync::Arc;

use url::Url;

use super::{
    ACCOUNT_PROXY_URL, CLIENT_CERTIFICATE, CLIENT_SECRET, DELEGATED, MANAGED_IDENTITY,
    PROXY_URL_FILE, WORKLOAD_IDENTITY, key, mapping,
};
use crate::config::diagnostic::{quoted, quoted_url};
use crate::kinds::Key;
use crate::kinds::key::{Form, KeyPart, Keys, Nested, Parsed, Role, Setting, Table};
use crate::model::{Audience, BoundHosts, Tenant, is_guid, is_plain_root, meant};

/// `accounts[].tenant`.
pub(in crate::config) static TENANT: Key<TenantName> = Key::optional(
    "tenant",
    TenantName,
    "",
    "Never `common`, `organizations` or `consumers`. May be absent with `managed_identity`, and with `workload_identity` where `AZURE_TENANT_ID` is set.",
);
/// `accounts[].client_id`.
pub(in crate::config) static CLIENT_ID: Key<Parsed<Arc<str>>> = Key::optional(
    "client_id",
    Parsed {
        takes: "GUID",
        parse: client_id,
    },
    "",
    "The application. With `managed_identity` it names a user-assigned identity; may be absent there, and with `workload_identity` where `AZURE_CLIENT_ID` is set.",
);
/// `accounts[].audiences`.
pub(in crate::config) static AUDIENCES: Key<AudienceHosts> = Key::usually_told(
    "audiences",
    AudienceHosts,
    (BoundHosts::new, "none"),
    "Which host the tokens of an API behind Entra go to that is not Microsoft's, as `{\"api://contoso-health\": api.contoso.com}`. Tokens for Microsoft's own APIs go to Microsoft's hosts only.",
);

/// `accounts[]`.
pub(in crate::config) static ACCOUNT: Table = Table {
    path: "accounts[]",
    help: "One way into one tenant. Exactly one of `client_secret`, `client_certificate`, `workload_identity` and `managed_identity`; or `delegated`, alone or with one of the first three.",
    keys: &[
        &key(
            "name",
            "text, 1 to 128 bytes, without `/`",
            "",
            "Unique; the `account` label.",
        ),
        &TENANT,
        &Key::optional(
            "cloud",
            Nested {
                table: &CLOUD,
                takes: "`global` (also `gcc`), `gcc_high`, `dod`, `china`, or a mapping",
            },
            "`global`",
            "Which of Microsoft's clouds the tenant lives in.",
        ),
        &CLIENT_ID,
        &AUDIENCES,
        &mapping(
            "delegated",
            &DELEGATED.table,
            "mapping",
            "A person consents once (on the exporter's page, or by `m365mon login`); alone it makes a public client.",
        ),
        &mapping(
            "client_secret",
            &CLIENT_SECRET,
            "mapping",
            "A shared secret.",
        ),
        &mapping(
            "client_certificate",
            &CLIENT_CERTIFICATE,
            "mapping",
            "A certificate and its RSA key.",
        ),
        &mapping(
            "workload_identity",
            &WORKLOAD_IDENTITY,
            "mapping, may be `{}`",
            "A token of another identity provider, such as Kubernetes.",
        ),
        &mapping(
            "managed_identity",
            &MANAGED_IDENTITY,
            "`{}`",
            "The identity that Azure gave this machine.",
        ),
        &ACCOUNT_PROXY_URL,
        &PROXY_URL_FILE,
    ],
};

/// `accounts[].cloud.login_url`.
pub(in crate::config) static LOGIN_URL: Key<Parsed<Arc<str>>> = Key::required(
    "login_url",
    Parsed {
        takes: "`https://` root",
        parse: |text| root_url(text, "https://login.microsoftonline.com"),
    },
    "a cloud of its own has it, as \"https://login.microsoftonline.com\"",
    "As `https://login.microsoftonline.com`.",
);
/// `accounts[].cloud.graph_url`.
pub(in crate::config) static GRAPH_URL: Key<Parsed<Arc<str>>> = Key::required(
    "graph_url",
    Parsed {
        takes: "`https://` root",
        parse: |text| root_url(text, "https://graph.microsoft.com"),
    },
    "a cloud of its own has it, as \"https://graph.microsoft.com\"",
    "As `https://graph.microsoft.com`.",
);

/// `accounts[].cloud`, where it is a mapping.
pub(in crate::config) static CLOUD: Table = Table {
    path: "accounts[].cloud",
    help: "A cloud that has no name here. Both are roots, `https` without a path.",
    keys: &[&LOGIN_URL, &GRAPH_URL],
};

/// A domain or a GUID, of one tenant.
pub(in crate::config) struct TenantName;

impl Form for TenantName {
    type Value = Tenant;

    fn takes(&self) -> Cow<'static, str> {
        "domain or GUID".into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Tenant> {
        let text = keys.text(key)?;
        let word = quoted(text);
        let message = match text.to_ascii_lowercase().as_str() {
            all @ ("common" | "organizations" | "consumers") => format!(
                "the tenant may not be {word}: \"{all}\" stands for any tenant, and a token for it could be anyone's; name one tenant by its domain or GUID"
            ),
            url if url.contains("://") => {
                format!("the tenant {word} must be a domain or a GUID, not a URL")
            }
            _ => match Tenant::parse(text) {
                Some(tenant) => return Some(tenant),
                None => format!(
                    "the tenant {word} is neither a domain such as \"contoso.onmicrosoft.com\" nor a GUID{}",
                    meant(text, |other| Tenant::parse(other).is_some())
                ),
            },
        };
        keys.refuse(key, message);
        None
    }

    fn show(&self, value: &Tenant) -> Setting {
        Setting::Text(value.to_string())
    }
}

/// A GUID, kept in small letters.
fn client_id(text: &str) -> Result<Arc<str>, String> {
    if is_guid(text) {
        return Ok(text.to_ascii_lowercase().into());
    }
    // The portal shows the secret beside the id, so it ends up here.
    let harmless = text.len() <= 38
        && text
            .bytes()
            .all(|b| b.is_ascii_hexdigit() || matches!(b, b'-' | b'{' | b'}'));
    let question = meant(text, is_guid);
    let word = if harmless || !question.is_empty() {
        quoted(text)
    } else {
        "this (not shown)".into()
    };
    let hint = if question.is_empty() {
        "; it is the application (client) id of the registration"
    } else {
        &question
    };
    let like = "\"11111111-2222-3333-4444-555555555555\"";
    Err(format!("must be a GUID such as {like}, not {word}{hint}"))
}

/// Which host belongs to an audience that is not Microsoft's. It is the account
/// that says so, never a resource: a token goes nowhere else.
pub(in crate::config) struct AudienceHosts;

impl Form for AudienceHosts {
    type Value = BoundHosts;

    fn takes(&self) -> Cow<'static, str> {
        "mapping of audiences to hosts".into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<BoundHosts> {
        let like =
            "a mapping of audiences to hosts such as {\"api://contoso-health\": api.contoso.com}";
        let mut bound = BoundHosts::new();
        for pair in keys.pairs(key, like)? {
            let name = KeyPart::Name(pair.number);
            let (part, wrong) = if Audience::is_microsofts(pair.name) {
                (name, "is Microsoft's own and has its hosts already")
            } else if pair.name.to_ascii_lowercase().starts_with("http") {
                let wrong = "names its host itself; only others (\"api://…\", a GUID) are bound";
                (name, wrong)
            } else if !is_host(pair.text) {
                let wrong = "must be bound to a host such as \"api.contoso.com\", not ";
                (KeyPart::Item(pair.number), wrong)
            } else {
                bound.insert(pair.name.into(), pair.text.to_ascii_lowercase().into());
                continue;
            };
            let found = match part {
                KeyPart::Item(_) => quoted(pair.text),
                KeyPart::Key | KeyPart::Name(_) => String::new(),
            };
            let message = format!("the audience {} {wrong}{found}", quoted(pair.name));
            keys.refuse_part(key, part, message);
        }
        Some(bound)
    }

    fn show(&self, value: &BoundHosts) -> Setting {
        let bound = value
            .iter()
            .map(|(name, host)| (name.to_string(), Setting::Text(host.to_string())));
        Setting::Mapping(bound.collect())
    }

    fn is_shown(&self, value: &BoundHosts) -> bool {
        !value.is_empty()
    }

    fn role(&self) -> Role {
        Role::Names
    }
}

/// `host` or `host:port`, and nothing more.
fn is_host(text: &str) -> bool {
    Url::parse(&format!("https://{text}/")).is_ok_and(|url| {
        let host = url.host_str().unwrap_or_default();
        let whole = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        !host.is_empty() && whole.eq_ignore_ascii_case(text)
    })
}

/// `https` and a host, kept without a slash at the end.
fn root_url(text: &str, example: &str) -> Result<Arc<str>, String> {
    let url = Url::parse(text).ok();
    if let Some(url) = url.as_ref().filter(|url| is_plain_root(url)) {
        return Ok(url.as_str().trim_end_matches('/').into());
    }
    let question = url.filter(Url::has_host).map_or_else(String::new, |url| {
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        format!(", did you mean \"https://{host}\"?")
    });
    let found = quoted_url(text);
    Err(format!(
        "must be an https URL without a path, as \"{example}\", not {found}{question}"
    ))
}
