//! Names to addresses: overrides from the configuration, else the operating
//! system's resolver, for it is what the programs of users ask.
//!
//! `getaddrinfo` blocks a thread for as long as name servers are silent. So:
//! - One lookup of a name is in flight, and whoever wants the same name joins
//!   it; one that is older than the asker may wait is not joined, a second one
//!   is begun beside it, and never a third.
//! - Each lookup has a thread of its own, apart from those that read files.
//!   Nobody waits for another host's name: a host whose name server is silent
//!   takes two of [`LOOKUPS_AT_ONCE`] places, however often it is asked for.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::failure::is_our_shortage;
use super::{NetFailure, NetFailureKind};
use crate::model::ResolveOverride;

/// Threads that wait for name servers; for more than half as many silent hosts.
const LOOKUPS_AT_ONCE: usize = 256;
/// Lookups of one name: the one that everybody joins, and the one that is
/// begun when that has become too old.
const LOOKUPS_OF_A_NAME: usize = 2;
/// What `getaddrinfo` and the modules that it loads get by with.
const STACK: usize = 512 << 10;

/// Asks the operating system; replaced in tests.
type Ask = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;
/// What a lookup found, shared by all who wait for it.
type Found = Result<Arc<[IpAddr]>, Arc<io::Error>>;
type Waiting = watch::Receiver<Option<Found>>;

/// Resolves names. Cheap to clone; all of a process share the lookups.
#[derive(Clone)]
pub(super) struct Resolver {
    overrides: Arc<BTreeMap<Arc<str>, ResolveOverride>>,
    lookups: Arc<Lookups>,
}

/// The lookups in flight.
struct Lookups {
    ask: Box<Ask>,
    places: Arc<Semaphore>,
    of_name: Mutex<BTreeMap<Box<str>, Vec<Lookup>>>,
}

/// One lookup in flight.
struct Lookup {
    began: Instant,
    found: Waiting,
}

/// What the operating system is being asked: one list for the process, for a
/// thread that waits for a name server outlives the configuration that began it.
static OF_THE_SYSTEM: LazyLock<Arc<Lookups>> = LazyLock::new(|| {
    Lookups::asking(|name| {
        let found = (name, 0).to_socket_addrs()?;
        Ok(found.map(|address| address.ip()).collect())
    })
});

impl Lookups {
    fn asking(ask: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            ask: Box::new(ask),
            places: Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)),
            of_name: Mutex::default(),
        })
    }
}

impl Resolver {
    pub(super) fn new(overrides: &BTreeMap<Arc<str>, ResolveOverride>) -> Self {
        Self::with(overrides, Arc::clone(&OF_THE_SYSTEM))
    }

    fn with(overrides: &BTreeMap<Arc<str>, ResolveOverride>, lookups: Arc<Lookups>) -> Self {
        Self {
            overrides: Arc::new(overrides.clone()),
            lookups,
        }
    }

    /// The addresses of a host name or literal. `port` is the one that the URL
    /// names; without one an override's own port counts, else `default_port`.
    /// `patience` is how long the asker may wait altogether; it is the asker
    /// who then gives up.
    pub(super) async fn resolve(
        &self,
        host: &str,
        port: Option<u16>,
        default_port: u16,
        patience: Duration,
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
        let port = port.unwrap_or(default_port);
        let found = self.look_up(host, patience).await?;
        Ok(found.iter().map(|ip| SocketAddr::new(*ip, port)).collect())
    }

    /// True if the configuration says where this host is.
    pub(super) fn overrides(&self, host: &str) -> bool {
        self.overridden(host).is_some()
    }

    fn overridden(&self, host: &str) -> Option<SocketAddr> {
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        self.overrides.get(&*name).map(|o| o.address)
    }

    /// All addresses of a name; at least one.
    async fn look_up(&self, host: &str, patience: Duration) -> Result<Arc<[IpAddr]>, NetFailure> {
        match self.lookups.find(host, patience).await {
            Ok(found) if found.is_empty() => Err(NetFailure::new(
                NetFailureKind::Dns,
                format!("{host} has no address"),
            )),
            Ok(found) => Ok(found),
            Err(error) => {
                let kind = if is_our_shortage(&error) {
                    NetFailureKind::Internal
                } else {
                    NetFailureKind::Dns
                };
                let detail = format!("{host} could not be resolved: {error}");
                Err(NetFailure::new(kind, detail).caused_by(error))
            }
        }
    }
}

