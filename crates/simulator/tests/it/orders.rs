//! The API that Contoso put behind Entra.

use m365mon_simulator::Running;
use m365mon_simulator::directory::{
    APP_CLIENT_ID, ORDERS_ALIAS, ORDERS_HOST, ORDERS_URI, ResourceApp, SERVICES_CLIENT_ID,
    TENANT_ID,
};
use serde_json::{Value, json};

use super::support::{app_token, builder, command, get, read};

fn client(running: &Running) -> reqwest::Client {
    builder(running)
        .resolve(ORDERS_HOST, running.addr)
        .build()
        .unwrap()
}

/// The answer of the token endpoint.
async fn token(running: &Running, client_id: &str, scope: &str) -> (u16, Value) {
    let secret = {
        let directory = running.tenant.directory.read();
        let app = directory.application(client_id).unwrap();
        app.secrets[0].value.expose().to_owned()
    };
    let answer = client(running)
        .post(format!(
            "https://login.microsoftonline.com/{TENANT_ID}/oauth2/v2.0/token"
        ))
        .form(&[
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", &secret),
            ("scope", scope),
        ])
        .send()
        .await
        .unwrap();
    let (status, _, body) = read(answer).await;
    (status, body)
}

async fn good_token(running: &Running, client_id: &str, audience: &str) -> String {
    let (status, body) = token(running, client_id, &format!("{audience}/.default")).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().unwrap().to_owned()
}

fn url(path: &str) -> String {
    format!("https://{ORDERS_HOST}{path}")
}

#[tokio::test]
async fn it_takes_tokens_for_itself_only() {
    let running = super::support::tenant().await;
    let client = client(&running);
    for audience in [ORDERS_URI, ORDERS_ALIAS, ResourceApp::Orders.app_id()] {
        let token = good_token(&running, SERVICES_CLIENT_ID, audience).await;
        let claims = running.tenant.tokens.verify(&token).unwrap();
        assert_eq!(claims.aud, audience);
        let answer = get(&client, &url("/health"), &token).await;
        let (status, _, body) = read(answer).await;
        assert_eq!((status, &body["status"]), (200, &json!("Healthy")));
    }
    let token = good_token(&running, SERVICES_CLIENT_ID, ORDERS_URI).await;
    for (path, token, status) in [
        ("/health", &app_token(&running), 401),
        ("/health", &"no.token.here".to_owned(), 401),
        ("/status/202", &token, 202),
        ("/status/204", &token, 204),
        ("/status/299", &token, 299),
        ("/page", &token, 200),
        ("/nul", &token, 403),
        ("/else", &token, 404),
    ] {
        assert_eq!(
            get(&client, &url(path), token).await.status(),
            status,
            "{path}"
        );
    }
    // And no other takes tokens for it.
    let graph = "https://graph.microsoft.com/v1.0/users";
    assert_eq!(get(&client, graph, &token).await.status(), 401);
    let (status, body) = token_of_nobody(&running).await;
    assert_eq!((status, &body["error_codes"][0]), (400, &json!(500_011)));
}

async fn token_of_nobody(running: &Running) -> (u16, Value) {
    token(running, APP_CLIENT_ID, "api://nobody.contoso.com/.default").await
}

#[tokio::test]
async fn it_refuses_as_it_was_set_up() {
    let running = super::support::tenant().await;
    let client = client(&running);
    let set = |change: Value| command(&running, json!({"orders": change}));
    let anonymous = async || client.get(url("/health")).send().await.unwrap();
    let answer = anonymous().await;
    assert_eq!(answer.status(), 401);
    assert!(
        answer.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .contains(ORDERS_URI)
    );
    set(json!({"unauthenticated": "return403"}));
    assert_eq!(anonymous().await.status(), 403);
    set(json!({"unauthenticated": "redirect_to_login_page"}));
    let answer = anonymous().await;
    assert_eq!(answer.status(), 302);
    assert!(
        answer.headers()["location"]
            .to_str()
            .unwrap()
            .starts_with("https://login.microsoftonline.com/")
    );
    set(json!({"unauthenticated": "sign_in_page"}));
    let answer = anonymous().await;
    assert_eq!(answer.status(), 203);
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");

    let mut other = String::new();
    for (change, expected) in [
        (json!({}), (200, 200)),
        (json!({"roles_required": true}), (200, 403)),
        (
            json!({"roles_required": false, "allowed_clients": [APP_CLIENT_ID]}),
            (403, 200),
        ),
    ] {
        set(change);
        let services = good_token(&running, SERVICES_CLIENT_ID, ORDERS_URI).await;
        other = good_token(&running, APP_CLIENT_ID, ORDERS_URI).await;
        let status =
            async |token: &str| get(&client, &url("/health"), token).await.status().as_u16();
        assert_eq!((status(&services).await, status(&other).await), expected);
    }
    set(json!({"assignment_required": true}));
    let (status, body) = token(&running, APP_CLIENT_ID, &format!("{ORDERS_URI}/.default")).await;
    assert_eq!((status, &body["error_codes"][0]), (400, &json!(501_051)));

    command(&running, json!({"revoke": {"all_access_tokens": true}}));
    assert_eq!(get(&client, &url("/health"), &other).await.status(), 203);
    command(
        &running,
        json!({"fault": {"scope": {"service": "orders"}, "kind": {"throttled": {}}}}),
    );
    assert_eq!(anonymous().await.status(), 429);
}
