//! What the pages' forms lead to (sign-in, second factor, consent), the
//! administrator's own way in, and the way out.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;

use super::aadsts::{self, Refusal};
use super::answer::Trace;
use super::authorize::{parameters, platform_of};
use super::form::Form;
use super::pages;
use super::place::{self, Named};
use super::visit::{COOKIE, Mode, Purpose, Return, Step, Visit};
use crate::Tenant;

/// What a page's form leads to.
#[derive(Debug, Clone, Copy)]
enum Turn {
    SignIn,
    Factor,
    Consent,
    Approval,
    Again,
}

async fn turn(tenant: &Tenant, headers: &HeaderMap, body: &[u8], turn: Turn) -> Response {
    let trace = Trace::new(tenant, headers);
    let step = Step {
        tenant,
        trace: &trace,
    };
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok());
    let opened = Form::of_body(kind, body).and_then(|form| Ok((step.open(form.get("ctx"))?, form)));
    let (mut visit, form) = match opened {
        Ok(opened) => opened,
        Err(refusal) => return step.show(&refusal),
    };
    match turn {
        Turn::SignIn => match check_password(&step, &mut visit, &form) {
            Ok(()) => step.advance(&visit),
            Err(refusal) => step.ask_sign_in(&visit, Some(&refusal)),
        },
        // Only the page after the password leads here, and only its form is sealed so.
        Turn::Factor => {
            visit.factor = visit.user.is_some();
            step.advance(&visit)
        }
        Turn::Consent => match form.get("answer") {
            Some("accept") => step.accept(
                &visit,
                form.get("everyone").is_some()
                    || matches!(visit.purpose, Purpose::Administrator { .. }),
            ),
            Some("return") => step.fail(&visit, &aadsts::needs_administrator()),
            _ => {
                step.decline_device(&visit);
                step.fail(&visit, &aadsts::declined())
            }
        },
        Turn::Approval => step.request_approval(&visit),
        Turn::Again => {
            visit.user = None;
            visit.factor = false;
            visit.hint.clear();
            step.ask_sign_in(&visit, None)
        }
    }
}

fn check_password(step: &Step<'_>, visit: &mut Visit, form: &Form) -> Result<(), Refusal> {
    let name = form.get("login").unwrap_or_default().trim();
    name.clone_into(&mut visit.hint);
    let directory = step.tenant.directory.read();
    let user = directory.user(name).ok_or_else(|| {
        Refusal::new(
            "invalid_grant",
            50_034,
            "We couldn't find an account with that username.",
        )
    })?;
    let password = form.get("passwd").unwrap_or_default();
    if user.password != m365mon_base::Secret::new(password.to_owned()) {
        return Err(Refusal::new(
            "invalid_grant",
            50_126,
            "Your account or password is incorrect.",
        ));
    }
    visit.user = Some((user.id.clone(), step.trace.now.as_millisecond()));
    visit.factor = false;
    Ok(())
}

macro_rules! turns {
    ($($(#[$doc:meta])* $name:ident => $turn:expr;)*) => {$(
        $(#[$doc])*
        pub(super) async fn $name(
            State(tenant): State<Arc<Tenant>>,
            headers: HeaderMap,
            body: Bytes,
        ) -> Response {
            turn(&tenant, &headers, &body, $turn).await
        }
    )*};
}

turns! {
    /// User name and password came back.
    sign_in => Turn::SignIn;
    /// The second factor was shown.
    factor => Turn::Factor;
    /// Consent was given or not.
    consent => Turn::Consent;
    /// The administrator is to be asked.
    approval => Turn::Approval;
    /// Another account is to be used.
    again => Turn::Again;
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
    let step = Step {
        tenant: &tenant,
        trace: &trace,
    };
    let host = place::host_of(&headers, &uri);
    let visit = Form::parse(query.unwrap_or_default().as_bytes()).and_then(|form| {
        let client = form.require("client_id")?;
        let directory = tenant.directory.read();
        let (organization, app) =
            place::find(&directory, &host, Named::parse(&name), client, false)?;
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
        Ok(Visit {
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
    match visit {
        Ok(visit) => step.ask_sign_in(&visit, None),
        Err(refusal) => step.show(&refusal),
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
    let form = parameters(&method, query.as_deref(), &headers, &body).unwrap_or_default();
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
