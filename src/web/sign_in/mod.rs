//! Signing people in by the exporter's own pages.
//!
//! | request | |
//! |---|---|
//! | `GET /accounts/NAME/sign-in` | who must sign in, what will be asked for and why, what came of the last time |
//! | `POST /accounts/NAME/sign-in` | begins: answers a page with a plain link to Entra, or shows a code for another device |
//! | `GET /auth/callback` | where Entra sends the browser back to; ends in a 303 to a clean URL |
//! | `GET /accounts/NAME/approval` | what an administrator can do |
//! | `POST /accounts/NAME/sign-out` | forgets the sign-in |
//! | `/accounts/NAME/invitation` | the same for who was invited to one sign-in ([`invitation`]) |
//!
//! Promises: only who may act does; a POST must come from a form of
//! this process (a token, and Origin or Sec-Fetch-Site); a state is good for
//! one answer, to the browser, account and redirect URI that it was made for,
//! within ten minutes; the answer's query is never logged; what is kept is
//! bounded.

mod callback;
pub(super) mod devices;
pub(super) mod invitation;
mod redirect_uri;
pub(super) mod sessions;
mod token;

use std::sync::Arc;

use axum::extract::{Path, Request, State as Shared};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use self::invitation::InvitationAddress;
use self::redirect_uri::RedirectUri;
use self::sessions::{SessionOutcome, SignInSessions, Start};
use super::app::App;
use super::form::FormBody;
use super::operator::Actor;
use super::pages::{self, segment};
use super::reply::{plain, refused, see_other};
use super::status_pages;
use super::view::{AccountView, Reader};
use crate::entra::{Approval, LOOPBACK, SignInEnd, SignInStatus, Wanted};
use crate::kinds::{Need, needs_of, wanted};
use crate::model::{Account, Audience, Timestamp};

pub(super) use callback::callback;

/// The forms; each has its own token.
const SIGN_IN: &str = "sign-in";
const SIGN_OUT: &str = "sign-out";
const INVITE: &str = "invite";

/// The account that a request names, and what belongs to it.
struct Subject {
    account: Arc<Account>,
    needs: Vec<Need>,
    wanted: Wanted,
    sessions: Arc<SignInSessions>,
    /// Where a browser comes back to, or why there is no such URI.
    redirect: Result<RedirectUri, String>,
}

impl Subject {
    /// For a request that only looks; what it gets where it may not.
    fn visited(app: &App, parts: &Parts, name: &str) -> Result<Self, Box<Response>> {
        app.visitor(parts)
            .may_visit()
            .map_err(|refusal| Box::new(refused(refusal)))?;
        Self::find(app, parts, name)
    }

    /// For a request that may act.
    fn find(app: &App, parts: &Parts, name: &str) -> Result<Self, Box<Response>> {
        let (Some(sessions), Some(configuration)) = (app.sign_ins(), app.configuration()) else {
            let text = "nobody can be signed in here";
            return Err(plain(StatusCode::SERVICE_UNAVAILABLE, text).into());
        };
        let accounts = &configuration.accounts;
        let Some(account) = accounts.iter().find(|account| *account.name == *name) else {
            return Err(status_pages::unknown_account(app, name).into());
        };
        if account.person().is_none() {
            return Err(plain(
                StatusCode::NOT_FOUND,
                format!(
                    "the account needs no person: it signs in as {}",
                    account.credential_label()
                ),
            )
            .into());
        }
        let needs = needs_of(account, &configuration.resources);
        Ok(Self {
            account: Arc::clone(account),
            wanted: wanted(&needs),
            needs,
            sessions,
            redirect: RedirectUri::of(
                account,
                app.settings.external_url.as_ref(),
                app.settings.tls,
                parts,
            ),
        })
    }

    /// What to ask for: all of it, or what is needed of one audience.
    fn wanted_of(&self, asked: Option<&Audience>) -> Wanted {
        match asked.and_then(|one| self.wanted.get_key_value(one)) {
            Some((audience, names)) => Wanted::from([(audience.clone(), names.clone())]),
            None => self.wanted.clone(),
        }
    }

