//! The simulated tenant over real sockets, asked by a client that knows
//! nothing of it but its certificate and address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use m365mon::model::Random as _;
use m365mon::simulator::directory::{
    APP_CLIENT_ID, DOMAIN, Directory, OTHER_TENANT_ID, ResourceApp, SELECTED_CLIENT_ID,
    SHAREPOINT_HOST, Size, TENANT_ID,
};
use m365mon::simulator::faults::{FaultKind, NewFault, RetryAfter, Scope};
use m365mon::simulator::graph::ENTITIES;
use m365mon::simulator::scenario::Scenario;
use m365mon::simulator::span::Span;
use m365mon::simulator::tokens::{BACKDATED, Claims};
use m365mon::simulator::{Options, Running, start};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

const GRAPH: &str = "https://graph.microsoft.com/v1.0";
const PATIENCE: Duration = Duration::from_secs(60);
const HOSTS: [&str; 4] = [
    "graph.microsoft.com",
    "login.microsoftonline.com",
    SHAREPOINT_HOST,
    "contoso-subsidiary.sharepoint.com",
];

async fn tenant() -> Running {
    start(Options::default()).await.unwrap()
}

fn tls(ca_pem: &str) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
        .unwrap();
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_root_certificates(roots)
    .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

fn builder(running: &Running) -> reqwest::ClientBuilder {
    HOSTS.iter().fold(
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls(&running.ca_pem))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(PATIENCE)
            .no_proxy(),
        |builder, host| builder.resolve(host, running.addr),
    )
}

fn client(running: &Running) -> reqwest::Client {
    builder(running).build().unwrap()
}

/// An app-only token with the application's granted roles.
fn app_claims(running: &Running, client_id: &str, resource: ResourceApp) -> Claims {
    let now = running.tenant.clock.epoch();
    let directory = running.tenant.directory.read();
    let app = directory.application(client_id).unwrap();
    let roles = app.roles(resource);
    Claims {
        aud: match resource {
            ResourceApp::SharePoint => format!("https://{SHAREPOINT_HOST}"),
            _ => "https://graph.microsoft.com".into(),
        },
        iss: format!("https://sts.windows.net/{TENANT_ID}/"),
        iat: now - BACKDATED,
        nbf: now - BACKDATED,
        exp: now + 3600,
        tid: TENANT_ID.into(),
        oid: app.object_id.clone(),
        sub: app.object_id.clone(),
        appid: client_id.into(),
        appidacr: "1".into(),
        idtyp: "app".into(),
        scp: None,
        roles: (!roles.is_empty()).then_some(roles),
        upn: None,
        unique_name: None,
        name: None,
        app_displayname: Some(app.display_name.clone()),
        xms_cc: None,
        uti: running.tenant.random.uuid(),
        ver: "1.0".into(),
    }
}

fn user_claims(running: &Running, name: &str, scopes: &str) -> Claims {
    let mut claims = app_claims(running, APP_CLIENT_ID, ResourceApp::Graph);
    let directory = running.tenant.directory.read();
    let user = directory.user(&format!("{name}@{DOMAIN}")).unwrap();
    claims.oid = user.id.clone();
    claims.upn = Some(user.upn.clone());
    claims.idtyp = "user".into();
    claims.appidacr = "0".into();
    claims.roles = None;
    claims.scp = Some(scopes.into());
    claims
}

fn app_token(running: &Running) -> String {
    let claims = app_claims(running, APP_CLIENT_ID, ResourceApp::Graph);
    running.tenant.tokens.mint(&claims)
}

async fn get(client: &reqwest::Client, url: &str, token: &str) -> reqwest::Response {
    client.get(url).bearer_auth(token).send().await.unwrap()
}

async fn get_json(client: &reqwest::Client, url: &str, token: &str) -> Value {
    let answer = get(client, url, token).await;
    assert_eq!(answer.status(), 200, "{url}");
    answer.json().await.unwrap()
}

fn intranet() -> String {
    format!("{GRAPH}/sites/{SHAREPOINT_HOST}:/sites/intranet:/lists?$select=displayName&$top=1")
}

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

