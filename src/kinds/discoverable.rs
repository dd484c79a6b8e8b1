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
        let request = Request::of_graph(cloud, path, path, &query)?;
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
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::fixtures;
    use crate::kinds::testing::answer;

    const ID: &str = "7c0e0000-2222-3333-4444-555555555555";

    #[test]
    fn requests_with_any_text() {
        for (search, url) in [
            (
                Search::Sites("a&b #c+d".into()),
                "https://graph.microsoft.com/v1.0/sites?search=a%26b%20%23c%2Bd&$select=id,webUrl",
            ),
            (
                Search::Users("o'neil\"\\".into()),
                "https://graph.microsoft.com/v1.0/users?$search=%22displayName%3Ao%27neil%5C%22%5C%5C%22%20OR%20%22mail%3Ao%27neil%5C%22%5C%5C%22%20OR%20%22userPrincipalName%3Ao%27neil%5C%22%5C%5C%22&$select=id,mail,userPrincipalName&$top=100",
            ),
            (
                Search::Teams,
                "https://graph.microsoft.com/v1.0/me/joinedTeams",
            ),
        ] {
            let request = search.request(&Cloud::Global).unwrap();
            assert_eq!(request.url.as_str(), url);
            assert!(!request.shown.contains('?'), "{request:?}");
        }
    }

    fn found(search: &Search, entries: &str) -> Vec<(String, String)> {
        let page = search.read(&answer(&format!("{{\"value\":[{entries}]}}")));
        let found = page.unwrap().found.into_iter();
        found.map(|one| (one.name, one.value)).collect()
    }

    #[test]
    fn sites_are_named_by_their_address() {
        for (url, name, value) in [
            (
                "https://contoso.sharepoint.com",
                "contoso",
                "https://contoso.sharepoint.com/",
            ),
            (
                "https://contoso.sharepoint.com/sites/Intranet/",
                "intranet",
                "https://contoso.sharepoint.com/sites/Intranet",
            ),
            (
                "https://contoso.sharepoint.com/sites/Caf%C3%A9%20&%20Co",
                "café-co",
                "https://contoso.sharepoint.com/sites/Caf%C3%A9%20&%20Co",
            ),
            (
                "https://contoso.sharepoint.com/teams/..x..",
                "x",
                "https://contoso.sharepoint.com/teams/..x..",
            ),
        ] {
            let entry =
                format!("{{\"id\":\"a,b,c\",\"webUrl\":\"{url}\",\"displayName\":\"canary\"}}");
            let wanted = vec![(name.to_owned(), value.to_owned())];
            assert_eq!(found(&Search::Sites("x".into()), &entry), wanted, "{url}");
        }
        for none in [
            "https://contoso-my.sharepoint.com/personal/steve_contoso_com",
            "http://contoso.sharepoint.com/sites/a",
            "javascript:alert(1)",
            "",
        ] {
            let entry = format!("{{\"webUrl\":\"{none}\"}}");
            assert!(
                found(&Search::Sites("x".into()), &entry).is_empty(),
                "{none}"
            );
        }
    }

    #[test]
    fn mailboxes_have_an_address_and_are_at_home() {
        let one = |mail: &str, name: &str, id: &str| {
            let entry = format!(
                "{{\"id\":\"{id}\",\"mail\":{mail},\"userPrincipalName\":\"{name}\",\"displayName\":\"canary\"}}"
            );
            found(&Search::Users("x".into()), &entry)
        };
        let steve = one(
            "\"s.j@contoso.com\"",
            "Steve.J@contoso.com",
            &ID.to_uppercase(),
        );
        assert_eq!(steve, [("steve.j".to_owned(), ID.to_owned())]);
        assert!(one("null", "steve@contoso.com", ID).is_empty());
        assert!(one("\"a@b.com\"", "a_b.com#EXT#@contoso.onmicrosoft.com", ID).is_empty());
        assert!(one("\"a@b.com\"", "a@b.com", "../../me").is_empty());
    }

    #[test]
    fn teams_have_no_address_and_no_name_is_told() {
        let entry = format!("{{\"id\":\"{ID}\",\"displayName\":\"canary\"}}, null, {{\"id\":7}}");
        let wanted = [("team-7c0e0000".to_owned(), ID.to_owned())];
        assert_eq!(found(&Search::Teams, &entry), wanted);
    }

    #[test]
    fn bounded() {
        let entries = vec![format!("{{\"id\":\"{ID}\"}}"); MOST_FOUND + 1].join(",");
        let page = Search::Teams.read(&answer(&format!("{{\"value\":[{entries}]}}")));
        let page = page.unwrap();
        assert_eq!((page.found.len(), page.more), (MOST_FOUND, true));
        let page = Search::Teams
            .read(&answer("{\"value\":[],\"@odata.nextLink\":\"https://x/\"}"))
            .unwrap();
        assert!(page.more && page.found.is_empty());
        for none in ["{}", "[]", "{\"value\":{}}", "{\"error\":{\"code\":\"x\"}}"] {
            assert!(Search::Teams.read(&answer(none)).is_err(), "{none}");
        }
    }

    #[test]
    fn what_is_watched_already() {
        let account = Arc::new(fixtures::account("contoso"));
        let url = "https://contoso.sharepoint.com/sites/Intranet";
        let resource = fixtures::resource("intranet", &account, fixtures::site_at(url));
        let site = site("https://contoso.sharepoint.com/sites/intranet/").unwrap();
        assert!(site.is_watched_by(&resource, &account));
        let other = fixtures::account("another");
        assert!(!site.is_watched_by(&resource, &other));
    }

    proptest! {
        #[test]
        fn any_address_makes_a_name(text in "\\PC{0,100}") {
            let name = plain_name(&text);
            prop_assert!(!name.is_empty() && name.len() <= LONGEST_NAME);
            prop_assert!(!name.contains(['/', '\\', ' ', '"', '@']) && name != "..");
        }
    }
}
