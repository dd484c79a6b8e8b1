//! `http_endpoint`: any https address, with a token or without. What it answers
//! is compared with what the configuration expects, and never quoted.

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;
use url::Url;

use super::advice::of_permissions;
use super::ask::{Answer, Ask, Findings, Stopped};
use super::key::{Address, Count, FileText, NameList, Pairs, Statuses, Text};
use super::{
    Advice, AnyKey, Api, BadBody, Define, Info, Key, Keys, Permission, Refused, Remedy, Request,
    Setting, Spec, Taken, UNADDRESSED, body,
};
use crate::model::{Account, Audience, Reason, Service, quoted};

/// Any https address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpEndpoint {
    url: Url,
    /// The file that the address was read from.
    url_file: Option<Arc<str>>,
    /// The scope as configured, and what it comes to.
    scope: Option<(Arc<str>, Audience)>,
    permissions: Vec<Arc<str>>,
    expect_status: Vec<u16>,
    expect_json: Vec<(Arc<str>, Arc<str>)>,
    body_limit: u32,
    /// Which of Graph's limits it counts against; `None` elsewhere.
    graph: Option<Service>,
}

static URL: Key<Address> = Key::optional(
    "url",
    Address {
        takes: "`https://` URL",
        parse,
    },
    "",
    "What is asked. A query may be a secret: it is never shown.",
);
static URL_FILE: Key<FileText> = Key::optional(
    "url_file",
    FileText,
    "",
    "A file that holds the URL, instead of `url`.",
);
static SCOPE: Key<Text> = Key::optional(
    "scope",
    Text {
        takes: "scope, as `api://contoso-health/.default`",
        check: is_scope,
    },
    "Graph's for a path of Graph; without an account no token is sent",
    "What the token is asked for. It goes only to the host that its audience belongs to; other audiences than Microsoft's are bound in `accounts[].audiences`.",
);
static PERMISSIONS: Key<NameList> = Key::optional(
    "permissions",
    NameList {
        takes: "list of names of permissions",
    },
    "none",
    "What the account needs there, for `doctor`, `setup` and the sign-in.",
);
static EXPECT_STATUS: Key<Statuses> = Key::optional(
    "expect_status",
    Statuses,
    "`200`",
    "Statuses that are a success.",
);
static EXPECT_JSON: Key<Pairs> = Key::optional(
    "expect_json",
    Pairs {
        takes: "mapping of members or JSON pointers to text",
    },
    "nothing is looked at",
    "What members of the answer must be, as `{status: ok}` or `{/data/0/state: up}`; compared, never shown.",
);
static BODY_LIMIT: Key<Count> = Key::optional(
    "body_limit",
    Count(1, 4 << 20),
    "`65536`",
    "Bytes of an answer that are read; a longer one is bad.",
);
static KEYS: &[&dyn AnyKey] = &[
    &URL,
    &URL_FILE,
    &SCOPE,
    &PERMISSIONS,
    &EXPECT_STATUS,
    &EXPECT_JSON,
    &BODY_LIMIT,
];

/// Statuses that are looked at, though nobody expects them: what a service
/// answers that wants a sign-in.
const SENT_TO_SIGN_IN: [u16; 7] = [203, 301, 302, 303, 307, 308, 401];
/// Hosts and paths of sign-in pages.
const SIGN_IN_HOSTS: [&str; 5] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.windows.net",
    "login.live.com",
];
const SIGN_IN_PATHS: [&str; 3] = ["/_signin", "/.auth/login", "/signin"];

impl Define for HttpEndpoint {
    const INFO: &'static Info = &Info {
        name: "http_endpoint",
        title: "HTTPS endpoint",
        help: "Asks for an https address by GET, with a token or without.",
        proves: "The address answers as expected, by the account's right where it has one.",
        proves_not: "Whatever is not in the status and the members that are compared.",
        holds: "good answer",
        keys: KEYS,
        service: Service::Host,
        needs_account: false,
        example: "{name: health-api, account: contoso, kind: http_endpoint, url: https://api.contoso.com/health, scope: api://contoso-health/.default, expect_json: {status: ok}}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, account: Option<&Account>) -> Option<Self> {
        let account = account.filter(|account| !account.name.is_empty());
        let (url, url_file) = address(keys)?;
        let graph = account
            .map(|account| account.cloud.graph_url())
            .filter(|root| same_host(root, &url))
            .map(|_| service_of(url.path()));
        let scope = scope(keys, account, &url, graph.is_some())?;
        Some(Self {
            url,
            url_file,
            scope,
            permissions: PERMISSIONS.take(keys).or(Vec::new())?,
            expect_status: EXPECT_STATUS.take(keys).or(vec![200])?,
            expect_json: EXPECT_JSON.take(keys).or(Vec::new())?,
            body_limit: BODY_LIMIT.take(keys).or(64 << 10)?,
            graph,
        })
    }
}

