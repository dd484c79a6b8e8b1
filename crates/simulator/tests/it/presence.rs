//! Presence.

use m365mon_simulator::directory::{Cloud, DOMAIN, TENANT_ID};
use serde_json::json;

use super::support::{
    GRAPH, app_token, client, command, get, get_json, read, services_token, tenant, user_claims,
};

#[tokio::test]
async fn it_tells_what_teams_knows() {
    let running = tenant().await;
    let client = client(&running);
    let steve = user_claims(&running, "steve", "Presence.Read");
    let token = running.tenant.tokens.mint(&steve);
    let own = get_json(&client, &format!("{GRAPH}/me/presence"), &token).await;
    assert_eq!(
        (&own["id"], &own["availability"]),
        (&json!(steve.oid), &json!("Offline"))
    );
    let change =
        json!({"user": {"user": format!("steve@{DOMAIN}"), "availability": "PresenceUnknown"}});
    command(&running, change);
    let app = services_token(&running);
    let by_id = format!("{GRAPH}/users/{}/presence", steve.oid);
    assert_eq!(
        get_json(&client, &by_id, &app).await["availability"],
        "PresenceUnknown"
    );
    let answer = client
        .post(format!("{GRAPH}/communications/getPresencesByUserId"))
        .bearer_auth(&app)
        .json(&json!({"ids": [steve.oid, "11111111-0000-4000-8000-00000000000f"]}))
        .send()
        .await
        .unwrap();
    let (status, _, body) = read(answer).await;
    assert_eq!((status, body["value"].as_array().unwrap().len()), (200, 1));
}

#[tokio::test]
async fn refusals() {
    let running = tenant().await;
    let client = client(&running);
    let app = services_token(&running);
    let oid = user_claims(&running, "steve", "").oid;
    let info = user_claims(&running, "info", "").oid;
    let person = |scopes| {
        running
            .tenant
            .tokens
            .mint(&user_claims(&running, "steve", scopes))
    };
    for (path, token, expected) in [
        (
            format!("users/steve@{DOMAIN}/presence"),
            app.clone(),
            (400, "BadRequest"),
        ),
        (
            format!("users/{oid}/presence?$select=availability"),
            app.clone(),
            (400, "BadRequest"),
        ),
        (
            "users/11111111-0000-4000-8000-00000000000f/presence".into(),
            app.clone(),
            (404, "NotFound"),
        ),
        ("me/presence".into(), app.clone(), (400, "BadRequest")),
        (
            format!("users/{oid}/presence"),
            app_token(&running),
            (403, "Forbidden"),
        ),
        (
            "me/presence".into(),
            person("User.Read"),
            (403, "Forbidden"),
        ),
        (
            format!("users/{info}/presence"),
            person("Presence.Read"),
            (403, "Forbidden"),
        ),
        (
            format!("users/{info}/presence"),
            person("Presence.Read.All"),
            (200, ""),
        ),
    ] {
        let (status, code, _) = read(get(&client, &format!("{GRAPH}/{path}"), &token).await).await;
        assert_eq!((status, code.as_str()), expected, "{path}");
    }
    running
        .tenant
        .directory
        .write()
        .organization_mut(TENANT_ID)
        .unwrap()
        .cloud = Cloud::China;
    let answer = get(&client, &format!("{GRAPH}/users/{oid}/presence"), &app).await;
    assert_eq!(answer.status(), 400);
}
