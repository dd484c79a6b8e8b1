//! A person's way through the pages: sign-in, second factor, consent, and
//! back to who sent them. What is known so far travels sealed in the page's
//! form (`ctx`), so nothing is kept for visits that never end.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::aadsts::{self, EntraError};
use super::answer::{Trace, error_uri};
use super::grants::check_person;
use super::pages;
use super::pkce::Challenge;
use super::sessions::{Code, DeviceState, Grant};
use crate::Tenant;
use crate::directory::{Application, Organization, Platform, User};

/// How an authorization answer goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mode {
    Query,
    Fragment,
    FormPost,
}

/// Where an authorization answer goes back to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Return {
    pub(super) uri: String,
    pub(super) mode: Mode,
    pub(super) state: Option<String>,
}

/// Why somebody is here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// The authorization endpoint.
    Code {
        back: Return,
        spa: bool,
        web: bool,
        nonce: Option<String>,
        /// `code_challenge` and its method, checked.
        challenge: Option<(String, Option<String>)>,
    },
    /// A device shows a code.
    Device { device_code: String },
    /// An administrator consents for everyone.
    Administrator { back: Option<Return> },
}

/// One way through the pages, from the request to its answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AuthorizationSession {
    pub(super) purpose: Purpose,
    pub(super) client: String,
    pub(super) organization: String,
    pub(super) scope: String,
    pub(super) hint: String,
    /// `prompt=none`: no page may be shown.
    pub(super) silent: bool,
    /// `prompt=consent`: ask although it was granted.
    pub(super) ask_again: bool,
    /// Who signed in, when (milliseconds since 1970).
    pub(super) user: Option<(String, i64)>,
    /// A second factor was shown.
    pub(super) factor: bool,
    /// Milliseconds since 1970.
    pub(super) began: i64,
}

/// A browser's session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BrowserSession {
    pub(super) user: String,
    pub(super) organization: String,
    pub(super) signed_in: i64,
    pub(super) factor: bool,
}

/// The cookie of a browser's session.
pub(super) const COOKIE: &str = "ESTSAUTH";
/// A page left alone for longer has to be asked for again.
const SESSION_MILLISECONDS: i64 = 3_600_000;

/// Everything a step needs.
pub(super) struct SignInFlow<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) trace: &'a Trace,
}

