//! Accounts: those that need a person first, then all of them in short.

use askama::Template;

use crate::web::pages::account::AccountAppearance;
use crate::web::pages::frame::{Frame, NameLink};
use crate::web::pages::piece::Piece;
use crate::web::pages::time::DeadlineNote;
use crate::web::pages::trouble::{self, AccountTrouble};
use crate::web::pages::words;
use crate::web::view::AccountView;

/// Accounts in trouble that are shown; the rest is said.
const CARDS: usize = 10;
/// Lines of the list of all accounts.
const LINES: usize = 50;

/// The accounts that need a person.
#[derive(Default)]
pub(super) struct Trouble {
    pub(super) cards: Vec<Piece>,
    /// Not shown.
    pub(super) more: usize,
    /// How many need somebody now, not only soon.
    pub(super) urgent: usize,
}

/// What is wrong with accounts, the worst first.
pub(super) fn trouble(frame: &Frame<'_>, accounts: &[AccountView]) -> Trouble {
    let mut all: Vec<AccountTrouble<'_>> = accounts
        .iter()
        .filter_map(|view| AccountTrouble::of(frame, view))
        .collect();
    all.sort_by_key(AccountTrouble::rank);
    Trouble {
        more: all.len().saturating_sub(CARDS),
        urgent: all.iter().filter(|one| one.is_urgent()).count(),
        cards: all.iter().take(CARDS).map(Piece::of).collect(),
    }
}

/// One line for an account.
#[derive(Template)]
#[template(path = "overview/account.html")]
struct Line {
    link: NameLink,
    state: AccountAppearance,
    credential: &'static str,
    reason: &'static str,
    deadline: Option<DeadlineNote>,
    /// Entra says so, whatever the deadline that was written down.
    is_expired: bool,
    resources: String,
}

/// A line for each account, the worst first, and how many have none.
pub(super) fn rows(frame: &Frame<'_>, accounts: &[AccountView]) -> (Vec<Piece>, usize) {
    let mut lines: Vec<Line> = accounts
        .iter()
        .map(|view| Line {
            link: NameLink::account(frame, &view.name),
            state: AccountAppearance::of(view),
            credential: words::credential(view.credential),
            reason: view
                .problem
                .as_ref()
                .map_or("", |problem| words::account_reason(problem.reason)),
            is_expired: trouble::is_expired(view),
            deadline: view
                .deadlines
                .first()
                .map(|end| DeadlineNote::of(end.credential, end.expires, frame.now)),
            resources: words::counted(view.resources.len(), "resource", "resources"),
        })
        .collect();
    lines.sort_by_key(|line| line.state);
    let more = lines.len().saturating_sub(LINES);
    (lines.iter().take(LINES).map(Piece::of).collect(), more)
}
