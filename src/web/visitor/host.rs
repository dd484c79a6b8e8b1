//! Which host a request asks for.

use axum::http::header;
use axum::http::request::Parts;
use axum::http::uri::Authority;

/// Names of hosts in any spelling of their letters; an empty one is like none.
pub(super) fn same_host(one: &str, other: &str) -> bool {
    !one.is_empty() && one.eq_ignore_ascii_case(other)
}

/// True if the request names a host that `wanted` accepts, and no other.
///
/// HTTP/1.1 names it in `Host`, HTTP/2 in `:authority` (which hyper puts into
/// the URI), a request meant for a proxy in the URI. Whatever is there must be
/// accepted, and something must be there.
pub(super) fn asks_for(parts: &Parts, wanted: impl Fn(&str) -> bool) -> bool {
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
