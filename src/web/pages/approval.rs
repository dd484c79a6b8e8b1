//! `/accounts/NAME/approval`: what an administrator can do where people may not
//! consent by themselves.

use std::sync::Arc;

use askama::Template;

use super::frame::{Frame, Head, NameLink, segment};
use super::html::Html;
use super::sign_in::{username, why};
use crate::entra::{Approval, ConsentError};
use crate::model::Account;
use crate::web::sign_in::sessions::SessionOutcome;

#[derive(Template)]
#[template(path = "sign_in/approval.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    link: NameLink,
    segment: String,
    username: &'a str,
    approval: &'a Approval,
    /// What the last sign-in came to, where an administrator can help.
    failure: Option<Failure>,
}

enum Failure {
    /// Microsoft may have said that an administrator must approve, or not.
    Declined,
    Wanted(String),
}

/// What an administrator can do.
pub(in crate::web) fn approval(
    frame: &Frame<'_>,
    account: &Account,
    approval: &Approval,
    outcome: Option<Arc<SessionOutcome>>,
) -> Html {
    let outcome = outcome.filter(|outcome| outcome.needs_administrator());
    Html::of(&Page {
        frame,
        head: Head::of(format!("Approval for {}", account.name)),
        link: NameLink::account(frame, &account.name),
        segment: segment(&account.name),
        username: username(account),
        approval,
        failure: outcome.and_then(|outcome| match &*outcome {
            SessionOutcome::Failed(ConsentError::Declined) => Some(Failure::Declined),
            SessionOutcome::Failed(error) => Some(Failure::Wanted(why(error))),
            _ => None,
        }),
    })
}
