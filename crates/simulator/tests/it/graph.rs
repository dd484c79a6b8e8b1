//! Graph: what a probe gets, and every refusal.

use std::time::Duration;

use m365mon_simulator::directory::{
    APP_CLIENT_ID, DOMAIN, ResourceApp, SELECTED_CLIENT_ID, SHAREPOINT_HOST,
};
use m365mon_simulator::faults::{FaultKind, NewFault};
use m365mon_simulator::human_duration::HumanDuration;
use m365mon_simulator::tokens::Claims;
use serde_json::{Value, json};

use super::support::{
    GRAPH, app_claims, app_token, client, get, get_json, intranet, tenant, user_claims,
};

#[tokio::test]
async fn graph_answers_a_probe() {
    let running = tenant().await;
    let client = client(&running);
    let token = app_token(&running);
    let answer = client
        .get(intranet())
        .bearer_auth(&token)
        .header("client-request-id", "0f0f-1")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.version(), http::Version::HTTP_2);
    let header = |name: &str| answer.headers()[name].to_str().unwrap();
    assert_eq!(header("client-request-id"), "0f0f-1");
    assert_eq!(header("request-id").len(), 36);
    assert_eq!(header("odata-version"), "4.0");
    assert!(header("x-ms-ags-diagnostic").contains("West Europe"));
    assert!(header("content-type").starts_with("application/json;odata.metadata=minimal"));
    assert_eq!(header("strict-transport-security"), "max-age=31536000");
    assert!(answer.headers().get("ratelimit-limit").is_none());
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["value"].as_array().unwrap().len(), 1);
    let item = body["value"][0].as_object().unwrap();
    assert_eq!(
        item.keys().collect::<Vec<_>>(),
        ["@odata.etag", "displayName"]
    );
    assert!(
        body["@odata.nextLink"]
            .as_str()
            .unwrap()
            .contains("$skip=1")
    );
    running.shutdown().await;
}

