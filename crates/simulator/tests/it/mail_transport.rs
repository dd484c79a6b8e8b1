//! A message on its way from one mailbox to another.

use m365mon_simulator::Running;
use m365mon_simulator::directory::{Cloud, DOMAIN, TENANT_ID};
use serde_json::{Value, json};

use super::support::{
    GRAPH, app_token, client, command, get, get_json, read, services_token, tenant, user_claims,
};

fn message(subject: &str, to: &str) -> Value {
    json!({
        "message": {
            "subject": subject,
            "body": {"contentType": "Text", "content": "probe"},
            "toRecipients": [{"emailAddress": {"address": to}}],
            "internetMessageHeaders": [{"name": "x-m365mon-id", "value": "1"}],
        },
        "saveToSentItems": false,
    })
}

async fn send(running: &Running, token: &str, from: &str, body: &Value) -> (u16, String, Value) {
    let answer = client(running)
        .post(format!("{GRAPH}/{from}/sendMail"))
        .bearer_auth(token)
        .json(body)
        .send()
        .await
        .unwrap();
    read(answer).await
}

fn monitoring() -> String {
    format!("users/monitoring@{DOMAIN}")
}

fn helpdesk() -> String {
    format!("helpdesk@{DOMAIN}")
}

async fn find(running: &Running, token: &str, mailbox: &str, filter: &str) -> Vec<Value> {
    let url = format!(
        "{GRAPH}/{mailbox}/messages?$filter={filter}&$select=id,receivedDateTime,sentDateTime,subject"
    );
    let body = get_json(&client(running), &url, token).await;
    body["value"].as_array().unwrap().clone()
}

#[tokio::test]
async fn it_arrives_after_a_while_and_is_cleared_away() {
    let running = tenant().await;
    let token = services_token(&running);
    command(&running, json!({"mail": {"delay": "30s"}}));
    let sent = send(
        &running,
        &token,
        &monitoring(),
        &message("6f1c", &helpdesk()),
    )
    .await;
    assert_eq!((sent.0, &sent.2), (202, &Value::Null));
    let mailbox = format!("users/{}", helpdesk());
    let filter = "subject eq '6f1c'";
    assert!(find(&running, &token, &mailbox, filter).await.is_empty());
    command(&running, json!({"clock": {"advance": "31s"}}));
    let found = find(&running, &token, &mailbox, filter).await;
    let time =
        |name: &str| -> jiff::Timestamp { found[0][name].as_str().unwrap().parse().unwrap() };
    let way = time("receivedDateTime").duration_since(time("sentDateTime"));
    assert_eq!((found.len(), way.as_secs()), (1, 30));
    let inbox = format!("{GRAPH}/{mailbox}/mailFolders/inbox/messages?$filter={filter}");
    assert_eq!(
        get_json(&client(&running), &inbox, &token).await["value"][0]["id"],
        found[0]["id"]
    );

    let at = |id: &Value, more: &str| {
        format!("{GRAPH}/{mailbox}/messages/{}{more}", id.as_str().unwrap())
    };
    let client = client(&running);
    let url = at(&found[0]["id"], "");
    assert_eq!(get(&client, &url, &token).await.status(), 200);
    let deleted = client
        .delete(&url)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status(), 204);
    let again = client
        .delete(&url)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(read(again).await.1, "ErrorItemNotFound");
    // It has another id among those that are deleted.
    let found = find(&running, &token, &mailbox, filter).await;
    let url = at(&found[0]["id"], "/permanentDelete");
    let gone = client.post(&url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    assert!(find(&running, &token, &mailbox, filter).await.is_empty());
}

#[tokio::test]
async fn it_comes_back_or_is_lost() {
    let running = tenant().await;
    let token = services_token(&running);
    let later = || command(&running, json!({"clock": {"advance": "60s"}}));
    let nobody = format!("nobody@{DOMAIN}");
    command(
        &running,
        json!({"mail": {"bounce_prefix": "Unzustellbar: "}}),
    );
    send(&running, &token, &monitoring(), &message("aa01", &nobody)).await;
    later();
    let found = find(&running, &token, &monitoring(), "contains(subject,'aa01')").await;
    assert_eq!(found[0]["subject"], "Unzustellbar: aa01");

    command(&running, json!({"mail": {"lost": true}}));
    send(
        &running,
        &token,
        &monitoring(),
        &message("aa02", &helpdesk()),
    )
    .await;
    command(&running, json!({"mail": {"lost": false, "junk": true}}));
    send(
        &running,
        &token,
        &monitoring(),
        &message("aa03", &helpdesk()),
    )
    .await;
    command(&running, json!({"mail": {"junk": false, "unsure": true}}));
    let sent = send(
        &running,
        &token,
        &monitoring(),
        &message("aa04", &helpdesk()),
    )
    .await;
    assert_eq!(sent.0, 503);
    later();
    let mailbox = format!("users/{}", helpdesk());
    let found = find(&running, &token, &mailbox, "startswith(subject,'aa')").await;
    let subjects: Vec<_> = found
        .iter()
        .map(|m| m["subject"].as_str().unwrap())
        .collect();
    assert_eq!(subjects, ["aa04", "aa03"]);
    let junk = format!("{GRAPH}/{mailbox}/mailFolders/junkemail/messages");
    let junk = get_json(&client(&running), &junk, &token).await;
    assert_eq!(junk["value"][0]["subject"], "aa03");
}

