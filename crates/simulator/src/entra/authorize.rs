//! The authorization endpoint: reading who asks, for what, and where the
//! answer goes, before any page is shown.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::Response;

use super::aadsts::{self, EntraError};
use super::answer::Trace;
use super::authorization_session::{
    AuthorizationSession, BrowserSession, COOKIE, Mode, Purpose, Return, SignInFlow,
};
use super::form::Form;
use super::pkce::Challenge;
use super::scope::RequestedScopes;
use super::sessions::at;
use super::tenant::{self, TenantName};
use crate::Tenant;
use crate::directory::{Application, Platform};

/// A cookie's value.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// True for two addresses of this machine that differ in the port only, as
/// RFC 8252 section 7.3 asks; Entra does it for `localhost` and `127.0.0.1`.
fn same_but_for_port(registered: &str, given: &str) -> bool {
    let parse = |text| url::Url::parse(text).ok();
    let (Some(mut left), Some(mut right)) = (parse(registered), parse(given)) else {
        return false;
    };
    let local = |url: &url::Url| {
        url.scheme() == "http" && matches!(url.host_str(), Some("localhost" | "127.0.0.1"))
    };
    local(&left)
        && local(&right)
        && left.set_port(None).is_ok()
        && right.set_port(None).is_ok()
        && left == right
}

/// Where codes of this redirect URI may go, and as what (AADSTS50011).
pub(super) fn platform_of(app: &Application, given: &str) -> Result<Platform, EntraError> {
    app.redirect_uris
        .iter()
        .find(|registered| registered.uri == given || same_but_for_port(&registered.uri, given))
        .map(|registered| registered.platform)
        .ok_or_else(|| aadsts::redirect_uri_unknown(given, &app.client_id))
}

/// `/{tenant}/oauth2/v2.0/authorize`.
pub(super) async fn authorize(
    State(tenant): State<Arc<Tenant>>,
    Path(name): Path<String>,
    uri: Uri,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let trace = Trace::new(&tenant, &headers);
    let flow = SignInFlow {
        tenant: &tenant,
        trace: &trace,
    };
    let host = tenant::host_of(&headers, &uri);
    let asked = Form::of_request(&method, query.as_deref(), &headers, &body)
        .and_then(|form| Ok((address(&tenant, &host, &name, &form)?, form)));
    let (address, form) = match asked {
        Ok(asked) => asked,
        // Nothing here is safe to redirect to (RFC 6749 section 4.1.2.1).
        Err(refusal) => return flow.show(&refusal),
    };
    match authorization(&tenant, &trace, &address, &form) {
        Ok(mut authorization) => {
            remember_session(&flow, &mut authorization, form.get("prompt"), &headers);
            flow.advance(&authorization)
        }
        Err(refusal) => flow.send_error(&address.back, &refusal),
    }
}

/// Who asked and where the answer goes.
struct Address {
    organization: String,
    client: String,
    platform: Platform,
    back: Return,
}

fn address(tenant: &Tenant, host: &str, name: &str, form: &Form) -> Result<Address, EntraError> {
    let client = form.require("client_id")?;
    let directory = tenant.directory.read();
    let (organization, app) =
        tenant::find(&directory, host, TenantName::parse(name), client, false)?;
    let uri = match (form.get("redirect_uri"), app.redirect_uris.as_slice()) {
        (Some(uri), _) => uri.to_owned(),
        (None, [only]) => only.uri.clone(),
        (None, _) => {
            return Err(EntraError::new(
                "invalid_request",
                900_971,
                "No reply address provided.",
            ));
        }
    };
    let platform = platform_of(app, &uri)?;
    let state = form.get("state").map(str::to_owned);
    let mode = match form.get("response_mode") {
        None | Some("query") => Mode::Query,
        Some("fragment") => Mode::Fragment,
        Some("form_post") => Mode::FormPost,
        Some(other) => return Err(aadsts::response_mode(other)),
    };
    Ok(Address {
        organization: organization.id.clone(),
        client: app.client_id.clone(),
        platform,
        back: Return { uri, mode, state },
    })
}

