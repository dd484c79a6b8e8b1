//! `http_endpoint`: any https address, with a token or without. What it answers
//! is compared with what the configuration expects, and never quoted.

mod address;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use serde_json::Value;
use url::Url;

use self::address::{SCOPE, URL, URL_FILE, address, same_host, scope, service_of};
use super::advice::of_permissions;
use super::ask::{Answer, Ask, Findings, Stopped};
use super::key::{Count, NameList, Pairs, Statuses};
use super::request::is_among;
use super::{
    Advice, AnyKey, Api, BadBody, Define, Info, Key, Keys, Permission, ProbeFuture, Refused,
    Remedy, Request, Setting, Spec, UNADDRESSED, body,
};
use crate::model::{Account, Audience, Cloud, Provider, Reason, Service, place_of};

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
    body_limit: usize,
    /// Which of Graph's limits it counts against; `None` elsewhere.
    graph: Option<Service>,
}

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
const SENT_TO_SIGN_IN: [u16; 6] = [203, 301, 302, 303, 307, 308];
/// Hosts of Microsoft's sign-in pages beside those of the clouds; the last are Azure
/// DevOps'.
const SIGN_IN_HOSTS: [&str; 3] = [
    "login.windows.net",
    "login.live.com",
    ".vssps.visualstudio.com",
];
/// What services call their own way to such a page. On another host it says nothing:
/// the portal of a network has a path of this name too.
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

impl Spec for HttpEndpoint {
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

    fn request(&self, account: &Account) -> Option<Request> {
        let mut expect = self.expect_status.clone();
        expect.extend(SENT_TO_SIGN_IN);
        let host = self.url.host_str().unwrap_or_default();
        let provider = Provider::of_host(host, &account.cloud);
        let request = Request::get(self.url.clone(), self.shown(), provider);
        Some(Request {
            audience: self.scope.as_ref().map(|(_, audience)| audience.clone()),
            accept: if self.expect_json.is_empty() {
                "*/*"
            } else {
                "application/json"
            },
            expect: Cow::Owned(expect),
            from_anyone: Some(self.expect_status.clone()),
            leads_to: sign_in_places(account),
            body_limit: self.body_limit,
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

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let request = self.request(account).ok_or(UNADDRESSED)?;
            let answer = ask.send("", request).await?;
            if self.expect_status.contains(&answer.status) {
                return Ok(self.judge(&answer)?);
            }
            Err(self.unexpected(account, &answer))
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
    fn unexpected(&self, account: &Account, answer: &Answer) -> Stopped {
        let to = answer
            .header("location")
            .and_then(|to| self.url.join(to).ok());
        let to_sign_in = to.as_ref().is_some_and(|to| {
            let path = to.path().to_ascii_lowercase();
            let own_way = SIGN_IN_PATHS.iter().any(|start| path.starts_with(start));
            is_among(to, &sign_in_places(account)) || (own_way && to.origin() == self.url.origin())
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

/// Where a service sends who has to sign in: Microsoft's pages, and the one that the
/// account's own cloud has.
fn sign_in_places(account: &Account) -> Vec<Arc<str>> {
    static KNOWN: LazyLock<Vec<Arc<str>>> = LazyLock::new(|| {
        let clouds = Cloud::known().iter().filter_map(login_place);
        clouds.chain(SIGN_IN_HOSTS.map(Arc::from)).collect()
    });
    let own = match &account.cloud {
        cloud @ Cloud::Custom { .. } => login_place(cloud),
        _ => None,
    };
    KNOWN.iter().cloned().chain(own).collect()
}

fn login_place(cloud: &Cloud) -> Option<Arc<str>> {
    let root = Url::parse(cloud.login_url()).ok()?;
    Some(place_of(&root).into())
}

#[cfg(test)]
mod tests;
