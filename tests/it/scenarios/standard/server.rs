//! An OAuth 2.0 and OpenID Connect server that knows the standards and nothing
//! of Microsoft but the paths: RFC 6749 (framework), 7523 (assertions), 7636
//! (PKCE), 8628 (device code), 8252 (loopback redirects), 9700 (refresh tokens
//! are used once; one that is used twice ends the whole grant) and OpenID
//! Connect Core. It shares no code with the simulated tenant. Beside it stand
//! a site and a mailbox that take its tokens.

mod grants;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use url::Url;

pub(super) const TENANT: &str = "contoso.onmicrosoft.com";
pub(super) const STEVE: &str = "steve@contoso.com";
/// May use every grant without proving anything.
pub(super) const PUBLIC: &str = "11111111-0000-4000-8000-000000000001";
/// Proves itself by [`SECRET`].
pub(super) const CONFIDENTIAL: &str = "11111111-0000-4000-8000-000000000002";
/// Proves itself by an assertion signed with its own key, or another provider's.
pub(super) const ASSERTING: &str = "11111111-0000-4000-8000-000000000003";
/// With characters that need encoding in a form.
pub(super) const SECRET: &str = "s3cret %+&=/~:\\\"'<";
const ISSUER: &str = "https://login.microsoftonline.com/standard";

/// How answers are spelled; each is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Only what RFC 6749 requires; no new refresh token at renewal.
    Bare,
    /// What most servers send; refresh tokens rotate.
    Usual,
    /// Everything in another order, fields that nobody knows, another letter
    /// case; refresh tokens rotate.
    Odd,
}

pub(super) struct Server {
    pub(super) folder: tempfile::TempDir,
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    spelling: Spelling,
    /// Of access tokens, seconds; not said by [`Spelling::Bare`].
    life: u64,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    count: u64,
    /// Access tokens and their scopes.
    access: HashMap<String, String>,
    codes: HashMap<String, Code>,
    devices: HashMap<String, Device>,
    refresh: HashMap<String, Refresh>,
    /// Grants that were ended.
    ended: HashSet<u64>,
    assertions: HashSet<String>,
    requests: Vec<String>,
    /// Everything that nobody else may see: what was given out, and what came
    /// as a proof.
    secrets: Vec<String>,
    /// What clients are told before anything else.
    errors: Vec<(&'static str, u16, &'static str)>,
}

struct Code {
    client: String,
    redirect: String,
    challenge: String,
    nonce: Option<String>,
    scope: String,
}

struct Device {
    client: String,
    user_code: String,
    scope: String,
    polls: u32,
    approved: bool,
}

#[derive(Clone)]
struct Refresh {
    client: String,
    grant: u64,
    used: bool,
}