fn authorization(
    tenant: &Tenant,
    trace: &Trace,
    address: &Address,
    form: &Form,
) -> Result<AuthorizationSession, EntraError> {
    if form.names("resource") {
        return Err(aadsts::resource_parameter());
    }
    match form.require("response_type")? {
        "code" => {}
        other => return Err(aadsts::response_type(other)),
    }
    let scope = form.require("scope")?;
    {
        let directory = tenant.directory.read();
        let organization = tenant::anywhere(&directory, &address.organization)?;
        let app = directory.application(&address.client);
        RequestedScopes::parse(scope, organization, app.map_or("", |a| &a.display_name))?;
    }
    super::issue::ClaimsRequest::parse(form.get("claims"))?;
    let method = form.get("code_challenge_method");
    let challenge = match form.get("code_challenge") {
        Some(value) => {
            Challenge::parse(value, method)?;
            Some((value.to_owned(), method.map(str::to_owned)))
        }
        None if method.is_some() => return Err(aadsts::bad_challenge()),
        None if address.platform == Platform::Spa => {
            return Err(EntraError::new(
                "invalid_request",
                9_002_325,
                "Proof Key for Code Exchange is required for cross-origin authorization code \
                 redemption.",
            ));
        }
        None => None,
    };
    let prompt = form.get("prompt").unwrap_or_default();
    if !matches!(
        prompt,
        "" | "login" | "none" | "consent" | "select_account" | "create"
    ) {
        return Err(aadsts::bad_input("prompt"));
    }
    let entra = &tenant.entra;
    entra
        .memory()
        .asked
        .put(address.client.clone(), scope.to_owned());
    Ok(AuthorizationSession {
        purpose: Purpose::Code {
            back: address.back.clone(),
            spa: address.platform == Platform::Spa,
            web: address.platform == Platform::Web,
            nonce: form.get("nonce").map(str::to_owned),
            challenge,
        },
        client: address.client.clone(),
        organization: address.organization.clone(),
        scope: scope.to_owned(),
        hint: form.get("login_hint").unwrap_or_default().to_owned(),
        silent: prompt == "none",
        ask_again: prompt == "consent",
        user: None,
        factor: false,
        began: trace.now.as_millisecond(),
    })
}

/// Takes over the browser's session where the request allows it.
fn remember_session(
    flow: &SignInFlow<'_>,
    authorization: &mut AuthorizationSession,
    prompt: Option<&str>,
    headers: &HeaderMap,
) {
    if matches!(prompt, Some("login" | "select_account" | "create")) {
        return;
    }
    let browser = cookie(headers, COOKIE)
        .and_then(|sealed| flow.tenant.entra.open::<BrowserSession>("session", sealed));
    let Some(browser) = browser.filter(|s| s.organization == authorization.organization) else {
        return;
    };
    let directory = flow.tenant.directory.read();
    let Some(user) = directory.user(&browser.user) else {
        return;
    };
    let hinted =
        authorization.hint.is_empty() || user.upn.eq_ignore_ascii_case(&authorization.hint);
    if hinted && at(browser.signed_in) >= user.sessions_valid_from {
        authorization.user = Some((browser.user, browser.signed_in));
        authorization.factor = browser.factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris() {
        assert!(same_but_for_port(
            "http://localhost",
            "http://localhost:4711"
        ));
        assert!(same_but_for_port(
            "http://127.0.0.1/auth",
            "http://127.0.0.1:1/auth"
        ));
        assert!(!same_but_for_port(
            "http://localhost/a",
            "http://localhost:1/b"
        ));
        assert!(!same_but_for_port(
            "http://contoso.com",
            "http://contoso.com:1"
        ));
        assert!(!same_but_for_port(
            "https://localhost",
            "https://localhost:1"
        ));
    }

    #[test]
    fn cookies() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=1; ESTSAUTH=x=".parse().unwrap());
        headers.append(header::COOKIE, "b=2".parse().unwrap());
        assert_eq!(cookie(&headers, "ESTSAUTH"), Some("x="));
        assert_eq!(cookie(&headers, "b"), Some("2"));
        assert_eq!(cookie(&headers, "c"), None);
    }
}
