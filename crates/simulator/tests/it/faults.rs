//! Every fault, as a client sees it.

use std::net::SocketAddr;
use std::time::Duration;

use m365mon_simulator::directory::{APP_CLIENT_ID, DOMAIN, SELECTED_CLIENT_ID, SHAREPOINT_HOST};
use m365mon_simulator::faults::{FaultKind, NewFault, RetryAfter, Scope};
use serde_json::Value;

use super::support::{PATIENCE, app_token, builder, client, get, intranet, tenant};

#[tokio::test]
async fn every_fault_shows() {
    let running = tenant().await;
    let client = builder(&running)
        .timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    let token = app_token(&running);
    let strike = |kind: FaultKind| {
        running.tenant.faults.clear();
        running.tenant.faults.add(NewFault::new(kind));
        client.get(intranet()).bearer_auth(&token).send()
    };
    let throttled = |retry_after| FaultKind::Throttled { retry_after };
    let down = |empty| FaultKind::Unavailable {
        retry_after: None,
        empty,
    };

    let answer = strike(throttled(Some(RetryAfter::Seconds(7))))
        .await
        .unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "7");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], "activityLimitReached");
    let answer = strike(throttled(Some(RetryAfter::Date(60)))).await.unwrap();
    assert!(
        answer.headers()["retry-after"]
            .to_str()
            .unwrap()
            .ends_with("GMT")
    );
    let answer = strike(throttled(None)).await.unwrap();
    assert!(!answer.headers().contains_key("retry-after"));
    let answer = strike(down(true)).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.text().await.unwrap(), "");
    let answer = strike(down(false)).await.unwrap();
    assert!(answer.text().await.unwrap().contains("serviceNotAvailable"));
    assert_eq!(strike(FaultKind::ServerError).await.unwrap().status(), 500);
    let answer = strike(FaultKind::BadGateway).await.unwrap();
    assert_eq!(answer.status(), 502);
    assert!(answer.text().await.unwrap().starts_with("<html>"));
    let answer = strike(FaultKind::Html).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    let answer = strike(FaultKind::Redirect {
        to: "https://example.com/".into(),
    })
    .await
    .unwrap();
    assert_eq!(answer.status(), 302);
    let answer = strike(FaultKind::EmptyBody).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.text().await.unwrap().len()),
        (200, 0)
    );
    let answer = strike(FaultKind::WrongContentType).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain");
    let answer = strike(FaultKind::ClaimsChallenge).await.unwrap();
    assert_eq!(answer.status(), 401);
    let answer = strike(FaultKind::GzipBomb).await.unwrap();
    assert_eq!(answer.bytes().await.unwrap().len(), 64 << 20);
    let mut answer = strike(FaultKind::Endless).await.unwrap();
    let mut read = 0;
    while read < 1 << 20 {
        read += answer.chunk().await.unwrap().unwrap().len();
    }
    drop(answer);

    assert!(strike(FaultKind::Hang).await.unwrap_err().is_timeout());
    let answer = strike(FaultKind::HangBody).await.unwrap();
    assert!(answer.bytes().await.unwrap_err().is_timeout());
    let answer = strike(FaultKind::Truncated).await.unwrap();
    assert!(!answer.bytes().await.unwrap_err().is_timeout());
    let answer = strike(FaultKind::ResetAfter).await.unwrap();
    assert!(!answer.bytes().await.unwrap_err().is_timeout());
    let reset = strike(FaultKind::ResetBefore).await.unwrap_err();
    assert!(!reset.is_timeout() && !reset.is_connect(), "{reset:?}");
    running.tenant.faults.clear();
    assert_eq!(get(&client, &intranet(), &token).await.status(), 200);
}

#[tokio::test]
async fn every_handshake_fault_shows() {
    let running = tenant().await;
    let token = app_token(&running);
    let only_graph = Scope {
        host: Some("graph.microsoft.com".into()),
        ..Scope::default()
    };
    let try_both = async |kind: FaultKind| {
        running.tenant.faults.clear();
        running
            .tenant
            .faults
            .add(NewFault::new(kind).within(only_graph.clone()));
        // A new client each time, or the handshake would be an old one.
        let client = builder(&running)
            .timeout(Duration::from_secs(2))
            .build()
            .unwrap();
        let graph = client.get(intranet()).bearer_auth(&token).send().await;
        let site = client
            .get(format!("https://{SHAREPOINT_HOST}/"))
            .send()
            .await;
        assert!(site.is_ok(), "another host was struck");
        format!("{:?}", graph.unwrap_err())
    };
    let shown = try_both(FaultKind::TlsWrongHost).await;
    assert!(shown.contains("NotValidForName"), "{shown}");
    let shown = try_both(FaultKind::TlsExpired).await;
    assert!(shown.contains("Expired"), "{shown}");
    let shown = try_both(FaultKind::TlsUntrusted).await;
    assert!(
        shown.contains("UnknownIssuer") || shown.contains("BadSignature"),
        "{shown}"
    );
    let shown = try_both(FaultKind::TlsBroken).await;
    assert!(shown.contains("AlertReceived"), "{shown}");
    let shown = try_both(FaultKind::TlsHang).await;
    assert!(shown.contains("TimedOut"), "{shown}");
    let shown = try_both(FaultKind::Refuse).await;
    assert!(shown.contains("onnect"), "{shown}");
}

async fn connects(address: SocketAddr) -> bool {
    tokio::net::TcpStream::connect(address).await.is_ok()
}

#[tokio::test]
async fn a_closed_port_opens_again() {
    let running = tenant().await;
    running.tenant.faults.add(NewFault::new(FaultKind::Refuse));
    tokio::time::timeout(PATIENCE, async {
        while connects(running.addr).await {
            tokio::task::yield_now().await;
        }
        running.tenant.faults.clear();
        while !connects(running.addr).await {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let token = app_token(&running);
    assert_eq!(
        get(&client(&running), &intranet(), &token).await.status(),
        200
    );
}

#[tokio::test]
async fn faults_speak_the_words_of_every_service() {
    let running = tenant().await;
    let client = client(&running);
    let throttled = FaultKind::Throttled {
        retry_after: Some(RetryAfter::Seconds(9)),
    };
    let only_app = Scope {
        app: Some(APP_CLIENT_ID.into()),
        ..Scope::default()
    };
    running
        .tenant
        .faults
        .add(NewFault::new(throttled.clone()).within(only_app));
    let url = format!("https://login.microsoftonline.com/{DOMAIN}/oauth2/v2.0/token");
    let ask = |app: &'static str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", app),
            ("client_secret", "canary-secret"),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        client.post(&url).form(&form).send()
    };
    let answer = ask(APP_CLIENT_ID).await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "9");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error_codes"][0], 90055);
    assert_eq!(ask(SELECTED_CLIENT_ID).await.unwrap().status(), 401);
    let journal = serde_json::to_string(&running.tenant.journal.read(10)).unwrap();
    assert!(journal.contains("client_credentials") && !journal.contains("canary"));

    running.tenant.faults.clear();
    running.tenant.faults.add(NewFault::new(throttled));
    let lists = format!("https://{SHAREPOINT_HOST}/_api/web/lists");
    let answer = client.get(lists).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (429, &"9".parse().unwrap())
    );
    assert_eq!(answer.text().await.unwrap(), "429 TOO MANY REQUESTS");
    let identity = format!(
        "http://{}/metadata/identity/oauth2/token",
        running.metadata_addr
    );
    let answer = client.get(identity).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert!(answer.text().await.unwrap().contains("too_many_requests"));
}
