//! Over real sockets: what can go wrong at the token endpoint and at the
//! metadata service, and what the control endpoint registers.

use std::sync::Arc;
use std::time::Duration;

use m365mon_simulator::directory::{
    APP_CLIENT_ID, CERTIFICATE_CLIENT_ID, DELEGATED_CLIENT_ID, TENANT_ID,
};
use m365mon_simulator::faults::{FaultKind, NewFault, RetryAfter, Scope};
use m365mon_simulator::hosts::Service;
use m365mon_simulator::{Options, Running, start};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::support::{HOST, STEVE};

const PATIENCE: Duration = Duration::from_secs(60);

struct Cloud {
    running: Running,
    client: reqwest::Client,
    secret: String,
}

async fn cloud() -> Cloud {
    let running = start(Options::default()).await.unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(running.ca_pem.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .retry(reqwest::retry::never())
        .redirect(reqwest::redirect::Policy::none())
        .resolve(HOST, running.addr)
        .timeout(PATIENCE)
        .no_proxy()
        .build()
        .unwrap();
    let secret = {
        let directory = running.tenant.directory.read();
        let app = directory.application(APP_CLIENT_ID).unwrap();
        app.secrets[0].value.expose().to_owned()
    };
    Cloud {
        running,
        client,
        secret,
    }
}

impl Cloud {
    fn arguments(&self, service: Service, kind: FaultKind) {
        self.running.tenant.faults.clear();
        self.running
            .tenant
            .faults
            .add(NewFault::new(kind).within(Scope {
                service: Some(service),
                ..Scope::default()
            }));
    }

    async fn token(&self) -> reqwest::Result<reqwest::Response> {
        self.client
            .post(format!("https://{HOST}/{TENANT_ID}/oauth2/v2.0/token"))
            .form(&[
                ("grant_type", "client_credentials"),
                ("client_id", APP_CLIENT_ID),
                ("client_secret", &self.secret),
                ("scope", "https://graph.microsoft.com/.default"),
            ])
            .send()
            .await
    }

    async fn control(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("http://{}{path}", self.running.control_addr);
        let answer = self.client.post(url).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

#[tokio::test]
async fn the_token_endpoint_in_trouble() {
    let cloud = cloud().await;
    let retry_after = |answer: &reqwest::Response| {
        let value = answer.headers().get("retry-after");
        value.map(|v| v.to_str().unwrap().to_owned())
    };
    let throttled = |retry_after| FaultKind::Throttled { retry_after };
    cloud.arguments(Service::Login, throttled(None));
    let answer = cloud.token().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), retry_after(&answer)),
        (429, None)
    );
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"], "temporarily_unavailable");
    assert_eq!(body["error_codes"], json!([90_055]));

    cloud.arguments(Service::Login, throttled(Some(RetryAfter::Seconds(7))));
    let answer = cloud.token().await.unwrap();
    assert_eq!(retry_after(&answer).as_deref(), Some("7"));
    cloud.arguments(Service::Login, throttled(Some(RetryAfter::Date(30))));
    let answer = cloud.token().await.unwrap();
    assert!(retry_after(&answer).unwrap().ends_with(" GMT"));

    let unavailable = FaultKind::Unavailable {
        retry_after: None,
        empty: false,
    };
    cloud.arguments(Service::Login, unavailable);
    let answer = cloud.token().await.unwrap();
    assert_eq!(answer.status(), 503);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error_codes"], json!([90_033]));

    cloud.arguments(Service::Login, FaultKind::Html);
    let answer = cloud.token().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("<html"));

    cloud.arguments(Service::Login, FaultKind::EmptyBody);
    let answer = cloud.token().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().is_empty());

    let garbage = FaultKind::Status {
        status: 200,
        body: "{\"token_type\":".into(),
        headers: std::collections::BTreeMap::new(),
    };
    cloud.arguments(Service::Login, garbage);
    let answer = cloud.token().await.unwrap();
    assert!(answer.json::<Value>().await.is_err());

    cloud.arguments(Service::Login, FaultKind::Truncated);
    let answer = cloud.token().await.unwrap();
    assert!(answer.bytes().await.is_err());
    cloud.arguments(Service::Login, FaultKind::ResetBefore);
    assert!(cloud.token().await.is_err());
    cloud.arguments(Service::Login, FaultKind::Hang);
    let hanging = tokio::time::timeout(Duration::from_millis(200), cloud.token());
    assert!(hanging.await.is_err());

    cloud.running.tenant.faults.clear();
    assert_eq!(cloud.token().await.unwrap().status(), 200);
    cloud.running.shutdown().await;
}

