//! Licences, the message center, and applications with their credentials.

use m365mon_simulator::directory::{
    APP_CLIENT_ID, IDENTITY_CLIENT_ID, ResourceApp, SELECTED_CLIENT_ID, SERVICES_CLIENT_ID,
};
use serde_json::{Value, json};

use super::support::{
    GRAPH, app_claims, client, get, get_json, read, services_token, tenant, user_claims,
};

#[tokio::test]
async fn licences_and_when_they_end() {
    let running = tenant().await;
    let client = client(&running);
    let token = services_token(&running);
    let skus =
        format!("{GRAPH}/subscribedSkus?$select=skuPartNumber,capabilityStatus,consumedUnits");
    let skus = get_json(&client, &skus, &token).await;
    assert_eq!(
        skus["value"][2],
        json!({"skuPartNumber": "VISIOCLIENT", "capabilityStatus": "Suspended", "consumedUnits": 3})
    );
    let dates =
        format!("{GRAPH}/directory/subscriptions?$select=skuPartNumber,nextLifecycleDateTime");
    let dates = get_json(&client, &dates, &token).await;
    assert!(dates["value"][0]["nextLifecycleDateTime"].is_string());
    assert_eq!(dates["value"][1]["nextLifecycleDateTime"], Value::Null);
    let messages =
        format!("{GRAPH}/admin/serviceAnnouncement/messages?$filter=isMajorChange eq true");
    let messages = get_json(&client, &messages, &token).await;
    assert_eq!(messages["value"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_application_reads_its_own_credentials_only() {
    let running = tenant().await;
    let client = client(&running);
    let claims = app_claims(&running, SELECTED_CLIENT_ID, ResourceApp::Graph);
    let own = running.tenant.tokens.mint(&claims);
    let url =
        |id: &str| format!("{GRAPH}/applications(appId='{id}')?$select=id,passwordCredentials");
    let found = get_json(&client, &url(SELECTED_CLIENT_ID), &own).await;
    let secret = &found["passwordCredentials"][0];
    let hint = {
        let directory = running.tenant.directory.read();
        let app = directory.application(SELECTED_CLIENT_ID).unwrap();
        app.secrets[0].value.expose()[..3].to_owned()
    };
    assert_eq!(
        (&secret["hint"], &secret["secretText"]),
        (&json!(hint), &Value::Null)
    );
    let all = services_token(&running);
    let person = |scopes| {
        running
            .tenant
            .tokens
            .mint(&user_claims(&running, "steve", scopes))
    };
    let principal = |id: &str| format!("{GRAPH}/servicePrincipals(appId='{id}')");
    for (url, token, expected) in [
        (
            url(APP_CLIENT_ID),
            &own,
            (403, "Authorization_RequestDenied"),
        ),
        (
            url(SERVICES_CLIENT_ID),
            &person("User.Read"),
            (403, "Authorization_RequestDenied"),
        ),
        (
            url(SERVICES_CLIENT_ID),
            &person("Application.Read.All"),
            (200, ""),
        ),
        (
            format!("{GRAPH}/applications"),
            &own,
            (403, "Authorization_RequestDenied"),
        ),
        (format!("{GRAPH}/applications?$top=2"), &all, (200, "")),
        (
            format!("{GRAPH}/applications?$select=secret"),
            &all,
            (400, "BadRequest"),
        ),
        (
            url(IDENTITY_CLIENT_ID),
            &all,
            (404, "Request_ResourceNotFound"),
        ),
        (principal(IDENTITY_CLIENT_ID), &all, (200, "")),
        (principal(SELECTED_CLIENT_ID), &own, (200, "")),
        (
            format!("{GRAPH}/subscribedSkus"),
            &own,
            (403, "Authorization_RequestDenied"),
        ),
        (
            format!("{GRAPH}/subscribedSkus?$filter=consumedUnits gt 1"),
            &all,
            (400, "Request_UnsupportedQuery"),
        ),
        (
            format!("{GRAPH}/directory/subscriptions"),
            &person("LicenseAssignment.Read.All"),
            (403, "Authorization_RequestDenied"),
        ),
        (
            format!("{GRAPH}/admin/serviceAnnouncement/messages"),
            &own,
            (403, "UnknownError"),
        ),
    ] {
        let (status, code, _) = read(get(&client, &url, token).await).await;
        assert_eq!((status, code.as_str()), expected, "{url}");
    }
}
