//! What the pages' forms lead to (sign-in, second factor, consent), the
//! administrator's own way in, and the way out.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;

use super::aadsts::{self, EntraError};
use super::answer::Trace;
use super::authorization_session::{
    AuthorizationSession, COOKIE, Mode, Purpose, Return, SignInFlow,
};
use super::authorize::platform_of;
use super::form::Form;
use super::pages;
use super::tenant::{self, TenantName};
use crate::Tenant;

/// What a page's form leads to.
#[derive(Debug, Clone, Copy)]
enum PageForm {
    SignIn,
    Factor,
    Consent,
    Approval,
    Again,
}

async fn answer_form(
    tenant: &Tenant,
    headers: &HeaderMap,
    body: &[u8],
    answer_form: PageForm,
) -> Response {
    let trace = Trace::new(tenant, headers);
    let flow = SignInFlow {
        tenant,
        trace: &trace,
    };
    let opened =
        Form::of_body(headers, body).and_then(|form| Ok((flow.open(form.get("ctx"))?, form)));
    let (mut authorization, form) = match opened {
        Ok(opened) => opened,
        Err(refusal) => return flow.show(&refusal),
    };
    match answer_form {
        PageForm::SignIn => match check_password(&flow, &mut authorization, &form) {
            Ok(()) => flow.advance(&authorization),
            Err(refusal) => flow.ask_sign_in(&authorization, Some(&refusal)),
        },
        // Only the page after the password leads here, and only its form is sealed so.
        PageForm::Factor => {
            authorization.factor = authorization.user.is_some();
            flow.advance(&authorization)
        }
        PageForm::Consent => match form.get("answer") {
            Some("accept") => flow.accept(
                &authorization,
                form.get("everyone").is_some()
                    || matches!(authorization.purpose, Purpose::Administrator { .. }),
            ),
            Some("return") => flow.fail(&authorization, &aadsts::needs_administrator()),
            _ => {
                flow.decline_device(&authorization);
                flow.fail(&authorization, &aadsts::declined())
            }
        },
        PageForm::Approval => flow.request_approval(&authorization),
        PageForm::Again => {
            authorization.user = None;
            authorization.factor = false;
            authorization.hint.clear();
            flow.ask_sign_in(&authorization, None)
        }
    }
}

fn check_password(
    flow: &SignInFlow<'_>,
    authorization: &mut AuthorizationSession,
    form: &Form,
) -> Result<(), EntraError> {
    let name = form.get("login").unwrap_or_default().trim();
    name.clone_into(&mut authorization.hint);
    let directory = flow.tenant.directory.read();
    let user = directory.user(name).ok_or_else(|| {
        EntraError::new(
            "invalid_grant",
            50_034,
            "We couldn't find an account with that username.",
        )
    })?;
    let password = form.get("passwd").unwrap_or_default();
    if user.password != m365mon_base::Secret::new(password.to_owned()) {
        return Err(EntraError::new(
            "invalid_grant",
            50_126,
            "Your account or password is incorrect.",
        ));
    }
    authorization.user = Some((user.id.clone(), flow.trace.now.as_millisecond()));
    authorization.factor = false;
    Ok(())
}

macro_rules! page_handlers {
    ($($(#[$doc:meta])* $name:ident => $answer_form:expr;)*) => {$(
        $(#[$doc])*
        pub(super) async fn $name(
            State(tenant): State<Arc<Tenant>>,
            headers: HeaderMap,
            body: Bytes,
        ) -> Response {
            answer_form(&tenant, &headers, &body, $answer_form).await
        }
    )*};
}

page_handlers! {
    /// User name and password came back.
    sign_in => PageForm::SignIn;
    /// The second factor was shown.
    factor => PageForm::Factor;
    /// Consent was given or not.
    consent => PageForm::Consent;
    /// The administrator is to be asked.
    approval => PageForm::Approval;
    /// Another account is to be used.
    again => PageForm::Again;
}

/// `/{tenant}/adminconsent` and `/{tenant}/v2.0/adminconsent`: an administrator
/// consents for everyone to `scope`, or to what the application last asked for.
pub(super) async fn administrator(
    State(tenant): State<Arc<Tenant>>,
    Path(name): Path<String>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let trace = Trace::new(&tenant, &headers);
    let flow = SignInFlow {
        tenant: &tenant,
        trace: &trace,
    };
    let host = tenant::host_of(&headers, &uri);
    let authorization = Form::parse(query.unwrap_or_default().as_bytes()).and_then(|form| {
        let client = form.require("client_id")?;
        let directory = tenant.directory.read();
        let (organization, app) =
            tenant::find(&directory, &host, TenantName::parse(&name), client, false)?;
        let back = form
            .get("redirect_uri")
            .map(|uri| {
                platform_of(app, uri)?;
                Ok(Return {
                    uri: uri.to_owned(),
                    mode: Mode::Query,
                    state: form.get("state").map(str::to_owned),
                })
            })
            .transpose()?;
        let asked = tenant.entra.memory().asked.get(&app.client_id).cloned();
        let scope = form.get("scope").map(str::to_owned).or(asked);
        Ok(AuthorizationSession {
            purpose: Purpose::Administrator { back },
            client: app.client_id.clone(),
            organization: organization.id.clone(),
            scope: scope.unwrap_or_else(|| "openid".into()),
            hint: String::new(),
            silent: false,
            ask_again: false,
            user: None,
            factor: false,
            began: trace.now.as_millisecond(),
        })
    });
    match authorization {
        Ok(authorization) => flow.ask_sign_in(&authorization, None),
        Err(refusal) => flow.show(&refusal),
    }
}

/// `/{tenant}/oauth2/v2.0/logout`: ends the browser's session, and goes back
/// to a registered address only.
pub(super) async fn logout(
    State(tenant): State<Arc<Tenant>>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let trace = Trace::new(&tenant, &headers);
    let form = Form::of_request(&method, query.as_deref(), &headers, &body).unwrap_or_default();
    let back = form.get("post_logout_redirect_uri").filter(|uri| {
        let directory = tenant.directory.read();
        directory
            .applications()
            .any(|app| platform_of(app, uri).is_ok())
    });
    let mut response = match back {
        Some(uri) => trace.redirect(uri),
        None => trace.page(
            StatusCode::OK,
            pages::message(
                "You signed out of your account",
                "It's a good idea to close all browser windows.",
            ),
        ),
    };
    let gone = format!("{COOKIE}=; path=/; secure; HttpOnly; SameSite=None; Max-Age=0");
    if let Ok(gone) = HeaderValue::from_str(&gone) {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    response
}
