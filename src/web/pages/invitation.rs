//! Invitations: what an operator hands out, and what its reader sees: what will be
//! asked for, of whom, and nothing of what is known here.

use askama::Template;

use super::frame::{Frame, Head, segment};
use super::html::Html;
use super::sign_in::username;
use crate::kinds::Need;
use crate::model::{Account, Secret};

/// What came of a sign-in that was invited, as a path says it: told to anybody who
/// asks, so it tells nothing of anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum InvitationEnd {
    /// All is consented to.
    Done,
    /// Another service needs a consent of its own.
    OnceMore,
    /// The person said no, or an administrator must approve.
    Declined,
    /// An administrator must approve.
    Approval,
    /// Somebody else signed in.
    OtherPerson,
    /// It took too long.
    TooLate,
    /// The answer came to another browser.
    OtherBrowser,
    /// It came to nothing for another reason.
    Failed,
}

impl InvitationEnd {
    const ALL: [Self; 8] = [
        Self::Done,
        Self::OnceMore,
        Self::Declined,
        Self::Approval,
        Self::OtherPerson,
        Self::TooLate,
        Self::OtherBrowser,
        Self::Failed,
    ];

    /// The end of its path.
    pub(in crate::web) const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::OnceMore => "once-more",
            Self::Declined => "declined",
            Self::Approval => "approval",
            Self::OtherPerson => "other-person",
            Self::TooLate => "too-late",
            Self::OtherBrowser => "other-browser",
            Self::Failed => "failed",
        }
    }

    pub(in crate::web) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.word() == word)
    }

    const fn heading(self) -> &'static str {
        match self {
            Self::Done => "Thank you, that is all.",
            Self::OnceMore => "Thank you. Once more, please.",
            Self::Declined => "The sign-in was cancelled, or the permissions were not accepted.",
            Self::Approval => "Microsoft wants an administrator's approval.",
            Self::OtherPerson => "Somebody else signed in.",
            Self::TooLate => "The sign-in took too long.",
            Self::OtherBrowser => "This sign-in was begun in another browser.",
            Self::Failed => "That did not work.",
        }
    }

    const fn then(self) -> &'static str {
        match self {
            Self::Done => "You may close this page; the invitation is used up.",
            Self::OnceMore => {
                "Microsoft asks for the permissions of one service at a time, and another is left."
            }
            Self::Declined => {
                "If Microsoft said that an administrator must approve, tell who invited you; else try again."
            }
            Self::Approval => "Tell who invited you; afterwards the same invitation can be used.",
            Self::OtherPerson => {
                "What was received is thrown away. Sign in as the person who is invited; a private window helps where Microsoft remembers somebody else."
            }
            Self::TooLate => "There are ten minutes for it.",
            Self::OtherBrowser => {
                "What came back was not used. Stay in one browser; it must accept the cookie of this page."
            }
            Self::Failed => "If it fails again, tell who invited you: the reason is in the log.",
        }
    }

    /// Whether a button leads on.
    fn goes_on(self) -> bool {
        self != Self::Done
    }

    fn is_good(self) -> bool {
        matches!(self, Self::Done | Self::OnceMore)
    }
}

/// What the page of an invitation shows.
pub(in crate::web) enum Invited<'a> {
    /// One button: the link was only opened.
    Offered,
    /// It is not good, or not any more.
    Refused,
    /// What will be asked for.
    Asked {
        account: &'a Account,
        needs: &'a [Need],
    },
    /// What came of it.
    Over(InvitationEnd),
}

#[derive(Template)]
#[template(path = "sign_in/invited.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    segment: String,
    what: &'a Invited<'a>,
}

/// `/accounts/NAME/invitation`, for whoever comes with one.
pub(in crate::web) fn invited(frame: &Frame<'_>, name: &str, what: &Invited<'_>) -> Html {
    Html::of(&Page {
        frame,
        head: Head::of("You are invited to sign in"),
        segment: segment(name),
        what,
    })
}

#[derive(Template)]
#[template(path = "sign_in/invitation.html")]
struct Made<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    segment: String,
    username: &'a str,
    link: &'a str,
}

/// An invitation, shown to the operator who made it, once.
pub(in crate::web) fn invitation(frame: &Frame<'_>, account: &Account, link: &Secret) -> Html {
    Html::of(&Made {
        frame,
        head: Head::of("An invitation"),
        segment: segment(&account.name),
        username: username(account),
        link: link.expose(),
    })
}
