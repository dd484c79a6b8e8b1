//! An API that Contoso made and put behind Entra, as App Service does with
//! "Easy Auth" (PROTOCOL-KINDS section 12): a token must be for it, and what it
//! answers to one that is not depends on how its owner set it up.
//!
//! | path | answers |
//! |---|---|
//! | `/health` | 200, JSON; wants the role or scope `Health.Read` where roles are looked at |
//! | `/status/N` | N with a body of JSON, 204 without |
//! | `/page` | 200 with HTML, the classic false green |
//! | `/nul` | 403 whose body is NUL bytes |

use axum::body::Body;
use http::{HeaderName, Method, Response, StatusCode, header};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::json;

use super::Tenant;
use super::directory::{ORDERS_ALIAS, ORDERS_CLIENT_ID, ORDERS_URI, TENANT_ID};
use super::graph::claims_of_challenge;
use super::incoming::{Bearer, IncomingRequest};
use super::response::{set, status_only};
use super::tokens::Claims;

/// What it answers to a request without a token that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unauthenticated {
    /// 401 with a challenge.
    #[default]
    Return401,
    /// 403.
    Return403,
    /// 302 to Entra's pages.
    RedirectToLoginPage,
    /// 203 and a page to sign in on, as Azure DevOps does.
    SignInPage,
}

/// How its owner set it up.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Without a token that is taken.
    pub unauthenticated: Unauthenticated,
    /// `Health.Read` is looked for in the token.
    pub roles_required: bool,
    /// Client ids that are let in; all of them if there are none.
    pub allowed_clients: Vec<String>,
}

/// The API's state.
#[derive(Debug, Default)]
pub struct Orders(Mutex<Setup>);

impl Orders {
    /// Changes how it is set up.
    pub fn change(&self, change: impl FnOnce(&mut Setup)) {
        change(&mut self.0.lock());
    }

    fn setup(&self) -> Setup {
        self.0.lock().clone()
    }
}

/// Answers one request.
pub(super) fn answer(tenant: &Tenant, incoming: &IncomingRequest) -> Response<Body> {
    let setup = tenant.orders.setup();
    let claims = match &incoming.bearer {
        Bearer::Valid(claims) if is_for(claims) => claims,
        Bearer::Valid(_) | Bearer::Refused { .. } | Bearer::Missing => {
            return unauthenticated(setup.unauthenticated, incoming);
        }
    };
    if tenant.tokens.challenge(claims).is_some() {
        return challenge(tenant);
    }
    let clients = &setup.allowed_clients;
    if !clients.is_empty()
        && !clients
            .iter()
            .any(|id| id.eq_ignore_ascii_case(&claims.appid))
    {
        return status_only(StatusCode::FORBIDDEN);
    }
    const NEEDED: [&str; 1] = ["Health.Read"];
    if setup.roles_required && !claims.has_role(&NEEDED) && !claims.has_scope(&NEEDED) {
        let body = json!({"error": {"code": "Forbidden", "message": "Health.Read is needed."}});
        return made(StatusCode::FORBIDDEN, "application/json", body.to_string());
    }
    let path = incoming.path.trim_end_matches('/');
    if let Some(status) = path.strip_prefix("/status/") {
        let status = status
            .parse()
            .ok()
            .and_then(|n| StatusCode::from_u16(n).ok());
        return match status.filter(|status| !status.is_informational()) {
            Some(StatusCode::NO_CONTENT) => status_only(StatusCode::NO_CONTENT),
            Some(status) => {
                let body = json!({"status": status.as_u16()}).to_string();
                made(status, "application/json", body)
            }
            None => status_only(StatusCode::NOT_FOUND),
        };
    }
    match (path, &incoming.method) {
        ("/health", &Method::GET | &Method::HEAD | &Method::POST) => {
            let body = json!({"status": "Healthy", "orders": 42}).to_string();
            made(StatusCode::OK, "application/json; charset=utf-8", body)
        }
        ("/health", _) => status_only(StatusCode::METHOD_NOT_ALLOWED),
        ("/page", _) => made(StatusCode::OK, "text/html; charset=utf-8", PAGE.to_owned()),
        ("/nul", _) => made(StatusCode::FORBIDDEN, "application/json", "\0".repeat(64)),
        _ => status_only(StatusCode::NOT_FOUND),
    }
}

const PAGE: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>\
<form method=\"post\"><input name=\"login\"></form></body></html>";

/// By client id or App ID URI, in the organization that made it.
fn is_for(claims: &Claims) -> bool {
    [ORDERS_CLIENT_ID, ORDERS_URI, ORDERS_ALIAS]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(&claims.aud))
        && claims.tid == TENANT_ID
}

fn made(status: StatusCode, kind: &str, body: String) -> Response<Body> {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, kind);
    set(
        &mut answer,
        HeaderName::from_static("x-powered-by"),
        "ASP.NET",
    );
    answer
}

fn realm() -> String {
    format!(
        "Bearer realm=\"orders.contoso.com\" \
         authorization_uri=\"https://login.microsoftonline.com/{TENANT_ID}/oauth2/v2.0/authorize\" \
         resource_id=\"{ORDERS_URI}\""
    )
}

fn unauthenticated(how: Unauthenticated, incoming: &IncomingRequest) -> Response<Body> {
    match how {
        Unauthenticated::Return401 => {
            let mut answer = status_only(StatusCode::UNAUTHORIZED);
            set(&mut answer, header::WWW_AUTHENTICATE, &realm());
            answer
        }
        Unauthenticated::Return403 => status_only(StatusCode::FORBIDDEN),
        Unauthenticated::RedirectToLoginPage => {
            let mut answer = status_only(StatusCode::FOUND);
            let back: String =
                url::form_urlencoded::byte_serialize(incoming.raw_path.as_bytes()).collect();
            let to = format!(
                "https://login.microsoftonline.com/{TENANT_ID}/oauth2/v2.0/authorize\
                 ?response_type=code+id_token&client_id={ORDERS_CLIENT_ID}\
                 &redirect_uri=https%3A%2F%2Forders.contoso.com%2F.auth%2Flogin%2Faad%2Fcallback\
                 &scope=openid+profile+email&response_mode=form_post&state=redir%3D{back}"
            );
            set(&mut answer, header::LOCATION, &to);
            answer
        }
        Unauthenticated::SignInPage => made(
            StatusCode::NON_AUTHORITATIVE_INFORMATION,
            "text/html; charset=utf-8",
            PAGE.to_owned(),
        ),
    }
}

/// What a fault on command looks like here.
pub(super) fn refusal(status: StatusCode) -> Response<Body> {
    made(
        status,
        "text/plain",
        String::from("The service is not available."),
    )
}

/// A claims challenge on command.
pub(super) fn challenge(tenant: &Tenant) -> Response<Body> {
    let mut answer = status_only(StatusCode::UNAUTHORIZED);
    let claims = claims_of_challenge(tenant.clock.epoch());
    let text = format!(
        "{} error=\"insufficient_claims\" claims=\"{claims}\"",
        realm()
    );
    set(&mut answer, header::WWW_AUTHENTICATE, &text);
    answer
}
