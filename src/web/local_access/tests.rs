//! Whoever is in doubt is a stranger.

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
