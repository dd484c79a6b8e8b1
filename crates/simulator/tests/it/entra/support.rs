//! A tenant, and requests to it as bytes would make them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use m365mon_base::{Clock, Secret, Timestamp};
use m365mon_simulator::clock::AdjustableClock;
use m365mon_simulator::directory::{
    Application, Certificate, ClientSecret, Directory, Platform, RedirectUri, Size, TENANT_ID,
};
use m365mon_simulator::tokens::Claims;
use m365mon_simulator::{Tenant, entra};
use ring::signature::{KeyPair as _, RsaKeyPair};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use tower::ServiceExt as _;

pub(super) const HOST: &str = "login.microsoftonline.com";
pub(super) const GRAPH: &str = "https://graph.microsoft.com/.default";

/// A confidential client with the secret `right`.
pub(super) const CONFIDENTIAL: &str = "22222222-0000-4000-8000-000000000001";
/// A public client.
pub(super) const PUBLIC: &str = "22222222-0000-4000-8000-000000000002";
/// A single-page application.
pub(super) const SPA: &str = "22222222-0000-4000-8000-000000000003";

pub(super) const WEB_URI: &str = "https://m365mon.contoso.com/auth/callback";
pub(super) const LOCAL_URI: &str = "http://localhost:4711/auth/callback";
pub(super) const STEVE: &str = "steve@contoso.onmicrosoft.com";
pub(super) const ADMIN: &str = "admin@contoso.onmicrosoft.com";

/// Parameters of a form or a query.
pub(super) type Pairs<'a> = [(&'a str, &'a str)];

/// An answer, read.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The AADSTS number of an error body or an error page.
    pub(super) fn code(&self) -> u64 {
        let number = |text: &str| {
            let digits = text.split("AADSTS").nth(1)?.split(':').next()?;
            digits.parse().ok()
        };
        match serde_json::from_str::<Value>(&self.text) {
            Ok(body) => body["error_codes"][0].as_u64().unwrap_or(0),
            Err(_) => number(&self.text).unwrap_or(0),
        }
    }

    pub(super) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or("").to_owned()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The parameters of a redirect.
    pub(super) fn location(&self) -> (String, Vec<(String, String)>) {
        let location = self.header("location");
        let url = url::Url::parse(location)
            .unwrap_or_else(|_| panic!("{} {location:?} {}", self.status, self.text));
        let pairs = url.query_pairs().into_owned().collect();
        let root = location.split(['?', '#']).next().unwrap().to_owned();
        (root, pairs)
    }

    pub(super) fn parameter(&self, name: &str) -> String {
        let (_, pairs) = self.location();
        pairs
            .into_iter()
            .find_map(|(key, value)| (key == name).then_some(value))
            .unwrap_or_default()
    }

    /// The sealed state in a page's form.
    pub(super) fn context(&self) -> String {
        let marker = "name=\"ctx\" value=\"";
        let start = self
            .text
            .find(marker)
            .unwrap_or_else(|| panic!("no form: {}", self.text));
        let rest = &self.text[start + marker.len()..];
        rest.split('"').next().unwrap().to_owned()
    }

    /// The browser's session.
    pub(super) fn session(&self) -> String {
        self.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .find(|v| v.starts_with("ESTSAUTH="))
            .and_then(|v| v.split(';').next())
            .unwrap_or_default()
            .to_owned()
    }
}

/// The simulated Entra ID with applications for these tests.
pub(super) struct Entra {
    pub(super) tenant: Arc<Tenant>,
    router: Router,
}

pub(super) fn start() -> Timestamp {
    "2027-03-01T12:00:00Z".parse().unwrap()
}

pub(super) fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

pub(super) fn secret(value: &str, from: Timestamp, to: Timestamp) -> ClientSecret {
    ClientSecret {
        key_id: value.to_owned(),
        value: Secret::new(value.to_owned()),
        starts: from,
        ends: to,
        hinted: true,
    }
}

fn redirect(uri: &str, platform: Platform) -> RedirectUri {
    RedirectUri {
        uri: uri.to_owned(),
        platform,
    }
}

