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
        let lookups = Lookups::asking(move |name| {
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
        });
        Resolver::with(&BTreeMap::new(), lookups)
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

/// A reload makes a new one; what waits for a silent name goes on waiting.
#[test]
fn another_configuration_joins_the_same_lookups() {
    let (first, second) = (resolver(), Resolver::new(&BTreeMap::new()));
    assert!(Arc::ptr_eq(&first.lookups, &second.lookups));
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
