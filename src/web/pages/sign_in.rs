//! `/accounts/NAME/sign-in` and what belongs to it: who must sign in, what will
//! be asked for and why, and what came of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use url::Url;

use super::frame::{Frame, Head, NameLink, segment};
use super::html::Html;
use super::time::{Ago, Countdown};
use super::words::span;
use crate::entra::{ConsentError, SignInEnd, SignInStatus, StoreError};
use crate::kinds::Need;
use crate::model::{Account, Audience};
use crate::web::sign_in::devices::Waiting;
use crate::web::sign_in::sessions::SessionOutcome;

/// What the page of a sign-in shows.
pub(in crate::web) struct SignInView<'a> {
    pub(in crate::web) account: &'a Account,
    pub(in crate::web) needs: &'a [Need],
    /// The redirect URI, or why there is none.
    pub(in crate::web) redirect: Result<&'a str, &'a String>,
    /// Who is signed in, as the store has it.
    pub(in crate::web) status: Result<Option<&'a SignInStatus>, &'a StoreError>,
    pub(in crate::web) ended: Option<SignInEnd>,
    pub(in crate::web) outcome: Option<Arc<SessionOutcome>>,
    pub(in crate::web) waiting: Option<Waiting>,
    pub(in crate::web) sign_in_token: String,
    pub(in crate::web) sign_out_token: String,
    /// The token of the form that makes an invitation, or why nobody can be invited.
    pub(in crate::web) invite: Result<String, String>,
}

pub(super) fn username(account: &Account) -> &str {
    account.person().map_or("", |person| &*person.username)
}

/// The sentence of an error, without the word that metrics have for it.
pub(super) fn why(error: &ConsentError) -> String {
    match error {
        ConsentError::Refused(problem) => problem.detail.clone(),
        other => other.to_string(),
    }
}

#[derive(Template)]
#[template(path = "sign_in/page.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    link: NameLink,
    segment: String,
    username: &'a str,
    view: &'a SignInView<'a>,
    told: Option<Told<'a>>,
    code: Option<Code<'a>>,
    status: Status<'a>,
    /// By the policy that `max_age` stands for.
    policy: Option<Countdown>,
    scopes: Vec<Scope>,
    /// More than one service is asked.
    is_in_rounds: bool,
}

/// What came of the last sign-in or sign-out.
enum Told<'a> {
    SignedIn {
        username: &'a str,
        missing: Vec<Missing<'a>>,
    },
    SignedOut(bool),
    Failed {
        what: String,
        then: String,
        needs_administrator: bool,
    },
}

/// An audience without a token yet.
struct Missing<'a> {
    audience: &'a Audience,
    detail: &'a str,
    /// Entra takes the scopes of one service at a time: it needs a round of
    /// its own.
    wants_a_round: bool,
}

/// The code to enter on another device.
struct Code<'a> {
    uri: &'a str,
    is_link: bool,
    code: &'a str,
    ends: Countdown,
}

/// Who is signed in.
enum Status<'a> {
    Unknown(String),
    Nobody,
    Over {
        username: &'a str,
        ago: Ago,
        worked: String,
        refused: String,
        code: Option<u32>,
        is_by_policy: bool,
    },
    GoesOn {
        username: &'a str,
        ago: Ago,
        ends: Countdown,
    },
}

/// A scope that will be asked for.
struct Scope {
    audience: String,
    name: String,
    reason: &'static str,
    because_of: String,
    /// Somebody is signed in, but was not asked for this: a renewal asks for
    /// exactly what the sign-in asked for.
    is_new: bool,
}

/// The page that begins a sign-in.
pub(in crate::web) fn sign_in(frame: &Frame<'_>, view: &SignInView<'_>) -> Html {
    let audiences = view.needs.iter().map(|need| &need.audience);
    let most = view.account.person().and_then(|person| person.max_age);
    let consented = view.status.ok().flatten().map(|status| status.consented_at);
    let policy = most.and_then(|most| consented?.checked_add(most).ok());
    Html::of(&Page {
        frame,
        head: Head::of(format!("Sign in for {}", view.account.name)),
        link: NameLink::account(frame, &view.account.name),
        segment: segment(&view.account.name),
        username: username(view.account),
        told: view.outcome.as_deref().map(told),
        code: view.waiting.as_ref().map(|waiting| Code {
            uri: &waiting.uri,
            is_link: waiting.uri.starts_with("https://"),
            code: waiting.user_code.expose(),
            ends: Countdown::of(waiting.ends, frame.now),
        }),
        status: status(frame, view),
        policy: policy.map(|end| Countdown::of(end, frame.now)),
        scopes: view.needs.iter().map(|need| scope(view, need)).collect(),
        is_in_rounds: audiences.collect::<BTreeSet<_>>().len() > 1,
        view,
    })
}

