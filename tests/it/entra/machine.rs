//! The platform's own endpoint for managed identities, on a bad day (Microsoft:
//! "How to use managed identities on an Azure VM to acquire an access token",
//! section on errors and retries).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use m365mon::model::{Account, AccountReason, SignIn, Story};
use parking_lot::Mutex;
use tokio::net::TcpListener;

use super::cloud::{Cloud, graph};

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
    let account = Account {
        tenant: None,
        client_id: None,
        sign_in: SignIn::ManagedIdentity,
        ..cloud.person(None)
    };
    for (status, reason) in [
        (404, AccountReason::ServerError),
        (410, AccountReason::ServerError),
        (429, AccountReason::Throttled),
        (500, AccountReason::ServerError),
    ] {
        let (root, asked) = platform(vec![status]).await;
        let tokens = cloud.tokens(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &root)]);
        let ask = || async {
            tokens
                .access_token(&account, &graph(), &Story::untold())
                .await
                .map_err(|problem| problem.reason)
        };
        assert_eq!(ask().await.unwrap_err(), reason, "{status}");
        let crowd = futures_util::future::join_all((0..1000).map(|_| ask())).await;
        assert!(
            crowd
                .iter()
                .all(|result| result.as_ref().err() == Some(&reason))
        );
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{status}");
        let recovered = async {
            while ask().await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), recovered)
            .await
            .unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{status}");
    }
}
