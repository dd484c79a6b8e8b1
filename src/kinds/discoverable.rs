//! Not a kind: what a person can be shown of a tenant, so that it can be watched.
//! Sites and mailboxes by a piece of their name, and the person's own teams; of
//! each its id or address and nothing else.

use serde::Deserialize;
use url::Url;

use super::ask::Answer;
use super::body;
use super::lenient::{Lenient, all_of};
use super::request::query_value;
use super::{
    BadBody, Define as _, ExchangeMailbox, Request, Resource, Setting, SharePointSite, TeamsTeam,
};
use crate::model::{Account, Cloud, is_guest, is_guid, is_upn};

/// So many are told of one search.
pub const MOST_FOUND: usize = 100;
/// A hundred entries, long ones.
const LONGEST: usize = 1 << 20;
const HOLDS: &str = "list of entries with ids";
/// Longest name that is made from an address, in bytes.
const LONGEST_NAME: usize = 64;

/// One question to a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// Sites whose name or address holds this.
    Sites(String),
    /// People, rooms and shared mailboxes whose name or address begins so.
    Users(String),
    /// The teams that the person is a member of.
    Teams,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundPage {
    /// At most [`MOST_FOUND`].
    pub found: Vec<Discovered>,
    /// There are more than these.
    pub more: bool,
    /// Others were left out, because they cannot be watched as what was asked for.
    pub left_out: usize,
}

/// Something that can be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// The word of its kind.
    pub kind: &'static str,
    /// The key that says which it is.
    pub key: &'static str,
    /// That key's value: a URL or an object id.
    pub value: String,
    /// Where it is a mailbox: its address.
    pub address: Option<String>,
    /// A name for it, made from its address; not yet unique.
    pub name: String,
}

impl Search {
    /// The narrowest permission of a person that lets it be asked (Microsoft
    /// Graph, "Search for sites", "List users", "List joinedTeams").
    #[must_use]
    pub const fn scope(&self) -> &'static str {
        match self {
            Self::Sites(_) => "Sites.Read.All",
            Self::Users(_) => "User.ReadBasic.All",
            Self::Teams => "Team.ReadBasic.All",
        }
    }

    /// What is looked for, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Sites(text) => format!("sites with \"{text}\""),
            Self::Users(text) => format!("mailboxes with \"{text}\""),
            Self::Teams => "your own teams".to_owned(),
        }
    }

    /// How to ask. `None` if that makes no URL.
    #[must_use]
    pub fn request(&self, cloud: &Cloud) -> Option<Request> {
        let (path, query) = match self {
            Self::Sites(text) => (
                "/sites",
                format!("search={}&$select=id,webUrl", query_value(text)),
            ),
            Self::Users(text) => {
                // In quotes, where a backslash escapes (Microsoft Graph, "Use the
                // $search query parameter").
                let text = text.replace('\\', "\\\\").replace('"', "\\\"");
                let clauses = ["displayName", "mail", "userPrincipalName"]
                    .map(|property| format!("\"{property}:{text}\""));
                let search = query_value(&clauses.join(" OR "));
                (
                    "/users",
                    format!("$search={search}&$select=id,mail,userPrincipalName&$top={MOST_FOUND}"),
                )
            }
            // Takes no options.
            Self::Teams => ("/me/joinedTeams", String::new()),
        };
        let request = Request::of_graph(cloud, path, &query)?;
        Some(Request {
            headers: match self {
                Self::Users(_) => &[("consistencylevel", "eventual")],
                Self::Sites(_) | Self::Teams => &[],
            },
            body_limit: LONGEST,
            // What somebody looks for is nobody else's business.
            shown: request.shown.split('?').next().unwrap_or_default().into(),
            ..request
        })
    }

    /// Reads the answer.
    ///
    /// # Errors
    /// It is no list.
    pub fn read(&self, answer: &Answer) -> Result<FoundPage, BadBody> {
        let list: FoundList = body::object(HOLDS, answer)?;
        let mut page = FoundPage {
            more: list.next.0.is_some(),
            ..FoundPage::default()
        };
        for entry in all_of(list.value) {
            match self.one(entry) {
                Some(_) if page.found.len() == MOST_FOUND => page.more = true,
                Some(found) => page.found.push(found),
                None => page.left_out += 1,
            }
        }
        Ok(page)
    }

    fn one(&self, entry: FoundEntry) -> Option<Discovered> {
        match self {
            Self::Sites(_) => site(&entry.web_url.0?),
            Self::Users(_) => mailbox(entry),
            Self::Teams => {
                let id = entry.id.0.filter(|id| is_guid(id))?.to_ascii_lowercase();
                Some(Discovered {
                    kind: TeamsTeam::INFO.name,
                    key: "team",
                    name: format!("team-{}", id.get(..8).unwrap_or_default()),
                    value: id,
                    address: None,
                })
            }
        }
    }
}

