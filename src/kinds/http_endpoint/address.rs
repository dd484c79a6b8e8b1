//! What is asked, and whose token may go there.

use std::sync::Arc;

use url::Url;

use super::super::key::{Address, FileText, Text};
use super::super::{Key, Keys, Taken};
use crate::model::{Account, Audience, Service, quoted};

pub(super) static URL: Key<Address> = Key::optional(
    "url",
    Address {
        takes: "`https://` URL",
        parse,
    },
    "",
    "What is asked. A query may be a secret: it is never shown.",
);
pub(super) static URL_FILE: Key<FileText> = Key::optional(
    "url_file",
    FileText,
    "",
    "A file that holds the URL, instead of `url`.",
);
pub(super) static SCOPE: Key<Text> = Key::optional(
    "scope",
    Text {
        takes: "scope, as `api://contoso-health/.default`",
        check: is_scope,
    },
    "Graph's for a path of Graph; without an account no token is sent",
    "What the token is asked for. It goes only to the host that its audience belongs to; other audiences than Microsoft's are bound in `accounts[].audiences`.",
);

/// The address, and the file that it comes from.
pub(super) fn address(keys: &dyn Keys) -> Option<(Url, Option<Arc<str>>)> {
    match (URL.take(keys), URL_FILE.take(keys)) {
        (Taken::Refused, _) | (_, Taken::Refused) => None,
        (Taken::Given(_), Taken::Given(_)) => {
            keys.refuse(
                "url_file",
                "\"url\" and \"url_file\" exclude each other".to_owned(),
            );
            None
        }
        (Taken::Given(url), Taken::Absent) => Some((url, None)),
        (Taken::Absent, Taken::Given((file, text))) => match parse(&text) {
            Ok(url) => Some((url, Some(file))),
            // What the file holds may be a secret.
            Err(_) => {
                keys.refuse(
                    "url_file",
                    "the file of \"url_file\" does not hold an https address".to_owned(),
                );
                None
            }
        },
        (Taken::Absent, Taken::Absent) => {
            keys.refuse(
                "url",
                "\"url\" is missing: what to ask, as \"https://api.contoso.com/health\"".to_owned(),
            );
            None
        }
    }
}

/// The scope and the audience whose token may go to `url`; `None` after a
/// complaint.
#[expect(clippy::option_option, reason = "refused, or given, or not needed")]
pub(super) fn scope(
    keys: &dyn Keys,
    account: Option<&Account>,
    url: &Url,
    is_graph: bool,
) -> Option<Option<(Arc<str>, Audience)>> {
    let given = SCOPE.take(keys).optional()?;
    let Some(account) = account else {
        if given.is_some() {
            keys.refuse(
                "scope",
                "\"scope\" needs an \"account\" whose token it is".to_owned(),
            );
            return None;
        }
        return Some(None);
    };
    let scope = match given {
        Some(scope) => scope,
        None if is_graph => format!("{}/.default", account.cloud.graph_url()).into(),
        None => {
            keys.refuse(
                "scope",
                "\"scope\" is missing: what the account's token is for, as \"api://contoso-health/.default\"; without \"account\" no token is sent".to_owned(),
            );
            return None;
        }
    };
    match Audience::of_scope(&scope, url, &account.cloud, &account.audiences) {
        Ok((audience, _)) => Some(Some((scope, audience))),
        Err(wrong) => {
            let key = if keys.is_given("scope") {
                "scope"
            } else {
                "url"
            };
            keys.refuse(key, format!("the scope {} {wrong}", quoted(&scope)));
            None
        }
    }
}

fn is_scope(text: &str) -> Result<(), String> {
    if text.contains('/') {
        return Ok(());
    }
    Err(format!(
        "must be a scope such as \"api://contoso-health/.default\", not {}",
        quoted(text)
    ))
}

/// Nothing of it is quoted: its query may be a secret.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim())
        .map_err(|_| "must be an address such as \"https://api.contoso.com/health\"".to_owned())?;
    if url.scheme() != "https" || url.host_str().is_none_or(str::is_empty) {
        return Err("must begin with \"https://\" and a host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user or a password in it (not shown)".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment, which is never sent".to_owned());
    }
    Ok(url)
}

pub(super) fn same_host(root: &str, url: &Url) -> bool {
    Url::parse(root).is_ok_and(|root| root.origin() == url.origin())
}

/// Which limit a path of Graph counts against.
pub(super) fn service_of(path: &str) -> Service {
    let path = path.to_ascii_lowercase();
    let has = |words: &[&str]| path.split('/').any(|part| words.contains(&part));
    if has(&["presence", "communications"]) {
        Service::Presence
    } else if has(&["sites", "drives", "drive", "shares"]) {
        Service::SharePoint
    } else if has(&[
        "messages",
        "mailfolders",
        "calendar",
        "events",
        "sendmail",
        "contacts",
    ]) {
        Service::Outlook
    } else if has(&["teams", "chats", "channels"]) {
        Service::Teams
    } else if has(&["serviceannouncement"]) {
        Service::ServiceCommunications
    } else if has(&["security", "devicemanagement"]) {
        Service::Security
    } else if has(&[
        "users",
        "me",
        "groups",
        "applications",
        "serviceprincipals",
        "organization",
        "subscribedskus",
        "directory",
        "domains",
    ]) {
        Service::Directory
    } else {
        Service::Graph
    }
}
