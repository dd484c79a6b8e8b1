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
use std::sync::Arc;
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

/// Resolves names. Cheap to clone; clones share the lookups.
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

impl Resolver {
    pub(super) fn new(overrides: &BTreeMap<Arc<str>, ResolveOverride>) -> Self {
        Self::asking(overrides, |name| {
            let found = (name, 0).to_socket_addrs()?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }

    fn asking(
        overrides: &BTreeMap<Arc<str>, ResolveOverride>,
        ask: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            overrides: Arc::new(overrides.clone()),
            lookups: Arc::new(Lookups {
                ask: Box::new(ask),
                places: Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)),
                of_name: Mutex::default(),
            }),
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
mod tests {
    use std::collections::HashSet;
    use std::sync::Condvar;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// A name server that answers when it is told to, and counts.
    #[derive(Default)]
    struct NameServer {
        asked: AtomicUsize,
        silent: (std::sync::Mutex<HashSet<String>>, Condvar),
    }

    impl NameServer {
        fn new(silent: &[&str]) -> Arc<Self> {
            let server = Self::default();
            let names = silent.iter().map(|name| (*name).to_owned());
            server.silent.0.lock().unwrap().extend(names);
            Arc::new(server)
        }

        fn resolver(self: &Arc<Self>) -> Resolver {
            let server = self.clone();
            Resolver::asking(&BTreeMap::new(), move |name| {
                server.asked.fetch_add(1, Ordering::SeqCst);
                let silent = server.silent.0.lock().unwrap();
                let waits = |silent: &mut HashSet<String>| silent.contains(name);
                drop(server.silent.1.wait_while(silent, waits).unwrap());
                match name {
                    "panic" => panic!("a module of the system's"),
                    "nothing" => Ok(vec![]),
                    "unknown" => Err(io::Error::other("no such name")),
                    "many" => Ok((0..40).map(|n| IpAddr::from([192, 0, 2, n])).collect()),
                    _ => Ok(vec![IpAddr::from([192, 0, 2, 1])]),
                }
            })
        }

        fn speak(&self, name: &str) {
            self.silent.0.lock().unwrap().remove(name);
            self.silent.1.notify_all();
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }

        async fn was_asked(&self, times: usize) {
            while self.asked() < times {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn patient(resolver: &Resolver, host: &str, seconds: u64) -> Result<usize, NetFailure> {
        let patience = Duration::from_secs(seconds);
        let found = resolver.resolve(host, None, 443, patience).await?;
        Ok(found.len())
    }

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
        let ask = async |host, port| resolver.resolve(host, port, 443, PATIENCE).await.unwrap();
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

    #[tokio::test]
    async fn what_the_system_says_comes_back_whole() {
        let resolver = NameServer::new(&[]).resolver();
        assert_eq!(patient(&resolver, "many", 9).await.unwrap(), 40);
        for (host, words) in [
            ("nothing", "nothing has no address"),
            ("unknown", "unknown could not be resolved: no such name"),
            ("panic", "panic could not be resolved: the lookup broke off"),
        ] {
            let failure = patient(&resolver, host, 9).await.unwrap_err();
            assert_eq!(failure.kind, NetFailureKind::Dns);
            assert_eq!(failure.detail, words);
        }
        assert!(resolver.lookups.of_name.lock().is_empty());
    }

    #[tokio::test]
    async fn a_silent_name_takes_two_threads_and_nobody_else_waits() {
        let server = NameServer::new(&["silent"]);
        let resolver = server.resolver();
        let ask = |host: &'static str, seconds| {
            let resolver = resolver.clone();
            tokio::spawn(async move { patient(&resolver, host, seconds).await })
        };
        let first: Vec<_> = (0..500).map(|_| ask("silent", 3_600)).collect();
        server.was_asked(1).await;
        assert_eq!(patient(&resolver, "well", 1).await.unwrap(), 1);
        // Nobody has the patience for one that began before now.
        let second = ask("SILENT", 0);
        server.was_asked(3).await;
        let third = ask("silent", 0);
        for _ in 0..50 {
            assert_eq!(patient(&resolver, "well", 1).await.unwrap(), 1);
        }
        assert_eq!(server.asked(), 53, "one and one for the silent name");
        assert!(!third.is_finished());
        server.speak("silent");
        for asked in first.into_iter().chain([second, third]) {
            assert_eq!(asked.await.unwrap().unwrap(), 1);
        }
        // The third had a place again when the first two were over.
        assert_eq!(server.asked(), 54);
        assert!(resolver.lookups.of_name.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_too_old_is_not_joined() {
        let server = NameServer::new(&["slow"]);
        let resolver = server.resolver();
        let ask = |seconds| {
            let resolver = resolver.clone();
            tokio::spawn(async move { patient(&resolver, "slow", seconds).await })
        };
        let first = ask(10);
        server.was_asked(1).await;
        tokio::time::advance(Duration::from_secs(9)).await;
        let joins = ask(10);
        tokio::task::yield_now().await;
        tokio::time::advance(Duration::from_secs(2)).await;
        let does_not = ask(10);
        server.was_asked(2).await;
        let patient = ask(30);
        tokio::task::yield_now().await;
        server.speak("slow");
        for asked in [first, joins, does_not, patient] {
            assert_eq!(asked.await.unwrap().unwrap(), 1);
        }
        assert_eq!(server.asked(), 2);
    }
}
