//! Where to ask for what. URLs are built from what the configuration names,
//! percent-encoded (RFC 3986) where it is text.

use std::fmt::Write;

use url::Url;

use crate::model::{Audience, Cloud};

/// What the answer shall look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// Graph's JSON.
    Json,
    /// SharePoint's JSON without metadata; its default would be Atom.
    NoMetadata,
}

impl Accept {
    /// The header's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::NoMetadata => "application/json;odata=nometadata",
        }
    }
}

/// One thing to GET.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// https; its host is the audience's.
    pub url: Url,
    /// The URL for people, without the names of people.
    pub shown: String,
    /// What the token must be for.
    pub audience: Audience,
    /// What the answer shall look like.
    pub accept: Accept,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({})", self.shown)
    }
}

impl Address {
    /// Something in the mailbox of `user`, or of the signed-in person:
    /// `/me/{path}` or `/users/{user}/{path}`. `None` if that makes no URL.
    #[must_use]
    pub fn of_user(cloud: &Cloud, user: Option<&str>, path: &str, query: &str) -> Option<Self> {
        let audience = Audience::graph(cloud);
        let (whose, shown) = match user {
            None => ("me".to_owned(), "me"),
            Some(user) => (format!("users/{}", encode(user)), "users/{user}"),
        };
        Self::new(
            audience,
            &format!("/v1.0/{whose}/{path}"),
            &format!("/v1.0/{shown}/{path}"),
            query,
            Accept::Json,
        )
    }

    /// Something of the site at `site`, through Graph: by path
    /// (`/sites/{host}:/{path}:/{what}`), the root site as `/sites/{host}/{what}`.
    #[must_use]
    pub fn of_site(cloud: &Cloud, site: &Url, what: &str, query: &str) -> Option<Self> {
        let host = site.host_str()?;
        let of = |path: &str| match path {
            "" => format!("/v1.0/sites/{host}/{what}"),
            path => format!("/v1.0/sites/{host}:{path}:/{what}"),
        };
        let path = site_path(site);
        Self::new(
            Audience::graph(cloud),
            &of(&path),
            &of(&without_people(&path)),
            query,
            Accept::Json,
        )
    }

    /// Something of the site at `site`, through SharePoint's own REST:
    /// `https://{host}/{path}/_api/{what}`.
    #[must_use]
    pub fn of_site_rest(site: &Url, what: &str, query: &str) -> Option<Self> {
        let host = site.host_str()?;
        let audience = match site.port() {
            Some(port) => Audience::sharepoint(&format!("{host}:{port}")),
            None => Audience::sharepoint(host),
        };
        let path = site_path(site);
        Self::new(
            audience,
            &format!("{path}/_api/{what}"),
            &format!("{}/_api/{what}", without_people(&path)),
            query,
            Accept::NoMetadata,
        )
    }

    fn new(
        audience: Audience,
        path: &str,
        shown: &str,
        query: &str,
        accept: Accept,
    ) -> Option<Self> {
        let root = audience.as_str();
        let mut url = Url::parse(&format!("{root}{path}")).ok()?;
        // As given: `$` needs no escape in a query, and unescaped it is what
        // the documentation shows.
        url.set_query(Some(query));
        // Dot segments would lead elsewhere.
        (url.path() == path).then_some(Self {
            shown: format!("{root}{shown}?{query}"),
            url,
            audience,
            accept,
        })
    }

    /// True if the URL leads to the host that the token is for, over https.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        let place = match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        self.url.scheme() == "https" && place.eq_ignore_ascii_case(self.audience.host())
    }
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
fn encode(segment: &str) -> String {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn site(url: &str) -> String {
        let url = Url::parse(url).unwrap();
        let address = Address::of_site(&Cloud::Global, &url, "lists", "$top=1").unwrap();
        assert!(address.is_consistent());
        address.url.into()
    }

    #[test]
    fn sites_by_path() {
        assert_eq!(
            site("https://contoso.sharepoint.com/sites/intranet"),
            "https://graph.microsoft.com/v1.0/sites/contoso.sharepoint.com:/sites/intranet:/lists?$top=1"
        );
        assert_eq!(
            site("https://contoso.sharepoint.com/"),
            "https://graph.microsoft.com/v1.0/sites/contoso.sharepoint.com/lists?$top=1"
        );
        assert_eq!(
            site("https://contoso.sharepoint.com/sites/Café & Co/"),
            "https://graph.microsoft.com/v1.0/sites/contoso.sharepoint.com:/sites/Caf%C3%A9%20&%20Co:/lists?$top=1"
        );
    }

    #[test]
    fn rest_keeps_the_host_and_port() {
        let url = Url::parse("https://contoso.sharepoint.com:8443/sites/a").unwrap();
        let address = Address::of_site_rest(&url, "web/lists", "$top=1").unwrap();
        assert_eq!(
            address.url.as_str(),
            "https://contoso.sharepoint.com:8443/sites/a/_api/web/lists?$top=1"
        );
        assert_eq!(address.audience.host(), "contoso.sharepoint.com:8443");
        assert!(address.is_consistent());
    }

    #[test]
    fn users_are_escaped_and_not_shown() {
        let user = "steve#EXT#/../x?@contoso.com";
        let address = Address::of_user(&Cloud::China, Some(user), "messages", "$top=1").unwrap();
        assert_eq!(
            address.url.as_str(),
            "https://microsoftgraph.chinacloudapi.cn/v1.0/users/steve%23EXT%23%2F..%2Fx%3F@contoso.com/messages?$top=1"
        );
        assert_eq!(
            address.shown,
            "https://microsoftgraph.chinacloudapi.cn/v1.0/users/{user}/messages?$top=1"
        );
        let mine = "https://contoso-my.sharepoint.com/Personal/steve_contoso_com";
        let url = Url::parse(mine).unwrap();
        let address = Address::of_site(&Cloud::Global, &url, "lists", "x").unwrap();
        assert!(!format!("{address:?}").contains("steve"));
    }

    #[test]
    fn another_host_is_noticed() {
        let mut address = Address::of_user(&Cloud::Global, None, "messages", "x").unwrap();
        address.url = Url::parse("https://contoso.com/v1.0/me/messages").unwrap();
        assert!(!address.is_consistent());
        address.url = Url::parse("http://graph.microsoft.com/v1.0/me/messages").unwrap();
        assert!(!address.is_consistent());
    }

    proptest! {
        #[test]
        fn a_user_is_always_one_segment(user in "\\PC{1,40}") {
            let address = Address::of_user(&Cloud::Global, Some(&user), "messages", "x").unwrap();
            let segments: Vec<_> = address.url.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 4);
            prop_assert_eq!(segments[3], "messages");
        }
    }
}
