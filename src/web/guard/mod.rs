//! Who may act: see people's names, sign in, reload.
//!
//! Without a web configuration that knows users, only somebody who sits at
//! this machine may. That is harder to say than it sounds: a reverse proxy on
//! the same machine makes every visitor look local, and a foreign page can
//! point a name of its own at 127.0.0.1 (DNS rebinding). So all of this must
//! hold: the peer is loopback, the request says that it wants `localhost`,
//! `127.0.0.1` or `[::1]`, nothing in it tells of a proxy, and no external URL
//! is configured. What is in doubt is a stranger.

use std::net::SocketAddr;

use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};

use super::external::ExternalUrl;

/// The address of the peer, put into every request by the accept loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Put by the accept loop into every request that came over TLS: cookies of
/// its answer can be `Secure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secured {
    /// The client showed a certificate that its CA signed.
    pub verified_client: bool,
    /// The client showed none, but everything except health needs one.
    pub certificate_missing: bool,
}

/// Put into a request by whoever checked a name and a password, or a client's
/// certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authenticated;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor {
    /// A user whom the web configuration knows.
    Known,
    /// Somebody at this machine.
    Local,
    /// Anybody else: metrics, discovery, health and the bare landing page.
    Stranger,
}

impl Visitor {
    /// Judges a request.
    #[must_use]
    pub fn of(parts: &Parts, external_url: Option<&ExternalUrl>) -> Self {
        if parts.extensions.get::<Authenticated>().is_some() {
            return Self::Known;
        }
        let local = parts
            .extensions
            .get::<Peer>()
            .is_some_and(|peer| peer.0.ip().to_canonical().is_loopback())
            && external_url.is_none()
            && asks_for(parts, is_loopback_host)
            && !parts.headers.keys().any(tells_of_a_proxy);
        if local { Self::Local } else { Self::Stranger }
    }

    /// True for whoever may see people's names, and act.
    #[must_use]
    pub fn is_trusted(self) -> bool {
        self != Self::Stranger
    }
}

/// Why a request that would change something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The Host is neither loopback nor the external URL's.
    #[error(
        "this answers to http://localhost, http://127.0.0.1 and the host of --web.external-url only"
    )]
    Misdirected,
    /// A stranger.
    #[error(
        "only somebody at this machine (http://localhost) or a user of --web.config.file may do this"
    )]
    Stranger,
    /// Another site's page sent it.
    #[error("this was sent by a page of another site")]
    CrossSite,
}

impl Refusal {
    /// The status that says so.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::Stranger | Self::CrossSite => StatusCode::FORBIDDEN,
        }
    }
}

/// Whether a request may see what belongs to an action: a sign-in and what came
/// of it.
///
/// # Errors
///
/// Why not.
pub fn may_visit(parts: &Parts, external_url: Option<&ExternalUrl>) -> Result<Visitor, Refusal> {
    let is_external = |host: &str| external_url.is_some_and(|url| url.is_host(host));
    if !asks_for(parts, |host| is_loopback_host(host) || is_external(host)) {
        return Err(Refusal::Misdirected);
    }
    let visitor = Visitor::of(parts, external_url);
    if visitor.is_trusted() {
        Ok(visitor)
    } else {
        Err(Refusal::Stranger)
    }
}

/// Whether a request that only a browser's form sends may change something: as
/// [`may_act`], and it must say where it comes from, as every browser does.
///
/// # Errors
///
/// Why not.
pub fn may_submit(parts: &Parts, external_url: Option<&ExternalUrl>) -> Result<Visitor, Refusal> {
    let visitor = may_act(parts, external_url)?;
    let says = |name: &str| parts.headers.contains_key(name);
    if says("origin") || says("sec-fetch-site") {
        Ok(visitor)
    } else {
        Err(Refusal::CrossSite)
    }
}

/// Whether a request may change something.
///
/// # Errors
///
/// Why not.
pub fn may_act(parts: &Parts, external_url: Option<&ExternalUrl>) -> Result<Visitor, Refusal> {
    let visitor = may_visit(parts, external_url)?;
    // Browsers say where a request comes from and let no page change that;
    // programs say nothing, and no page can make them ask.
    let site = parts.headers.get_all("sec-fetch-site").iter();
    let same_site = |site: &HeaderValue| site == "same-origin" || site == "none";
    let origins = parts.headers.get_all(header::ORIGIN).iter();
    let same_origin = |origin: &HeaderValue| {
        origin.to_str().is_ok_and(|origin| {
            let host = origin
                .strip_prefix("https://")
                .or_else(|| origin.strip_prefix("http://"));
            host.is_some_and(|host| asks_for(parts, |asked| same_host(asked, host)))
                || external_url.is_some_and(|url| url.is_origin(origin))
        })
    };
    if site.into_iter().all(same_site) && origins.into_iter().all(same_origin) {
        Ok(visitor)
    } else {
        Err(Refusal::CrossSite)
    }
}