fn told(outcome: &SessionOutcome) -> Told<'_> {
    let failed = |what: &str, then: &str| Told::Failed {
        what: what.to_owned(),
        then: then.to_owned(),
        needs_administrator: outcome.needs_administrator(),
    };
    match outcome {
        SessionOutcome::SignedIn(signed_in) => Told::SignedIn {
            username: &signed_in.username,
            missing: signed_in
                .missing
                .iter()
                .map(|(audience, problem)| Missing {
                    audience,
                    detail: &problem.detail,
                    wants_a_round: problem.code == Some(65_001),
                })
                .collect(),
        },
        SessionOutcome::SignedOut(there_was_one) => Told::SignedOut(*there_was_one),
        SessionOutcome::OtherBrowser => failed(
            "This sign-in was begun in another browser.",
            "What came back was not used. Begin again, and stay in one browser; it must accept the cookie of this page.",
        ),
        SessionOutcome::Changed => failed(
            "The configuration of this account changed during the sign-in.",
            "Begin again.",
        ),
        SessionOutcome::Failed(ConsentError::Expired) => failed(
            "The sign-in took too long.",
            "Begin again; there are ten minutes for it.",
        ),
        SessionOutcome::Failed(ConsentError::Declined) => failed(
            "The sign-in was cancelled, or the permissions were not accepted.",
            "",
        ),
        SessionOutcome::Failed(ConsentError::WrongPerson { who, wanted }) => failed(
            &format!("{who} signed in, but this account is for {wanted}."),
            &format!(
                "What was received is thrown away. Begin again as {wanted}; a private window helps where Microsoft remembers somebody else."
            ),
        ),
        SessionOutcome::Failed(error) => failed("That did not work.", &why(error)),
    }
}

fn status<'a>(frame: &Frame<'_>, view: &SignInView<'a>) -> Status<'a> {
    match view.status {
        Err(error) => Status::Unknown(error.to_string()),
        Ok(None) => Status::Nobody,
        Ok(Some(status)) => {
            let ago = Ago::of(status.consented_at, frame.now);
            let username = &status.username;
            match &view.ended {
                None => Status::GoesOn {
                    username,
                    ago,
                    ends: Countdown::of(status.ends, frame.now),
                },
                Some(end) => {
                    let (worked, refused) = status.ages(end);
                    Status::Over {
                        username,
                        ago,
                        worked: span(worked),
                        refused: span(refused),
                        code: end.code,
                        is_by_policy: end.is_by_policy(),
                    }
                }
            }
        }
    }
}

fn scope(view: &SignInView<'_>, need: &Need) -> Scope {
    let wanted = format!("{}/{}", need.audience, need.name);
    let is_new = view.status.ok().flatten().is_some_and(|status| {
        let asked = status.scopes.get(need.audience.as_str());
        !asked.is_some_and(|asked| asked.split(' ').any(|scope| scope == wanted))
    });
    Scope {
        audience: need.audience.to_string(),
        name: need.name.to_string(),
        reason: need.reason,
        because_of: need.because_of(),
        is_new,
    }
}

#[derive(Template)]
#[template(path = "sign_in/leave.html")]
struct Leave<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    segment: String,
    username: &'a str,
    /// Where it was begun, a page of the account.
    back: &'a str,
    url: &'a str,
    host: &'a str,
}

/// What the start of a sign-in answers: a plain link, so that nothing leads
/// there without a person.
pub(in crate::web) fn leave(frame: &Frame<'_>, account: &Account, url: &Url, back: &str) -> Html {
    Html::of(&Leave {
        frame,
        head: Head::of("Continue at Microsoft"),
        segment: segment(&account.name),
        username: username(account),
        back,
        url: url.as_str(),
        host: url.host_str().unwrap_or_default(),
    })
}

#[derive(Template)]
#[template(path = "sign_in/elsewhere.html")]
struct Elsewhere<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    there: &'a str,
}

/// The answer would come to another host than the one that was asked.
pub(in crate::web) fn elsewhere(frame: &Frame<'_>, there: &Url) -> Html {
    Html::of(&Elsewhere {
        frame,
        head: Head::of("Sign in at the other address"),
        there: there.as_str(),
    })
}

#[derive(Template)]
#[template(path = "sign_in/again.html")]
struct Again<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    path: &'a str,
}

/// A form from a page that is older than this process.
pub(in crate::web) fn again(frame: &Frame<'_>, path: &str) -> Html {
    Html::of(&Again {
        frame,
        head: Head::of("Once more, please"),
        path,
    })
}

#[derive(Template)]
#[template(path = "sign_in/unknown.html")]
struct Unknown<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    /// Name and segment of each account that needs a person.
    accounts: Vec<(&'a str, String)>,
}

/// `/auth/callback` without a sign-in that it could belong to.
pub(in crate::web) fn no_sign_in(frame: &Frame<'_>, accounts: &[String]) -> Html {
    Html::of(&Unknown {
        frame,
        head: Head::of("No sign-in is under way"),
        accounts: accounts
            .iter()
            .map(|name| (name.as_str(), segment(name)))
            .collect(),
    })
}