#[tokio::test]
async fn sending_is_refused_as_exchange_refuses() {
    let running = tenant().await;
    let app = services_token(&running);
    let person = |scopes| {
        running
            .tenant
            .tokens
            .mint(&user_claims(&running, "steve", scopes))
    };
    let good = message("x", &helpdesk());
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body["message"]);
        body
    };
    let headers = |names: &[&str]| {
        let list: Vec<_> = names
            .iter()
            .map(|n| json!({"name": n, "value": "1"}))
            .collect();
        changed(&|m| m["internetMessageHeaders"] = json!(list))
    };
    let to = |address: &str| {
        changed(&|m| m["toRecipients"] = json!([{"emailAddress": {"address": address}}]))
    };
    let guest = "users/guest@contoso2.com";
    for (from, token, body, expected) in [
        ("me", person("Mail.Send"), good.clone(), (202, "")),
        (
            "me",
            person("Mail.ReadWrite"),
            good.clone(),
            (403, "ErrorAccessDenied"),
        ),
        ("me", app.clone(), good.clone(), (400, "BadRequest")),
        (
            &monitoring(),
            person("Mail.Send"),
            good.clone(),
            (403, "ErrorAccessDenied"),
        ),
        (
            &monitoring(),
            person("Mail.Send Mail.Send.Shared"),
            good.clone(),
            (403, "ErrorSendAsDenied"),
        ),
        (
            &monitoring(),
            app_token(&running),
            good.clone(),
            (403, "ErrorAccessDenied"),
        ),
        (
            "users/nobody@contoso.com",
            app.clone(),
            good.clone(),
            (404, "ErrorInvalidUser"),
        ),
        (
            guest,
            app.clone(),
            good.clone(),
            (404, "MailboxNotEnabledForRESTAPI"),
        ),
        (
            &monitoring(),
            app.clone(),
            headers(&["x-1", "x-2", "x-3", "x-4", "x-5"]),
            (202, ""),
        ),
        (
            &monitoring(),
            app.clone(),
            headers(&["x-1", "x-2", "x-3", "x-4", "x-5", "x-6"]),
            (400, "InvalidInternetMessageHeaderCollection"),
        ),
        (
            &monitoring(),
            app.clone(),
            headers(&["m365mon"]),
            (400, "InvalidInternetMessageHeader"),
        ),
        (
            &monitoring(),
            app.clone(),
            to("helpdesk"),
            (400, "ErrorInvalidRecipients"),
        ),
        (
            &monitoring(),
            app.clone(),
            changed(&|m| m["toRecipients"] = json!([])),
            (400, "ErrorInvalidRecipients"),
        ),
        (
            &monitoring(),
            app.clone(),
            changed(&|m| m["title"] = "x".into()),
            (400, "RequestBodyRead"),
        ),
        (
            &monitoring(),
            app.clone(),
            json!({}),
            (400, "ErrorInvalidParameter"),
        ),
    ] {
        let (status, code, _) = send(&running, &token, from, &body).await;
        assert_eq!((status, code.as_str()), expected, "{from} {body}");
    }
    running
        .tenant
        .directory
        .write()
        .organization_mut(TENANT_ID)
        .unwrap()
        .cloud = Cloud::GccHigh;
    let url = format!("{GRAPH}/{}/messages/x/permanentDelete", monitoring());
    let client = client(&running);
    let answer = client.post(url).bearer_auth(&app).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let no_json = client
        .post(format!("{GRAPH}/{}/sendMail", monitoring()))
        .bearer_auth(&app)
        .body("probe")
        .send()
        .await
        .unwrap();
    assert_eq!(no_json.status(), 400);
}
