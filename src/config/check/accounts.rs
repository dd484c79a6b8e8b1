//! The ways into tenants: where, which, who.

use std::collections::HashMap;
use std::sync::Arc;

use url::Url;

use super::mapping_keys::MappingKeys;
use super::names::UniqueNames;
use super::{Context, credentials, proxy};
use crate::config::diagnostic::{Position, quoted};
use crate::config::fields::Fields;
use crate::config::schema;
use crate::config::suggest::suggest;
use crate::config::yaml::{Node, Value};
use crate::kinds::Taken;
use crate::model::{Account, AccountName, Cloud, Tenant, is_guid};

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
    let keys = &MappingKeys::new(fields, context);
    let choice = credentials::CredentialChoice::read(fields, context);
    let takes_environment = choice.takes_environment();
    let cloud = cloud(fields, takes_environment, context);
    let tenant = schema::TENANT.take(keys).or_else(|| {
        let twin = Twin("AZURE_TENANT_ID", "is neither a domain nor a GUID");
        twin.read(takes_environment, keys, Tenant::parse)
    });
    let client_id = schema::CLIENT_ID.take(keys).or_else(|| {
        let id = |text: &str| is_guid(text).then(|| text.to_ascii_lowercase().into());
        Twin("AZURE_CLIENT_ID", "is not a GUID").read(takes_environment, keys, id)
    });
    let sign_in = choice.sign_in(fields, context);
    let proxy = proxy::own(keys);
    let audiences = schema::AUDIENCES.value(keys);

    let managed = choice.is_managed();
    if matches!(tenant, Taken::Absent) && !managed {
        let such_as = if takes_environment {
            "give it, or set AZURE_TENANT_ID"
        } else {
            "a domain such as \"contoso.onmicrosoft.com\", or a GUID"
        };
        fields.missing(schema::TENANT.name, such_as);
    }
    if matches!(client_id, Taken::Absent) && !managed {
        let such_as = if takes_environment {
            "give it, or set AZURE_CLIENT_ID"
        } else {
            "the application (client) id of the registration, a GUID"
        };
        fields.missing(schema::CLIENT_ID.name, such_as);
    }
    let (tenant, client_id) = (tenant.given(), client_id.given());
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
        audiences: audiences?,
        proxy,
    })
}

/// An environment variable that fills what the file leaves out, and what is wrong
/// with a value that does not fit.
struct Twin(&'static str, &'static str);

impl Twin {
    fn read<T>(
        &self,
        counts: bool,
        keys: &MappingKeys<'_>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Taken<T> {
        let Self(variable, wrong) = self;
        let Some(text) = keys.context.env.var(variable).filter(|_| counts) else {
            return Taken::Absent;
        };
        let Some(value) = parse(&text) else {
            let message = format!("{variable} {wrong}");
            keys.context.diagnostics.refuse(keys.fields.at, message);
            return Taken::Refused;
        };
        Taken::Given(value)
    }
}

fn cloud(fields: &Fields<'_>, takes_environment: bool, context: &Context<'_>) -> Option<Cloud> {
    let Some(node) = fields.get("cloud") else {
        let authority = context.env.var("AZURE_AUTHORITY_HOST");
        return authority
            .filter(|_| takes_environment)
            .map_or(Some(Cloud::Global), |authority| {
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
    let keys = &MappingKeys::new(&fields, context);
    let (login_url, graph_url) = (schema::LOGIN_URL.take(keys), schema::GRAPH_URL.take(keys));
    Some(Cloud::Custom {
        login_url: login_url.given()?,
        graph_url: graph_url.given()?,
    })
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
