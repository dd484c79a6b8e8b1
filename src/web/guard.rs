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
use axum::http::{HeaderMap, HeaderName, Uri, header};

/// The address of the peer, put into every request by the accept loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor {
    /// Somebody at this machine: may see names and act.
    Local,
    /// Anybody else: metrics, discovery, health and the bare landing page.
    Stranger,
}

impl Visitor {
    /// Judges a request. `external_url` tells whether one is configured.
    #[must_use]
    pub fn of(parts: &Parts, external_url: bool) -> Self {
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
        Self::judge(peer, &parts.uri, &parts.headers, external_url)
    }

    fn judge(peer: Option<SocketAddr>, uri: &Uri, headers: &HeaderMap, external_url: bool) -> Self {
        let local_peer = peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
        let local = local_peer
            && !external_url
            && asks_for_loopback(uri, headers)
            && !headers.keys().any(tells_of_a_proxy);
        if local { Self::Local } else { Self::Stranger }
    }

    /// True for somebody at this machine.
    #[must_use]
    pub fn is_local(self) -> bool {
        self == Self::Local
    }
}

/// True if the request names a loopback host, and no other.
///
/// HTTP/1.1 names it in `Host`, HTTP/2 in `:authority` (which hyper puts into
/// the URI), a request meant for a proxy in the URI. Whatever is there must be
/// loopback, and something must be there.
fn asks_for_loopback(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().map(|host| host.to_str().unwrap_or_default());
    if hosts.next().is_some() {
        return false;
    }
    let authority = uri.authority().map(http::uri::Authority::as_str);
    match (host, authority) {
        (None, None) => false,
        (host, authority) => host.into_iter().chain(authority).all(is_loopback_host),
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

    fn judge(peer: &str, uri: &str, headers: &[(&str, &str)], external_url: bool) -> Visitor {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        Visitor::judge(peer.parse().ok(), &uri.parse().unwrap(), &map, external_url)
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
