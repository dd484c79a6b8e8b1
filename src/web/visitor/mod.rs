//! Who asks, and what that lets them see and do.
//!
//! Everyone who may read the metrics may read the status pages, without what
//! belongs to an operator. What an operator does, or sees alone, is answered
//! only where the request asks for a name that is ours: loopback or the
//! external URL's host, so that a foreign page cannot point a name of its own
//! at this machine (DNS rebinding). A request that showed a password or a
//! certificate may ask for any name: no page makes a browser show those to a
//! name that it does not know them for.

mod host;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};

use super::external::ExternalUrl;
use super::operator::{Actor, Operators};
pub use host::is_loopback_host;
use host::{asks_for, same_host};

/// The address of the peer, put into every request by the accept loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Put by the accept loop into every request that came over TLS: cookies of
/// its answer can be `Secure`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secured {
    /// The names of the certificate that the client showed and that its CA
    /// signed, if it showed one.
    pub verified_client: Option<Arc<[String]>>,
    /// The client showed none, but everything except health needs one.
    pub certificate_missing: bool,
}

/// Put into a request by whoever checked a name and a password, or a client's
/// certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authenticated {
    /// The user whose password was right.
    pub user: Option<Arc<str>>,
    /// The subject alternative names of the certificate.
    pub certificate: Arc<[String]>,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The Host is neither loopback nor the external URL's.
    #[error(
        "this answers to http://localhost, http://127.0.0.1 and the host of --web.external-url only"
    )]
    Misdirected,
    /// Nobody who may.
    #[error(
        "this belongs to an operator: open the link that `m365mon open` prints where m365mon runs \
         (docs/operators.md)"
    )]
    NotOperator,
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
            Self::NotOperator | Self::CrossSite => StatusCode::FORBIDDEN,
        }
    }
}

/// The rules, for one request.
pub(super) struct Visitor<'a> {
    parts: &'a Parts,
    operators: &'a Operators,
    external_url: Option<&'a ExternalUrl>,
}

impl<'a> Visitor<'a> {
    pub(super) fn new(
        parts: &'a Parts,
        operators: &'a Operators,
        external_url: Option<&'a ExternalUrl>,
    ) -> Self {
        Self {
            parts,
            operators,
            external_url,
        }
    }

    fn authenticated(&self) -> Option<&'a Authenticated> {
        self.parts.extensions.get()
    }

    /// Whether the name that is asked for is ours.
    ///
    /// # Errors
    ///
    /// If it is not.
    pub(super) fn at_home(&self) -> Result<(), Refusal> {
        let is_external = |host: &str| self.external_url.is_some_and(|url| url.is_host(host));
        let is_ours = |host: &str| is_loopback_host(host) || is_external(host);
        if self.authenticated().is_some() || asks_for(self.parts, is_ours) {
            Ok(())
        } else {
            Err(Refusal::Misdirected)
        }
    }

    /// Which operator asks; `None` for everyone else, and at a name that is not
    /// ours.
    pub(super) fn operator(&self) -> Option<Actor> {
        self.at_home().ok()?;
        self.operators.of(self.authenticated(), &self.parts.headers)
    }

    /// Whether the request may see what belongs to an operator.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(super) fn may_visit(&self) -> Result<Actor, Refusal> {
        self.at_home()?;
        self.operator().ok_or(Refusal::NotOperator)
    }

    /// Whether the request may do what belongs to an operator.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(super) fn may_act(&self) -> Result<Actor, Refusal> {
        let actor = self.may_visit()?;
        self.same_site()?;
        Ok(actor)
    }

    /// As [`Self::may_act`] for what only a browser's form sends: it must say
    /// where it comes from, as every browser does.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(super) fn may_submit(&self) -> Result<Actor, Refusal> {
        let actor = self.may_act()?;
        self.says_its_site()?;
        Ok(actor)
    }

    /// Whether a form says where it comes from.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub(super) fn says_its_site(&self) -> Result<(), Refusal> {
        let says = |name: &str| self.parts.headers.contains_key(name);
        if says("origin") || says("sec-fetch-site") {
            Ok(())
        } else {
            Err(Refusal::CrossSite)
        }
    }

    /// Browsers say where a request comes from and let no page change that;
    /// programs say nothing, and no page can make them ask.
    ///
    /// # Errors
    ///
    /// If a page of another site sent it.
    pub(super) fn same_site(&self) -> Result<(), Refusal> {
        let site = self.parts.headers.get_all("sec-fetch-site").iter();
        let same_site = |site: &HeaderValue| site == "same-origin" || site == "none";
        let origins = self.parts.headers.get_all(header::ORIGIN).iter();
        let same_origin = |origin: &HeaderValue| {
            origin.to_str().is_ok_and(|origin| {
                let host = origin
                    .strip_prefix("https://")
                    .or_else(|| origin.strip_prefix("http://"));
                host.is_some_and(|host| asks_for(self.parts, |asked| same_host(asked, host)))
                    || self.external_url.is_some_and(|url| url.is_origin(origin))
            })
        };
        if site.into_iter().all(same_site) && origins.into_iter().all(same_origin) {
            Ok(())
        } else {
            Err(Refusal::CrossSite)
        }
    }

    /// Whether what the browser keeps of the answer must travel over https: it
    /// came so, or a proxy in front takes it so.
    pub(super) fn is_secure(&self) -> bool {
        let through_proxy = || {
            let external = self.external_url.filter(|url| url.scheme() == "https");
            external.is_some_and(|url| {
                let origin = self.parts.headers.get(header::ORIGIN);
                let from_there =
                    origin.is_some_and(|origin| origin.to_str().is_ok_and(|o| url.is_origin(o)));
                from_there || asks_for(self.parts, |host| url.is_host(host))
            })
        };
        self.parts.extensions.get::<Secured>().is_some() || through_proxy()
    }
}