/// The address, and the file that it comes from.
fn address(keys: &dyn Keys) -> Option<(Url, Option<Arc<str>>)> {
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
fn scope(
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
fn parse(text: &str) -> Result<Url, String> {
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

fn same_host(root: &str, url: &Url) -> bool {
    Url::parse(root).is_ok_and(|root| root.origin() == url.origin())
}

/// Which limit a path of Graph counts against.
fn service_of(path: &str) -> Service {
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

impl Spec for HttpEndpoint {
    fn info(&self) -> &'static Info {
        Self::INFO
    }

    /// Without the query.
    fn target(&self) -> Cow<'_, str> {
        self.shown().into()
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        let mut settings = vec![match &self.url_file {
            Some(file) => (URL_FILE.name, Setting::Text(file.to_string())),
            None if self.url.query().is_some() => (URL.name, Setting::Secret),
            None => URL.show(&self.url),
        }];
        settings.extend(self.scope.iter().map(|(scope, _)| SCOPE.show(scope)));
        if !self.permissions.is_empty() {
            settings.push(PERMISSIONS.show(&self.permissions));
        }
        settings.push(EXPECT_STATUS.show(&self.expect_status));
        if !self.expect_json.is_empty() {
            settings.push(EXPECT_JSON.show(&self.expect_json));
        }
        settings.push(BODY_LIMIT.show(&self.body_limit));
        settings
    }

    fn service(&self) -> Service {
        self.graph.unwrap_or(Service::Host)
    }

    fn audience(&self, _: &Account) -> Option<Audience> {
        self.scope.as_ref().map(|(_, audience)| audience.clone())
    }

    fn subject<'a>(&'a self, account: &'a Account) -> Option<Cow<'a, str>> {
        match self.graph {
            Some(_) => account.person().map(|person| (&*person.username).into()),
            None => self.url.host_str().map(Cow::from),
        }
    }

    fn host(&self, _: &Account) -> String {
        self.url.host_str().unwrap_or_default().to_owned()
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        let Some((scope, audience)) = &self.scope else {
            return Vec::new();
        };
        let api = if self.graph.is_some() {
            Api::GRAPH
        } else {
            Api {
                name: audience.as_str().to_owned().into(),
                id: audience.as_str().to_owned().into(),
            }
        };
        let named = scope.rsplit('/').next().filter(|name| *name != ".default");
        let all = named
            .into_iter()
            .chain(self.permissions.iter().map(|name| &**name));
        all.map(|name| {
            Permission::new(
                api.clone(),
                audience.clone(),
                account,
                name.to_owned(),
                "named by the configuration for this address",
            )
        })
        .collect()
    }

    fn request(&self, _: &Account) -> Option<Request> {
        let mut expect = self.expect_status.clone();
        expect.extend(SENT_TO_SIGN_IN.iter().filter(|status| **status != 401));
        let request = Request::get(self.url.clone(), self.shown());
        Some(Request {
            audience: self.scope.as_ref().map(|(_, audience)| audience.clone()),
            accept: if self.expect_json.is_empty() {
                "*/*"
            } else {
                "application/json"
            },
            expect: Cow::Owned(expect),
            body_limit: self.body_limit as usize,
            ..request
        })
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        if self.expect_json.is_empty() {
            return Ok(Findings::default());
        }
        let value: Value = body::object("JSON object", answer)?;
        let is = |name: &str, wanted: &str| {
            let found = match name.strip_prefix('/') {
                Some(_) => value.pointer(name),
                None => value.get(name),
            };
            match found {
                Some(Value::String(text)) => text == wanted,
                Some(Value::Null) | None => false,
                Some(other) => other.to_string().as_str() == wanted,
            }
        };
        if self
            .expect_json
            .iter()
            .all(|(name, wanted)| is(name, wanted))
        {
            Ok(Findings::default())
        } else {
            Err(BadBody::Shape("member that is as expected"))
        }
    }

    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        let permissions = self.permissions(account);
        if refused.reason == Reason::Forbidden && permissions.is_empty() {
            let sentence = "the service refuses this account; see what it asks of a caller: a role \
                            of its own, a user of its own, an assignment";
            return Some(Advice::say(sentence).with(vec![Remedy::say(sentence)]));
        }
        of_permissions(
            account,
            &permissions,
            refused,
            ", or the service asks for something of its own beside it: a role, a user, an assignment",
            "there is nothing at this address; check `url`",
        )
    }

    fn probe<'a>(
        &'a self,
        account: &'a Account,
        ask: &'a mut dyn Ask,
    ) -> BoxFuture<'a, Result<Findings, Stopped>> {
        Box::pin(async move {
            let request = self.request(account).ok_or(UNADDRESSED)?;
            let answer = ask.send("", request).await?;
            if self.expect_status.contains(&answer.status) {
                return Ok(self.judge(&answer)?);
            }
            Err(self.unexpected(&answer))
        })
    }
}

impl HttpEndpoint {
    fn shown(&self) -> String {
        let mut url = self.url.clone();
        let query = url.query().is_some();
        url.set_query(None);
        if query {
            format!("{url}?…")
        } else {
            url.into()
        }
    }

    /// A page or a redirect that asks for a sign-in means that the token was not
    /// taken; any other is what it is, and not followed.
    fn unexpected(&self, answer: &Answer) -> Stopped {
        let to = answer
            .header("location")
            .and_then(|to| self.url.join(to).ok());
        let to_sign_in = to.as_ref().is_some_and(|to| {
            let host = to.host_str().unwrap_or_default();
            let path = to.path().to_ascii_lowercase();
            SIGN_IN_HOSTS.contains(&host)
                || SIGN_IN_PATHS.iter().any(|start| path.starts_with(start))
        });
        let page = answer.status == 203 && answer.content_type == "text/html";
        if to_sign_in || page {
            return Stopped::judged(
                Reason::Unauthorized,
                "the service asks for a sign-in: it does not take the token, or wants one",
            );
        }
        Stopped::judged(
            Reason::UnexpectedStatus,
            if to.is_some() {
                "a redirect, which is not followed; check `url`"
            } else {
                "not the status that is expected"
            },
        )
    }
}

#[cfg(test)]
mod tests;
