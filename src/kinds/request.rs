//! Where to ask for what. URLs are built from what the configuration names,
//! percent-encoded (RFC 3986) where it is text.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use url::Url;

use crate::model::{Account, Audience, Cloud, Method, Provider, place_of};

/// Graph's JSON.
pub const JSON: &str = "application/json";
/// SharePoint's JSON without metadata; its default would be Atom.
pub const NO_METADATA: &str = "application/json;odata=nometadata";

/// What a request carries.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    /// `Content-Type`.
    pub content_type: &'static str,
    /// At most 64 KiB; never shown.
    pub content: Bytes,
}

/// Status codes that are a success unless the request says otherwise.
pub const OK: &[u16] = &[200];
/// More than any answer to a question for one item.
pub const USUAL_BODY: usize = 64 << 10;

/// One request.
#[derive(Clone, PartialEq)]
pub struct Request {
    /// How.
    pub method: Method,
    /// https; where an audience is named its host is the audience's.
    pub url: Url,
    /// Whose service answers there.
    pub provider: Provider,
    /// The URL for people, without the names of people and without secrets.
    pub shown: String,
    /// What the token must be for; `None` sends none.
    pub audience: Option<Audience>,
    /// Whose token; `None` is the resource's own account.
    pub account: Option<Arc<Account>>,
    /// What the answer shall look like.
    pub accept: &'static str,
    /// Further headers, none of them secret.
    pub headers: &'static [(&'static str, &'static str)],
    /// What it carries.
    pub body: Option<Body>,
    /// The statuses that are a success; all others are judged by the table of
    /// outcomes.
    pub expect: Cow<'static, [u16]>,
    /// Those of them that count whoever answers, because the configuration names
    /// them. `None`: those of a success (2xx). Any other counts only if the service
    /// itself answers: a proxy or filter on the way has a 404 and a redirect of its own.
    pub from_anyone: Option<Vec<u16>>,
    /// Where the service itself may send to, as hosts, with a port where one is named;
    /// one that begins with a dot stands for all hosts below it.
    pub leads_to: Vec<Arc<str>>,
    /// Bytes of the decoded answer that are wanted; a longer one is bad.
    pub body_limit: usize,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {})", self.method.as_str(), self.shown)
    }
}

impl Request {
    /// A GET of any https address, without a token; `shown` stands for it.
    #[must_use]
    pub const fn get(url: Url, shown: String, provider: Provider) -> Self {
        Self {
            method: Method::Get,
            url,
            provider,
            shown,
            audience: None,
            account: None,
            accept: JSON,
            headers: &[],
            body: None,
            expect: Cow::Borrowed(OK),
            from_anyone: None,
            leads_to: Vec::new(),
            body_limit: USUAL_BODY,
        }
    }

    /// Something of Graph: `path` begins with a slash and follows the version.
    /// `None` if that makes no URL.
    #[must_use]
    pub fn of_graph(cloud: &Cloud, path: &str, query: &str) -> Option<Self> {
        Self::of_graph_as(path, cloud, path, query)
    }

    /// The same with `shown` instead of `path` for people.
    fn of_graph_as(shown: &str, cloud: &Cloud, path: &str, query: &str) -> Option<Self> {
        Self::new(
            Audience::graph(cloud),
            &format!("/v1.0{path}"),
            &format!("/v1.0{shown}"),
            query,
            JSON,
        )
    }

    /// Something of `user`, or of the signed-in person: `/me/{path}` or
    /// `/users/{user}/{path}`. A name that begins with a dollar sign is
    /// written as a key (learn.microsoft.com, "Get a user"). `None` if that
    /// makes no URL.
    #[must_use]
    pub fn of_user(cloud: &Cloud, user: Option<&str>, path: &str, query: &str) -> Option<Self> {
        let (whose, shown) = match user {
            None => ("/me".to_owned(), "/me"),
            Some(user) if user.starts_with('$') => {
                let key = user.trim_start_matches('$').replace('\'', "''");
                let dollars = "$".repeat(user.len() - user.trim_start_matches('$').len());
                (
                    format!("/users('{dollars}{}')", encode(&key)),
                    "/users/{user}",
                )
            }
            Some(user) => (format!("/users/{}", encode(user)), "/users/{user}"),
        };
        Self::of_graph_as(
            &format!("{shown}/{path}"),
            cloud,
            &format!("{whose}/{path}"),
            query,
        )
    }

    /// Something of the site at `site`, through Graph: by path
    /// (`/sites/{host}:/{path}:/{what}`), the root site as `/sites/{host}/{what}`.
    #[must_use]
    pub fn of_site(cloud: &Cloud, site: &Url, what: &str, query: &str) -> Option<Self> {
        let host = site.host_str()?;
        let of = |path: &str| match path {
            "" => format!("/sites/{host}/{what}"),
            path => format!("/sites/{host}:{path}:/{what}"),
        };
        let path = site_path(site);
        Self::of_graph_as(&of(&without_people(&path)), cloud, &of(&path), query)
    }

