//! Service health: overviews and issues.

use serde_json::{Value, json};

use super::support::{
    GRAPH, app_token, client, command, get, get_json, read, services_token, tenant, user_claims,
};

const OVERVIEWS: &str = "admin/serviceAnnouncement/healthOverviews";
const ISSUES: &str = "admin/serviceAnnouncement/issues";

#[tokio::test]
async fn a_status_and_its_issue_follow_a_command() {
    let running = tenant().await;
    let client = client(&running);
    let token = services_token(&running);
    let one = format!("{GRAPH}/{OVERVIEWS}/exchange");
    let open =
        format!("{GRAPH}/{ISSUES}?$filter=isResolved eq false and service eq 'Exchange Online'");
    assert_eq!(
        get_json(&client, &one, &token).await["status"],
        "serviceOperational"
    );
    assert_eq!(get_json(&client, &open, &token).await["value"], json!([]));
    let set = |status| {
        command(
            &running,
            json!({"health": {"service": "Exchange", "status": status}}),
        )
    };
    set("serviceDegradation");
    assert_eq!(
        get_json(&client, &one, &token).await["status"],
        "serviceDegradation"
    );
    let issues = get_json(&client, &open, &token).await;
    assert_eq!(issues["value"][0]["classification"], "incident");
    assert_eq!(issues["value"][0]["endDateTime"], Value::Null);
    // A word that no list knows goes out as it is.
    set("ServiceOnHoliday");
    assert_eq!(
        get_json(&client, &one, &token).await["status"],
        "ServiceOnHoliday"
    );
    set("serviceOperational");
    assert_eq!(get_json(&client, &open, &token).await["value"], json!([]));
    let by_name = format!("{GRAPH}/{OVERVIEWS}/Exchange%20Online?$expand=issues");
    let issues = get_json(&client, &by_name, &token).await["issues"].clone();
    assert_eq!(issues.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn two_pages_and_what_is_selected() {
    let running = tenant().await;
    let client = client(&running);
    let token = services_token(&running);
    let answer = client
        .get(format!("{GRAPH}/{OVERVIEWS}?$select=id,status"))
        .header("prefer", "odata.maxpagesize=5")
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    let (_, _, first) = read(answer).await;
    assert_eq!(first["value"].as_array().unwrap().len(), 5);
    assert_eq!(
        first["value"][0],
        json!({"id": "Exchange", "status": "serviceOperational"})
    );
    let next = first["@odata.nextLink"].as_str().unwrap();
    let second = get_json(&client, next, &token).await;
    assert_eq!(second["value"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn refusals() {
    let running = tenant().await;
    let client = client(&running);
    let token = services_token(&running);
    let person = |name, scopes| {
        running
            .tenant
            .tokens
            .mint(&user_claims(&running, name, scopes))
    };
    for (path, token, expected) in [
        (OVERVIEWS, app_token(&running), (403, "UnknownError")),
        (
            OVERVIEWS,
            person("steve", "ServiceHealth.Read.All"),
            (403, "UnknownError"),
        ),
        (
            OVERVIEWS,
            person("admin", "User.Read"),
            (403, "UnknownError"),
        ),
        (
            OVERVIEWS,
            person("admin", "ServiceHealth.Read.All"),
            (200, ""),
        ),
        (
            &format!("{OVERVIEWS}/Exchange/issues"),
            token.clone(),
            (404, "UnknownError"),
        ),
        (
            &format!("{OVERVIEWS}/Nothing"),
            token.clone(),
            (404, "UnknownError"),
        ),
        (
            &format!("{OVERVIEWS}?$select=title"),
            token.clone(),
            (400, "BadRequest"),
        ),
        (
            &format!("{ISSUES}?$filter=severity eq 'x'"),
            token.clone(),
            (400, "BadRequest"),
        ),
        (&format!("{ISSUES}/EX100001"), token.clone(), (200, "")),
        (
            &format!("{ISSUES}/EX9"),
            token.clone(),
            (404, "UnknownError"),
        ),
    ] {
        let (status, code, body) =
            read(get(&client, &format!("{GRAPH}/{path}"), &token).await).await;
        assert_eq!((status, code.as_str()), expected, "{path}");
        if status == 403 {
            let message = body["error"]["message"].as_str().unwrap();
            let inner: Value = serde_json::from_str(message).unwrap();
            assert_eq!(inner["error"]["code"], "forbidden");
        }
    }
    let answer = client
        .post(format!("{GRAPH}/{OVERVIEWS}"))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 405);
}
