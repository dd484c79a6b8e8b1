//! HTTP: what comes back once there is a request.

use super::frames::frames;
use super::stage::{How, Speaks, Then, gzip};
use super::{Fault, Layer, TOKEN};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

pub(super) fn good() -> String {
    format!(r#"{{"value":[],"access_token":"{TOKEN}","token_type":"Bearer","expires_in":3600}}"#)
}

fn http1(what: &'static str, bytes: impl Into<Vec<u8>>, then: Then) -> Fault {
    Fault {
        what,
        how: How::Answer(Speaks::Http1, bytes.into(), then),
    }
}

/// A whole answer; its headers end in line breaks.
fn whole(what: &'static str, status: &str, headers: &str, body: impl AsRef<[u8]>) -> Fault {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    http1(what, [head.as_bytes(), body].concat(), Then::Close)
}

fn json(what: &'static str, status: &str, body: impl AsRef<[u8]>) -> Fault {
    whole(what, status, "Content-Type: application/json\r\n", body)
}

pub(super) fn layers() -> Vec<Layer> {
    vec![
        Layer {
            title: "HTTP/1.1: answers that are none",
            faults: broken(),
        },
        Layer {
            title: "Bodies",
            faults: bodies(),
        },
        Layer {
            title: "Statuses",
            faults: statuses(),
        },
        Layer {
            title: "HTTP/2",
            faults: frames(),
        },
    ]
}

fn broken() -> Vec<Fault> {
    let good = good();
    let length = good.len();
    let many = "X-Header: y\r\n".repeat(200);
    let long = "y".repeat(1_000_000);
    vec![
        http1("the connection ends before an answer", "", Then::Close),
        http1("the connection is reset before an answer", "", Then::Reset),
        http1("no answer comes", "", Then::Hang),
        http1(
            "another protocol answers",
            "SSH-2.0-OpenSSH_9.2\r\n\r\n",
            Then::Close,
        ),
        http1(
            "a page without a head (HTTP/0.9)",
            "<html>hello</html>",
            Then::Close,
        ),
        http1(
            "an answer of HTTP/3.0",
            "HTTP/3.0 200 OK\r\n\r\n",
            Then::Close,
        ),
        http1(
            "a status that is no number",
            "HTTP/1.1 abc OK\r\n\r\n",
            Then::Close,
        ),
        http1(
            "a status of two digits",
            "HTTP/1.1 20 OK\r\n\r\n",
            Then::Close,
        ),
        http1("half a status line", "HTTP/1.1 20", Then::Close),
        http1("half a head", format!("{OK}Content-"), Then::Close),
        http1(
            "half a head, and nothing more",
            format!("{OK}Content-"),
            Then::Hang,
        ),
        http1(
            "half a head, then a reset",
            format!("{OK}Content-"),
            Then::Reset,
        ),
        http1(
            "a header without a name",
            format!("{OK}: x\r\n\r\n{{}}"),
            Then::Close,
        ),
        http1(
            "a zero byte in a header",
            format!("{OK}X: a\0b\r\n\r\n{{}}"),
            Then::Close,
        ),
        http1("200 headers", format!("{OK}{many}\r\n{good}"), Then::Close),
        http1(
            "a header of a megabyte",
            format!("{OK}X: {long}\r\n\r\n{good}"),
            Then::Close,
        ),
        http1(
            "two lengths",
            format!("{OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"),
            Then::Close,
        ),
        http1(
            "a length below zero",
            format!("{OK}Content-Length: -1\r\n\r\n{{}}"),
            Then::Close,
        ),
        http1(
            "only interim answers",
            "HTTP/1.1 100 Continue\r\n\r\n",
            Then::Close,
        ),
        http1(
            "an interim answer before a good one",
            format!("HTTP/1.1 103 Early Hints\r\n\r\n{OK}Content-Length: {length}\r\n\r\n{good}"),
            Then::Close,
        ),
        http1(
            "another protocol is switched to",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            Then::Close,
        ),
    ]
}

fn bodies() -> Vec<Fault> {
    let good = good();
    let chunked = format!("{OK}Transfer-Encoding: chunked\r\n\r\n");
    let packed = |body: &[u8]| {
        let headers = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
        (headers, body.to_vec())
    };
    let (gzipped, bomb) = packed(&gzip(&vec![b' '; 64 << 20]));
    let whole_gzip = gzip(good.as_bytes());
    let html = "Content-Type: text/html\r\n";
    vec![
        http1(
            "it is cut off",
            format!("{OK}Content-Length: 999\r\n\r\n{{"),
            Then::Close,
        ),
        http1(
            "it is cut off by a reset",
            format!("{OK}Content-Length: 999\r\n\r\n{{"),
            Then::Reset,
        ),
        http1(
            "it never ends",
            format!("{OK}Content-Length: 999\r\n\r\n{{"),
            Then::Hang,
        ),
        http1(
            "a chunk has no length",
            format!("{chunked}zz\r\n{{}}\r\n"),
            Then::Close,
        ),
        http1(
            "chunks are cut off",
            format!("{chunked}2\r\n{{}}\r\n"),
            Then::Close,
        ),
        http1(
            "it has 2 MiB",
            format!("{OK}\r\n{}", " ".repeat(2 << 20)),
            Then::Close,
        ),
        whole("64 MiB of spaces, packed", "200 OK", gzipped, bomb),
        whole(
            "it is said to be packed, and is not",
            "200 OK",
            gzipped,
            &good,
        ),
        whole(
            "it is packed, and cut off",
            "200 OK",
            gzipped,
            &whole_gzip[..whole_gzip.len() / 2],
        ),
        whole(
            "it is packed in a way that was not asked for",
            "200 OK",
            "Content-Type: application/json\r\nContent-Encoding: br\r\n",
            &good,
        ),
        json("it is empty", "200 OK", ""),
        whole("it is empty, and said to be packed", "200 OK", gzipped, ""),
        whole(
            "a page",
            "200 OK",
            html,
            "<html><body>Welcome</body></html>",
        ),
        json("a page that is said to be JSON", "200 OK", "<html></html>"),
        whole("JSON that is said to be a page", "200 OK", html, &good),
        whole("JSON of which nothing is said", "200 OK", "", &good),
        json("half of it", "200 OK", &good[..good.len() / 2]),
        json(
            "broken UTF-8",
            "200 OK",
            [
                b"{\"value\":[{\"displayName\":\"\xff\xfe\"}],\"access_token\":\"\xff\"}"
                    .as_slice(),
            ]
            .concat(),
        ),
        json("another JSON", "200 OK", r#"{"something":"else"}"#),
        json(
            "items that are no objects",
            "200 OK",
            r#"{"value":[1],"access_token":1,"expires_in":1}"#,
        ),
        json("a list without a name", "200 OK", "[]"),
        json(
            "an error in a 200",
            "200 OK",
            r#"{"error":{"code":"generalException","message":"x"}}"#,
        ),
        json("50,000 brackets", "200 OK", "[".repeat(50_000)),
    ]
}

fn statuses() -> Vec<Fault> {
    let html = "Content-Type: text/html\r\n";
    let signed = "Content-Type: application/json\r\nrequest-id: 81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f\r\nx-ms-request-id: 81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f\r\n";
    let denied = r#"{"error":{"code":"accessDenied","message":"x"}}"#;
    vec![
        whole("204", "204 No Content", "", ""),
        json("206", "206 Partial Content", good()),
        whole(
            "301 to another host",
            "301 Moved",
            "Location: https://contoso.com/\r\n",
            "",
        ),
        whole(
            "302 to the sign-in page",
            "302 Found",
            "Location: https://login.microsoftonline.com/\r\n",
            "",
        ),
        whole(
            "302 to Throttle.htm",
            "302 Found",
            "Location: /_layouts/15/Throttle.htm\r\n",
            "",
        ),
        whole("302 without an address", "302 Found", "", ""),
        whole("304", "304 Not Modified", "", ""),
        whole(
            "400, signed",
            "400 Bad Request",
            signed,
            r#"{"error":{"code":"BadRequest"}}"#,
        ),
        whole(
            "401, signed",
            "401 Unauthorized",
            signed,
            r#"{"error":{"code":"InvalidAuthenticationToken"}}"#,
        ),
        whole(
            "401 that means 429",
            "401 Unauthorized",
            html,
            "429 TOO MANY REQUESTS",
        ),
        whole("401 of nobody", "401 Unauthorized", html, "<html></html>"),
        whole("403, signed", "403 Forbidden", signed, denied),
        whole(
            "403 of nobody, a page",
            "403 Forbidden",
            html,
            "<html>blocked</html>",
        ),
        whole(
            "403 of a proxy that names itself",
            "403 Forbidden",
            "Via: 1.1 proxy.contoso.com (squid/6.6)\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\nContent-Type: text/html\r\n",
            "<html></html>",
        ),
        whole(
            "404, signed",
            "404 Not Found",
            signed,
            r#"{"error":{"code":"itemNotFound"}}"#,
        ),
        whole(
            "404 of nobody, a page",
            "404 Not Found",
            html,
            "<html></html>",
        ),
        whole("407", "407 Proxy Authentication Required", "", ""),
        whole(
            "423",
            "423 Locked",
            signed,
            r#"{"error":{"code":"resourceLocked"}}"#,
        ),
        whole("429", "429 Too Many Requests", "Retry-After: 31\r\n", ""),
        whole(
            "429 in a form that nobody knows",
            "429 Too Many Requests",
            "Retry-After: soon\r\n",
            "",
        ),
        whole("500", "500 Internal Server Error", "", ""),
        whole("502, a page", "502 Bad Gateway", html, "<html></html>"),
        whole(
            "503 with a wait",
            "503 Service Unavailable",
            "Retry-After: 3600\r\n",
            "",
        ),
        whole(
            "503 that names us",
            "503 Service Unavailable",
            signed,
            r#"{"error":{"code":"activityLimitReached"}}"#,
        ),
        whole("509", "509 Bandwidth Limit Exceeded", "", ""),
        whole(
            "511, a portal",
            "511 Network Authentication Required",
            html,
            "<html></html>",
        ),
        whole("599", "599 Unknown", "", ""),
        whole("999", "999 Unknown", "", ""),
    ]
}
