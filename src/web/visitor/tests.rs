//! Who may see and do what.

use axum::http::HeaderName;

use super::*;
use crate::model::{Clock, SystemRandom};
use crate::web::operator::{KEY_HEADER, OperatorKey};

type Headers = &'static [(&'static str, &'static str)];

const HERE: (&str, &str) = ("host", "localhost:10365");
const OUTSIDE: (&str, &str) = ("host", "monitor.contoso.com");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Shows the operator key.
    Key,
    /// A user that `--web.operators` lists.
    Alice,
    /// A user that it does not.
    Bob,
    /// Anybody.
    Nobody,
}

/// What the rules say of one request.
struct Judged {
    operator: Option<String>,
    visit: Option<Refusal>,
    act: Option<Refusal>,
    submit: Option<Refusal>,
    secure: bool,
}

fn judge(who: Who, uri: &str, headers: &[(&str, &str)], external: Option<&str>) -> Judged {
    let (mut parts, ()) = http::Request::builder()
        .uri(uri)
        .body(())
        .unwrap()
        .into_parts();
    let key = OperatorKey::parse(&[7; 32]).unwrap();
    let text = key.text();
    let shown = match who {
        Who::Key => &[(KEY_HEADER, text.expose())][..],
        Who::Alice | Who::Bob | Who::Nobody => &[],
    };
    for (name, value) in headers.iter().chain(shown) {
        parts.headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            value.parse().unwrap(),
        );
    }
    let user = match who {
        Who::Alice => Some("alice"),
        Who::Bob => Some("bob"),
        Who::Key | Who::Nobody => None,
    };
    if let Some(user) = user {
        parts.extensions.insert(Authenticated {
            user: Some(user.into()),
            ..Authenticated::default()
        });
    }
    // Where somebody is proves nothing.
    parts
        .extensions
        .insert(Peer("127.0.0.1:5".parse().unwrap()));
    let named = vec!["user:alice".parse().unwrap()];
    let random = Arc::new(SystemRandom::new());
    let operators = Operators::new(named, Some(key), Clock::system(), random);
    let external: Option<ExternalUrl> = external.map(|url| url.parse().unwrap());
    let visitor = Visitor::new(&parts, &operators, external.as_ref());
    Judged {
        operator: visitor.operator().map(|actor| actor.to_string()),
        visit: visitor.may_visit().err(),
        act: visitor.may_act().err(),
        submit: visitor.may_submit().err(),
        secure: visitor.is_secure(),
    }
}

const EXTERNAL: Option<&str> = Some("https://monitor.contoso.com/m365");

#[test]
fn who_is_an_operator() {
    for (who, operator) in [
        (Who::Key, Some("operator")),
        (Who::Alice, Some("user:alice")),
        (Who::Bob, None),
        (Who::Nobody, None),
    ] {
        for (headers, external) in [(&[HERE], None), (&[HERE], EXTERNAL), (&[OUTSIDE], EXTERNAL)] {
            let judged = judge(who, "/", headers, external);
            assert_eq!(judged.operator.as_deref(), operator, "{who:?} {headers:?}");
            let refusal = operator.is_none().then_some(Refusal::NotOperator);
            assert_eq!(judged.visit, refusal, "{who:?} {headers:?}");
            assert_eq!(judged.act, refusal, "{who:?} {headers:?}");
        }
    }
    // A proxy with its default configuration, in whatever way it says so.
    for proxied in [
        &[("host", "127.0.0.1:10365")][..],
        &[
            ("host", "127.0.0.1:10365"),
            ("x-forwarded-for", "192.0.2.1"),
        ],
        &[("host", "localhost"), ("via", "1.1 proxy")],
    ] {
        let judged = judge(Who::Nobody, "/", proxied, None);
        assert_eq!(judged.operator, None);
        assert_eq!(judged.visit, Some(Refusal::NotOperator), "{proxied:?}");
    }
}

