//! The platform's own endpoint for managed identities, on a bad day (Microsoft:
//! "How to use managed identities on an Azure VM to acquire an access token",
//! section on errors and retries).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::IntoResponse;
use m365mon::model::AccountReason;
use parking_lot::Mutex;
use tokio::net::TcpListener;

use super::cloud::Cloud;
use super::is_weather;
use crate::support::fixtures;
use crate::support::stack::{Process, eventually, get};

/// Answers with each of `refusals` once, and then with a token whose numbers
/// are strings, as the platform writes them.
async fn platform(refusals: Vec<u16>) -> (String, Arc<AtomicUsize>) {
    let asked = Arc::<AtomicUsize>::default();
    let (counted, left) = (Arc::clone(&asked), Arc::new(Mutex::new(refusals)));
    let answer = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        let refusal = left.lock().pop();
        let mut response = refusal
            .map_or_else(
                || {
                    r#"{"access_token": "e30.e30.x", "client_id": "c", "expires_in": "3599",
                        "expires_on": "4102444800", "ext_expires_in": "3599", "not_before": "1",
                        "resource": "https://graph.microsoft.com", "token_type": "Bearer"}"#
                },
                |_| "<html>",
            )
            .into_response();
        if let Some(status) = refusal {
            *response.status_mut() = status.try_into().unwrap();
        }
        std::future::ready(response)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (root, asked)
}

#[tokio::test]
async fn refusals_of_the_platform_are_weather_and_cause_no_storm() {
    let cloud = Cloud::start().await;
    let account = fixtures::managed_identity("contoso", None);
    for (status, reason) in [
        (404, AccountReason::ServerError),
        (410, AccountReason::ServerError),
        (429, AccountReason::Throttled),
        (500, AccountReason::ServerError),
    ] {
        let (root, asked) = platform(vec![status]).await;
        let tokens = cloud.tokens(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &root)]);
        let requests = || asked.load(Ordering::SeqCst);
        is_weather(&tokens, &account, reason, requests, &status.to_string()).await;
    }
}

/// Exporters on machines whose platform refuses at first: many resources ask
/// and it sees one request, the account says why, no resource is called down,
/// and it mends itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exporter_waits_for_the_platform() {
    let exporters = [
        (404, "failure", "server_error"),
        (410, "failure", "server_error"),
        (429, "inconclusive", "throttled"),
        (500, "failure", "server_error"),
    ]
    .map(async |(status, outcome, reason)| {
        let (root, asked) = platform(vec![status]).await;
        tokio::task::spawn_blocking(move || waits_for_the_platform(&root, outcome, reason, &asked))
            .await
            .unwrap();
    });
    futures_util::future::join_all(exporters).await;
}

fn waits_for_the_platform(root: &str, outcome: &str, reason: &str, asked: &AtomicUsize) {
    const RESOURCES: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m365mon.yml");
    let mut text = "http: {resolve: {graph.microsoft.com: \"127.0.0.1:9\"}}\n\
                    defaults: {mode: on_scrape, interval: 1s, timeout: 700ms}\n\
                    accounts:\n  - {name: contoso, managed_identity: {}}\nresources:\n"
        .to_owned();
    for number in 0..RESOURCES {
        text.push_str(&format!(
            "  - {{name: box-{number}, account: contoso, kind: exchange_mailbox, user: {number}@contoso.com}}\n"
        ));
    }
    std::fs::write(&file, text).unwrap();
    let exporter = Process::start(
        "m365mon",
        std::process::Command::new(env!("CARGO_BIN_EXE_m365mon"))
            .args(["serve", "--web.listen-address=127.0.0.1:0", "--config.file"])
            .arg(&file)
            .env("AZURE_POD_IDENTITY_AUTHORITY_HOST", root)
            .env_remove("IDENTITY_ENDPOINT"),
    );
    let address = exporter.listening();
    let page = get(address, "/metrics");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "{reason}");
    let problem = format!(
        "m365_account_problem{{account=\"contoso\",outcome=\"{outcome}\",reason=\"{reason}\"}} 1"
    );
    assert!(page.contains(&problem), "{problem}: {page}");
    let held = page.lines().filter(|line| {
        line.starts_with("m365_resource_problem{") && line.contains("reason=\"token\"")
    });
    assert_eq!(held.count(), RESOURCES, "{page}");
    assert!(!page.contains("\nm365_resource_up{"), "{page}");
    eventually("a token after the back-off", || {
        get(address, "/metrics")
            .contains("m365_account_up{account=\"contoso\"} 1")
            .then_some(())
    });
    assert_eq!(asked.load(Ordering::SeqCst), 2, "{reason}");
}
