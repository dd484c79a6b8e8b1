//! `/accounts/NAME/invitation`: lets whoever owns the mailbox consent, and do
//! nothing else.
//!
//! | request | |
//! |---|---|
//! | `POST /accounts/NAME/invite` | an operator makes one |
//! | `GET /accounts/NAME/invitation` | a page with one button; uses nothing up, for mail scanners and previews open links |
//! | `POST /accounts/NAME/invitation` | with the invitation: what will be asked for, and a cookie that keeps the invitation; with `go`: begins the sign-in |
//! | `GET /accounts/NAME/invitation/END` | what came of it, in words that tell nothing of anybody |
//!
//! What makes an invitation good stands behind the `#` of its link, which browsers
//! send nowhere.

use std::sync::Arc;

use axum::extract::{Path, Request, State as Shared};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::Url;

use super::redirect_uri::RedirectUri;
use super::sessions::SessionOutcome;
use super::{INVITE, Subject, cookie, path, submitted};
use crate::entra::{ConsentError, external_redirect};
use crate::model::{Account, Secret};
use crate::web::app::App;
use crate::web::cookies::cookies;
use crate::web::external::ExternalUrl;
use crate::web::form::FormBody;
use crate::web::operator::Actor;
use crate::web::pages::{self, InvitationEnd, Invited};
use crate::web::reply::{plain, refused};

/// The field of the form, and of the address behind the `#`.
const FIELD: &str = "link";
/// The cookie that keeps an invitation from one page to the next.
const COOKIE: &str = "m365mon-invitation";
/// As long as a person may take, for all services together.
const COOKIE_SECONDS: u32 = 3600;
/// No invitation is longer.
const MOST_BYTES: usize = 64;
const PATH: &str = "invitation";

/// Where an invitation leads, and from where its sign-in comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationAddress {
    /// The redirect URI: it must be registered.
    pub redirect: Url,
    page: Url,
}

impl InvitationAddress {
    /// For an account, under `--web.external-url`.
    ///
    /// # Errors
    ///
    /// Why nobody can be invited; for people.
    pub fn of(account: &Account, external: Option<&ExternalUrl>) -> Result<Self, String> {
        let external = external.filter(|url| url.scheme() == "https");
        let redirect = external.and_then(|url| external_redirect(url.url()));
        let (Some(external), Some(redirect)) = (external, redirect) else {
            return Err(
                "an invitation needs an address that its reader reaches: --web.external-url with \
                 https, whose /auth/callback is a redirect URI of the application"
                    .to_owned(),
            );
        };
        let own = account.person().and_then(|p| p.redirect_url.as_ref());
        if let Some(own) = own.filter(|own| own.origin() != external.url().origin()) {
            return Err(format!(
                "`redirect_url` of the account leads to {}, and an invitation to \
                 --web.external-url, {}: they must be one",
                own.origin().ascii_serialization(),
                external.url().origin().ascii_serialization(),
            ));
        }
        let redirect = RedirectUri {
            uri: own.cloned().unwrap_or(redirect),
            local: false,
        };
        Ok(Self {
            page: redirect.page(&path(&account.name, PATH)),
            redirect: redirect.uri,
        })
    }

    /// What its reader opens.
    #[must_use]
    pub fn link(&self, invitation: &Secret) -> Secret {
        Secret::new(format!("{}#{}", self.page, invitation.expose()))
    }
}

/// `POST /accounts/NAME/invite`.
pub(in crate::web) async fn invite(
    Shared(app): Shared<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (subject, _, parts, actor) = match submitted(&app, &name, INVITE, request).await {
        Ok(submitted) => submitted,
        Err(response) => return *response,
    };
    let (consent, account) = (&subject.sessions.consent, &subject.account);
    let address = match InvitationAddress::of(account, app.settings.external_url.as_ref()) {
        Ok(address) => address,
        Err(why) => return plain(StatusCode::CONFLICT, why),
    };
    let made_by = actor.to_string();
    let made = consent.invite(account, &subject.wanted, &address.redirect, &made_by);
    match made.await {
        Ok(invitation) => {
            tracing::info!(account = &*name, by = made_by, "an invitation was made");
            let link = address.link(&invitation);
            pages::invitation(&app.frame(&parts), account, &link).into_response()
        }
        Err(ConsentError::Store(error)) => {
            plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
        }
        Err(error) => plain(StatusCode::CONFLICT, error.to_string()),
    }
}