/// `error` and the status that goes with it (RFC 6749 section 5.2).
struct Refused(u16, &'static str);

type Fields = BTreeMap<String, String>;

impl Server {
    pub(super) fn start(spelling: Spelling, life: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hosts = [
            "login.microsoftonline.com",
            "graph.microsoft.com",
            "contoso.sharepoint.com",
        ];
        let acceptor = crate::support::tls::acceptor(&folder.path().join("ca.pem"), &hosts);
        let shared = Arc::new(Shared {
            spelling,
            life,
            memory: Mutex::default(),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let address = crate::support::tls::serve_in_background(acceptor, router);
        Self {
            folder,
            address,
            shared,
        }
    }

    /// A configuration file in the server's folder.
    pub(super) fn configuration(&self, accounts: &str, resources: &str) -> PathBuf {
        let file = self.folder.path().join("m365mon.yml");
        let address = self.address;
        let text = format!(
            "storage: m365mon.tokens\nstorage_key_file: m365mon.key\n\
             http: {{ca_file: ca.pem, resolve: {{login.microsoftonline.com: \"{address}\", \
             graph.microsoft.com: \"{address}\", contoso.sharepoint.com: \"{address}\"}}}}\n\
             defaults: {{interval: 1s, timeout: 800ms}}\n\
             accounts:\n{accounts}resources:\n{resources}"
        );
        std::fs::write(&file, text).unwrap();
        file
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// False where it does not say how long its tokens live.
    pub(super) fn renews_soon(&self) -> bool {
        self.shared.spelling != Spelling::Bare
    }

    /// The grants that came to the token endpoint so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.shared.memory.lock().requests.clone()
    }

    /// The client's next request for a token is refused so.
    pub(super) fn refuse(&self, client: &'static str, status: u16, error: &'static str) {
        let mut memory = self.shared.memory.lock();
        memory.errors.push((client, status, error));
    }

    /// Everything that was granted to people ends.
    pub(super) fn revoke(&self) {
        let mut memory = self.shared.memory.lock();
        memory.refresh.clear();
        memory.access.clear();
    }

    /// Everything that was given out or came as a proof and that nobody else
    /// may see.
    pub(super) fn secrets(&self) -> Vec<String> {
        self.shared.memory.lock().secrets.clone()
    }

    /// True if no refresh token was ever used twice.
    pub(super) fn nothing_was_reused(&self) -> bool {
        self.shared.memory.lock().ended.is_empty()
    }

    /// What a browser is sent to when Steve says yes at `url`.
    pub(super) fn browse(&self, url: &str) -> String {
        self.shared.authorize(&Url::parse(url).unwrap())
    }

    /// Steve enters a code on another device.
    pub(super) fn approve(&self, user_code: &str) {
        let mut memory = self.shared.memory.lock();
        let device = memory
            .devices
            .values_mut()
            .find(|device| device.user_code == user_code)
            .unwrap();
        device.approved = true;
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path();
    let login = format!("/{TENANT}");
    let post = method == Method::POST;
    match path.strip_prefix(&login) {
        Some("/oauth2/v2.0/token") if post => shared.endpoint(&headers, &body, Shared::token),
        Some("/oauth2/v2.0/devicecode") if post => shared.endpoint(&headers, &body, Shared::device),
        Some("/v2.0/.well-known/openid-configuration") => json(200, DISCOVERY),
        _ if path.starts_with("/v1.0/") || path.contains("/_api/") => shared.api(path, &headers),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The required members (OpenID Connect Discovery section 3).
const DISCOVERY: &str = r#"{"issuer":"https://login.microsoftonline.com/standard",
 "authorization_endpoint":"https://login.microsoftonline.com/a","token_endpoint":"https://login.microsoftonline.com/t",
 "jwks_uri":"https://login.microsoftonline.com/k","response_types_supported":["code"],
 "subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}"#;

fn json(status: u16, body: &str) -> Response {
    let head = [
        ("content-type", "application/json;charset=UTF-8"),
        ("cache-control", "no-store"),
    ];
    let status = StatusCode::from_u16(status).unwrap();
    (status, head, body.to_owned()).into_response()
}

impl Shared {
    fn api(&self, path: &str, headers: &HeaderMap) -> Response {
        let (audience, body) = match path.contains("/_api/") {
            true => (
                "https://contoso.sharepoint.com/",
                r#"{"value":[{"Title":"Documents"}]}"#,
            ),
            false if path.ends_with("/messages") => {
                ("https://graph.microsoft.com/", r#"{"value":[{"id":"A"}]}"#)
            }
            false => (
                "https://graph.microsoft.com/",
                r#"{"value":[{"displayName":"Documents"}]}"#,
            ),
        };
        let token = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let memory = self.memory.lock();
        match token.and_then(|token| memory.access.get(token)) {
            Some(scope) if scope.contains(audience) => json(200, body),
            _ => {
                let head = [("www-authenticate", "Bearer error=\"invalid_token\"")];
                (StatusCode::UNAUTHORIZED, head).into_response()
            }
        }
    }

    /// Reads the form, proves the client and answers.
    fn endpoint(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        then: fn(&Self, &str, &Fields) -> Result<String, Refused>,
    ) -> Response {
        let answer = form(headers, body)
            .and_then(|fields| then(self, &self.client(headers, &fields)?, &fields));
        match answer {
            Ok(body) => json(200, &body),
            Err(Refused(status, error)) => {
                let body = match self.spelling {
                    Spelling::Bare => format!(r#"{{"error":"{error}"}}"#),
                    Spelling::Usual => {
                        format!(r#"{{"error":"{error}","error_description":"No."}}"#)
                    }
                    Spelling::Odd => format!(
                        r#"{{ "error_uri" : "https://contoso.com/help", "hint": [1, {{}}],
                              "error_description":"","error" : "{error}"}}"#
                    ),
                };
                let mut response = json(status, &body);
                if status == 401 {
                    let challenge = "Basic realm=\"standard\"".parse().unwrap();
                    response.headers_mut().insert("www-authenticate", challenge);
                }
                response
            }
        }
    }
}

/// RFC 6749 section 3.2: a form, no parameter twice, empty ones count as absent.
fn form(headers: &HeaderMap, body: &[u8]) -> Result<Fields, Refused> {
    let wrong = || Refused(400, "invalid_request");
    let kind = headers.get("content-type").and_then(|v| v.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        return Err(wrong());
    }
    let mut fields = Fields::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if !value.is_empty()
            && fields
                .insert(name.into_owned(), value.into_owned())
                .is_some()
        {
            return Err(wrong());
        }
    }
    Ok(fields)
}

/// Base64url without padding.
pub(super) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
