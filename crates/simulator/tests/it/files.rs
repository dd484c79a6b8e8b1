//! Drives and the files in them.

use m365mon_simulator::directory::{DOMAIN, PERSONAL_HOST, SHAREPOINT_HOST};
use serde_json::{Value, json};

use super::support::{
    GRAPH, app_token, client, command, get, get_json, read, services_token, tenant, user_claims,
};

fn monitoring(what: &str) -> String {
    format!("{GRAPH}/sites/{SHAREPOINT_HOST}:/sites/monitoring:/drive/{what}")
}

#[tokio::test]
async fn a_file_there_and_back() {
    let running = tenant().await;
    let client = client(&running);
    let token = services_token(&running);
    let file = monitoring("root:/m365mon/m365mon-1.txt");
    let put = async |url: &str, token: &str| {
        let request = client.put(url).bearer_auth(token);
        let request = request.header("Content-Type", "text/plain");
        read(request.body("a kilobyte").send().await.unwrap()).await
    };
    let content = format!("{file}:/content");
    let (status, _, item) = put(&content, &token).await;
    assert_eq!(status, 201, "{item}");
    assert_eq!(put(&content, &token).await.0, 200);
    let fail = format!("{content}?@microsoft.graph.conflictBehavior=fail");
    let (status, code, _) = put(&fail, &token).await;
    assert_eq!((status, &*code), (409, "nameAlreadyExists"));
    // Reading is not writing, and one site is not another.
    assert_eq!(put(&content, &app_token(&running)).await.0, 403);
    let other = content.replace("sites/monitoring", "sites/hr");
    assert_eq!(put(&other, &token).await.0, 403);

    let answer = get(&client, &content, &token).await;
    assert_eq!(answer.status(), 302);
    let address = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(
        address.starts_with(
            "https://contoso.sharepoint.com/sites/monitoring/_layouts/15/download.aspx?"
        )
    );
    let download = async |token: Option<&str>| {
        let request = client.get(&address);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(download(Some(&token)).await.0, 401);
    assert_eq!(download(None).await, (200, "a kilobyte".to_owned()));
    assert_eq!(download(None).await.0, 401, "it works once");

    let id = item["id"].as_str().unwrap();
    let children: Value = get_json(
        &client,
        &monitoring("root:/m365mon:/children?$select=id,name"),
        &token,
    )
    .await;
    assert_eq!(children["value"][0]["id"], id);
    let by_id = monitoring(&format!("items/{id}"));
    let act = async |method: &str, url: &str| {
        let request = client
            .request(method.parse().unwrap(), url)
            .bearer_auth(&token);
        read(request.send().await.unwrap()).await
    };
    command(&running, json!({"files": {"kept": true}}));
    assert_eq!(act("DELETE", &by_id).await.0, 403);
    command(
        &running,
        json!({"files": {"kept": false, "no_permanent_delete": true}}),
    );
    assert_eq!(
        act("POST", &format!("{by_id}/permanentDelete")).await.0,
        400
    );
    assert_eq!(act("DELETE", &by_id).await.0, 204);
    assert_eq!(act("DELETE", &by_id).await.0, 404);
    let left = running.tenant.files.all();
    assert!(
        left.len() == 1 && left[0].deleted,
        "it is in the recycle bin"
    );
    command(&running, json!({"files": {"full": true}}));
    assert_eq!(put(&content, &token).await.0, 507);
}

#[tokio::test]
async fn drives_of_people() {
    let running = tenant().await;
    let client = client(&running);
    let services = services_token(&running);
    let person = |scopes: &str| {
        let claims = user_claims(&running, "steve", scopes);
        running.tenant.tokens.mint(&claims)
    };
    let user = format!("steve@{DOMAIN}");
    let site =
        format!("{GRAPH}/sites/{PERSONAL_HOST}:/personal/steve_contoso_onmicrosoft_com:/drive");
    let me = format!("{GRAPH}/me/drive");
    let status = async |url: &str, token: &str| {
        let (status, code, _) = read(get(&client, url, token).await).await;
        (status, code)
    };
    let looks = person("User.Read");
    assert_eq!(status(&format!("{me}?$select=id"), &looks).await.0, 200);
    assert_eq!(status(&format!("{me}/root"), &looks).await.0, 403);
    assert_eq!(
        status(&format!("{me}/root"), &person("Files.Read")).await.0,
        200
    );
    assert_eq!(
        status(&format!("{site}/root?$select=id"), &services)
            .await
            .0,
        200
    );
    let other = format!("{GRAPH}/users/info@{DOMAIN}/drive");
    assert_eq!(status(&other, &services).await.0, 403);
    for (state, expected) in [
        ("never_made", (404, "ResourceNotFound")),
        ("file_not_found", (404, "itemNotFound")),
        ("no_my_site", (400, "BadRequest")),
        ("no_share_point", (400, "BadRequest")),
        ("denied", (403, "accessDenied")),
        ("locked", (423, "resourceLocked")),
    ] {
        command(&running, json!({"drive": {"user": user, "state": state}}));
        for (url, token) in [(&me, &looks), (&site, &services)] {
            let (status, code) = status(url, token).await;
            assert_eq!((status, &*code), expected, "{state}");
        }
    }
    command(&running, json!({"drive": {"user": user, "state": "ready"}}));
    for (form, total, used) in [
        ("whole", json!(1_099_511_627_776_u64), json!(12_345_678)),
        ("zero", json!(0), json!(0)),
        ("impossible", json!(1_099_511_627_776_u64), json!(-4096)),
        ("absent", Value::Null, Value::Null),
    ] {
        command(&running, json!({"drive": {"user": user, "quota": form}}));
        let drive = get_json(&client, &format!("{site}?$select=id,quota"), &services).await;
        assert_eq!(drive["quota"]["total"], total, "{form}");
        assert_eq!(drive["quota"]["used"], used, "{form}");
    }
    // Made by its owner's first look, in a while; an application makes none.
    command(&running, json!({"organization": {"provisioning": "60s"}}));
    command(&running, json!({"drive": {"user": user, "remove": true}}));
    assert_eq!(status(&site, &services).await.0, 404);
    assert_eq!(status(&me, &looks).await.0, 404);
    command(&running, json!({"clock": {"advance": "61s"}}));
    let looks = person("User.Read");
    assert_eq!(status(&me, &looks).await.0, 200);
}
