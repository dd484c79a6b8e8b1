//! The ways into tenants: where, which, who.

use std::collections::HashMap;
use std::sync::Arc;

use url::Url;

use super::names::UniqueNames;
use super::{Context, audiences, credentials, proxy};
use crate::config::diagnostic::{Position, quoted, quoted_url};
use crate::config::fields::Fields;
use crate::config::schema;
use crate::config::suggest::suggest;
use crate::config::yaml::{Node, Value};
use crate::model::{Account, AccountName, Cloud, Tenant, is_guid, is_plain_root, meant};

/// The clouds that have a name.
const CLOUDS: [(&str, Cloud); 5] = [
    ("global", Cloud::Global),
    ("gcc", Cloud::Global),
    ("gcc_high", Cloud::GccHigh),
    ("dod", Cloud::Dod),
    ("china", Cloud::China),
];

/// All accounts by name, also those that were refused, so that one slip in an
/// account is not followed by a diagnostic for each of its resources.
pub(super) struct CheckedAccounts {
    known: HashMap<Arc<str>, Known>,
    sound: Vec<Arc<Account>>,
}

/// An account that the file names.
pub(super) struct Known {
    /// Where it stands.
    pub(super) at: Position,
    /// `None` if it was refused.
    pub(super) account: Option<Arc<Account>>,
}

impl CheckedAccounts {
    /// By its name.
    pub(super) fn find(&self, name: &str) -> Option<&Known> {
        self.known.get(name)
    }

    /// All names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(|name| &**name)
    }

    /// Those that were not refused, in the order of the file.
    pub(super) fn sound(&self) -> Vec<Arc<Account>> {
        self.sound.clone()
    }
}

/// `accounts`.
pub(super) fn accounts(root: &Fields<'_>, context: &Context<'_>) -> CheckedAccounts {
    let items = root.list("accounts");
    let mut names = UniqueNames::new("account", items.len());
    let mut accounts = CheckedAccounts {
        known: HashMap::with_capacity(items.len()),
        sound: Vec::with_capacity(items.len()),
    };
    for item in items {
        let Some(fields) = Fields::open(item, &schema::ACCOUNT, &[], context.diagnostics) else {
            continue;
        };
        let name = names.take(&fields, context);
        let shared = name.clone().unwrap_or_else(|| "".into());
        let account = account(shared, &fields, context).map(Arc::new);
        if let Some(name) = name {
            context
                .places
                .note_account(&name, &fields, context.diagnostics);
            accounts.sound.extend(account.clone());
            let at = fields.at;
            accounts.known.insert(name, Known { at, account });
        }
    }
    accounts
}

/// One account. Everything is checked before anything is given up.
fn account(name: AccountName, fields: &Fields<'_>, context: &Context<'_>) -> Option<Account> {
    let choice = credentials::CredentialChoice::read(fields, context);
    let twins = choice.takes_environment().then_some(context);
    let cloud = cloud(fields, twins, context);
    let tenant = tenant(fields, twins, context);
    let client_id = client_id(fields, twins, context);
    let sign_in = choice.sign_in(fields, context);
    let proxy = proxy::own(fields, context);

    let managed = choice.is_managed();
    if tenant.is_none() && fields.get("tenant").is_none() && !managed {
        let such_as = if choice.takes_environment() {
            "give it, or set AZURE_TENANT_ID"
        } else {
            "a domain such as \"contoso.onmicrosoft.com\", or a GUID"
        };
        fields.missing("tenant", such_as);
    }
    if client_id.is_none() && fields.get("client_id").is_none() && !managed {
        let such_as = if choice.takes_environment() {
            "give it, or set AZURE_CLIENT_ID"
        } else {
            "the application (client) id of the registration, a GUID"
        };
        fields.missing("client_id", such_as);
    }
    let (cloud, sign_in) = (cloud?, sign_in?);
    if !managed && (tenant.is_none() || client_id.is_none()) {
        return None;
    }
    Some(Account {
        name,
        cloud,
        tenant,
        client_id,
        sign_in,
        audiences: audiences::read(fields, context),
        proxy,
    })
}

fn tenant(
    fields: &Fields<'_>,
    twins: Option<&Context<'_>>,
    context: &Context<'_>,
) -> Option<Tenant> {
    let text = fields.text("tenant");
    let twin = twins.and_then(|context| context.env.var("AZURE_TENANT_ID"));
    let Some(text) = text else {
        let value = twin.filter(|_| fields.get("tenant").is_none())?;
        let tenant = Tenant::parse(&value);
        if tenant.is_none() {
            let message = "AZURE_TENANT_ID is neither a domain nor a GUID";
            context.diagnostics.refuse(fields.at, message);
        }
        return tenant;
    };
    let refuse = |message: String| {
        context.diagnostics.refuse(text.at, message);
        None
    };
    let word = quoted(text.value);
    match text.value.to_ascii_lowercase().as_str() {
        all @ ("common" | "organizations" | "consumers") => {
            return refuse(format!(
                "the tenant may not be {word}: \"{all}\" stands for any tenant, and a token for it could be anyone's; name one tenant by its domain or GUID"
            ));
        }
        url if url.contains("://") => {
            return refuse(format!(
                "the tenant {word} must be a domain or a GUID, not a URL"
            ));
        }
        _ => {}
    }
    let Some(tenant) = Tenant::parse(text.value) else {
        return refuse(format!(
            "the tenant {word} is neither a domain such as \"contoso.onmicrosoft.com\" nor a GUID{}",
            meant(text.value, |other| Tenant::parse(other).is_some())
        ));
    };
    Some(tenant)
}