#[tokio::test]
async fn graph_refuses_as_graph_does() {
    let running = tenant().await;
    let client = client(&running);
    {
        let mut directory = running.tenant.directory.write();
        directory
            .user_mut(&format!("info@{DOMAIN}"))
            .unwrap()
            .mailbox = None;
    }
    let mint = |claims: &Claims| running.tenant.tokens.mint(claims);
    let app = app_claims(&running, APP_CLIENT_ID, ResourceApp::Graph);
    let selected = app_claims(&running, SELECTED_CLIENT_ID, ResourceApp::Graph);
    let steve = user_claims(&running, "steve", "Sites.Read.All Mail.ReadBasic");
    let shared = user_claims(&running, "steve", "Mail.ReadBasic Mail.ReadBasic.Shared");
    let with = |change: fn(&mut Claims)| {
        let mut claims = app.clone();
        change(&mut claims);
        mint(&claims)
    };
    let lists = format!("/sites/{SHAREPOINT_HOST}:/sites/intranet:/lists");
    let marketing = format!("/sites/{SHAREPOINT_HOST}:/sites/marketing:/lists");
    let mail = |user: &str| format!("/users/{user}@{DOMAIN}/messages?$select=id&$top=1");
    let malformed = "a.b.c".to_owned();
    let cases: Vec<(&str, String, String, u16, &str, &str)> = vec![
        (
            "no token",
            String::new(),
            lists.clone(),
            401,
            "InvalidAuthenticationToken",
            "Access token is empty.",
        ),
        (
            "opaque",
            "opaque".into(),
            lists.clone(),
            401,
            "InvalidAuthenticationToken",
            "IDX14100",
        ),
        (
            "malformed",
            malformed,
            lists.clone(),
            401,
            "InvalidAuthenticationToken",
            "80049217",
        ),
        (
            "expired",
            with(|c| c.exp = c.iat + 1),
            lists.clone(),
            401,
            "InvalidAuthenticationToken",
            "Lifetime validation failed, the token is expired.",
        ),
        (
            "audience",
            with(|c| c.aud = "https://contoso.sharepoint.com".into()),
            lists.clone(),
            401,
            "InvalidAuthenticationToken",
            "Access token validation failure. Invalid audience.",
        ),
        (
            "no permission at all",
            with(|c| c.roles = None),
            lists.clone(),
            403,
            "accessDenied",
            "Either scp or roles",
        ),
        (
            "another permission",
            with(|c| c.roles = Some(vec!["User.Read.All".into()])),
            lists.clone(),
            403,
            "accessDenied",
            "Access denied",
        ),
        (
            "selected, granted",
            mint(&selected),
            lists.clone(),
            200,
            "",
            "",
        ),
        (
            "selected, not granted",
            mint(&selected),
            marketing,
            403,
            "accessDenied",
            "Caller does not have access",
        ),
        (
            "no such site",
            mint(&app),
            format!("/sites/{SHAREPOINT_HOST}:/sites/nowhere:/lists"),
            404,
            "itemNotFound",
            "Requested site could not be found",
        ),
        (
            "another tenant's site",
            mint(&app),
            "/sites/contoso-subsidiary.sharepoint.com/lists".into(),
            400,
            "invalidRequest",
            "Invalid hostname for this tenancy",
        ),
        (
            "malformed id",
            mint(&app),
            format!("/sites/{SHAREPOINT_HOST},1/lists"),
            400,
            "invalidRequest",
            "malformed",
        ),
        (
            "unknown property",
            mint(&app),
            format!("{lists}?$select=title"),
            400,
            "BadRequest",
            "Could not find a property named 'title' on type 'microsoft.graph.list'",
        ),
        (
            "unknown segment",
            mint(&app),
            "/teapots".into(),
            400,
            "BadRequest",
            "Resource not found for the segment 'teapots'.",
        ),
        (
            "me without a person",
            mint(&app),
            "/me/messages".into(),
            400,
            "BadRequest",
            "/me request is only valid with delegated authentication flow.",
        ),
        (
            "own mailbox",
            mint(&steve),
            "/me/messages?$select=id&$top=1".into(),
            200,
            "",
            "",
        ),
        (
            "too many messages",
            mint(&steve),
            "/me/messages?$top=1001".into(),
            400,
            "BadRequest",
            "'1000'",
        ),
        (
            "another's mailbox",
            mint(&steve),
            mail("monitoring"),
            403,
            "ErrorAccessDenied",
            "Access is denied",
        ),
        (
            "not shared with him",
            mint(&shared),
            mail("monitoring"),
            404,
            "ErrorItemNotFound",
            "not found in the store",
        ),
        (
            "no mailbox",
            mint(&app),
            mail("info"),
            404,
            "MailboxNotEnabledForRESTAPI",
            "inactive",
        ),
        (
            "no such user",
            mint(&app),
            mail("nobody"),
            404,
            "ErrorInvalidUser",
            "is invalid",
        ),
        (
            "role by Exchange alone",
            mint(&selected),
            mail("monitoring"),
            200,
            "",
            "",
        ),
        (
            "outside of its scope",
            mint(&selected),
            mail("helpdesk"),
            403,
            "ErrorAccessDenied",
            "",
        ),
        (
            "no role for mail",
            with(|c| c.roles = None),
            mail("helpdesk"),
            401,
            "UnknownError",
            "",
        ),
        (
            "profile",
            mint(&steve),
            "/me".into(),
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges",
        ),
        (
            "no such profile",
            with(|c| c.roles = Some(vec!["User.Read.All".into()])),
            "/users/nobody@x.y".into(),
            404,
            "Request_ResourceNotFound",
            "does not exist",
        ),
    ];
    for (name, token, path, status, code, message) in cases {
        let answer = get(&client, &format!("{GRAPH}{path}"), &token).await;
        assert_eq!(answer.status().as_u16(), status, "{name}");
        assert_eq!(
            answer.headers().contains_key("www-authenticate"),
            status == 401,
            "{name}"
        );
        let id = answer.headers()["request-id"].to_str().unwrap().to_owned();
        let body: Value = answer.json().await.unwrap();
        if status == 200 {
            assert!(body["value"].is_array(), "{name}");
            continue;
        }
        assert_eq!(body["error"]["code"], code, "{name}");
        let text = body["error"]["message"].as_str().unwrap();
        assert!(text.contains(message), "{name}: {text}");
        assert_eq!(body["error"]["innerError"]["request-id"], id, "{name}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let running = tenant().await;
    let client = client(&running);
    let token = app_token(&running);
    let mut url = format!("{GRAPH}/users/helpdesk@{DOMAIN}/messages?$select=id&$top=20");
    let mut ids = std::collections::BTreeSet::new();
    for size in [20, 20, 2] {
        let body = get_json(&client, &url, &token).await;
        let page = body["value"].as_array().unwrap();
        assert_eq!(page.len(), size);
        ids.extend(page.iter().map(|m| m["id"].as_str().unwrap().to_owned()));
        url = body["@odata.nextLink"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
    }
    assert!(url.is_empty());
    assert_eq!(ids.len(), 42);
    let url = format!(
        "{GRAPH}/users/helpdesk@{DOMAIN}/messages?$filter=subject%20eq%20'Message%207'&$count=true"
    );
    let body = get_json(&client, &url, &token).await;
    assert_eq!(body["@odata.count"], 1);
    assert_eq!(body["value"][0]["subject"], "Message 7");
}

#[tokio::test]
async fn a_revoked_session_is_challenged_once() {
    let running = tenant().await;
    let client = client(&running);
    let mut claims = user_claims(&running, "steve", "Mail.ReadBasic");
    claims.xms_cc = Some(vec!["cp1".into()]);
    let capable = running.tenant.tokens.mint(&claims);
    claims.xms_cc = None;
    let plain = running.tenant.tokens.mint(&claims);
    let control = format!("http://{}/revoke", running.control_addr);
    let arguments = json!({"user": format!("steve@{DOMAIN}")});
    let done = client.post(control).json(&arguments).send().await.unwrap();
    assert_eq!(done.status(), 200);
    let url = format!("{GRAPH}/me/messages?$select=id&$top=1");
    let answer = get(&client, &url, &capable).await;
    assert_eq!(answer.status(), 401);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("error=\"insufficient_claims\""));
    let encoded = challenge
        .split("claims=\"")
        .nth(1)
        .unwrap()
        .trim_end_matches('"');
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded);
    let wanted: Value = serde_json::from_slice(&decoded.unwrap()).unwrap();
    let since = wanted["access_token"]["nbf"]["value"].as_str().unwrap();
    // A token that satisfies the challenge is taken; one that knows none goes on.
    claims.xms_cc = Some(vec!["cp1".into()]);
    claims.nbf = since.parse().unwrap();
    let fresh = running.tenant.tokens.mint(&claims);
    assert_eq!(get(&client, &url, &fresh).await.status(), 200);
    assert_eq!(get(&client, &url, &plain).await.status(), 200);
}

#[tokio::test]
async fn a_fifth_request_in_one_mailbox_is_throttled() {
    let running = tenant().await;
    let client = client(&running);
    let token = app_token(&running);
    // Five at once: the fault keeps the first four in their places.
    running.tenant.faults.add(NewFault::new(FaultKind::Latency {
        from: HumanDuration(Duration::from_millis(1500)),
        to: None,
    }));
    let url = format!("{GRAPH}/users/helpdesk@{DOMAIN}/messages?$select=id&$top=1");
    let asked = (0..5).map(|_| get(&client, &url, &token));
    let answers = futures_util::future::join_all(asked).await;
    let refused: Vec<_> = answers.into_iter().filter(|a| a.status() == 429).collect();
    assert_eq!(refused.len(), 1);
    let body: Value = refused.into_iter().next().unwrap().json().await.unwrap();
    assert_eq!(body["error"]["code"], "ApplicationThrottled");
}
