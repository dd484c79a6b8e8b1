//! The handlers of the kinds beyond sites and mailboxes, strict as the original:
//! a table of requests, with what Microsoft answers to them.

use m365mon_simulator::directory::{DOMAIN, SERVICES_CLIENT_ID, TENANT_ID};
use serde_json::{Value, json};

use super::support::{
    GRAPH, app_token, client, command, get, read, services_token, tenant, user_claims,
};

/// What is asked with whose token, and what comes back: status and code.
type Case<'a> = (&'a str, &'a str, u16, &'a str);

async fn try_all(client: &reqwest::Client, token: &str, cases: &[Case<'_>]) {
    for (method, path, status, code) in cases {
        let (method, body) = method.split_once(' ').unwrap_or((method, ""));
        let url = if path.starts_with("https://") {
            (*path).to_owned()
        } else {
            format!("{GRAPH}{path}")
        };
        let request = client.request(method.parse().unwrap(), &url);
        let request = request.bearer_auth(token);
        let request = match body {
            "" => request,
            body => request
                .header("Content-Type", "application/json")
                .body(body.to_owned()),
        };
        let answer = request.send().await.unwrap();
        let (got, said, body) = read(answer).await;
        assert_eq!((got, &*said), (*status, *code), "{method} {path}: {body}");
    }
}

#[tokio::test]
async fn teams() {
    let running = tenant().await;
    let client = client(&running);
    let services = services_token(&running);
    let (asked, other) = {
        let directory = running.tenant.directory.read();
        let consents = |team: &&m365mon_simulator::directory::Team| {
            !team.consented(SERVICES_CLIENT_ID).is_empty()
        };
        let asked = directory.teams().find(consents).unwrap().id.clone();
        let other = directory.teams().find(|team| team.id != asked);
        let other = other.unwrap().id.clone();
        (asked, other)
    };
    let channels = format!("/teams/{asked}/channels");
    let nobody = "/teams/00000000-0000-4000-8000-000000000000/channels";
    let with = |query: &str| format!("{channels}?{query}");
    try_all(
        &client,
        &services,
        &[
            ("GET", &channels, 200, ""),
            ("GET", &with("$select=id"), 200, ""),
            ("GET", &with("$select=Subject"), 400, "BadRequest"),
            ("GET", &with("$top=1"), 400, "BadRequest"),
            // Consent to read channels is none to read the settings.
            ("GET", &format!("/teams/{asked}"), 403, "Forbidden"),
            ("GET", &format!("/teams/{other}/channels"), 403, "Forbidden"),
            ("POST {}", &channels, 405, "Request_BadRequest"),
        ],
    )
    .await;
    let refused = get(
        &client,
        &format!("{GRAPH}/teams/{other}/channels"),
        &services,
    )
    .await;
    let (_, _, body) = read(refused).await;
    let says = body["error"]["message"].as_str().unwrap();
    for part in [
        "Missing role permissions on the request. API requires one of 'ChannelSettings.Read.Group, ",
        "Group.Selected'.",
        "Resource specific consent grants on the request ''.",
    ] {
        assert!(says.contains(part), "{says}");
    }
    try_all(
        &client,
        &app_token(&running),
        &[("GET", &channels, 403, "Forbidden")],
    )
    .await;

    let person = |name: &str, scopes: &str| {
        let claims = user_claims(&running, name, scopes);
        running.tenant.tokens.mint(&claims)
    };
    let member = person("steve", "Channel.ReadBasic.All");
    try_all(
        &client,
        &member,
        &[
            ("GET", &channels, 200, ""),
            ("GET", nobody, 404, "NotFound"),
        ],
    )
    .await;
    let stranger = person("info", "Channel.ReadBasic.All");
    try_all(&client, &stranger, &[("GET", &channels, 403, "Forbidden")]).await;
    let without = person("steve", "User.Read");
    try_all(&client, &without, &[("GET", &channels, 403, "Forbidden")]).await;

    command(
        &running,
        json!({"team": {"team": asked, "backend_refuses": true}}),
    );
    try_all(&client, &services, &[("GET", &channels, 403, "Forbidden")]).await;
    command(
        &running,
        json!({"team": {"team": asked, "backend_refuses": false, "front_lost": true}}),
    );
    try_all(
        &client,
        &services,
        &[("GET", &channels, 404, "UnknownError")],
    )
    .await;
    command(
        &running,
        json!({"team": {"team": asked, "front_lost": false, "revoke": SERVICES_CLIENT_ID}}),
    );
    try_all(&client, &services, &[("GET", &channels, 403, "Forbidden")]).await;
}

fn schedule(more: &Value) -> String {
    let mut body = json!({
        "schedules": [format!("room-ams-4.12@{DOMAIN}"), "nobody@contoso.com"],
        "startTime": {"dateTime": "2026-11-30T09:00:00", "timeZone": "UTC"},
        "endTime": {"dateTime": "2026-11-30T10:00:00", "timeZone": "UTC"},
        "availabilityViewInterval": 60,
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    format!("POST {body}")
}

#[tokio::test]
async fn calendars() {
    let running = tenant().await;
    let client = client(&running);
    let services = services_token(&running);
    let events = format!("/users/steve@{DOMAIN}/calendar/events");
    let ask = format!("/users/steve@{DOMAIN}/calendar/getSchedule");
    let view = format!("/users/steve@{DOMAIN}/calendar/calendarView");
    try_all(
        &client,
        &services,
        &[
            ("GET", &events, 200, ""),
            ("GET", &format!("{events}?$select=id&$top=1"), 200, ""),
            (
                "GET",
                &format!("{events}?$select=availability"),
                400,
                "BadRequest",
            ),
            ("GET", &view, 400, "ErrorInvalidParameter"),
            (
                "GET",
                &format!("/users/nobody@{DOMAIN}/calendar/events"),
                404,
                "ErrorInvalidUser",
            ),
            (
                "GET",
                &format!("/users/admin@{DOMAIN}/calendar/events"),
                404,
                "MailboxNotEnabledForRESTAPI",
            ),
            ("GET", "/me/calendar/events", 400, "BadRequest"),
            (&schedule(&json!({})), &ask, 200, ""),
            (
                &schedule(&json!({"availabilityViewInterval": null})),
                &ask,
                500,
                "InternalServerError",
            ),
            (
                &schedule(&json!({"availabilityViewInterval": 4})),
                &ask,
                400,
                "ErrorInvalidParameter",
            ),
            (
                &schedule(&json!({"schedules": []})),
                &ask,
                400,
                "ErrorInvalidParameter",
            ),
            (
                &schedule(
                    &json!({"endTime": {"dateTime": "2026-11-30T08:00:00", "timeZone": "UTC"}}),
                ),
                &ask,
                400,
                "ErrorInvalidParameter",
            ),
            (&schedule(&json!({"select": "id"})), &ask, 400, "BadRequest"),
        ],
    )
    .await;
    // Without the permission, and with the role of Exchange alone.
    try_all(
        &client,
        &app_token(&running),
        &[("GET", &events, 403, "ErrorAccessDenied")],
    )
    .await;

    let answers = async || {
        let request = client.post(format!("{GRAPH}{ask}")).bearer_auth(&services);
        let body = schedule(&json!({}));
        let body = body.trim_start_matches("POST ").to_owned();
        let request = request
            .header("Content-Type", "application/json")
            .body(body);
        read(request.send().await.unwrap()).await.2
    };
    let body = answers().await;
    assert_eq!(body["value"][0]["availabilityView"], "2", "{body}");
    assert_eq!(body["value"][1]["error"]["responseCode"], "5009", "{body}");
    let room = format!("room-ams-4.12@{DOMAIN}");
    command(
        &running,
        json!({"mailbox": {"user": room, "schedule_error": "ErrorNoFreeBusyAccess"}}),
    );
    let body = answers().await;
    let code = &body["value"][0]["error"]["responseCode"];
    assert_eq!(code, "ErrorNoFreeBusyAccess", "{body}");
}

#[tokio::test]
async fn what_is_asked_of_no_tenant_and_of_devices() {
    let running = tenant().await;
    let client = client(&running);
    let services = services_token(&running);
    let push = "/deviceManagement/applePushNotificationCertificate";
    try_all(
        &client,
        &services,
        &[
            ("GET", push, 200, ""),
            (
                "GET",
                &format!("{push}?$select=id,expirationDateTime"),
                200,
                "",
            ),
            ("GET", &format!("{push}?$select=owner"), 400, "BadRequest"),
        ],
    )
    .await;
    try_all(
        &client,
        &app_token(&running),
        &[("GET", push, 403, "Forbidden")],
    )
    .await;
    // Of a person Intune wants a role as well, and says so in its own way.
    let scope = "DeviceManagementServiceConfig.Read.All";
    for (name, status, code) in [("steve", 401, "UnknownError"), ("admin", 200, "")] {
        let token = running
            .tenant
            .tokens
            .mint(&user_claims(&running, name, scope));
        try_all(&client, &token, &[("GET", push, status, code)]).await;
    }
    let steve = running
        .tenant
        .tokens
        .mint(&user_claims(&running, "steve", scope));
    let refused = get(&client, &format!("{GRAPH}{push}"), &steve).await;
    let refused: Value = refused.json().await.unwrap();
    let inner = refused["error"]["message"].as_str().unwrap();
    let inner: Value = serde_json::from_str(inner).unwrap();
    assert_eq!(inner["ErrorCode"], "Forbidden", "{refused}");
    let administrator = json!({"user": {"user": format!("steve@{DOMAIN}"), "administrator": true}});
    command(&running, administrator);
    try_all(&client, &steve, &[("GET", push, 200, "")]).await;

    command(&running, json!({"organization": {"no_apple_push": true}}));
    try_all(
        &client,
        &services,
        &[("GET", push, 404, "ResourceNotFound")],
    )
    .await;

    let version = "https://endpoints.office.com/version/Worldwide";
    let id = "clientrequestid=11111111-2222-4333-8444-555555555555";
    let ask = async |url: &str| client.get(url).send().await.unwrap();
    let answer = ask(&format!("{version}?{id}")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "public, max-age=3600");
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        json!({"instance": "Worldwide", "latest": "2026113000"})
    );
    command(&running, json!({"limits": {"endpoint_list": "2026123100"}}));
    let all: Value = ask(&format!("https://endpoints.office.com/version?{id}"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(all.as_array().unwrap().len(), 4);
    assert_eq!(all[3]["latest"], "2026123100");
    for url in [
        version.to_owned(),
        format!("{version}?clientrequestid=me"),
        format!("https://endpoints.office.com/version/Germany?{id}"),
    ] {
        let answer = ask(&url).await;
        assert_eq!(answer.status(), 400, "{url}");
        assert_eq!(
            answer.headers()["content-type"],
            "text/plain; charset=utf-8"
        );
    }
}

#[tokio::test]
async fn several_in_one_are_answered_in_another_order() {
    let running = tenant().await;
    let client = client(&running);
    let services = services_token(&running);
    let asked = json!({"requests": [
        {"id": "1", "method": "GET", "url": "/organization?$select=id"},
        {"id": "2", "method": "GET", "url": "/nothing"},
        {"id": "3", "method": "GET", "url": format!("/users/steve@{DOMAIN}/calendar/events?$select=id&$top=1")},
    ]});
    let request = client
        .post(format!("{GRAPH}/$batch"))
        .bearer_auth(&services);
    let (status, _, body) = read(request.json(&asked).send().await.unwrap()).await;
    assert_eq!(status, 200);
    let answers: Vec<_> = body["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(answers, [("3", 200), ("2", 400), ("1", 200)]);
    assert_eq!(body["responses"][2]["body"]["value"][0]["id"], TENANT_ID);
    let many = json!({"requests": vec![asked["requests"][0].clone(); 21]});
    try_all(
        &client,
        &services,
        &[(&format!("POST {many}"), "/$batch", 400, "BadRequest")],
    )
    .await;
}

/// What Conditional Access refuses people with.
#[tokio::test]
async fn tokens_that_are_refused() {
    let running = tenant().await;
    let post = async |scope: &str| {
        let form = [
            (
                "client_id",
                m365mon_simulator::directory::DELEGATED_CLIENT_ID,
            ),
            ("grant_type", "refresh_token"),
            ("refresh_token", scope),
            (
                "scope",
                "https://graph.microsoft.com/Sites.Read.All offline_access",
            ),
        ];
        let text = form
            .iter()
            .fold(
                url::form_urlencoded::Serializer::new(String::new()),
                |mut text, (name, value)| {
                    text.append_pair(name, value);
                    text
                },
            )
            .finish();
        let request = client(&running)
            .post(format!(
                "https://login.microsoftonline.com/{TENANT_ID}/oauth2/v2.0/token"
            ))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(text);
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let token = m365mon_simulator::entra::refresh_token_for(
        &running.tenant,
        m365mon_simulator::directory::DELEGATED_CLIENT_ID,
        &format!("steve@{DOMAIN}"),
        "https://graph.microsoft.com/Sites.Read.All offline_access",
    );
    let token = token.unwrap();
    assert!(post(token.expose()).await["access_token"].is_string());
    command(
        &running,
        json!({"organization": {"refuses_people": 530_084}}),
    );
    let refused = post(token.expose()).await;
    assert_eq!(refused["error_codes"], json!([530_084]), "{refused}");
}
