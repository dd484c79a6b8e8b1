//! Names, connections, TLS and proxies: what happens before there is a request.

use super::stage::{Certificate, How, Then};
use super::{Fault, Layer};

fn raw(what: &'static str, bytes: impl Into<Vec<u8>>, then: Then) -> Fault {
    Fault {
        what,
        how: How::Raw(bytes.into(), then),
    }
}

/// A fatal alert in the place of a ServerHello (RFC 8446, section 6).
fn alert(what: &'static str, description: u8) -> Fault {
    raw(what, [21, 3, 3, 0, 2, 2, description], Then::Close)
}

const fn tls(what: &'static str, certificate: Certificate) -> Fault {
    Fault {
        what,
        how: How::Tls(certificate),
    }
}

const fn proxy(what: &'static str, answer: &'static str, then: Then) -> Fault {
    Fault {
        what,
        how: How::Proxy(answer, then),
    }
}

pub(super) fn layers() -> Vec<Layer> {
    vec![
        Layer {
            title: "Names and connections",
            faults: connections(),
        },
        Layer {
            title: "TLS",
            faults: handshakes(),
        },
        Layer {
            title: "Certificates",
            faults: certificates(),
        },
        Layer {
            title: "Proxies",
            faults: proxies(),
        },
    ]
}

fn connections() -> Vec<Fault> {
    const LONG_LABEL: &str =
        "a-label-of-more-than-the-63-characters-that-a-name-may-have-between-its-dots.contoso.com";
    vec![
        Fault {
            what: "the name has a part of more than 63 characters",
            how: How::Name(LONG_LABEL),
        },
        Fault {
            what: "nobody listens on the port",
            how: How::Refused,
        },
        raw("the connection ends at once", "", Then::Close),
        raw("the connection is reset at once", "", Then::Reset),
    ]
}

fn handshakes() -> Vec<Fault> {
    vec![
        raw("nothing comes back", "", Then::Hang),
        raw(
            "a mail server greets",
            "220 mail.contoso.com ESMTP\r\n",
            Then::Close,
        ),
        raw(
            "an SSH server greets",
            "SSH-2.0-OpenSSH_9.2\r\n",
            Then::Close,
        ),
        raw(
            "HTTP without TLS",
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
            Then::Close,
        ),
        raw("zeros", vec![0; 64], Then::Close),
        raw(
            "a record that is cut off",
            [22, 3, 3, 0, 80, 2],
            Then::Close,
        ),
        raw(
            "a record that is too long",
            [22, 3, 3, 255, 255, 2, 0, 0],
            Then::Close,
        ),
        raw(
            "half a record, and nothing more",
            [22, 3, 3, 0, 80, 2],
            Then::Hang,
        ),
        raw(
            "half a record, then a reset",
            [22, 3, 3, 0, 80, 2],
            Then::Reset,
        ),
        raw(
            "a record of SSL 2",
            [128, 46, 1, 0, 2, 0, 5, 0, 0],
            Then::Close,
        ),
        raw(
            "a ServerHello of nonsense",
            [22, 3, 3, 0, 8, 2, 0, 0, 4, 9, 9, 9, 9],
            Then::Close,
        ),
        alert("alert: handshake_failure", 40),
        alert("alert: protocol_version", 70),
        alert("alert: insufficient_security", 71),
        alert("alert: internal_error", 80),
        alert("alert: access_denied", 49),
        alert("alert: unrecognized_name", 112),
        tls("no protocol is agreed on", Certificate::NoProtocol),
        tls(
            "a certificate of ours is asked for",
            Certificate::ClientNeeded,
        ),
    ]
}

fn certificates() -> Vec<Fault> {
    vec![
        tls("of another name", Certificate::OtherName),
        tls("of a wildcard that does not fit", Certificate::Wildcard),
        tls("of no name", Certificate::NoName),
        tls("expired", Certificate::Expired),
        tls("not valid yet", Certificate::NotYet),
        tls("of an unknown authority", Certificate::Stranger),
        tls(
            "of an unknown authority with the name of a trusted one",
            Certificate::SameName,
        ),
        tls("signed by itself", Certificate::SelfSigned),
        tls(
            "of an authority, in the place of a host's",
            Certificate::OfAnAuthority,
        ),
        tls("for clients only", Certificate::ForClients),
        tls(
            "without the one between it and its root",
            Certificate::IntermediateMissing,
        ),
        tls(
            "the one between it and its root expired",
            Certificate::IntermediateExpired,
        ),
        tls("altered after it was signed", Certificate::Tampered),
    ]
}

fn proxies() -> Vec<Fault> {
    vec![
        Fault {
            what: "nobody listens where the proxy should be",
            how: How::NoProxy,
        },
        proxy("it ends the connection", "", Then::Close),
        proxy("it resets the connection", "", Then::Reset),
        proxy("it says nothing", "", Then::Hang),
        proxy(
            "it wants a password",
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n",
            Then::Close,
        ),
        proxy(
            "it forbids the host",
            "HTTP/1.1 403 Forbidden\r\n\r\n",
            Then::Close,
        ),
        proxy(
            "it cannot reach the host",
            "HTTP/1.1 502 Bad Gateway\r\n\r\n",
            Then::Close,
        ),
        proxy(
            "it is overloaded",
            "HTTP/1.1 503 Service Unavailable\r\n\r\n",
            Then::Close,
        ),
        proxy(
            "it gave up waiting",
            "HTTP/1.1 504 Gateway Timeout\r\n\r\n",
            Then::Close,
        ),
        proxy(
            "it sends to a page for people",
            "HTTP/1.1 302 Found\r\nLocation: http://portal.contoso.com/\r\n\r\n",
            Then::Close,
        ),
        proxy(
            "it does not know CONNECT",
            "HTTP/1.0 405 Method Not Allowed\r\n\r\n",
            Then::Close,
        ),
        proxy(
            "it speaks something else",
            "SSH-2.0-OpenSSH_9.2\r\n\r\n",
            Then::Close,
        ),
        proxy("its answer is cut off", "HTTP/1.1 200 Conn", Then::Close),
        proxy(
            "interim answers, then a refusal",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n",
            Then::Close,
        ),
        proxy(
            "interim answers, connected, then nothing",
            "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            Then::Close,
        ),
        proxy(
            "it says more than that it connected us",
            "HTTP/1.1 200 OK\r\n\r\n<html>",
            Then::Close,
        ),
        proxy(
            "connected, then the connection ends",
            "HTTP/1.1 200 OK\r\n\r\n",
            Then::Close,
        ),
        proxy(
            "connected, then nothing comes",
            "HTTP/1.1 200 OK\r\n\r\n",
            Then::Hang,
        ),
        Fault {
            what: "it opens TLS with a root that is not trusted here",
            how: How::Opened,
        },
    ]
}