/// `GET /accounts/NAME/invitation`.
pub(in crate::web) async fn show(
    Shared(app): Shared<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    told(&app, &name, request, &Invited::Offered)
}

/// `GET /accounts/NAME/invitation/END`.
pub(in crate::web) async fn end(
    Shared(app): Shared<Arc<App>>,
    Path((name, end)): Path<(String, String)>,
    request: Request,
) -> Response {
    match InvitationEnd::parse(&end) {
        Some(end) => told(&app, &name, request, &Invited::Over(end)),
        None => plain(StatusCode::NOT_FOUND, "there is nothing here"),
    }
}

/// A page that is the same for everybody.
fn told(app: &App, name: &str, request: Request, what: &Invited<'_>) -> Response {
    let (parts, _) = request.into_parts();
    if let Err(refusal) = app.visitor(&parts).at_home() {
        return refused(refusal);
    }
    match Subject::find(app, &parts, name) {
        Ok(_) => pages::invited(&app.frame(&parts), name, what).into_response(),
        Err(response) => *response,
    }
}

/// `POST /accounts/NAME/invitation`.
pub(in crate::web) async fn proceed(
    Shared(app): Shared<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let visitor = app.visitor(&parts);
    let allowed = visitor
        .at_home()
        .and_then(|()| visitor.same_site())
        .and_then(|()| visitor.says_its_site());
    if let Err(refusal) = allowed {
        return refused(refusal);
    }
    let subject = match Subject::find(&app, &parts, &name) {
        Ok(subject) => subject,
        Err(response) => return *response,
    };
    let form = match FormBody::read(&parts.headers, body).await {
        Ok(form) => form,
        Err(response) => return *response,
    };
    let shown = shown(&parts, &form);
    let (consent, account) = (&subject.sessions.consent, &subject.account);
    let goes = form.get("go").is_some();
    let inviter = match &shown {
        Some(shown) if goes => consent.start_invited(account, shown).await,
        Some(shown) => consent.inviter(account, shown).await,
        None => Ok(None),
    };
    match (inviter, shown) {
        (Ok(Some(inviter)), Some(_)) if goes => {
            begin(&app, &parts, &subject, &Actor::Invited(inviter))
        }
        (Ok(Some(_)), Some(shown)) => ask(&app, &parts, &subject, &shown),
        (Ok(_), _) => {
            tracing::warn!(
                account = &*name,
                "an invitation was refused: it is not one of this account, has ended, or was used"
            );
            let page = pages::invited(&app.frame(&parts), &name, &Invited::Refused);
            (StatusCode::FORBIDDEN, page).into_response()
        }
        (Err(error), _) => plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// The invitation of a form, else of the cookie.
fn shown(parts: &Parts, form: &FormBody) -> Option<Secret> {
    let kept = || cookies(&parts.headers).find(|(name, _)| *name == COOKIE);
    // Somebody may have copied the whole address.
    let shown = match form.get(FIELD) {
        Some(link) => link.rsplit('#').next()?.trim(),
        None => kept()?.1,
    };
    (1..=MOST_BYTES)
        .contains(&shown.len())
        .then(|| Secret::new(shown.to_owned()))
}

/// What will be asked for.
fn ask(app: &App, parts: &Parts, subject: &Subject, shown: &Secret) -> Response {
    let asked = Invited::Asked {
        account: &subject.account,
        needs: &subject.needs,
    };
    let page = pages::invited(&app.frame(parts), &subject.account.name, &asked);
    (keep(app, subject, shown.expose(), COOKIE_SECONDS), page).into_response()
}

/// The cookie for the pages of this invitation alone; from page to page of our
/// own, so that no other site has it sent.
fn keep(app: &App, subject: &Subject, value: &str, seconds: u32) -> HeaderMap {
    let text = format!(
        "{COOKIE}={value}; Path={}{}; Max-Age={seconds}; HttpOnly; SameSite=Strict; Secure",
        app.prefix(),
        subject.path(PATH),
    );
    let mut headers = HeaderMap::new();
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        headers.insert(header::SET_COOKIE, value);
    }
    headers
}

/// A sign-in that was invited: in this browser only.
fn begin(app: &App, parts: &Parts, subject: &Subject, actor: &Actor) -> Response {
    let (sessions, account) = (&subject.sessions, &subject.account);
    let external = app.settings.external_url.as_ref();
    let redirect = match InvitationAddress::of(account, external) {
        Ok(address) => RedirectUri {
            uri: address.redirect,
            local: false,
        },
        Err(why) => return plain(StatusCode::CONFLICT, why),
    };
    // One audience alone, where the rest is signed in already.
    let last = sessions.last(&account.name).map(|(_, last)| last);
    let asked = last.as_deref().and_then(SessionOutcome::next_round);
    let wanted = subject.wanted_of(asked);
    match sessions.begin(account, &wanted, asked, &redirect.uri, actor) {
        Ok(start) => {
            let page = pages::leave(&app.frame(parts), account, &start.url, PATH);
            (cookie(&start, &redirect), page).into_response()
        }
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// The page of a sign-in that was invited and is over.
pub(super) fn end_of(outcome: Option<&SessionOutcome>) -> String {
    let end = match outcome {
        Some(outcome) if outcome.is_whole() => InvitationEnd::Done,
        Some(SessionOutcome::SignedIn(_)) => InvitationEnd::OnceMore,
        Some(SessionOutcome::Failed(ConsentError::Declined)) => InvitationEnd::Declined,
        Some(SessionOutcome::Failed(ConsentError::Expired)) => InvitationEnd::TooLate,
        Some(SessionOutcome::Failed(ConsentError::WrongPerson { .. } | ConsentError::Guest(_))) => {
            InvitationEnd::OtherPerson
        }
        Some(SessionOutcome::OtherBrowser) => InvitationEnd::OtherBrowser,
        Some(outcome) if outcome.needs_administrator() => InvitationEnd::Approval,
        Some(_) | None => InvitationEnd::Failed,
    };
    format!("{PATH}/{}", end.word())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::model::Delegated;

    fn address(external: &str, redirect: Option<&str>) -> Result<InvitationAddress, String> {
        let person = Delegated {
            redirect_url: redirect.map(|url| Url::parse(url).unwrap()),
            ..fixtures::person("steve@contoso.com")
        };
        let account = fixtures::signs_in("a b", person);
        let external: Option<ExternalUrl> = external.parse().ok();
        InvitationAddress::of(&account, external.as_ref())
    }

    #[test]
    fn where_it_leads() {
        let own = "https://m365mon.contoso.com/x/auth/callback";
        for (external, redirect, page) in [
            (
                "https://m365mon.contoso.com",
                None,
                "https://m365mon.contoso.com/accounts/a%20b/invitation#s",
            ),
            (
                "https://m365mon.contoso.com/x/",
                None,
                "https://m365mon.contoso.com/x/accounts/a%20b/invitation#s",
            ),
            (
                "https://m365mon.contoso.com/x",
                Some(own),
                "https://m365mon.contoso.com/x/accounts/a%20b/invitation#s",
            ),
        ] {
            let address = address(external, redirect).unwrap();
            assert_eq!(address.link(&Secret::new("s".into())).expose(), page);
            assert!(address.redirect.path().ends_with("/auth/callback"));
        }
        for (external, redirect, why) in [
            ("", None, "--web.external-url with https"),
            (
                "http://m365mon.contoso.com",
                None,
                "--web.external-url with https",
            ),
            (
                "http://localhost:10365",
                None,
                "--web.external-url with https",
            ),
            (
                "https://other.contoso.com",
                Some(own),
                "leads to https://m365mon.contoso.com",
            ),
        ] {
            let said = address(external, redirect).unwrap_err();
            assert!(said.contains(why), "{external}: {said}");
        }
    }
}