    fn path(&self, what: &str) -> String {
        path(&self.account.name, what)
    }
}

/// `/accounts/NAME/WHAT`.
fn path(account: &str, what: &str) -> String {
    format!("/accounts/{}/{what}", segment(account))
}

/// A page with forms. Chromium and Firefox send `Origin: null` with the form of
/// a page that has the policy `no-referrer`; with this one they name our origin
/// to us and nothing to anybody else.
fn with_forms(page: impl IntoResponse) -> Response {
    let policy = HeaderValue::from_static("same-origin");
    ([(header::REFERRER_POLICY, policy)], page).into_response()
}

/// 303 to a path of ours.
fn see(app: &App, path: &str) -> Response {
    see_other(&format!("{}{path}", app.prefix()))
}

/// `GET /accounts/NAME/sign-in`.
pub(super) async fn show(
    Shared(app): Shared<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    // To the name that Entra knows first: that is where the operator's cookie is.
    if app.visitor(&parts).at_home().is_ok()
        && let Ok(subject) = Subject::find(&app, &parts, &name)
        && let Ok(redirect) = &subject.redirect
        && redirect.is_elsewhere(&parts)
    {
        let there = redirect.page(&subject.path(SIGN_IN));
        return see_other(there.as_str());
    }
    let subject = match Subject::visited(&app, &parts, &name) {
        Ok(subject) => subject,
        Err(response) => return *response,
    };
    with_forms(page(&app, &parts, &subject).await)
}

/// The page that begins a sign-in and tells how the last one went.
async fn page(app: &App, parts: &Parts, subject: &Subject) -> pages::Html {
    let sessions = &subject.sessions;
    let name = &*subject.account.name;
    let status = sessions.status(&subject.account).await;
    let status = status.as_ref().map(Option::as_ref);
    let ended = match status {
        Ok(Some(status)) => ended(app, name, status),
        Ok(None) | Err(_) => None,
    };
    let outcome = sessions
        .last(name)
        .filter(|(at, outcome)| is_news(outcome, *at, status.ok().flatten(), ended.is_some()));
    let view = pages::SignInView {
        account: &subject.account,
        needs: &subject.needs,
        redirect: subject
            .redirect
            .as_ref()
            .map(|redirect| redirect.uri.as_str()),
        status,
        ended,
        outcome: outcome.map(|(_, outcome)| outcome),
        waiting: sessions.waiting(name).filter(|waiting| {
            // A sign-in in another way, here or elsewhere, has overtaken the code.
            let consented = status.ok().flatten().map(|status| status.consented_at);
            consented.is_none_or(|at| at < waiting.begun)
        }),
        sign_in_token: sessions.form_key.token(SIGN_IN, name),
        sign_out_token: sessions.form_key.token(SIGN_OUT, name),
        invite: InvitationAddress::of(&subject.account, app.settings.external_url.as_ref())
            .map(|_| sessions.form_key.token(INVITE, name)),
    };
    pages::sign_in(&app.frame(parts), &view)
}

/// Whether what came of the last time is not overtaken by what happened since,
/// here or in another process.
fn is_news(
    outcome: &SessionOutcome,
    at: Timestamp,
    status: Option<&SignInStatus>,
    ended: bool,
) -> bool {
    match outcome {
        SessionOutcome::SignedIn(_) => status.is_some() && !ended,
        SessionOutcome::SignedOut(_) => status.is_none(),
        SessionOutcome::Failed(_) | SessionOutcome::OtherBrowser | SessionOutcome::Changed => {
            status.is_none_or(|status| status.consented_at <= at)
        }
    }
}

/// How the sign-in that the store holds has ended, if it has.
fn ended(app: &App, name: &str, status: &SignInStatus) -> Option<SignInEnd> {
    if status.ended.is_some() {
        return status.ended;
    }
    // Where the store cannot be written, this process still knows.
    let slot = app.state.account(name)?;
    let view = AccountView::of(&slot, &app.state, Reader::Operator);
    // Of an earlier sign-in, or of this one before another process renewed it.
    let at = view
        .sign_in_required_since
        .filter(|since| *since > status.renewed_at.max(status.consented_at))?;
    let code = view.problem.and_then(|problem| problem.code);
    Some(SignInEnd { at, code })
}