#[derive(Deserialize)]
struct FoundList {
    value: Vec<Lenient<FoundEntry>>,
    #[serde(default, rename = "@odata.nextLink")]
    next: Lenient<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FoundEntry {
    #[serde(default)]
    id: Lenient<String>,
    #[serde(default)]
    web_url: Lenient<String>,
    #[serde(default)]
    mail: Lenient<String>,
    #[serde(default)]
    user_principal_name: Lenient<String>,
}

/// A site; somebody's personal one is none that a team watches.
fn site(address: &str) -> Option<Discovered> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str().filter(|_| url.scheme() == "https")?;
    let path = url.path().trim_end_matches('/');
    if path.to_ascii_lowercase().starts_with("/personal/") {
        return None;
    }
    let first = host.split('.').next().unwrap_or(host);
    let last = path.rsplit('/').next().filter(|last| !last.is_empty());
    Some(Discovered {
        kind: SharePointSite::INFO.name,
        key: "url",
        name: plain_name(&last.map_or_else(|| first.to_owned(), decoded)),
        value: format!("https://{host}{}", if path.is_empty() { "/" } else { path }),
        address: None,
    })
}

/// Who has an address that mail can be sent to, and is at home here.
fn mailbox(entry: FoundEntry) -> Option<Discovered> {
    let name = entry.user_principal_name.0.filter(|name| !is_guest(name))?;
    entry.mail.0.filter(|address| is_upn(address))?;
    let id = entry.id.0.filter(|id| is_guid(id))?;
    let before = name.split('@').next().unwrap_or_default();
    Some(Discovered {
        kind: ExchangeMailbox::INFO.name,
        key: "user",
        name: plain_name(before),
        value: id.to_ascii_lowercase(),
        address: Some(name),
    })
}

/// Undoes `%XX`.
fn decoded(text: &str) -> String {
    let pair = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Letters, digits, dots and single dashes, so that it is a name everywhere.
fn plain_name(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        let fits = c.is_alphanumeric() || matches!(c, '.' | '_');
        let c = if fits { c } else { '-' };
        if name.len() + c.len_utf8() > LONGEST_NAME {
            break;
        }
        if c != '-' || !name.ends_with('-') {
            name.push(c);
        }
    }
    match name.trim_matches(['-', '.']) {
        "" => "found".to_owned(),
        name => name.to_owned(),
    }
}

impl Discovered {
    /// True if this account's resource watches it already.
    #[must_use]
    pub fn is_watched_by(&self, resource: &Resource, account: &Account) -> bool {
        let same = |value: &str| {
            let plain = |text: &str| text.trim_end_matches('/').to_lowercase();
            let address = self.address.as_deref();
            plain(value) == plain(&self.value)
                || address.is_some_and(|address| plain(value) == plain(address))
        };
        let settings = resource.kind.settings();
        let value = settings.iter().find(|(key, _)| *key == self.key);
        resource.account.name == account.name
            && resource.kind.as_str() == self.kind
            && match value {
                Some((_, Setting::Text(value) | Setting::Plain(value))) => same(value),
                // Without it a person's own is meant.
                _ => account
                    .person()
                    .is_some_and(|person| same(&person.username)),
            }
    }
}

#[cfg(test)]
mod tests;