/// Holds a value against a schema of the OpenAPI description, objects closed.
fn check(schemas: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return check(schemas, &schemas[name], value, at);
    }
    if let Some(choices) = schema["anyOf"].as_array()
        && schema["properties"].is_null()
    {
        let tried: Vec<_> = choices
            .iter()
            .map(|choice| check(schemas, choice, value, at))
            .collect();
        return tried
            .iter()
            .find(|t| t.is_ok())
            .unwrap_or(&tried[0])
            .clone();
    }
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = match &schema["type"] {
        Value::String(one) => one == name || one == "number" && name == "integer",
        Value::Array(many) => many.iter().any(|one| one == name),
        _ => true,
    };
    if !fits {
        return Err(format!("{at}: {name} instead of {}", schema["type"]));
    }
    match value {
        Value::Object(object) => {
            for (key, inner) in object.iter().filter(|(key, _)| !key.contains('@')) {
                let known = &schema["properties"][key];
                if known.is_null() && schema["additionalProperties"] == false {
                    return Err(format!("{at}.{key} is not in the description"));
                }
                check(schemas, known, inner, &format!("{at}.{key}"))?;
            }
            Ok(())
        }
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| check(schemas, &schema["items"], item, &format!("{at}[]"))),
        _ => Ok(()),
    }
}

fn openapi() -> Value {
    serde_json::from_str(include_str!("../data/graph-v1.0.openapi.json")).unwrap()
}

#[tokio::test]
async fn answers_fit_the_openapi_description() {
    let running = tenant().await;
    let client = client(&running);
    let description = openapi();
    let everything = "Sites.Read.All Mail.Read User.Read.All Files.Read.All Organization.Read.All";
    let claims = user_claims(&running, "steve", everything);
    let token = running.tenant.tokens.mint(&claims);
    let (site_id, list_id) = {
        let directory = running.tenant.directory.read();
        let site = directory.site(SHAREPOINT_HOST, "sites/intranet").unwrap();
        (site.id(), site.lists[0].id.clone())
    };
    let by_path = format!("/sites/{SHAREPOINT_HOST}:/sites/intranet");
    let cases = [
        (
            format!("{by_path}:/lists"),
            "/sites/{site-host}:/{site-path}:/lists",
        ),
        (by_path.clone(), "/sites/{site-host}:/{site-path}"),
        (
            format!("{by_path}:/drive"),
            "/sites/{site-host}:/{site-path}:/drive",
        ),
        (
            format!("/sites/{SHAREPOINT_HOST}/lists"),
            "/sites/{site-id}/lists",
        ),
        (
            "/sites/root/lists?$select=displayName,system".into(),
            "/sites/{site-id}/lists",
        ),
        (format!("/sites/{site_id}"), "/sites/{site-id}"),
        (
            format!("/sites/{site_id}/lists/{list_id}"),
            "/sites/{site-id}/lists/{list-id}",
        ),
        ("/me".into(), "/me"),
        ("/me/messages?$top=2".into(), "/me/messages"),
        ("/me/mailFolders".into(), "/me/mailFolders"),
        ("/me/drive".into(), "/me/drive"),
        ("/me/drive/root".into(), "/me/drive/root"),
        ("/me/drive/root/children".into(), "/me/drive/root/children"),
        ("/users?$top=2".into(), "/users"),
        (format!("/users/info@{DOMAIN}"), "/users/{user-id}"),
        (
            format!("/users/{}/messages?$select=id&$top=1", claims.oid),
            "/users/{user-id}/messages",
        ),
        ("/organization".into(), "/organization"),
    ];
    for (path, described) in cases {
        let body = get_json(&client, &format!("{GRAPH}{path}"), &token).await;
        let content = &description["paths"][described]["get"]["responses"]["200"]["content"];
        let schema = &content["application/json"]["schema"];
        assert!(!schema.is_null(), "{described} is not described");
        let schemas = &description["components"]["schemas"];
        if let Err(wrong) = check(schemas, schema, &body, &path) {
            panic!("{wrong}\n{body:#}");
        }
    }
}

