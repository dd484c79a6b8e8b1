//! Entra that does not work, and what must never be seen.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use m365mon::model::{AccountReason, Story};
use m365mon_simulator::directory as contoso;
use parking_lot::Mutex;

use super::cloud::{Cloud, Trouble, graph, inline};
use super::is_weather;

#[tokio::test]
async fn each_trouble_has_its_reason_and_ends_by_itself() {
    let cloud = Cloud::start().await;
    let secret = cloud.secret_of(contoso::APP_CLIENT_ID);
    let account = cloud.app(contoso::APP_CLIENT_ID, inline(secret));
    for (trouble, reason) in [
        (Trouble::Status(503, "", None), AccountReason::ServerError),
        (
            Trouble::Status(503, "<html>", Some("0")),
            AccountReason::ServerError,
        ),
        (Trouble::Status(429, "", None), AccountReason::Throttled),
        (
            Trouble::Status(200, "<html>", None),
            AccountReason::BadResponse,
        ),
        (Trouble::Status(200, "", None), AccountReason::BadResponse),
        (
            Trouble::Status(302, "", None),
            AccountReason::UnexpectedStatus,
        ),
        (
            // A page in the place of an answer: somebody on the way gave it.
            Trouble::Status(404, "<html>", None),
            AccountReason::BadResponse,
        ),
    ] {
        let tokens = cloud.tokens(&[]);
        let text = format!("{trouble:?}");
        cloud.trouble(trouble);
        is_weather(&tokens, &account, reason, || cloud.requests(), &text).await;
    }
}

#[tokio::test]
async fn silence_costs_the_caller_no_more_than_he_wants() {
    let cloud = Cloud::start().await;
    let secret = cloud.secret_of(contoso::APP_CLIENT_ID);
    let account = cloud.app(contoso::APP_CLIENT_ID, inline(secret));
    cloud.trouble(Trouble::Silence);
    let tokens = cloud.tokens(&[]);
    for _ in 0..3 {
        let (graph, untold) = (graph(), Story::untold());
        let asking = tokens.access_token(&account, &graph, &untold);
        assert!(
            tokio::time::timeout(Duration::from_millis(300), asking)
                .await
                .is_err()
        );
    }
    assert_eq!(cloud.requests(), 1);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_and_no_token_in_logs_at_trace() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::level_filters::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    // What other tests met before anybody listened would stay silent here, and they go
    // on meeting things: to be asked before each step.
    let listen = tracing::callsite::rebuild_interest_cache;
    listen();
    let cloud = Cloud::start().await;
    let mut secrets = Vec::new();
    let story = Story::begin();
    let tokens = cloud.tokens(&[]);

    let secret = cloud.secret_of(contoso::APP_CLIENT_ID);
    secrets.push(secret.expose().to_owned());
    let app = cloud.app(contoso::APP_CLIENT_ID, inline(secret.clone()));
    listen();
    let token = tokens.access_token(&app, &graph(), &story).await.unwrap();
    secrets.push(token.secret().expose().to_owned());

    let mut person = cloud.person(None);
    person.name = "person".into();
    let consent = cloud.consent();
    let code = consent
        .device_code(&person, &m365mon::entra::Wanted::new())
        .await
        .unwrap();
    secrets.push(code.user_code().to_owned());
    let upn = format!("steve@{}", contoso::DOMAIN);
    m365mon_simulator::entra::approve_device(&cloud.tenant, code.user_code(), &upn).unwrap();
    consent.finish_device(&person, code).await.unwrap();
    listen();
    let token = tokens
        .access_token(&person, &graph(), &story)
        .await
        .unwrap();
    secrets.push(token.secret().expose().to_owned());

    let mut wrong = cloud.app(
        contoso::APP_CLIENT_ID,
        inline(m365mon::model::Secret::new("canary-5d1f".into())),
    );
    wrong.name = "wrong".into();
    secrets.push("canary-5d1f".into());
    listen();
    let problem = tokens
        .access_token(&wrong, &graph(), &story)
        .await
        .unwrap_err();
    cloud.trouble(Trouble::Status(
        200,
        r#"{"access_token":"canary-91aa"#,
        None,
    ));
    secrets.push("canary-91aa".into());
    let mut odd = app.clone();
    odd.name = "odd".into();
    listen();
    let odd = tokens
        .access_token(&odd, &graph(), &story)
        .await
        .unwrap_err();
    drop(guard);

    let mut all = String::from_utf8(log.0.lock().clone()).unwrap();
    assert!(all.contains("got a token"), "the log is heard");
    all.push_str(&format!(
        "{problem:?} {problem} {odd:?} {tokens:?} {app:?} {token:?}"
    ));
    all.push_str(&story.lines().join("\n"));
    all.push_str(&std::fs::read_to_string(cloud.path("m365mon.tokens")).unwrap());
    for secret in secrets {
        assert!(!all.contains(&secret), "a secret was seen");
    }
}