#[test]
fn names_that_are_ours() {
    for host in [
        "localhost",
        "LocalHost:10365",
        "127.0.0.1:10365",
        "[::1]:10365",
        "[::1]",
    ] {
        let judged = judge(Who::Key, "/", &[("host", host)], None);
        assert_eq!(judged.visit, None, "{host}");
    }
    let judged = judge(Who::Key, "http://localhost/", &[], None);
    assert_eq!(judged.visit, None, "an authority alone, as in HTTP/2");
    let judged = judge(
        Who::Key,
        "/",
        &[("host", "Monitor.Contoso.com:443")],
        EXTERNAL,
    );
    assert_eq!(judged.visit, None);
    let foreign: &[(&str, &str, Headers, Option<&str>)] = &[
        ("no host", "/", &[], None),
        ("an empty host", "/", &[("host", "")], None),
        ("a rebound name", "/", &[("host", "evil.example")], None),
        ("a rebound name", "/", &[("host", "evil.example")], EXTERNAL),
        ("no external URL", "/", &[OUTSIDE], None),
        (
            "another port",
            "/",
            &[("host", "monitor.contoso.com:8443")],
            EXTERNAL,
        ),
        (
            "a look-alike",
            "/",
            &[("host", "localhost.evil.example")],
            None,
        ),
        ("a trailing dot", "/", &[("host", "localhost.")], None),
        ("an odd spelling", "/", &[("host", "127.1")], None),
        ("a user", "/", &[("host", "localhost@evil.example")], None),
        (
            "no port after the colon",
            "/",
            &[("host", "localhost:")],
            None,
        ),
        ("a bad port", "/", &[("host", "localhost:99999")], None),
        ("a signed port", "/", &[("host", "localhost:+80")], None),
        (
            "bytes that are no text",
            "/",
            &[("host", "localhost\u{e9}")],
            None,
        ),
        ("two hosts", "/", &[HERE, ("host", "evil.example")], None),
        ("the same host twice", "/", &[HERE, HERE], None),
        ("a URI that differs", "http://evil.example/", &[HERE], None),
    ];
    for (what, uri, headers, external) in foreign {
        let judged = judge(Who::Key, uri, headers, *external);
        assert_eq!(judged.operator, None, "{what}");
        for refused in [judged.visit, judged.act, judged.submit] {
            assert_eq!(refused, Some(Refusal::Misdirected), "{what}");
        }
        // Who showed a password may ask for any name: no page makes a browser
        // show it to a name that it does not know it for.
        let judged = judge(Who::Alice, uri, headers, *external);
        assert_eq!(judged.visit, None, "{what}");
        let judged = judge(Who::Bob, uri, headers, *external);
        assert_eq!(judged.visit, Some(Refusal::NotOperator), "{what}");
    }
}

#[test]
fn pages_of_other_sites_do_nothing() {
    let good: &[(Headers, Option<&str>)] = &[
        (&[HERE], None),
        (&[HERE, ("origin", "http://localhost:10365")], None),
        (&[HERE, ("sec-fetch-site", "same-origin")], None),
        (&[HERE, ("sec-fetch-site", "none")], None),
        (
            &[OUTSIDE, ("origin", "https://monitor.contoso.com")],
            EXTERNAL,
        ),
        // A proxy that names itself to us and passes the browser's words on.
        (&[HERE, ("origin", "https://monitor.contoso.com")], EXTERNAL),
    ];
    for (headers, external) in good {
        let judged = judge(Who::Key, "/", headers, *external);
        assert_eq!(judged.act, None, "{headers:?}");
        let submits = headers.len() > 1;
        assert_eq!(judged.submit.is_none(), submits, "{headers:?}");
    }
    let bad: &[(Headers, Option<&str>)] = &[
        (&[HERE, ("origin", "https://evil.example")], None),
        (&[HERE, ("origin", "http://localhost:3000")], None),
        (&[HERE, ("origin", "null")], None),
        (&[HERE, ("origin", "")], None),
        (&[HERE, ("origin", "http://")], None),
        (&[HERE, ("sec-fetch-site", "cross-site")], None),
        (&[HERE, ("sec-fetch-site", "same-site")], None),
        (
            &[OUTSIDE, ("origin", "http://monitor.contoso.com:8080")],
            EXTERNAL,
        ),
    ];
    for who in [Who::Key, Who::Alice] {
        for (headers, external) in bad {
            let judged = judge(who, "/", headers, *external);
            assert_eq!(judged.visit, None, "{headers:?}");
            assert_eq!(judged.act, Some(Refusal::CrossSite), "{headers:?}");
            assert_eq!(judged.submit, Some(Refusal::CrossSite), "{headers:?}");
        }
    }
    // TLS with users and no external URL: the origin must be its own.
    let own = [OUTSIDE, ("origin", "https://monitor.contoso.com")];
    assert_eq!(judge(Who::Alice, "/", &own, None).submit, None);
    let other = [OUTSIDE, ("origin", "https://evil.example")];
    let judged = judge(Who::Alice, "/", &other, None);
    assert_eq!(judged.submit, Some(Refusal::CrossSite));
}

#[test]
fn cookies_for_https() {
    for (headers, external, secure) in [
        (&[HERE][..], None, false),
        (&[HERE], EXTERNAL, false),
        (&[OUTSIDE], EXTERNAL, true),
        (
            &[HERE, ("origin", "https://monitor.contoso.com")],
            EXTERNAL,
            true,
        ),
        (&[OUTSIDE], Some("http://monitor.contoso.com"), false),
    ] {
        let judged = judge(Who::Key, "/", headers, external);
        assert_eq!(judged.secure, secure, "{headers:?}");
    }
}