fn client_id(
    fields: &Fields<'_>,
    twins: Option<&Context<'_>>,
    context: &Context<'_>,
) -> Option<Arc<str>> {
    let text = fields.text("client_id");
    let twin = twins.and_then(|context| context.env.var("AZURE_CLIENT_ID"));
    let Some(text) = text else {
        let value = twin.filter(|_| fields.get("client_id").is_none())?;
        if is_guid(&value) {
            return Some(value.to_ascii_lowercase().into());
        }
        let message = "AZURE_CLIENT_ID is not a GUID";
        context.diagnostics.refuse(fields.at, message);
        return None;
    };
    if !is_guid(text.value) {
        // The portal shows the secret beside the id, so it ends up here.
        let harmless = text.value.len() <= 38
            && text
                .value
                .bytes()
                .all(|b| b.is_ascii_hexdigit() || matches!(b, b'-' | b'{' | b'}'));
        let question = meant(text.value, is_guid);
        let word = if harmless || !question.is_empty() {
            quoted(text.value)
        } else {
            "this (not shown)".into()
        };
        context.diagnostics.refuse(
            text.at,
            format!(
                "\"client_id\" must be a GUID such as \"11111111-2222-3333-4444-555555555555\", not {word}{}",
                if question.is_empty() {
                    "; it is the application (client) id of the registration"
                } else {
                    &question
                }
            ),
        );
        return None;
    }
    Some(text.value.to_ascii_lowercase().into())
}

fn cloud(fields: &Fields<'_>, twins: Option<&Context<'_>>, context: &Context<'_>) -> Option<Cloud> {
    let Some(node) = fields.get("cloud") else {
        let authority = twins.and_then(|context| context.env.var("AZURE_AUTHORITY_HOST"));
        return authority.map_or(Some(Cloud::Global), |authority| {
            from_authority(&authority, fields.at, context)
        });
    };
    match &node.value {
        Value::Mapping(_) => custom(node, context),
        Value::Text(word) => named(word, node.at, context),
        _ => {
            context.diagnostics.refuse(
                node.at,
                format!("\"cloud\" must be {CLOUD_WORDS}, not {}", node.found()),
            );
            None
        }
    }
}

const CLOUD_WORDS: &str =
    "\"global\", \"gcc_high\", \"dod\", \"china\" or {login_url: …, graph_url: …}";

fn named(word: &str, at: Position, context: &Context<'_>) -> Option<Cloud> {
    let found = CLOUDS.iter().find(|(name, _)| *name == word);
    if found.is_none() {
        let names = CLOUDS.iter().map(|(name, _)| *name);
        context.diagnostics.refuse(
            at,
            format!(
                "\"cloud\" must be {CLOUD_WORDS}, not {}{}",
                quoted(word),
                suggest(word, names)
            ),
        );
    }
    found.map(|(_, cloud)| cloud.clone())
}

fn custom(node: &Node, context: &Context<'_>) -> Option<Cloud> {
    let fields = Fields::open(node, &schema::CLOUD, &[], context.diagnostics)?;
    let login_url = root_url(
        &fields,
        "login_url",
        "https://login.microsoftonline.com",
        context,
    );
    let graph_url = root_url(&fields, "graph_url", "https://graph.microsoft.com", context);
    Some(Cloud::Custom {
        login_url: login_url?,
        graph_url: graph_url?,
    })
}

fn root_url(
    fields: &Fields<'_>,
    name: &str,
    example: &str,
    context: &Context<'_>,
) -> Option<Arc<str>> {
    if fields.get(name).is_none() {
        fields.missing(
            name,
            &format!("a cloud of its own has it, as \"{example}\""),
        );
        return None;
    }
    let text = fields.text(name)?;
    let url = Url::parse(text.value).ok();
    if let Some(url) = url.as_ref().filter(|url| is_plain_root(url)) {
        return Some(url.as_str().trim_end_matches('/').into());
    }
    let question = url.filter(Url::has_host).map_or_else(
        || {
            let fits = |other: &str| Url::parse(other).is_ok_and(|url| is_plain_root(&url));
            meant(text.value, fits)
        },
        |url| {
            let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
            format!(", did you mean \"https://{host}\"?")
        },
    );
    context.diagnostics.refuse(
        text.at,
        format!(
            "\"{name}\" must be an https URL without a path, as \"{example}\", not {}{question}",
            quoted_url(text.value)
        ),
    );
    None
}

/// The cloud that the platform says it is in, by the names that Entra's
/// instance discovery lists for each. Another host is none to send tokens to:
/// that is for the file to say.
fn from_authority(authority: &str, at: Position, context: &Context<'_>) -> Option<Cloud> {
    let url = Url::parse(authority)
        .ok()
        .filter(|url| url.scheme() == "https");
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let problem = match host {
        "login.microsoftonline.com"
        | "login.microsoft.com"
        | "login.windows.net"
        | "sts.windows.net" => return Some(Cloud::Global),
        "login.partner.microsoftonline.cn" | "login.chinacloudapi.cn" => {
            return Some(Cloud::China);
        }
        "login.microsoftonline.us" | "login.usgovcloudapi.net" => {
            "stands for two clouds; set \"cloud\" to \"gcc_high\" or \"dod\""
        }
        _ => "names no cloud that is known; set \"cloud\"",
    };
    // The host alone: it is all that counts, and the rest may be anything.
    context.diagnostics.refuse(
        at,
        format!(
            "AZURE_AUTHORITY_HOST in the environment ({}) {problem}",
            quoted(host)
        ),
    );
    None
}
