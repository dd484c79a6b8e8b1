//! SharePoint's own REST.

use m365mon_simulator::directory::{
    APP_CLIENT_ID, OTHER_TENANT_ID, ResourceApp, SELECTED_CLIENT_ID, SHAREPOINT_HOST, TENANT_ID,
};
use serde_json::{Value, json};

use super::support::{app_claims, app_token, client, get, intranet, tenant};

#[tokio::test]
async fn sharepoint_speaks_three_dialects() {
    let running = tenant().await;
    let client = client(&running);
    let mut claims = app_claims(&running, APP_CLIENT_ID, ResourceApp::SharePoint);
    claims.appidacr = "2".into();
    let token = running.tenant.tokens.mint(&claims);
    let url =
        format!("https://{SHAREPOINT_HOST}/sites/intranet/_api/web/lists?$select=Title&$top=1");
    let ask = |accept: &'static str| {
        client
            .get(&url)
            .bearer_auth(&token)
            .header("accept", accept)
            .send()
    };
    let answer = ask("application/json;odata=nometadata").await.unwrap();
    assert_eq!(answer.status(), 200);
    for name in [
        "sprequestguid",
        "spclientservicerequestduration",
        "x-sharepointhealthscore",
        "x-sp-serverstate",
    ] {
        assert!(answer.headers().contains_key(name), "{name}");
    }
    assert_eq!(
        answer.headers()["request-id"],
        answer.headers()["sprequestguid"]
    );
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body, json!({"value": [{"Title": "Documents"}]}));
    let body: Value = ask("application/json;odata=verbose")
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(body["d"]["results"][0]["Title"], "Documents");
    let body = ask("*/*").await.unwrap().text().await.unwrap();
    assert!(body.starts_with("<?xml") && body.contains("<d:Title>Documents</d:Title>"));
}

#[tokio::test]
async fn sharepoint_refuses_as_sharepoint_does() {
    let running = tenant().await;
    let client = client(&running);
    let mut app = app_claims(&running, APP_CLIENT_ID, ResourceApp::SharePoint);
    let by_secret = running.tenant.tokens.mint(&app);
    app.appidacr = "2".into();
    let good = running.tenant.tokens.mint(&app);
    app.exp = app.iat + 1;
    let expired = running.tenant.tokens.mint(&app);
    let mut selected = app_claims(&running, SELECTED_CLIENT_ID, ResourceApp::SharePoint);
    selected.appidacr = "2".into();
    selected.roles = Some(vec!["Sites.Selected".into()]);
    let selected = running.tenant.tokens.mint(&selected);
    let graph = app_token(&running);
    let cases: [(&str, &str, &str, u16, &str); 9] = [
        (
            "good",
            &good,
            "/sites/intranet/_api/web/lists",
            200,
            "Documents",
        ),
        ("no token", "", "/sites/intranet/_api/web/lists", 401, ""),
        (
            "by secret",
            &by_secret,
            "/_api/web/lists",
            401,
            "Unsupported app only token.",
        ),
        (
            "audience",
            &graph,
            "/_api/web/lists",
            401,
            "AudienceUriValidationFailedException",
        ),
        ("expired", &expired, "/_api/web/lists", 401, "expired"),
        (
            "not granted",
            &selected,
            "/sites/hr/_api/web/lists",
            403,
            "-2147024891, System.UnauthorizedAccessException",
        ),
        (
            "granted",
            &selected,
            "/sites/intranet/_api/web/lists",
            200,
            "Documents",
        ),
        (
            "no such site",
            &good,
            "/sites/nowhere/_api/web/lists",
            404,
            "404 FILE NOT FOUND",
        ),
        (
            "no such property",
            &good,
            "/_api/web/lists?$select=Colour",
            400,
            "InvalidClientQueryException",
        ),
    ];
    for (name, token, path, status, text) in cases {
        let answer = client
            .get(format!("https://{SHAREPOINT_HOST}{path}"))
            .bearer_auth(token)
            .header("accept", "application/json;odata=nometadata")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status, "{name}");
        if status == 401 {
            let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
            assert!(
                challenge.contains(&format!("realm=\"{TENANT_ID}\"")),
                "{name}"
            );
        }
        let body = answer.text().await.unwrap();
        assert!(body.contains(text), "{name}: {body}");
    }
    assert_ne!(TENANT_ID, OTHER_TENANT_ID);
}

#[tokio::test]
async fn sharepoint_tells_its_budget_before_it_refuses() {
    let running = tenant().await;
    running.tenant.throttle.set_limit(10);
    let client = client(&running);
    let token = app_token(&running);
    let mut told = Vec::new();
    for _ in 0..6 {
        let answer = get(&client, &intranet(), &token).await;
        let left = answer.headers().get("ratelimit-remaining");
        told.push((
            answer.status().as_u16(),
            left.map(|v| v.to_str().unwrap().to_owned()),
            answer.headers().contains_key("retry-after"),
        ));
    }
    let told: Vec<_> = told
        .iter()
        .map(|(s, l, r)| (*s, l.as_deref(), *r))
        .collect();
    assert_eq!(
        told[2..],
        [
            (200, None, false),
            (200, Some("2"), false),
            (200, Some("0"), false),
            (429, Some("0"), true),
        ]
    );
}