impl Lookups {
    async fn find(self: &Arc<Self>, host: &str, patience: Duration) -> Found {
        let name = host.to_ascii_lowercase();
        loop {
            let (mut found, joined) = self.join_or_begin(&name, patience);
            // A sender that went away without a word: its thread panicked.
            let result = match found.wait_for(Option::is_some).await {
                Ok(result) => result.clone(),
                Err(_) => Some(Err(Arc::new(io::Error::other("the lookup broke off")))),
            };
            if let Some(result) = result.filter(|_| joined) {
                return result;
            }
            // One of two that were too old is over: there is a place again.
        }
    }

    /// The lookup to wait for, and whether its result is the answer: with two
    /// in flight that are too old, the end of the older is waited for.
    fn join_or_begin(self: &Arc<Self>, name: &str, patience: Duration) -> (Waiting, bool) {
        let mut of_name = self.of_name.lock();
        let lookups = of_name.entry(name.into()).or_default();
        let young = lookups
            .iter()
            .find(|lookup| lookup.began.elapsed() < patience);
        if let Some(young) = young {
            return (young.found.clone(), true);
        }
        if let Some(oldest) = lookups.first()
            && lookups.len() >= LOOKUPS_OF_A_NAME
        {
            return (oldest.found.clone(), false);
        }
        let (sender, found) = watch::channel(None);
        lookups.push(Lookup {
            began: Instant::now(),
            found: found.clone(),
        });
        let ended = Ended {
            lookups: self.clone(),
            name: name.into(),
            found: found.clone(),
        };
        tokio::spawn(self.clone().begin(sender, ended));
        (found, true)
    }

    /// Runs one lookup in a thread of its own, as soon as there is a place.
    /// Whoever gives up does not free the place while the thread is blocked.
    async fn begin(self: Arc<Self>, sender: watch::Sender<Option<Found>>, ended: Ended) {
        let place = self.places.clone().acquire_owned().await;
        let sender = Arc::new(sender);
        let tell = sender.clone();
        let thread = std::thread::Builder::new()
            .name("resolve".to_owned())
            .stack_size(STACK);
        let work = move || {
            let _place: Option<OwnedSemaphorePermit> = place.ok();
            let found = (self.ask)(&ended.name).map(Arc::from).map_err(Arc::new);
            // Out of the list first: whoever comes now looks up anew.
            drop(ended);
            tell.send_replace(Some(found));
        };
        if let Err(error) = thread.spawn(work) {
            // The machine's limit, and no fault of the name.
            let shortage = format!("no thread for it: {error}");
            let error = io::Error::new(io::ErrorKind::OutOfMemory, shortage);
            sender.send_replace(Some(Err(Arc::new(error))));
        }
    }
}

/// Takes a lookup out of the list when it is over, however it ended.
struct Ended {
    lookups: Arc<Lookups>,
    name: Box<str>,
    found: Waiting,
}

impl Drop for Ended {
    fn drop(&mut self) {
        let mut of_name = self.lookups.of_name.lock();
        if let Some(lookups) = of_name.get_mut(&self.name) {
            lookups.retain(|lookup| !lookup.found.same_channel(&self.found));
            if lookups.is_empty() {
                of_name.remove(&self.name);
            }
        }
    }
}

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let resolver = self.clone();
        let patience = super::progress::patience();
        Box::pin(async move {
            super::progress::note_phase(crate::model::Phase::Resolve);
            let host = name.as_str();
            // Port 0 tells reqwest to use the URL's or the scheme's.
            let found: Vec<SocketAddr> = match resolver.overridden(host) {
                Some(address) => vec![address],
                None => {
                    let found = resolver.look_up(host, patience).await?;
                    found.iter().map(|ip| SocketAddr::new(*ip, 0)).collect()
                }
            };
            super::progress::note_phase(crate::model::Phase::Connect);
            Ok(Box::new(found.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
