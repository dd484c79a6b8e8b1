//! An OAuth 2.0 and OpenID Connect server that knows the standards and nothing
//! of Microsoft but the paths: RFC 6749 (framework), 7523 (assertions), 7636
//! (PKCE), 8628 (device code), 8252 (loopback redirects), 9700 (refresh tokens
//! are used once; one that is used twice ends the whole grant) and OpenID
//! Connect Core. It shares no code with the simulated tenant. Beside it stand
//! a site and a mailbox that take its tokens.

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
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use url::Url;

use super::jwt;

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
        let acceptor = crate::tls::acceptor(&folder.path().join("ca.pem"), &hosts);
        let shared = Arc::new(Shared {
            spelling,
            life,
            memory: Mutex::default(),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let address = crate::tls::serve_in_background(acceptor, router);
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

    /// Who asks, proved as far as it can (RFC 6749 section 2.3).
    fn client(&self, headers: &HeaderMap, fields: &Fields) -> Result<String, Refused> {
        let basic = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
            .and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok())
            .and_then(|text| {
                let (id, secret) = text.split_once(':')?;
                Some((decoded(id), decoded(secret)))
            });
        let in_body = fields.get("client_id").cloned();
        let (id, secret) = match basic {
            Some((id, secret)) => (id, Some(secret)),
            None => (
                in_body.ok_or(Refused(401, "invalid_client"))?,
                fields.get("client_secret").cloned(),
            ),
        };
        let proved = match &*id {
            PUBLIC => secret.is_none() && !fields.contains_key("client_assertion"),
            CONFIDENTIAL => secret.as_deref() == Some(SECRET),
            ASSERTING => {
                secret.is_none()
                    && fields.get("client_assertion_type").map(String::as_str)
                        == Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                    && fields.get("client_assertion").is_some_and(|assertion| {
                        jwt::is_assertion(assertion, TENANT, &id)
                            && self.memory.lock().assertions.insert(assertion.clone())
                            || jwt::is_federated(assertion)
                    })
            }
            _ => false,
        };
        match proved {
            true => Ok(id),
            false => Err(Refused(401, "invalid_client")),
        }
    }

    fn token(&self, client: &str, fields: &Fields) -> Result<String, Refused> {
        let get = |name: &str| fields.get(name).ok_or(Refused(400, "invalid_request"));
        let grant = get("grant_type")?;
        {
            let mut memory = self.memory.lock();
            memory.requests.push(grant.clone());
            for proof in ["client_secret", "client_assertion", "code_verifier"] {
                memory.secrets.extend(fields.get(proof).cloned());
            }
            if let Some(next) = memory.errors.iter().position(|error| error.0 == client) {
                let (_, status, error) = memory.errors.remove(next);
                return Err(Refused(status, error));
            }
        }
        match &**grant {
            "client_credentials" if client != PUBLIC => {
                Ok(self.grant(client, get("scope")?, None, None))
            }
            "client_credentials" => Err(Refused(400, "unauthorized_client")),
            "authorization_code" => {
                let code = self.memory.lock().codes.remove(get("code")?);
                let verifier = get("code_verifier")?;
                let good = |code: &Code| {
                    code.client == client
                        && fields.get("redirect_uri") == Some(&code.redirect)
                        && (43..=128).contains(&verifier.len())
                        && jwt::sha256(verifier) == code.challenge
                };
                let code = code.filter(good).ok_or(Refused(400, "invalid_grant"))?;
                let family = self.next();
                Ok(self.grant(
                    client,
                    &code.scope,
                    Some(family),
                    Some(code.nonce.as_deref()),
                ))
            }
            "refresh_token" => {
                let family = self.refresh(client, get("refresh_token")?)?;
                Ok(self.grant(client, get("scope")?, Some(family), None))
            }
            "urn:ietf:params:oauth:grant-type:device_code" => {
                let scope = self.poll(client, get("device_code")?)?;
                let family = self.next();
                Ok(self.grant(client, &scope, Some(family), Some(None)))
            }
            _ => Err(Refused(400, "unsupported_grant_type")),
        }
    }

    /// RFC 9700 section 4.14.2: one use each, where they rotate.
    fn refresh(&self, client: &str, token: &str) -> Result<u64, Refused> {
        let mut memory = self.memory.lock();
        let refused = Refused(400, "invalid_grant");
        let Some(row) = memory.refresh.get_mut(token) else {
            return Err(refused);
        };
        let (grant, again) = (row.grant, row.used);
        if row.client != client {
            return Err(refused);
        }
        row.used = self.spelling != Spelling::Bare;
        if again {
            memory.ended.insert(grant);
        }
        match memory.ended.contains(&grant) {
            true => Err(refused),
            false => Ok(grant),
        }
    }

    /// RFC 8628 section 3.5: the first poll is too early, the second too fast.
    fn poll(&self, client: &str, code: &str) -> Result<String, Refused> {
        let mut memory = self.memory.lock();
        let device = memory
            .devices
            .get_mut(code)
            .filter(|device| device.client == client)
            .ok_or(Refused(400, "expired_token"))?;
        device.polls += 1;
        match device.polls {
            1 => Err(Refused(400, "authorization_pending")),
            2 if self.spelling == Spelling::Odd => Err(Refused(400, "slow_down")),
            _ if device.approved => Ok(device.scope.clone()),
            _ => Err(Refused(400, "authorization_pending")),
        }
    }

    /// RFC 8628 section 3.2; `interval` may be absent and means 5 then.
    fn device(&self, client: &str, fields: &Fields) -> Result<String, Refused> {
        let scope = fields.get("scope").ok_or(Refused(400, "invalid_scope"))?;
        let number = self.next();
        let (code, user_code) = (
            format!("device-{number}-GmRhm8"),
            format!("WDJB-{number:04}"),
        );
        let row = Device {
            client: client.to_owned(),
            user_code: user_code.clone(),
            scope: scope.clone(),
            polls: 0,
            approved: false,
        };
        {
            let mut memory = self.memory.lock();
            memory.secrets.push(code.clone());
            memory.devices.insert(code.clone(), row);
        }
        let required = format!(
            r#""device_code":"{code}","user_code":"{user_code}","verification_uri":"https://contoso.com/device","expires_in":1800"#
        );
        Ok(match self.spelling {
            Spelling::Bare => format!("{{{required}}}"),
            Spelling::Usual => format!(
                r#"{{{required},"interval":1,"verification_uri_complete":"https://contoso.com/device?user_code={user_code}"}}"#
            ),
            Spelling::Odd => format!(r#"{{"interval":1,"x":{{"y":[null]}},{required}}}"#),
        })
    }

    /// RFC 6749 section 4.1.1, for a Steve who always says yes.
    fn authorize(&self, url: &Url) -> String {
        let asked: Fields = url.query_pairs().into_owned().collect();
        let get = |name: &str| asked[name].clone();
        assert_eq!(
            (&*get("response_type"), &*get("code_challenge_method")),
            ("code", "S256")
        );
        let mut redirect = Url::parse(&get("redirect_uri")).unwrap();
        assert!(matches!(
            redirect.host_str(),
            Some("localhost" | "127.0.0.1")
        ));
        let code = format!("code-{}-SplxlOBe.~/+=", self.next());
        let row = Code {
            client: get("client_id"),
            redirect: get("redirect_uri"),
            challenge: get("code_challenge"),
            nonce: asked.get("nonce").cloned(),
            scope: get("scope"),
        };
        {
            let mut memory = self.memory.lock();
            memory.secrets.push(code.clone());
            memory.codes.insert(code.clone(), row);
        }
        {
            let mut query = redirect.query_pairs_mut();
            query.append_pair("state", &get("state"));
            query.append_pair("iss", ISSUER); // RFC 9207
            query.append_pair("code", &code);
            query.append_pair("session_state", "x y");
        }
        redirect.into()
    }

    fn next(&self) -> u64 {
        let mut memory = self.memory.lock();
        memory.count += 1;
        memory.count
    }

    /// RFC 6749 section 5.1. `grant` for what can be renewed; `nonce` where a
    /// person has just signed in.
    fn grant(
        &self,
        client: &str,
        scope: &str,
        grant: Option<u64>,
        nonce: Option<Option<&str>>,
    ) -> String {
        let number = self.next();
        let access = format!("access-{number}-Zm9v.~+/_==");
        let mut memory = self.memory.lock();
        memory.access.insert(access.clone(), scope.to_owned());
        memory.secrets.push(access.clone());
        let renews = nonce.is_some() || self.spelling != Spelling::Bare;
        let refresh = grant.filter(|_| renews).map(|grant| {
            let token = format!("refresh {number} <~+&%=\"\\>");
            let row = Refresh {
                client: client.to_owned(),
                grant,
                used: false,
            };
            memory.refresh.insert(token.clone(), row);
            memory.secrets.push(token.clone());
            serde_json::to_string(&token).unwrap()
        });
        let mut answer = format!(r#""access_token":"{access}""#);
        if let Some(refresh) = refresh {
            answer.push_str(&format!(r#","refresh_token":{refresh}"#));
        }
        if let Some(nonce) = nonce {
            let id_token = jwt::id_token(ISSUER, client, STEVE, nonce);
            memory.secrets.push(id_token.clone());
            answer.push_str(&format!(r#","id_token":"{id_token}""#));
        }
        let life = self.life;
        match self.spelling {
            Spelling::Bare => format!(r#"{{{answer},"token_type":"Bearer"}}"#),
            Spelling::Usual => {
                format!(r#"{{{answer},"token_type":"Bearer","expires_in":{life}}}"#)
            }
            Spelling::Odd => format!(
                r#"{{ "not-before-policy": 0, "session" : {{"a": ["b", null]}}, "scope":"{scope}",
                     "expires_in": {life},"token_type" : "bEARER", {answer} }}"#
            ),
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

fn decoded(text: &str) -> String {
    let pairs = format!("x={text}");
    url::form_urlencoded::parse(pairs.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Base64url without padding.
pub(super) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
