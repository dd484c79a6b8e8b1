//! An account that needs a person: what is wrong, since when, and what to do.

use askama::Template;

use super::frame::{Frame, NameLink};
use super::support::ForMicrosoft;
use super::time::{Ago, At, DeadlineNote, Urgency};
use super::words;
use crate::web::pages::segment;
use crate::web::runbooks::{Block, Runbook};
use crate::web::view::AccountView;

/// Entra refuses the secret because it has ended, whatever the deadline that
/// somebody wrote down.
pub(super) fn is_expired(view: &AccountView) -> bool {
    let code = view.problem.as_ref().and_then(|problem| problem.code);
    code == Some(7_000_222)
}

/// What the card of an account says.
#[derive(Template)]
#[template(path = "pieces/account_trouble.html")]
pub(super) struct AccountTrouble<'a> {
    frame: &'a Frame<'a>,
    link: NameLink,
    segment: String,
    title: &'static str,
    /// The AADSTS number, where Entra gave one.
    code: Option<u32>,
    /// One sentence for people; for operators.
    detail: Option<&'a str>,
    class: &'static str,
    since: Option<(Ago, At)>,
    deadline: Option<DeadlineNote>,
    /// A person signs it in.
    is_a_persons: bool,
    /// Only signing in mends it.
    wants_sign_in: bool,
    resources: String,
    runbook: Option<Runbook>,
    feel: Vec<Block>,
    mend: Vec<Block>,
    microsoft: Option<ForMicrosoft>,
}

impl<'a> AccountTrouble<'a> {
    /// What is wrong with an account, if anything is.
    pub(super) fn of(frame: &'a Frame<'a>, view: &'a AccountView) -> Option<Self> {
        let first = view.deadlines.first();
        let deadline = first
            .map(|end| DeadlineNote::of(end.credential, end.expires, frame.now))
            .filter(|deadline| deadline.urgency.is_pressing() && !is_expired(view));
        let problem = view.problem.as_ref();
        let reason = match (view.sign_in_required, problem) {
            (true, _) => Some("sign_in_required"),
            (false, problem) => problem.map(|problem| problem.reason),
        };
        let name = match (reason, &deadline) {
            (Some(reason), _) => words::account_runbook(reason),
            (None, Some(deadline)) => match deadline.urgency {
                Urgency::Passed => "M365CredentialExpired",
                Urgency::Now => "M365CredentialExpiresVerySoon",
                _ => "M365CredentialExpiresSoon",
            },
            (None, None) => return None,
        };
        let is_a_persons = view.credential == "delegated";
        let runbook = Runbook::find(name);
        let section = |heading| runbook.map_or_else(Vec::new, |book| book.section(heading));
        let is_failure = problem.is_some_and(|problem| problem.outcome == "failure");
        Some(Self {
            frame,
            link: NameLink::account(frame, &view.name),
            segment: segment(&view.name),
            title: match reason {
                Some("sign_in_required") if !is_a_persons => "Only a person can mend it",
                Some(reason) => words::account_reason(reason),
                None => "",
            },
            code: problem.and_then(|problem| problem.code),
            detail: problem
                .and_then(|problem| problem.detail.as_deref())
                .filter(|detail| !detail.is_empty()),
            class: match (&deadline, reason) {
                (_, Some(_)) if is_failure => "down",
                (_, Some(_)) => "unsure",
                (Some(deadline), None) => deadline.urgency.class(),
                (None, None) => "",
            },
            since: view
                .sign_in_required_since
                .map(|at| (Ago::of(at, frame.now), At::of(at, frame.now))),
            deadline,
            is_a_persons,
            wants_sign_in: view.sign_in_required && is_a_persons,
            resources: words::counted(view.resources.len(), "resource", "resources"),
            microsoft: ForMicrosoft::account(view)
                .filter(|_| runbook.is_some_and(|book| book.is_for_microsoft())),
            runbook,
            feel: section("What users feel"),
            mend: section("How to mend"),
        })
    }

    /// Somebody is needed now, not only before a deadline.
    pub(super) fn is_urgent(&self) -> bool {
        !self.title.is_empty()
            || self
                .deadline
                .as_ref()
                .is_some_and(|deadline| deadline.urgency == Urgency::Passed)
    }

    /// The worst first.
    pub(super) fn rank(&self) -> (bool, Option<Urgency>) {
        let urgency = self.deadline.as_ref().map(|deadline| deadline.urgency);
        (!self.is_urgent(), urgency)
    }
}