impl Entra {
    pub(super) fn new() -> Self {
        let now = start();
        let mut directory = Directory::contoso(Size::default(), 1, now);
        let graph = m365mon_simulator::directory::ResourceApp::Graph;
        let sharepoint = m365mon_simulator::directory::ResourceApp::SharePoint;
        let steve = directory.user(STEVE).unwrap().id.clone();

        let mut app = Application::new(CONFIDENTIAL, "confidential", TENANT_ID);
        app.secrets
            .push(secret("right", now - days(1), now + days(1)));
        app.secrets
            .push(secret("old", now - days(9), now - days(1)));
        app.secrets
            .push(secret("early", now + days(1), now + days(9)));
        app.redirect_uris.push(redirect(WEB_URI, Platform::Web));
        app.grant_role(graph, "Sites.Read.All");
        app.grant_scopes(Some(&steve), graph, &["Mail.ReadBasic", "User.Read"]);
        app.grant_scopes(Some(&steve), sharepoint, &["AllSites.Read"]);
        directory.add_application(app);

        let mut app = Application::new(PUBLIC, "public", TENANT_ID);
        app.public_client = true;
        app.redirect_uris.push(redirect(
            "http://localhost/auth/callback",
            Platform::PublicClient,
        ));
        app.grant_scopes(Some(&steve), graph, &["Mail.ReadBasic", "User.Read"]);
        directory.add_application(app);

        let mut app = Application::new(SPA, "page", TENANT_ID);
        app.redirect_uris
            .push(redirect("https://page.contoso.com/", Platform::Spa));
        app.grant_scopes(Some(&steve), graph, &["User.Read"]);
        directory.add_application(app);

        let clock = AdjustableClock::new(Clock::from_fn(move || now));
        let tenant = Tenant::new(clock, 1, directory).unwrap();
        let router = entra::router(Arc::clone(&tenant));
        Self { tenant, router }
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        send(self.router.clone(), request).await
    }

    pub(super) async fn get(&self, target: &str) -> Answer {
        self.get_with(target, "").await
    }

    pub(super) async fn get_with(&self, target: &str, cookie: &str) -> Answer {
        let request = Request::get(format!("https://{HOST}{target}"))
            .header(header::COOKIE, cookie)
            .body(Body::empty())
            .unwrap();
        self.send(request).await
    }

    /// A form to any path.
    pub(super) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = Request::post(format!("https://{HOST}{path}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(encode(form)))
            .unwrap();
        self.send(request).await
    }

    /// A form to the token endpoint of Contoso.
    pub(super) async fn token(&self, form: &[(&str, &str)]) -> Answer {
        self.post(&format!("/{TENANT_ID}/oauth2/v2.0/token"), form)
            .await
    }

    /// A sign-in through the pages; gives what comes after the password.
    pub(super) async fn sign_in(&self, query: &[(&str, &str)], upn: &str) -> Answer {
        let target = format!("/{TENANT_ID}/oauth2/v2.0/authorize?{}", encode(query));
        let page = self.get(&target).await;
        self.enter_password(&page, upn).await
    }

    pub(super) async fn enter_password(&self, page: &Answer, upn: &str) -> Answer {
        let password = {
            let directory = self.tenant.directory.read();
            directory.user(upn).unwrap().password.expose().to_owned()
        };
        let form = [
            ("ctx", &*page.context()),
            ("login", upn),
            ("passwd", &password),
        ];
        self.post(&format!("/{TENANT_ID}/login"), &form).await
    }

    /// Changes what exists.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Directory) -> T) -> T {
        change(&mut self.tenant.directory.write())
    }

    /// The claims of an access token, verified.
    pub(super) fn claims(&self, answer: &Answer) -> Arc<Claims> {
        let body = answer.json();
        let token = body["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("no token: {body}"));
        self.tenant.tokens.verify(token).unwrap()
    }
}

pub(super) async fn send(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    Answer {
        status,
        headers,
        text: String::from_utf8(body.to_vec()).unwrap(),
    }
}

pub(super) fn encode(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// The payload of a JWT, unverified.
pub(super) fn payload(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The RSA key and certificate of an application.
pub(super) fn certificate() -> (RsaKeyPair, Certificate) {
    let key =
        PrivatePkcs8KeyDer::from_pem_slice(include_bytes!("../../../../../tests/data/app-key.pem"))
            .unwrap();
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    let der = include_bytes!("../../../../../tests/data/app-certificate.pem");
    let der = CertificateDer::from_pem_slice(der).unwrap().to_vec();
    let certificate = Certificate {
        der,
        rsa_public_key: key.public_key().as_ref().to_vec(),
        starts: start() - days(1),
        ends: start() + days(30),
    };
    (key, certificate)
}
