//! How the world reaches this exporter: `--web.external-url`.

use std::sync::Arc;

use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Uri, header};
use url::Url;

/// The checked external URL: a scheme, a host and perhaps a path, under which
/// everything is served as well as at the root, so that a reverse proxy may
/// strip the path or keep it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalUrl {
    url: Url,
    prefix: Arc<str>,
}

impl std::str::FromStr for ExternalUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it must begin with http:// or https://".into());
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err("it names no host".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it must not name a user".into());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it must end with its path".into());
        }
        let prefix = url.path().trim_end_matches('/').into();
        Ok(Self { url, prefix })
    }
}

impl ExternalUrl {
    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// The host, and the port where one is named.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Whether a Host header means this URL.
    #[must_use]
    pub fn is_host(&self, host: &str) -> bool {
        let ours = self.host();
        let default = match self.scheme() {
            "https" => ":443",
            _ => ":80",
        };
        host.eq_ignore_ascii_case(&ours)
            || (self.url.port().is_none()
                && host
                    .strip_suffix(default)
                    .is_some_and(|host| host.eq_ignore_ascii_case(&ours)))
    }

    /// Whether an Origin header means this URL.
    #[must_use]
    pub fn is_origin(&self, origin: &str) -> bool {
        self.url.origin().ascii_serialization() == origin
    }

    /// The path without a trailing slash; empty for the root.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// All of it.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The request's URI with the prefix taken away, if it has it.
    pub(super) fn strip(&self, uri: &Uri) -> Option<Uri> {
        if self.prefix.is_empty() {
            return None;
        }
        let path_and_query = uri.path_and_query()?.as_str();
        let rest = path_and_query.strip_prefix(&*self.prefix)?;
        let rest = match rest.bytes().next() {
            Some(b'/') => rest.to_owned(),
            None | Some(b'?') => format!("/{rest}"),
            Some(_) => return None,
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(rest.parse::<PathAndQuery>().ok()?);
        Uri::from_parts(parts).ok()
    }
}

/// The host that the client believes to talk to, if it says so in a way that
/// can be repeated: letters, digits, `.`, `-`, `_`, `:` and brackets.
pub(super) fn host_of(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let host = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => headers.get(header::HOST)?.to_str().ok()?,
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b);
    ((1..=260).contains(&host.len()) && host.bytes().all(plain)).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn external(text: &str) -> ExternalUrl {
        text.parse().unwrap()
    }

    #[test]
    fn parts() {
        let url = external("https://monitor.contoso.com:8443/m365/");
        assert_eq!(url.scheme(), "https");
        assert_eq!(url.host(), "monitor.contoso.com:8443");
        assert_eq!(url.prefix(), "/m365");
        assert_eq!(external("http://[::1]:80/").host(), "[::1]");
        assert_eq!(external("http://monitor").prefix(), "");
        for bad in [
            "monitor:80",
            "ftp://monitor/",
            "https://u:p@monitor/",
            "https://monitor/?a",
            "https://monitor/#a",
            "/m365",
            "http://",
        ] {
            assert!(bad.parse::<ExternalUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn prefix_is_stripped() {
        let url = external("https://monitor/a/b");
        let strip = |uri: &str| url.strip(&uri.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(strip("/a/b/metrics?x=1").as_deref(), Some("/metrics?x=1"));
        assert_eq!(strip("/a/b").as_deref(), Some("/"));
        assert_eq!(strip("/a/b?x").as_deref(), Some("/?x"));
        assert_eq!(strip("/a/bc/metrics"), None);
        assert_eq!(strip("/metrics"), None);
        assert_eq!(strip("http://h/a/b/sd").as_deref(), Some("http://h/sd"));
    }

    #[test]
    fn hosts_that_can_be_repeated() {
        let host = |value: &'static [u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, http::HeaderValue::from_bytes(value).unwrap());
            host_of(&"/".parse().unwrap(), &headers)
        };
        assert_eq!(host(b"exporter:10365").as_deref(), Some("exporter:10365"));
        assert_eq!(host(b"[::1]:1").as_deref(), Some("[::1]:1"));
        for bad in [&b""[..], b"a b", b"a\"b", b"<b>", b"\xff", b"a/b", b"u@h"] {
            assert_eq!(host(bad), None, "{bad:?}");
        }
    }
}