#[tokio::test]
async fn the_metadata_service_while_it_is_updated() {
    let cloud = cloud().await;
    let url = format!(
        "http://{}/metadata/identity/oauth2/token?api-version=2018-02-01\
         &resource=https%3A%2F%2Fgraph.microsoft.com",
        cloud.running.metadata_addr
    );
    let ask = async || {
        let request = cloud.client.get(&url).header("Metadata", "true");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask().await, 200);
    for status in [404, 410, 500] {
        let kind = FaultKind::Status {
            status,
            body: String::new(),
            headers: std::collections::BTreeMap::new(),
        };
        cloud.arguments(Service::Metadata, kind);
        assert_eq!(ask().await, status);
    }
    let throttled = FaultKind::Throttled { retry_after: None };
    cloud.arguments(Service::Metadata, throttled);
    assert_eq!(ask().await, 429);
    cloud.running.tenant.faults.clear();
    assert_eq!(ask().await, 200);
    cloud.running.shutdown().await;
}

#[tokio::test]
async fn what_the_control_endpoint_registers() {
    let cloud = cloud().await;
    let pem = include_str!("../../../../../tests/data/app-certificate.pem");
    let arguments = json!({"app": CERTIFICATE_CLIENT_ID, "pem": pem, "replace": true});
    assert_eq!(
        cloud.control("/entra/certificates", &arguments).await.0,
        200
    );
    let arguments = json!({"app": CERTIFICATE_CLIENT_ID, "pem": "nothing"});
    let (status, body) = cloud.control("/entra/certificates", &arguments).await;
    assert_eq!(status, 400);
    assert!(body["error"].is_string());
    let uri = "https://m365mon.contoso.com/callback";
    let arguments = json!({"app": DELEGATED_CLIENT_ID, "uri": uri, "platform": "web"});
    assert_eq!(cloud.control("/entra/redirects", &arguments).await.0, 200);
    let arguments = json!({"app": "none", "uri": uri, "platform": "web"});
    assert_eq!(cloud.control("/entra/redirects", &arguments).await.0, 400);
    let arguments = json!({
        "app": CERTIFICATE_CLIENT_ID, "issuer": "https://i", "subject": "s", "audience": "a",
        "jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    });
    assert_eq!(cloud.control("/entra/federated", &arguments).await.0, 400);
    let arguments = json!({
        "app": DELEGATED_CLIENT_ID, "user": STEVE, "scope": "offline_access Mail.ReadBasic",
    });
    let (status, body) = cloud.control("/entra/tokens", &arguments).await;
    assert_eq!(status, 200);
    let answer = cloud
        .client
        .post(format!("https://{HOST}/{TENANT_ID}/oauth2/v2.0/token"))
        .form(&[
            ("grant_type", "refresh_token"),
            ("client_id", DELEGATED_CLIENT_ID),
            ("refresh_token", body["refresh_token"].as_str().unwrap()),
        ])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    {
        let directory = cloud.running.tenant.directory.read();
        let app = directory.application(CERTIFICATE_CLIENT_ID).unwrap();
        assert_eq!((app.certificates.len(), app.federated.len()), (1, 0));
    }
    cloud.running.shutdown().await;
}
