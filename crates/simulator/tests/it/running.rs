//! The tenant as a whole: proxy, control endpoint, scenario.

use std::sync::Arc;
use std::time::Duration;

use m365mon_simulator::command::Command;
use m365mon_simulator::directory::{APP_CLIENT_ID, DOMAIN, Directory, SHAREPOINT_HOST, Size};
use m365mon_simulator::scenario::Scenario;
use m365mon_simulator::{Options, files, start};
use serde_json::{Value, json};

use super::support::{GRAPH, PATIENCE, app_token, client, get, intranet, tenant, tls};

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
    let info = running
        .tenant
        .directory
        .read()
        .user(&format!("info@{DOMAIN}"))
        .unwrap()
        .id
        .clone();
    post(
        "/faults",
        json!({"scope": {"resource": info}, "kind": "server_error"}),
    )
    .await;
    let mail = format!("{GRAPH}/users/info@{DOMAIN}/messages?$select=id&$top=1");
    assert_eq!(get(&client, &mail, &token).await.status(), 500);
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
async fn a_new_secret_reaches_its_user() {
    let running = tenant().await;
    let dir = tempfile::tempdir().unwrap();
    let interval = Duration::from_secs(10);
    files::write(&running, dir.path(), Size::default(), interval).unwrap();
    let file = dir.path().join("app-secret.txt");
    let before = std::fs::read_to_string(&file).unwrap();
    let arguments = json!({"secret": {"app": APP_CLIENT_ID, "change": "new"}});
    let command: Command = serde_json::from_value(arguments).unwrap();
    let told = command.perform(&running.tenant).unwrap();
    let after = std::fs::read_to_string(&file).unwrap();
    assert_eq!(told["secret"], after.as_str());
    assert_ne!(before, after);
}

#[tokio::test]
async fn everything_is_there_under_localhost() {
    let running = tenant().await;
    let client = client(&running);
    let root = format!("https://localhost:{}", running.addr.port());
    let discovery = format!("{root}/{DOMAIN}/v2.0/.well-known/openid-configuration");
    assert_eq!(client.get(discovery).send().await.unwrap().status(), 200);
    let lists = format!("{root}/v1.0/sites/{SHAREPOINT_HOST}/lists");
    let token = app_token(&running);
    assert_eq!(get(&client, &lists, &token).await.status(), 200);
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
    let mut scenario =
        Scenario::parse(include_str!("../../../../examples/demo/scenario.yml")).unwrap();
    assert!(scenario.length() < Duration::from_secs(600));
    assert!(scenario.repeat.is_some());
    scenario.repeat = None;
    let directory = Directory::contoso(Size::default(), 1, jiff::Timestamp::UNIX_EPOCH);
    let clock = m365mon_simulator::clock::AdjustableClock::new(
        m365mon_base::Clock::following_tokio(jiff::Timestamp::UNIX_EPOCH),
    );
    let tenant = m365mon_simulator::Tenant::new(clock, 1, directory).unwrap();
    let began = tokio::time::Instant::now();
    scenario.run(Arc::clone(&tenant), 1.0).await;
    tokio::time::sleep_until(began + Duration::from_secs(600)).await;
    let left: Vec<_> = tenant
        .faults
        .list()
        .into_iter()
        .filter_map(|f| f.fault.name)
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