fn same_host(one: &str, other: &str) -> bool {
    !one.is_empty() && one.eq_ignore_ascii_case(other)
}

/// True if the request names a host that `wanted` accepts, and no other.
///
/// HTTP/1.1 names it in `Host`, HTTP/2 in `:authority` (which hyper puts into
/// the URI), a request meant for a proxy in the URI. Whatever is there must be
/// accepted, and something must be there.
fn asks_for(parts: &Parts, wanted: impl Fn(&str) -> bool) -> bool {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = hosts.next().map(|host| host.to_str().unwrap_or_default());
    if hosts.next().is_some() {
        return false;
    }
    let authority = parts.uri.authority().map(Authority::as_str);
    match (host, authority) {
        (None, None) => false,
        (host, authority) => host.into_iter().chain(authority).all(wanted),
    }
}

/// True for `localhost`, `127.0.0.1` and `[::1]`, with or without a port.
#[must_use]
pub fn is_loopback_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => {
            let is_port = !port.is_empty()
                && port.bytes().all(|b| b.is_ascii_digit())
                && port.parse::<u16>().is_ok();
            if !is_port {
                return false;
            }
            name
        }
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]"
}

fn tells_of_a_proxy(name: &HeaderName) -> bool {
    let name = name.as_str();
    name == "forwarded" || name == "via" || name == "x-real-ip" || name.starts_with("x-forwarded")
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers = &'static [(&'static str, &'static str)];

    fn parts(peer: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let (mut parts, ()) = http::Request::builder()
            .uri(uri)
            .body(())
            .unwrap()
            .into_parts();
        for (name, value) in headers {
            parts.headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        if let Ok(peer) = peer.parse() {
            parts.extensions.insert(Peer(peer));
        }
        parts
    }

    fn judge(peer: &str, uri: &str, headers: &[(&str, &str)], external_url: bool) -> Visitor {
        let external: ExternalUrl = "http://localhost/".parse().unwrap();
        let external = external_url.then_some(&external);
        Visitor::of(&parts(peer, uri, headers), external)
    }

    #[test]
    fn actions() {
        const HERE: (&str, &str) = ("host", "localhost:10365");
        const OUTSIDE: (&str, &str) = ("host", "monitor.contoso.com");
        let external: ExternalUrl = "https://monitor.contoso.com/m365".parse().unwrap();
        let act = |headers: &[(&str, &str)], known: bool, external: Option<&ExternalUrl>| {
            let mut parts = parts("127.0.0.1:5", "/-/reload", headers);
            if known {
                parts.extensions.insert(Authenticated);
            }
            may_act(&parts, external).err()
        };
        let allowed: &[(Headers, bool, bool)] = &[
            (&[HERE], false, false),
            (&[HERE, ("origin", "http://localhost:10365")], false, false),
            (&[HERE, ("sec-fetch-site", "same-origin")], false, false),
            (&[HERE, ("sec-fetch-site", "none")], false, false),
            (&[HERE], true, false),
            (&[OUTSIDE], true, true),
            (
                &[OUTSIDE, ("origin", "https://monitor.contoso.com")],
                true,
                true,
            ),
            (&[("host", "Monitor.Contoso.com:443")], true, true),
            // A proxy that names itself to us and passes the browser's words on.
            (
                &[HERE, ("origin", "https://monitor.contoso.com")],
                true,
                true,
            ),
        ];
        for (headers, known, with_external) in allowed {
            let external = with_external.then_some(&external);
            assert_eq!(act(headers, *known, external), None, "{headers:?}");
        }
        let refused: &[(Headers, bool, bool, Refusal)] = &[
            (&[], false, false, Refusal::Misdirected),
            (&[OUTSIDE], false, false, Refusal::Misdirected),
            (&[OUTSIDE], true, false, Refusal::Misdirected),
            (
                &[("host", "evil.example")],
                true,
                true,
                Refusal::Misdirected,
            ),
            (
                &[("host", "monitor.contoso.com:8443")],
                true,
                true,
                Refusal::Misdirected,
            ),
            (&[OUTSIDE], false, true, Refusal::Stranger),
            (&[HERE], false, true, Refusal::Stranger),
            (
                &[HERE, ("x-forwarded-for", "192.0.2.1")],
                false,
                false,
                Refusal::Stranger,
            ),
            (
                &[HERE, ("origin", "https://evil.example")],
                false,
                false,
                Refusal::CrossSite,
            ),
            (
                &[HERE, ("origin", "http://localhost:3000")],
                false,
                false,
                Refusal::CrossSite,
            ),
            (
                &[HERE, ("origin", "null")],
                false,
                false,
                Refusal::CrossSite,
            ),
            (&[HERE, ("origin", "")], false, false, Refusal::CrossSite),
            (
                &[HERE, ("origin", "http://")],
                false,
                false,
                Refusal::CrossSite,
            ),
            (
                &[HERE, ("sec-fetch-site", "cross-site")],
                false,
                false,
                Refusal::CrossSite,
            ),
            (
                &[HERE, ("sec-fetch-site", "same-site")],
                false,
                false,
                Refusal::CrossSite,
            ),
            (
                &[OUTSIDE, ("origin", "http://monitor.contoso.com:8080")],
                true,
                true,
                Refusal::CrossSite,
            ),
        ];
        for (headers, known, with_external, refusal) in refused {
            let external = with_external.then_some(&external);
            assert_eq!(
                act(headers, *known, external),
                Some(*refusal),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn somebody_at_this_machine() {
        for (peer, host) in [
            ("127.0.0.1:5", "localhost"),
            ("127.0.0.1:5", "LocalHost:10365"),
            ("127.0.0.1:5", "127.0.0.1:10365"),
            ("[::1]:5", "[::1]:10365"),
            ("[::1]:5", "[::1]"),
            ("[::ffff:127.0.0.1]:5", "localhost:1"),
        ] {
            let visitor = judge(peer, "/", &[("host", host)], false);
            assert_eq!(visitor, Visitor::Local, "{peer} {host}");
        }
        assert_eq!(
            judge("127.0.0.1:5", "http://localhost/", &[], false),
            Visitor::Local,
            "an authority alone, as in HTTP/2"
        );
    }

    #[test]
    fn everybody_else() {
        const HERE: (&str, &str) = ("host", "localhost");
        let cases: &[(&str, &str, &str, Headers)] = &[
            ("another machine", "192.0.2.1:5", "/", &[HERE]),
            ("an unknown peer", "", "/", &[HERE]),
            ("no host", "127.0.0.1:5", "/", &[]),
            ("an empty host", "127.0.0.1:5", "/", &[("host", "")]),
            (
                "a rebound name",
                "127.0.0.1:5",
                "/",
                &[("host", "evil.example")],
            ),
            (
                "a look-alike",
                "127.0.0.1:5",
                "/",
                &[("host", "localhost.evil.example")],
            ),
            (
                "a trailing dot",
                "127.0.0.1:5",
                "/",
                &[("host", "localhost.")],
            ),
            ("an odd spelling", "127.0.0.1:5", "/", &[("host", "127.1")]),
            (
                "a user",
                "127.0.0.1:5",
                "/",
                &[("host", "localhost@evil.example")],
            ),
            (
                "no port after the colon",
                "127.0.0.1:5",
                "/",
                &[("host", "localhost:")],
            ),
            (
                "a bad port",
                "127.0.0.1:5",
                "/",
                &[("host", "localhost:99999")],
            ),
            (
                "a signed port",
                "127.0.0.1:5",
                "/",
                &[("host", "localhost:+80")],
            ),
            (
                "bytes that are no text",
                "127.0.0.1:5",
                "/",
                &[("host", "localhost\u{e9}")],
            ),
            (
                "two hosts",
                "127.0.0.1:5",
                "/",
                &[HERE, ("host", "evil.example")],
            ),
            ("the same host twice", "127.0.0.1:5", "/", &[HERE, HERE]),
            (
                "a URI that differs",
                "127.0.0.1:5",
                "http://evil.example/",
                &[HERE],
            ),
            (
                "forwarded",
                "127.0.0.1:5",
                "/",
                &[HERE, ("forwarded", "for=192.0.2.1")],
            ),
            (
                "x-forwarded-for",
                "127.0.0.1:5",
                "/",
                &[HERE, ("x-forwarded-for", "")],
            ),
            (
                "x-forwarded-proto",
                "127.0.0.1:5",
                "/",
                &[HERE, ("x-forwarded-proto", "https")],
            ),
            (
                "x-forwarded-host",
                "127.0.0.1:5",
                "/",
                &[HERE, ("x-forwarded-host", "a")],
            ),
            (
                "x-real-ip",
                "127.0.0.1:5",
                "/",
                &[HERE, ("x-real-ip", "192.0.2.1")],
            ),
            ("via", "127.0.0.1:5", "/", &[HERE, ("via", "1.1 proxy")]),
        ];
        for (what, peer, uri, headers) in cases {
            assert_eq!(
                judge(peer, uri, headers, false),
                Visitor::Stranger,
                "{what}"
            );
        }
        assert_eq!(
            judge("127.0.0.1:5", "/", &[HERE], true),
            Visitor::Stranger,
            "an external URL is configured"
        );
    }
}
