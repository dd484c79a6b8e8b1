//! `kill -9` while refresh tokens rotate: the account is never lost.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use m365mon::entra::{Tokens, Wanted};
use m365mon::model::{Clock, IgnoreAccounts, Random as _, Story, SystemRandom};
use m365mon::simulator::directory as contoso;
use m365mon::simulator::entra::approve_device;

use super::cloud::{Cloud, client, graph, steve, store};

const FOLDER: &str = "M365MON_TEST_CRASH_FOLDER";
const ADDRESS: &str = "M365MON_TEST_CRASH_ADDRESS";
const KILLS: &str = "M365MON_TEST_KILLS";

/// 60, or as many as the environment says.
fn kills() -> usize {
    std::env::var(KILLS)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(60)
}

/// The process that is killed: it asks for a token again and again with a new
/// cache, so that each brings a new refresh token. Does nothing unless the
/// test below started it.
#[tokio::test]
#[ignore = "started by another test"]
async fn rotate() {
    let (Ok(folder), Ok(address)) = (std::env::var(FOLDER), std::env::var(ADDRESS)) else {
        return;
    };
    let (folder, address): (PathBuf, SocketAddr) = (folder.into(), address.parse().unwrap());
    let client = client(&folder, address);
    let account = steve();
    loop {
        let tokens = Tokens::new(
            client.clone(),
            store(&folder),
            Clock::system(),
            Arc::new(SystemRandom::new()),
            Arc::new(IgnoreAccounts),
        );
        tokens
            .access_token(&account, &graph(), &Story::untold())
            .await
            .unwrap();
        println!("rotated");
    }
}

fn start(cloud: &Cloud) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "entra::crash::rotate",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, cloud.folder.path())
        .env(ADDRESS, cloud.address().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// One item each time that it has rotated.
fn rotations_of(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter(|line| line.contains("rotated"))
}

/// Lets it rotate once, and a random time more, then kills it.
fn rotate_and_kill(cloud: &Cloud) -> usize {
    let mut child = start(cloud);
    let mut rotations = rotations_of(&mut child);
    assert!(rotations.next().is_some(), "it rotates");
    std::thread::park_timeout(SystemRandom::new().jitter(Duration::from_millis(20), 1.0));
    child.kill().unwrap();
    child.wait().unwrap();
    1 + rotations.count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_refresh_tokens_rotate() {
    let cloud = Arc::new(Cloud::start().await);
    let account = steve();
    let consent = cloud.consent();
    let code = consent.device_code(&account, &Wanted::new()).await.unwrap();
    let upn = format!("steve@{}", contoso::DOMAIN);
    approve_device(&cloud.tenant, code.user_code(), &upn).unwrap();
    consent.finish_device(&account, code).await.unwrap();

    let (kills, mut rotations) = (kills(), 0);
    for kill in 0..kills {
        let killing = Arc::clone(&cloud);
        rotations += tokio::task::spawn_blocking(move || rotate_and_kill(&killing))
            .await
            .unwrap();
        let status = consent.status(&account).await;
        assert!(
            matches!(status, Ok(Some(_))),
            "after kill {kill}: {status:?}"
        );
    }
    assert!(rotations >= kills);
    println!("{kills} kills, {rotations} rotations");

    // What a backup took at some instant works as well.
    let copy = tempfile::tempdir().unwrap();
    let mut child = Killed(start(&cloud));
    let mut rotations = rotations_of(&mut child.0);
    // Kept, for a child that cannot print any more ends.
    let _reading = tokio::task::spawn_blocking(move || {
        assert!(rotations.next().is_some(), "it rotates");
        rotations
    })
    .await
    .unwrap();
    for name in ["m365mon.tokens", "m365mon.key"] {
        std::fs::copy(cloud.path(name), copy.path().join(name)).unwrap();
    }
    drop(child);
    for folder in [copy.path(), cloud.folder.path()] {
        works(folder, &cloud).await;
    }
    let left: Vec<_> = std::fs::read_dir(cloud.folder.path()).unwrap().collect();
    assert!(
        left.len() <= 4 + kills,
        "temporary files of the killed, at most one each"
    );
}

async fn works(folder: &Path, cloud: &Cloud) {
    let tokens = Tokens::new(
        cloud.client(),
        store(folder),
        Clock::system(),
        Arc::new(SystemRandom::new()),
        Arc::new(IgnoreAccounts),
    );
    let token = tokens
        .access_token(&steve(), &graph(), &Story::untold())
        .await
        .unwrap();
    cloud.tenant.tokens.verify(token.secret().expose()).unwrap();
}

/// Ends a process when the test does.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}
