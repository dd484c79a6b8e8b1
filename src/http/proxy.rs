//! Which proxy a request goes through, for both clients alike.
//!
//! `http.resolve` says where *we* connect to. Through a proxy from the
//! configuration that is the proxy, and CONNECT names the host. A proxy from
//! the environment is not asked for a host that the configuration resolves:
//! what is written down there is meant more than what the shell happens to set.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::proxy_environment::ProxyEnvironment;
use super::resolver::Resolver;
use super::{NetFailure, NetFailureKind, NetworkError};
use crate::files;
use crate::model::{ProxySetting, Secret};

/// Of a file with a URL in it.
const MOST_BYTES: u64 = 64 * 1024;

/// Which proxy there is for what.
pub(super) struct Proxies {
    general: General,
    /// From files that accounts and resources name; with what is wrong, where one
    /// cannot be used: that keeps nobody else from being asked.
    files: Vec<(PathBuf, Result<ProxyServer, String>)>,
}

/// The choice for all, from the configuration or the environment.
enum General {
    /// None.
    Direct,
    /// This one for everything.
    Fixed(ProxyServer),
    /// `HTTPS_PROXY`, `NO_PROXY` and their relatives; where they name none,
    /// what Windows and macOS are set to.
    Environment(Box<(ProxyEnvironment, Matcher)>),
}

/// One HTTP proxy that is asked to CONNECT.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ProxyServer {
    /// A name or a literal, in brackets if it is IPv6.
    pub(super) host: Box<str>,
    pub(super) port: u16,
    /// `Proxy-Authorization`, marked sensitive.
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxies {
    /// Reads the environment and the files that are named.
    pub(super) fn new(
        general: &ProxySetting,
        own: &[Arc<ProxySetting>],
    ) -> Result<Self, NetworkError> {
        let general = match general {
            ProxySetting::Environment => {
                let variables = ProxyEnvironment::read(|name| std::env::var_os(name))?;
                General::Environment(Box::new((variables, Matcher::from_system())))
            }
            ProxySetting::Direct => General::Direct,
            ProxySetting::Fixed(secret) => General::Fixed(ProxyServer::from_secret(secret)?),
            ProxySetting::File(path) => General::Fixed(ProxyServer::from_file(path)?),
        };
        let files = own.iter().filter_map(|setting| match &**setting {
            ProxySetting::File(path) => {
                let server = ProxyServer::from_file(path).map_err(|error| error.to_string());
                Some((path.clone(), server))
            }
            ProxySetting::Environment | ProxySetting::Direct | ProxySetting::Fixed(_) => None,
        });
        Ok(Self {
            general,
            files: files.collect(),
        })
    }

    /// The proxy that an account or a resource names for itself; `None` if it
    /// wants none.
    pub(super) fn own(&self, setting: &ProxySetting) -> Result<Option<ProxyServer>, NetFailure> {
        let unusable = |why: String| NetFailure::new(NetFailureKind::Proxy, why);
        match setting {
            ProxySetting::Environment | ProxySetting::Direct => Ok(None),
            ProxySetting::Fixed(secret) => ProxyServer::from_secret(secret)
                .map(Some)
                .map_err(|error| unusable(error.to_string())),
            ProxySetting::File(path) => {
                let known = self.files.iter().find(|(known, _)| known == path);
                let server = known.map_or_else(
                    || Err("the file of its proxy was not read".to_owned()),
                    |(_, server)| server.clone(),
                );
                server.map(Some).map_err(unusable)
            }
        }
    }

    /// The proxy for a host and port reached by https, if any.
    pub(super) fn for_https(
        &self,
        host: &str,
        port: u16,
        resolver: &Resolver,
    ) -> Result<Option<ProxyServer>, NetFailure> {
        let (variables, system) = match &self.general {
            General::Direct => return Ok(None),
            General::Fixed(server) => return Ok(Some(server.clone())),
            General::Environment(_) if resolver.overrides(host) => return Ok(None),
            General::Environment(both) => &**both,
        };
        if variables.exempts(host, port) {
            return Ok(None);
        }
        if variables.names_one() {
            return variables
                .proxy()
                .map(Option::<&ProxyServer>::cloned)
                .map_err(|why| NetFailure::new(NetFailureKind::Proxy, why));
        }
        let target = http::Uri::builder()
            .scheme("https")
            .authority(format!("{host}:{port}"))
            .path_and_query("/")
            .build()
            .map_err(|error| {
                NetFailure::new(NetFailureKind::Internal, "the host fits no URI").caused_by(error)
            })?;
        let Some(found) = system.intercept(&target) else {
            return Ok(None);
        };
        let uri = found.uri();
        match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(host)) => Ok(Some(ProxyServer {
                host: host.into(),
                port: uri.port_u16().unwrap_or(80),
                authorization: found.basic_auth().cloned(),
            })),
            (scheme, _) => Err(NetFailure::new(
                NetFailureKind::Proxy,
                format!(
                    "the system names a proxy by {}; only http proxies are supported",
                    scheme.unwrap_or("no scheme")
                ),
            )),
        }
    }
}

