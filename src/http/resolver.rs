//! Names to addresses: overrides from the configuration, else the operating
//! system's resolver, with bounded concurrency.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::failure::is_our_shortage;
use super::{NetFailure, NetFailureKind};
use crate::model::ResolveOverride;

/// `getaddrinfo` blocks a thread for as long as name servers are silent; more
/// than this many at once would starve the pool that files also use.
const LOOKUPS_AT_ONCE: usize = 64;

/// Addresses used of one answer.
const MOST_ADDRESSES: usize = 16;

/// Resolves names. Cheap to clone.
#[derive(Clone)]
pub(super) struct Resolver {
    overrides: Arc<BTreeMap<Arc<str>, ResolveOverride>>,
    permits: Arc<Semaphore>,
}

impl Resolver {
    pub(super) fn new(overrides: &BTreeMap<Arc<str>, ResolveOverride>) -> Self {
        Self {
            overrides: Arc::new(overrides.clone()),
            permits: Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)),
        }
    }

    /// The addresses of a host name or literal. `port` is the one that the URL
    /// names; without one an override's own port counts, else `default_port`.
    pub(super) async fn resolve(
        &self,
        host: &str,
        port: Option<u16>,
        default_port: u16,
    ) -> Result<Vec<SocketAddr>, NetFailure> {
        let bare = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port.unwrap_or(default_port))]);
        }
        if let Some(mut address) = self.overridden(host) {
            if let Some(port) = port {
                address.set_port(port);
            }
            return Ok(vec![address]);
        }
        let addresses = self.look_up(host, port.unwrap_or(default_port)).await?;
        if addresses.is_empty() {
            return Err(NetFailure::new(
                NetFailureKind::Dns,
                format!("{host} has no address"),
            ));
        }
        Ok(addresses)
    }

    /// True if the configuration says where this host is.
    pub(super) fn overrides(&self, host: &str) -> bool {
        self.overridden(host).is_some()
    }

    fn overridden(&self, host: &str) -> Option<SocketAddr> {
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        self.overrides.get(&*name).map(|o| o.address)
    }

    /// The lookup goes on in a task of its own, so that a caller that gives up
    /// does not free its permit while the thread is still blocked.
    async fn look_up(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, NetFailure> {
        let failed = |error: io::Error| {
            let kind = if is_our_shortage(&error) {
                NetFailureKind::Internal
            } else {
                NetFailureKind::Dns
            };
            NetFailure::new(kind, format!("{host} could not be resolved: {error}")).caused_by(error)
        };
        let Ok(permit) = self.permits.clone().acquire_owned().await else {
            return Err(failed(io::Error::other("the resolver is closed")));
        };
        let target = (host.to_owned(), port);
        tokio::spawn(async move {
            let _permit = permit;
            let found = tokio::net::lookup_host(target).await?;
            Ok(found.take(MOST_ADDRESSES).collect())
        })
        .await
        .unwrap_or_else(|gone| Err(io::Error::other(gone)))
        .map_err(failed)
    }
}

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            super::progress::note_phase(crate::model::Phase::Resolve);
            let host = name.as_str();
            // Port 0 tells reqwest to use the URL's or the scheme's.
            let found = match resolver.overridden(host) {
                Some(address) => vec![address],
                None => resolver.look_up(host, 0).await?,
            };
            super::progress::note_phase(crate::model::Phase::Connect);
            Ok(Box::new(found.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver() -> Resolver {
        let address = "127.0.0.1:8445".parse().unwrap();
        Resolver::new(&BTreeMap::from([(
            Arc::from("contoso.sharepoint.com"),
            ResolveOverride { address },
        )]))
    }

    #[tokio::test]
    async fn overrides_and_literals_need_no_dns() {
        let resolver = resolver();
        let ask = async |host, port| resolver.resolve(host, port, 443).await.unwrap();
        assert_eq!(
            ask("Contoso.SharePoint.com.", None).await,
            ["127.0.0.1:8445".parse().unwrap()]
        );
        assert_eq!(
            ask("contoso.sharepoint.com", Some(1)).await,
            ["127.0.0.1:1".parse().unwrap()]
        );
        assert_eq!(ask("[::1]", None).await, ["[::1]:443".parse().unwrap()]);
        assert_eq!(
            ask("192.0.2.1", Some(8)).await,
            ["192.0.2.1:8".parse().unwrap()]
        );
    }
}