#[test]
fn what_can_be_selected_is_what_the_description_says() {
    let description = openapi();
    for entity in ENTITIES {
        let path = match entity.name {
            "site" => "/sites/{site-id}",
            "list" => "/sites/{site-id}/lists",
            "message" => "/me/messages",
            "mailFolder" => "/me/mailFolders",
            "user" => "/users",
            "drive" => "/me/drive",
            "driveItem" => "/me/drive/root/children",
            "organization" => "/organization",
            other => panic!("no path for {other}"),
        };
        let parameters = description["paths"][path]["get"]["parameters"]
            .as_array()
            .unwrap();
        let select = parameters.iter().find(|p| p["name"] == "$select").unwrap();
        let described: Vec<&str> = select["schema"]["items"]["enum"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        assert_eq!(entity.properties, described, "{}", entity.name);
    }
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
    let order = json!({"user": format!("steve@{DOMAIN}")});
    let done = client.post(control).json(&order).send().await.unwrap();
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
        from: Span(Duration::from_millis(1500)),
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
async fn unchanged_clients_come_through_the_proxy() {
    let running = tenant().await;
    let proxy = reqwest::Proxy::all(format!("http://{}", running.proxy_addr)).unwrap();
    // No address is known to this client: only the proxy knows where to go.
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(&running.ca_pem))
        .proxy(proxy)
        .timeout(PATIENCE)
        .build()
        .unwrap();
    let token = app_token(&running);
    assert_eq!(get(&client, &intranet(), &token).await.status(), 200);
    let outside = client.get("https://example.com/").send().await;
    assert!(outside.is_err());
    let journal = running.tenant.journal.read(10);
    let tunnels: Vec<_> = journal
        .latest
        .iter()
        .filter(|e| e.method == "CONNECT")
        .map(|e| (e.host.as_str(), e.status))
        .collect();
    assert_eq!(
        tunnels,
        [("graph.microsoft.com", 200), ("example.com", 403)]
    );
}

#[tokio::test]
async fn the_control_endpoint_does_what_it_is_told() {
    let running = tenant().await;
    let client = client(&running);
    let token = app_token(&running);
    let control = format!("http://{}", running.control_addr);
    let post = async |path: &str, body: Value| {
        let answer = client
            .post(format!("{control}{path}"))
            .json(&body)
            .send()
            .await
            .unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap(),
        )
    };
    let status = async || get(&client, &intranet(), &token).await.status().as_u16();

    let site = format!("https://{SHAREPOINT_HOST}/sites/intranet");
    let fault = json!({"name": "down", "scope": {"resource": site}, "kind": {"unavailable": {}}});
    let (code, told) = post("/faults", fault).await;
    assert_eq!((code, &told["id"]), (200, &json!(1)));
    assert_eq!(status().await, 503);
    let home = format!("{GRAPH}/sites/{SHAREPOINT_HOST}/lists");
    assert_eq!(get(&client, &home, &token).await.status(), 200);
    let faults: Value = client
        .get(format!("{control}/faults"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&faults[0]["struck"], &faults[0]["name"]),
        (&json!(1), &json!("down"))
    );
    client
        .delete(format!("{control}/faults?name=down"))
        .send()
        .await
        .unwrap();
    assert_eq!(status().await, 200);

    post("/sites", json!({"url": site, "state": "locked"})).await;
    assert_eq!(status().await, 423);
    post("/sites", json!({"url": site, "remove": true})).await;
    assert_eq!(status().await, 404);
    post("/sites", json!({"url": site, "add": true})).await;
    assert_eq!(status().await, 200);
    post("/clock", json!({"advance": "2h"})).await;
    assert_eq!(status().await, 401);
    post("/clock", json!({"reset": true})).await;
    assert_eq!(status().await, 200);
    post("/revoke", json!({"all_access_tokens": true})).await;
    assert_eq!(status().await, 401);
    let (code, told) = post("/secrets", json!({"app": APP_CLIENT_ID, "change": "new"})).await;
    assert_eq!(
        (code, told["secret"].as_str().map(str::len)),
        (200, Some(40))
    );
    for (path, body) in [
        ("/faults", json!({"kind": "explode"})),
        ("/faults", json!({"kind": "hang", "scop": {}})),
        ("/clock", json!({})),
        ("/secrets", json!({"app": "nobody", "change": "new"})),
        ("/mailboxes", json!({"user": "nobody@contoso.com"})),
        ("/actions", json!({"nothing": {}})),
    ] {
        let (code, told) = post(path, body).await;
        assert_eq!(code, 400, "{path}");
        assert!(told["error"].is_string(), "{path}");
    }

    let requests = client
        .get(format!("{control}/requests"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let read: Value = serde_json::from_str(&requests).unwrap();
    assert_eq!(read["counts"]["graph 503"], 1);
    let target = read["latest"][0]["target"].as_str().unwrap();
    assert!(target.ends_with("?$select=displayName&$top=1"), "{target}");
    assert!(!requests.contains(&token[..40]));
    let state = client
        .get(format!("{control}/state"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let directory = running.tenant.directory.read();
    let app = directory.application(APP_CLIENT_ID).unwrap();
    assert!(
        app.secrets
            .iter()
            .all(|s| !state.contains(s.value.expose()))
    );
}

#[tokio::test]
async fn the_same_seed_makes_the_same_tenant() {
    let secret = |seed| {
        let directory = Directory::contoso(Size::default(), seed, jiff::Timestamp::UNIX_EPOCH);
        directory.application(APP_CLIENT_ID).unwrap().secrets[0]
            .value
            .clone()
    };
    assert_eq!(secret(5), secret(5));
    assert_ne!(secret(5), secret(6));
    let open = Options {
        control_listen: "0.0.0.0:0".parse().unwrap(),
        ..Options::default()
    };
    assert!(start(open).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_demo_scenario_ends_well_within_ten_minutes() {
    let mut scenario = Scenario::parse(include_str!("../../examples/scenario-demo.yml")).unwrap();
    assert!(scenario.length() < Duration::from_secs(600));
    assert!(scenario.repeat.is_some());
    scenario.repeat = None;
    let directory = Directory::contoso(Size::default(), 1, jiff::Timestamp::UNIX_EPOCH);
    let clock = m365mon::simulator::clock::AdjustableClock::new(
        m365mon::model::Clock::following_tokio(jiff::Timestamp::UNIX_EPOCH),
    );
    let tenant = m365mon::simulator::Tenant::new(clock, 1, directory).unwrap();
    let began = tokio::time::Instant::now();
    scenario.run(Arc::clone(&tenant), 1.0).await;
    tokio::time::sleep_until(began + Duration::from_secs(600)).await;
    let left: Vec<_> = tenant
        .faults
        .list()
        .into_iter()
        .filter_map(|f| f.order.name)
        .collect();
    assert_eq!(
        left,
        ["weather-graph", "weather-sharepoint", "weather-login"]
    );
    let directory = tenant.directory.read();
    let secrets = &directory.application(APP_CLIENT_ID).unwrap().secrets;
    let now = tenant.clock.now();
    assert!(secrets.iter().any(|s| s.ends > now) && secrets.iter().any(|s| s.ends <= now));
}

#[tokio::test]
async fn simulate_writes_a_folder_and_stops_cleanly() {
    use std::io::BufRead as _;
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_m365mon"))
        .args([
            "simulate",
            "--listen",
            "127.0.0.1:0",
            "--sites",
            "3",
            "--mailboxes",
            "2",
            "--dir",
        ])
        .arg(dir.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let out = child.stdout.take().unwrap();
    let told = tokio::task::spawn_blocking(move || {
        let mut told = String::new();
        for line in std::io::BufReader::new(out).lines().map_while(Result::ok) {
            told.push_str(&line);
            if line.starts_with("configuration") {
                break;
            }
        }
        told
    });
    let told = tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap();
    assert!(told.contains("control endpoint"));
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let mode = |name: &str| {
        let data = std::fs::metadata(dir.path().join(name)).unwrap();
        data.permissions().mode() & 0o777
    };
    assert!(read("ca.pem").starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!((mode("app-secret.txt"), mode("ca.key")), (0o600, 0o600));
    let configuration = read("m365mon.yml");
    assert_eq!(
        configuration.matches("kind: sharepoint_site").count(),
        9 + 3
    );
    assert_eq!(
        configuration.matches("kind: exchange_mailbox").count(),
        4 + 2
    );
    let endpoints: Value = serde_json::from_str(&read("simulator.json")).unwrap();
    let control = endpoints["control"].as_str().unwrap();
    let plain = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(&read("ca.pem")))
        .no_proxy()
        .build()
        .unwrap();
    let state: Value = plain
        .get(format!("{control}/state"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(state["sites"]["count"], 8 + 1 + 3);

    let id = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &id])
        .status()
        .unwrap();
    assert!(sent.success());
    let ended = tokio::task::spawn_blocking(move || child.wait());
    let ended = tokio::time::timeout(PATIENCE, ended)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(ended.code(), Some(0));
}