impl SignInFlow<'_> {
    pub(super) fn seal(&self, authorization: &AuthorizationSession) -> String {
        self.tenant.entra.seal("visit", authorization)
    }

    /// The session that a page's form carries.
    pub(super) fn open(&self, context: Option<&str>) -> Result<AuthorizationSession, EntraError> {
        let now = self.trace.now.as_millisecond();
        context
            .and_then(|sealed| {
                self.tenant
                    .entra
                    .open::<AuthorizationSession>("visit", sealed)
            })
            .filter(|authorization| now - authorization.began < SESSION_MILLISECONDS)
            .ok_or_else(|| {
                EntraError::new(
                    "invalid_request",
                    50_089,
                    "Authentication failed: flow token expired.",
                )
            })
    }

    /// A refusal as a page.
    pub(super) fn show(&self, refusal: &EntraError) -> Response {
        let html = pages::refusal(refusal, self.trace);
        self.trace.page(StatusCode::BAD_REQUEST, html)
    }

    /// A refusal sent to where the visitor came from, or shown.
    pub(super) fn fail(
        &self,
        authorization: &AuthorizationSession,
        refusal: &EntraError,
    ) -> Response {
        let back = match &authorization.purpose {
            Purpose::Code { back, .. } => back,
            Purpose::Administrator { back: Some(back) } => {
                // Documented: the administrator's endpoint has its own word.
                let refusal = EntraError {
                    error: "permission_denied",
                    ..refusal.clone()
                };
                return self.send_error(back, &refusal);
            }
            Purpose::Administrator { back: None } | Purpose::Device { .. } => {
                return self.show(refusal);
            }
        };
        self.send_error(back, refusal)
    }

    /// An error answer of the authorization endpoint (RFC 6749 section 4.1.2.1).
    pub(super) fn send_error(&self, back: &Return, refusal: &EntraError) -> Response {
        let mut fields = vec![
            ("error".to_owned(), refusal.error.to_owned()),
            ("error_description".to_owned(), self.trace.sentence(refusal)),
            ("error_uri".to_owned(), error_uri(refusal.code)),
        ];
        if refusal.code == 65_004 {
            fields.insert(1, ("error_subcode".to_owned(), "cancel".to_owned()));
        }
        if let Some(suberror) = refusal.suberror {
            fields.push(("suberror".to_owned(), suberror.to_owned()));
        }
        self.send(back, fields)
    }

    /// Goes back to the application.
    fn send(&self, back: &Return, mut fields: Vec<(String, String)>) -> Response {
        if let Some(state) = &back.state {
            fields.push(("state".to_owned(), state.clone()));
        }
        let encode = || {
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&fields)
                .finish()
        };
        match back.mode {
            Mode::FormPost => self
                .trace
                .page(StatusCode::OK, pages::form_post(&back.uri, &fields)),
            Mode::Fragment => self.trace.redirect(&format!("{}#{}", back.uri, encode())),
            Mode::Query => {
                let mark = if back.uri.contains('?') { '&' } else { '?' };
                self.trace
                    .redirect(&format!("{}{mark}{}", back.uri, encode()))
            }
        }
    }

    /// Asks for user name and password.
    pub(super) fn ask_sign_in(
        &self,
        authorization: &AuthorizationSession,
        refusal: Option<&EntraError>,
    ) -> Response {
        let directory = self.tenant.directory.read();
        let app = directory
            .application(&authorization.client)
            .map_or("", |app| app.display_name.as_str());
        let html = pages::sign_in(
            &authorization.organization,
            &self.seal(authorization),
            app,
            &authorization.hint,
            refusal,
        );
        self.trace.page(StatusCode::OK, html)
    }

    /// Goes as far as possible without the person.
    pub(super) fn advance(&self, authorization: &AuthorizationSession) -> Response {
        let directory = self.tenant.directory.read();
        let Some((organization, app)) = directory
            .organization(&authorization.organization)
            .zip(directory.application(&authorization.client))
        else {
            return self.show(&aadsts::tenant_not_found(&authorization.organization));
        };
        let Some((id, _)) = &authorization.user else {
            drop(directory);
            if authorization.silent {
                return self.fail(authorization, &aadsts::silent_sign_in());
            }
            return self.ask_sign_in(authorization, None);
        };
        let Some(user) = directory.user(id) else {
            return self.show(&aadsts::unknown_user(&organization.display_name));
        };
        if let Err(refusal) = self.admit(authorization, organization, app, user) {
            return self.show(&refusal);
        }
        if user.mfa_required && !authorization.factor {
            if authorization.silent {
                return self.fail(authorization, &aadsts::factor_needed(&app.client_id));
            }
            let html = pages::second_factor(
                &authorization.organization,
                &self.seal(authorization),
                &user.upn,
            );
            return self.trace.page(StatusCode::OK, html);
        }
        let missing = match self.missing(authorization, organization, app, user) {
            Ok(missing) => missing,
            Err(refusal) => return self.fail(authorization, &refusal),
        };
        let everyone = matches!(authorization.purpose, Purpose::Administrator { .. });
        let asks = everyone || authorization.ask_again || !missing.names.is_empty();
        if !asks {
            drop(directory);
            return self.finish(authorization);
        }
        if authorization.silent {
            return self.fail(
                authorization,
                &aadsts::no_consent(&app.client_id, &app.display_name),
            );
        }
        self.consent_page(authorization, organization, app, user, &missing, everyone)
    }

    /// May this person go on at all?
    pub(super) fn admit(
        &self,
        authorization: &AuthorizationSession,
        organization: &Organization,
        app: &Application,
        user: &User,
    ) -> Result<(), EntraError> {
        if user.organization != organization.id {
            return Err(EntraError::new(
                "invalid_grant",
                50_020,
                format!(
                    "User account '{}' from identity provider 'https://sts.windows.net/{}/' does \
                     not exist in tenant '{}' and cannot access the application '{}'({}) in that \
                     tenant. The account needs to be added as an external user in the tenant \
                     first.",
                    user.upn,
                    user.organization,
                    organization.display_name,
                    app.client_id,
                    app.display_name
                ),
            ));
        }
        let blocked = self.tenant.entra.policy().blocked;
        check_person(organization, app, user, blocked)?;
        if let Purpose::Device { device_code } = &authorization.purpose
            && organization.device_code_blocked
        {
            if let Some(device) = self.tenant.entra.memory().devices.get_mut(device_code) {
                device.state = DeviceState::Blocked(organization.device_code_refusal());
            }
            return Err(aadsts::refused_by_policy(
                organization.device_code_refusal(),
            ));
        }
        if matches!(authorization.purpose, Purpose::Administrator { .. }) && !user.administrator {
            return Err(EntraError::new(
                "access_denied",
                90_093,
                "Calling principal cannot consent due to lack of permissions.",
            ));
        }
        Ok(())
    }

    /// Everything is there.
    pub(super) fn finish(&self, authorization: &AuthorizationSession) -> Response {
        let now = self.trace.now.as_millisecond();
        let (user, signed_in) = authorization.user.clone().unwrap_or_default();
        let grant = Grant {
            client: authorization.client.clone(),
            user,
            organization: authorization.organization.clone(),
            scope: authorization.scope.clone(),
            signed_in,
            factor: authorization.factor,
        };
        let browser = BrowserSession {
            user: grant.user.clone(),
            organization: grant.organization.clone(),
            signed_in,
            factor: authorization.factor,
        };
        let entra = &self.tenant.entra;
        let mut response = match &authorization.purpose {
            Purpose::Code {
                back,
                spa,
                web,
                nonce,
                challenge,
            } => {
                let name = format!("1.A{}", entra.name(48));
                let code = Code {
                    grant,
                    redirect_uri: back.uri.clone(),
                    platform: match (spa, web) {
                        (true, _) => Platform::Spa,
                        (false, true) => Platform::Web,
                        (false, false) => Platform::PublicClient,
                    },
                    nonce: nonce.clone(),
                    challenge: challenge.as_ref().and_then(|(value, method)| {
                        Challenge::parse(value, method.as_deref()).ok()
                    }),
                    issued: now,
                    redeemed: false,
                };
                entra.memory().codes.put(name.clone(), code);
                let state = m365mon_base::Random::uuid(&self.tenant.random);
                let fields = vec![
                    ("code".to_owned(), name),
                    ("session_state".to_owned(), state),
                ];
                self.send(back, fields)
            }
            Purpose::Device { device_code } => {
                if let Some(device) = entra.memory().devices.get_mut(device_code) {
                    device.state = DeviceState::Approved(grant);
                }
                let html = pages::message(
                    "You have signed in",
                    "You have signed in to the application on your device. You may now close this \
                     window.",
                );
                self.trace.page(StatusCode::OK, html)
            }
            Purpose::Administrator { back: Some(back) } => {
                let fields = vec![
                    ("admin_consent".to_owned(), "True".to_owned()),
                    ("tenant".to_owned(), authorization.organization.clone()),
                    ("scope".to_owned(), authorization.scope.clone()),
                ];
                self.send(back, fields)
            }
            Purpose::Administrator { back: None } => {
                let html = pages::message("Permissions granted", "You may now close this window.");
                self.trace.page(StatusCode::OK, html)
            }
        };
        let cookie = format!(
            "{COOKIE}={}; path=/; secure; HttpOnly; SameSite=None",
            entra.seal("session", &browser)
        );
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}
