//! Who may act: see people's names, sign in, reload.
//!
//! Without a web configuration that knows users, only somebody who sits at
//! this machine may. That is harder to say than it sounds: a reverse proxy on
//! the same machine makes every visitor look local, and a foreign page can
//! point a name of its own at 127.0.0.1 (DNS rebinding). So all of this must
//! hold: the peer is loopback, the request says that it wants `localhost`,
//! `127.0.0.1` or `[::1]`, nothing in it tells of a proxy, and no external URL
//! is configured. What is in doubt is a stranger.

mod host;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};

use super::external::ExternalUrl;
pub use host::is_loopback_host;
use host::{asks_for, same_host};

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

fn tells_of_a_proxy(name: &HeaderName) -> bool {
    let name = name.as_str();
    name == "forwarded" || name == "via" || name == "x-real-ip" || name.starts_with("x-forwarded")
}
