//! What all outgoing requests share.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use url::Url;

use super::NetFailure;
use super::proxy::{Proxies, ProxyServer};
use super::resolver::Resolver;
use super::tls::ClientTls;
use crate::model::{HttpSettings, ProxySetting};

/// Roots, resolver, proxy and User-Agent. Cheap to clone; built anew when the
/// settings change.
#[derive(Clone)]
pub struct Network(Arc<Inner>);

pub(super) struct Inner {
    pub(super) tls: ClientTls,
    pub(super) resolver: Resolver,
    pub(super) proxies: Proxies,
    pub(super) user_agent: HeaderValue,
}

/// The way of a request out of here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Route {
    /// By name service, straight to the host.
    Direct,
    /// To where `http.resolve` says that the host is.
    Configured,
    /// Through this proxy, `host:port`.
    Proxy(String),
}

/// Why the settings make no network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// `ca_file` is of no use. What it holds is not shown.
    #[error("{sentence}")]
    Roots {
        /// Which file, what is wrong, and what mends it.
        sentence: String,
    },
    /// The proxy's URL; not shown, it may hold a password.
    #[error("the proxy must be an http URL with a host")]
    ProxyUrl,
    /// `proxy_url_file` is of no use. What it holds is not shown.
    #[error("{sentence}")]
    ProxyFile {
        /// Which file, and what is wrong.
        sentence: String,
    },
    /// A proxy's variable of the environment; its value is not shown, it may
    /// hold a password.
    #[error("{variable} in the environment {problem}")]
    ProxyVariable {
        /// Its name.
        variable: &'static str,
        /// What is wrong with what it holds.
        problem: &'static str,
    },
    /// The User-Agent cannot be sent.
    #[error("the user agent must be visible ASCII")]
    UserAgent,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[source] rustls::Error),
    /// The roots make no verifier.
    #[error("TLS cannot be set up: {0}")]
    Verifier(#[source] rustls::client::VerifierBuilderError),
    /// The client cannot be built.
    #[error("the HTTP client cannot be built: {0}")]
    Client(#[source] reqwest::Error),
}

impl Network {
    /// Reads the roots and the proxy's environment; touches no network.
    ///
    /// # Errors
    /// When `ca_file` or the proxy's URL is not usable.
    pub fn new(settings: &HttpSettings) -> Result<Self, NetworkError> {
        Ok(Self(Arc::new(Inner {
            tls: ClientTls::new(settings.ca_file.as_deref())?,
            resolver: Resolver::new(&settings.resolve),
            proxies: Proxies::new(&settings.proxy, &settings.own_proxies)?,
            user_agent: HeaderValue::from_str(&settings.user_agent)
                .map_err(|_| NetworkError::UserAgent)?,
        })))
    }

    /// Which way a request to an https URL goes from here; `own`: what its
    /// account or resource says of proxies.
    ///
    /// # Errors
    /// When the proxy that is named cannot be used.
    pub fn route_to(&self, url: &Url, own: Option<&ProxySetting>) -> Result<Route, NetFailure> {
        let host = url.host_str().unwrap_or_default();
        Ok(match self.0.proxy_for(url, own)? {
            Some(proxy) => Route::Proxy(proxy.name()),
            None if self.0.resolver.overrides(host) => Route::Configured,
            None => Route::Direct,
        })
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    /// The proxy for an https URL, if any: the sender's `own`, else as `http` says.
    pub(super) fn proxy_for(
        &self,
        url: &Url,
        own: Option<&ProxySetting>,
    ) -> Result<Option<ProxyServer>, NetFailure> {
        if let Some(own) = own {
            return self.proxies.own(own);
        }
        let host = url.host_str().unwrap_or_default();
        self.proxy_for_host(host, url.port().unwrap_or(443))
    }

    /// The proxy for a host and port, if any.
    pub(super) fn proxy_for_host(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Option<ProxyServer>, NetFailure> {
        self.proxies.for_https(host, port, &self.resolver)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}