/// `GET /accounts/NAME/approval`.
pub(super) async fn approval(
    Shared(app): Shared<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let subject = match Subject::visited(&app, &parts, &name) {
        Ok(subject) => subject,
        Err(response) => return *response,
    };
    let redirect = subject
        .redirect
        .as_ref()
        .map_or(LOOPBACK, |redirect| redirect.uri.as_str());
    let Some(approval) = Approval::of(&subject.account, &subject.wanted, redirect) else {
        return plain(StatusCode::NOT_FOUND, "the account needs no person");
    };
    let outcome = subject.sessions.last(&name).map(|(_, outcome)| outcome);
    pages::approval(&app.frame(&parts), &subject.account, &approval, outcome).into_response()
}

/// The account and the form of a POST that may change something.
async fn submitted(
    app: &App,
    name: &str,
    action: &str,
    request: Request,
) -> Result<(Subject, FormBody, Parts, Actor), Box<Response>> {
    let (parts, body) = request.into_parts();
    let actor = app
        .visitor(&parts)
        .may_submit()
        .map_err(|refusal| Box::new(refused(refusal)))?;
    let subject = Subject::find(app, &parts, name)?;
    let form = FormBody::read(&parts.headers, body).await?;
    let token = form.get("token").unwrap_or_default();
    if !subject.sessions.form_key.accepts(action, name, token) {
        let again = pages::again(&app.frame(&parts), &subject.path(SIGN_IN));
        return Err((StatusCode::FORBIDDEN, again).into_response().into());
    }
    Ok((subject, form, parts, actor))
}

/// `POST /accounts/NAME/sign-in`.
pub(super) async fn begin(
    Shared(app): Shared<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (subject, form, parts, actor) = match submitted(&app, &name, SIGN_IN, request).await {
        Ok(submitted) => submitted,
        Err(response) => return *response,
    };
    // One audience alone, where the rest is signed in already.
    let asked: Option<&Audience> = form
        .get("audience")
        .and_then(|asked| subject.wanted.keys().find(|one| one.as_str() == asked));
    let wanted = subject.wanted_of(asked);
    let (sessions, account) = (&subject.sessions, &subject.account);
    if form.get("how") == Some("device") {
        sessions.begin_device(account, &wanted, asked, &actor).await;
        return see(&app, &subject.path(SIGN_IN));
    }
    let redirect = match &subject.redirect {
        Ok(redirect) if redirect.is_origin_of(&parts.headers) => redirect,
        Ok(redirect) => {
            let there = redirect.page(&subject.path(SIGN_IN));
            return pages::elsewhere(&app.frame(&parts), &there).into_response();
        }
        Err(_) => return see(&app, &subject.path(SIGN_IN)),
    };
    match sessions.begin(account, &wanted, asked, &redirect.uri, &actor) {
        Ok(start) => {
            let page = pages::leave(&app.frame(&parts), account, &start.url, SIGN_IN);
            (cookie(&start, redirect), page).into_response()
        }
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// The cookie that only this browser brings back: `Lax`, because the browser
/// comes from another site, by a GET.
fn cookie(start: &Start, redirect: &RedirectUri) -> HeaderMap {
    let (name, value) = &start.cookie;
    let text = format!(
        "{name}={}; Path={}; Max-Age={}; HttpOnly; SameSite=Lax{}",
        value.expose(),
        redirect.uri.path(),
        sessions::LIFE.as_secs(),
        if redirect.is_secure() { "; Secure" } else { "" },
    );
    let mut headers = HeaderMap::new();
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        headers.insert(header::SET_COOKIE, value);
    }
    headers
}

/// `POST /accounts/NAME/sign-out`.
pub(super) async fn sign_out(
    Shared(app): Shared<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    match submitted(&app, &name, SIGN_OUT, request).await {
        Ok((subject, _, _, actor)) => {
            subject.sessions.sign_out(&subject.account, &actor).await;
            see(&app, &subject.path(SIGN_IN))
        }
        Err(response) => *response,
    }
}
