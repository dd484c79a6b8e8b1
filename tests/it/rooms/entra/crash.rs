//! `kill -9` while refresh tokens rotate: the account is never lost.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use m365mon::entra::{Tokens, Wanted};
use m365mon::model::{Clock, IgnoreAccounts, Random as _, Story, SystemRandom};
use m365mon_simulator::directory as contoso;
use m365mon_simulator::entra::approve_device;

use super::cloud::{Cloud, graph, steve, store};
use crate::support::stack::{Process, http};

/// 60, or as many as `M365MON_TEST_KILLS` says.
fn kills() -> usize {
    std::env::var("M365MON_TEST_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(60)
}

/// Probed on a scrape, for two audiences: each start of the exporter brings two
/// new refresh tokens.
fn configuration(cloud: &Cloud, upn: &str) -> PathBuf {
    let path = cloud.configuration(upn);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("defaults: {{mode: on_scrape}}\n{text}")).unwrap();
    path
}

/// An exporter that has begun to ask for tokens.
async fn asking(cloud: &Cloud, configuration: &Path) -> Process {
    let before = cloud.requests();
    let file = configuration.to_owned();
    let exporter = tokio::task::spawn_blocking(move || {
        let (exporter, address) = Process::serve(&file, &[]);
        // Ends with the exporter.
        std::thread::spawn(move || http(address, "GET", "/metrics", &[], ""));
        exporter
    })
    .await
    .unwrap();
    cloud.more_requests_than(before).await;
    exporter
}

/// Kills it at a random moment of its rotations.
async fn kill(mut exporter: Process) {
    // Not a wait for anything: the moment is what the test varies.
    tokio::time::sleep(SystemRandom::new().jitter(Duration::from_millis(30), 1.0)).await;
    tokio::task::spawn_blocking(move || {
        exporter.signal("KILL");
        assert_eq!(exporter.exit_code(), -1, "killed by a signal");
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_refresh_tokens_rotate() {
    let cloud = Cloud::start().await;
    let account = steve();
    let consent = cloud.consent();
    let code = consent.device_code(&account, &Wanted::new()).await.unwrap();
    let upn = format!("steve@{}", contoso::DOMAIN);
    approve_device(&cloud.tenant, code.user_code(), &upn).unwrap();
    consent.finish_device(&account, code).await.unwrap();
    let configuration = configuration(&cloud, &upn);

    let (kills, before) = (kills(), cloud.requests());
    for number in 0..kills {
        kill(asking(&cloud, &configuration).await).await;
        let status = consent.status(&account).await;
        assert!(
            matches!(&status, Ok(Some(status)) if status.ended.is_none()),
            "after kill {number}: {status:?}"
        );
    }
    println!("{kills} kills, {} rotations", cloud.requests() - before);

    // What a backup took at some instant works as well.
    let copy = tempfile::tempdir().unwrap();
    let exporter = asking(&cloud, &configuration).await;
    for name in ["m365mon.tokens", "m365mon.key"] {
        std::fs::copy(cloud.path(name), copy.path().join(name)).unwrap();
    }
    kill(exporter).await;
    for folder in [copy.path(), cloud.folder.path()] {
        works(folder, &cloud).await;
    }
    let left: Vec<_> = std::fs::read_dir(cloud.folder.path()).unwrap().collect();
    assert!(
        left.len() <= 6,
        "what the killed left behind is taken away by the next: {left:?}"
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
