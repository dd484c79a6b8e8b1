//! `/accounts/NAME`: one account, what it holds and when a person must act.

use askama::Template;

use super::frame::{Frame, Head, NameLink, segment};
use super::glance::Glance;
use super::html::Html;
use super::piece::Piece;
use super::time::{Countdown, DeadlineNote};
use super::trouble::{AccountTrouble, is_expired};
use super::words;
use crate::state::State;
use crate::web::view::{AccountView, UpState};

/// Resources that the page names.
const NAMED: usize = 200;

/// How an account looks to somebody who glances at it. The worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AccountAppearance {
    /// Entra works for nobody here.
    Down,
    /// Only a person can mend it.
    NeedsPerson,
    /// No token could be had, for a reason of our own or a limit.
    Refused,
    /// No token was asked for yet.
    New,
    /// The last token request succeeded.
    Up,
}

impl AccountAppearance {
    pub(super) fn of(view: &AccountView) -> Self {
        match (&view.problem, view.state) {
            (Some(problem), _) if problem.outcome == "failure" => Self::Down,
            _ if view.sign_in_required => Self::NeedsPerson,
            (Some(_), _) | (None, UpState::Down) => Self::Refused,
            (None, UpState::Unknown) => Self::New,
            (None, UpState::Up) => Self::Up,
        }
    }

    /// The class of its colour.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::NeedsPerson | Self::Refused => "unsure",
            Self::New => "new",
            Self::Up => "up",
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::NeedsPerson => "needs a person",
            Self::Refused => "no new token",
            Self::New => "not used yet",
            Self::Up => "up",
        }
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    view: &'a AccountView,
    state: AccountAppearance,
    segment: String,
    trouble: Option<Piece>,
    is_a_persons: bool,
    /// How many rights open the whole tenant, in words; empty for none.
    opening: Option<String>,
    is_expired: bool,
    held: Option<Countdown>,
    deadlines: Vec<DeadlineNote>,
    tokens: Vec<(&'a str, Countdown)>,
    /// The class, the word, and the resource.
    resources: Vec<(&'static str, &'static str, NameLink)>,
    more: usize,
}

/// The page of one account.
pub(in crate::web) fn account(frame: &Frame<'_>, board: &State, view: &AccountView) -> Html {
    let state = AccountAppearance::of(view);
    let now = frame.now;
    let slots = board.slots();
    let mut glances = Glance::all(&slots, board);
    glances.retain(|glance| *glance.slot.resource().account.name == *view.name);
    glances.sort_by_key(|glance| glance.look);
    Html::of(&Page {
        frame,
        head: Head {
            title: format!("{}: {}", view.name, state.word()),
            icon: match state {
                AccountAppearance::Down => "down",
                AccountAppearance::NeedsPerson | AccountAppearance::Refused => "unsure",
                AccountAppearance::New | AccountAppearance::Up => "up",
            },
        },
        view,
        state,
        segment: segment(&view.name),
        trouble: AccountTrouble::of(frame, view).map(|trouble| Piece::of(&trouble)),
        is_a_persons: view.credential == "delegated",
        opening: view.tenant_wide_permissions.map(|count| match count {
            0 => String::new(),
            count => words::counted(count, "right opens", "rights open"),
        }),
        is_expired: is_expired(view),
        held: view.held_until.map(|at| Countdown::of(at, now)),
        deadlines: view
            .deadlines
            .iter()
            .filter(|end| !(is_expired(view) && end.credential == "client_secret"))
            .map(|end| DeadlineNote::of(end.credential, end.expires, now))
            .collect(),
        tokens: view
            .access_tokens
            .iter()
            .map(|held| (held.audience.as_str(), Countdown::of(held.expires, now)))
            .collect(),
        more: glances.len().saturating_sub(NAMED),
        resources: glances
            .iter()
            .take(NAMED)
            .map(|glance| {
                let link = NameLink::resource(frame, &glance.slot.resource().name);
                (glance.look.class(), glance.look.badge(glance.reason), link)
            })
            .collect(),
    })
}