/// Whether a file holds the URL of a proxy and nothing else.
///
/// # Errors
/// Why it is of no use.
pub(crate) fn proxy_in(path: &Path) -> Result<(), NetworkError> {
    ProxyServer::from_file(path).map(|_| ())
}

impl ProxyServer {
    fn from_secret(url: &Secret) -> Result<Self, NetworkError> {
        let url = Url::parse(url.expose()).map_err(|_| NetworkError::ProxyUrl)?;
        Self::from_url(&url).ok_or(NetworkError::ProxyUrl)
    }

    /// From a file that holds its URL and nothing else.
    fn from_file(path: &Path) -> Result<Self, NetworkError> {
        let refuse = |what: &dyn fmt::Display| NetworkError::ProxyFile {
            sentence: format!("{} {what}", files::shown(path)),
        };
        let text = files::read_text(path, MOST_BYTES).map_err(|error| NetworkError::ProxyFile {
            sentence: error.to_string(),
        })?;
        let line = files::line(&text).map_err(|unfit| refuse(&unfit))?;
        Url::parse(line)
            .ok()
            .and_then(|url| Self::from_url(&url))
            .ok_or_else(|| {
                refuse(&"holds no address of a proxy such as \"http://proxy.contoso.com:3128\"")
            })
    }

    pub(super) fn from_url(url: &Url) -> Option<Self> {
        if url.scheme() != "http" {
            return None;
        }
        let authorization = if url.username().is_empty() && url.password().is_none() {
            None
        } else {
            Some(basic(url)?)
        };
        Some(Self {
            host: url.host_str()?.into(),
            port: url.port_or_known_default()?,
            authorization,
        })
    }

    /// `host:port`, for people.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

fn basic(url: &Url) -> Option<HeaderValue> {
    let mut pair = percent_decode(url.username());
    pair.push(b':');
    pair.extend(percent_decode(url.password().unwrap_or_default()));
    let mut value =
        HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Undoes percent-encoding (RFC 3986); what is not an escape stays.
fn percent_decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let digit = |place: usize| {
        let byte = *bytes.get(place)?;
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_becomes_basic() {
        let url = Url::parse("http://monitor:p%40ss%zz@proxy.contoso.com:3128").unwrap();
        let server = ProxyServer::from_url(&url).unwrap();
        assert_eq!(server.name(), "proxy.contoso.com:3128");
        let value = server.authorization.unwrap();
        assert!(value.is_sensitive());
        let sent = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
        assert_eq!(BASE64_STANDARD.decode(sent).unwrap(), b"monitor:p@ss%zz");
    }

    #[test]
    fn only_http_proxies() {
        let parse = |text| ProxyServer::from_url(&Url::parse(text).unwrap());
        assert!(parse("https://proxy.contoso.com").is_none());
        assert!(parse("socks5://proxy.contoso.com").is_none());
        assert_eq!(parse("http://[::1]").unwrap().name(), "[::1]:80");
    }
}
