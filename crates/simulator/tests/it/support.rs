//! A tenant, and a client that knows nothing of it but its certificate and address.

use std::sync::Arc;
use std::time::Duration;

use m365mon_base::Random as _;
use m365mon_simulator::directory::{
    APP_CLIENT_ID, DOMAIN, PERSONAL_HOST, ResourceApp, SERVICES_CLIENT_ID, SHAREPOINT_HOST,
    TENANT_ID,
};
use m365mon_simulator::tokens::{BACKDATED, Claims};
use m365mon_simulator::{Options, Running, start};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

pub(super) const GRAPH: &str = "https://graph.microsoft.com/v1.0";
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
pub(super) const HOSTS: [&str; 6] = [
    "graph.microsoft.com",
    "endpoints.office.com",
    PERSONAL_HOST,
    "login.microsoftonline.com",
    SHAREPOINT_HOST,
    "contoso-subsidiary.sharepoint.com",
];

pub(super) async fn tenant() -> Running {
    start(Options::default()).await.unwrap()
}

pub(super) fn tls(ca_pem: &str) -> rustls::ClientConfig {
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

pub(super) fn builder(running: &Running) -> reqwest::ClientBuilder {
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

pub(super) fn client(running: &Running) -> reqwest::Client {
    builder(running).build().unwrap()
}

/// An app-only token with the application's granted roles.
pub(super) fn app_claims(running: &Running, client_id: &str, resource: ResourceApp) -> Claims {
    let now = running.tenant.clock.epoch();
    let directory = running.tenant.directory.read();
    let app = directory.application(client_id).unwrap();
    let mut roles = app.roles(resource);
    if directory.is_in_a_team(client_id) {
        roles.push("Group.Selected".into());
    }
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

pub(super) fn user_claims(running: &Running, name: &str, scopes: &str) -> Claims {
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

pub(super) fn app_token(running: &Running) -> String {
    let claims = app_claims(running, APP_CLIENT_ID, ResourceApp::Graph);
    running.tenant.tokens.mint(&claims)
}

pub(super) async fn get(client: &reqwest::Client, url: &str, token: &str) -> reqwest::Response {
    client.get(url).bearer_auth(token).send().await.unwrap()
}

pub(super) async fn get_json(client: &reqwest::Client, url: &str, token: &str) -> Value {
    let answer = get(client, url, token).await;
    assert_eq!(answer.status(), 200, "{url}");
    answer.json().await.unwrap()
}

pub(super) fn intranet() -> String {
    format!("{GRAPH}/sites/{SHAREPOINT_HOST}:/sites/intranet:/lists?$select=displayName&$top=1")
}

/// A token of the application with the permissions of all other kinds.
pub(super) fn services_token(running: &Running) -> String {
    let claims = app_claims(running, SERVICES_CLIENT_ID, ResourceApp::Graph);
    running.tenant.tokens.mint(&claims)
}

/// A command, as the control endpoint takes it.
pub(super) fn command(running: &Running, command: Value) -> Value {
    let command: m365mon_simulator::command::Command = serde_json::from_value(command).unwrap();
    command.perform(&running.tenant).unwrap()
}

/// Status, Graph's error code and the whole body of an answer.
pub(super) async fn read(answer: reqwest::Response) -> (u16, String, Value) {
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    let code = body["error"]["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (status, code, body)
}