    /// Something of the site at `site`, through SharePoint's own REST:
    /// `https://{host}/{path}/_api/{what}`.
    #[must_use]
    pub fn of_site_rest(site: &Url, what: &str, query: &str) -> Option<Self> {
        let path = site_path(site);
        Self::new(
            Audience::sharepoint_of(site),
            &format!("{path}/_api/{what}"),
            &format!("{}/_api/{what}", without_people(&path)),
            query,
            NO_METADATA,
        )
    }

    fn new(
        audience: Audience,
        path: &str,
        shown: &str,
        query: &str,
        accept: &'static str,
    ) -> Option<Self> {
        let root = audience.as_str();
        let mut url = Url::parse(&format!("{root}{path}")).ok()?;
        let query = Some(query).filter(|query| !query.is_empty());
        // As given: `$` needs no escape in a query, and unescaped it is what
        // the documentation shows.
        url.set_query(query);
        let shown = match query {
            Some(query) => format!("{root}{shown}?{query}"),
            None => format!("{root}{shown}"),
        };
        // Dot segments would lead elsewhere.
        (url.path() == path).then_some(Self {
            audience: Some(audience),
            accept,
            ..Self::get(url, shown, Provider::Workload)
        })
    }

    /// As a POST of a JSON text.
    #[must_use]
    pub fn post(self, json: String) -> Self {
        Self {
            method: Method::Post,
            body: Some(Body {
                content_type: JSON,
                content: json.into(),
            }),
            ..self
        }
    }

    /// With these statuses as successes.
    #[must_use]
    pub fn expecting(self, statuses: &'static [u16]) -> Self {
        Self {
            expect: Cow::Borrowed(statuses),
            ..self
        }
    }

    /// With this as the only place that the service itself may send to.
    #[must_use]
    pub fn leading_to(self, to: &Url) -> Self {
        Self {
            leads_to: vec![place_of(to).into()],
            ..self
        }
    }

    /// True for a status that is a success, whoever answers.
    #[must_use]
    pub fn takes_from_anyone(&self, status: u16) -> bool {
        match &self.from_anyone {
            Some(statuses) => statuses.contains(&status),
            None => (200..300).contains(&status) && self.expect.contains(&status),
        }
    }

    /// True if a redirect to `location` is one that the service itself makes.
    #[must_use]
    pub fn may_lead_to(&self, location: &str) -> bool {
        let to = self.url.join(location).ok();
        to.is_some_and(|to| is_among(&to, &self.leads_to))
    }

    /// With so many bytes of an answer at most.
    #[must_use]
    pub fn within(self, body_limit: usize) -> Self {
        Self { body_limit, ..self }
    }

    /// Through another account than the resource's.
    #[must_use]
    pub fn through(self, account: Arc<Account>) -> Self {
        Self {
            account: Some(account),
            ..self
        }
    }

    /// True if it may be sent: over https, and where a token goes along, to the
    /// host that the token is for.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        let place = place_of(&self.url);
        let at_home = |audience: &Audience| place.eq_ignore_ascii_case(audience.host());
        self.url.scheme() == "https"
            && !host.is_empty()
            && self.audience.as_ref().is_none_or(at_home)
    }
}

/// True if an address is at one of these places, as in [`Request::leads_to`].
pub(super) fn is_among(url: &Url, places: &[Arc<str>]) -> bool {
    let at = place_of(url);
    places.iter().any(|place| {
        let below = place.starts_with('.') && at.ends_with(&**place);
        below || **place == *at
    })
}

/// The site's path with its leading slash, encoded as in the URL already;
/// colons escaped, since they end the path in Graph's addressing.
fn site_path(site: &Url) -> String {
    site.path().trim_end_matches('/').replace(':', "%3A")
}

/// A personal site carries its owner's name.
fn without_people(path: &str) -> String {
    match path.get(..10) {
        Some(start) if start.eq_ignore_ascii_case("/personal/") => "/personal/{user}".into(),
        _ => path.to_owned(),
    }
}

/// Escapes all but unreserved characters and `@` (RFC 3986, `pchar`); a
/// segment of dots only is escaped too, or it would be resolved away.
pub(super) fn encode(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    let only_dots = segment.bytes().all(|b| b == b'.');
    for byte in segment.bytes() {
        match byte {
            b'.' if only_dots => out.push_str("%252E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => {
                out.push(char::from(byte));
            }
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
    out
}

/// Escapes all but unreserved characters (RFC 3986), for a value in a query.
pub(super) fn query_value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
    out
}

#[cfg(test)]
mod tests;
