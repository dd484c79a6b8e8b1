//! What to do about a refusal, as data: the sentence of the report, and the
//! remedies that `doctor` prints and `setup` carries out.

use std::borrow::Cow;

use url::Url;

use super::{KnownMessage, Permission, ServiceError};
use crate::model::{Account, Reason};

/// What an administrator grants beside the permissions in a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grant {
    /// The application may read or write one site (`Sites.Selected`).
    SiteRole {
        /// The site.
        url: Url,
        /// What it may do.
        role: SiteRole,
    },
    /// The person may read one site.
    SiteVisitor {
        /// The site.
        url: Url,
    },
    /// A role of Exchange for the application, on one mailbox (RBAC for
    /// Applications in Exchange Online).
    MailboxRole {
        /// UPN or object id.
        user: Box<str>,
        /// As `Application Mail.ReadBasic`.
        role: &'static str,
    },
    /// The person may read one folder of another's mailbox.
    FolderReader {
        /// UPN or object id.
        user: Box<str>,
        /// The kind of folder, as Exchange's `FolderScope` and `FolderType` name it.
        folder: &'static str,
    },
    /// Consent in one team, for an application (resource-specific consent).
    TeamConsent {
        /// The team's id.
        team: Box<str>,
        /// As `ChannelSettings.Read.Group`.
        permission: &'static str,
    },
    /// Something that no command does.
    ByHand(Cow<'static, str>),
}

/// What an application may do in a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SiteRole {
    /// Reads.
    Read,
    /// Writes as well.
    Write,
}

impl SiteRole {
    /// As Graph and PowerShell spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// One thing that may mend a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Something for people.
    Say(Cow<'static, str>),
    /// The grant, by every command that gives it.
    Grant(Grant),
    /// The person signs in again.
    SignIn,
    /// The whole script of `setup`.
    Script,
    /// What Exchange lets the application do with this mailbox.
    TestMailbox(Box<str>),
    /// What an older access policy of Exchange says of this mailbox.
    TestPolicy(Box<str>),
    /// Shows the mailbox that Exchange knows by this name.
    ShowMailbox(Box<str>),
}

impl Remedy {
    /// Something for people.
    pub fn say(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Say(text.into())
    }
}

/// What was refused, and what is known about it.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    /// The verdict.
    pub reason: Reason,
    /// What the service said, as far as it is known.
    pub error: &'a ServiceError,
    /// The step that it refused; empty where one request is all.
    pub step: &'a str,
    /// The rights that the token holds, where they could be read.
    pub held: Option<&'a [Box<str>]>,
    /// The token lacks a permission, by what it holds.
    pub lacking: bool,
}

impl Refused<'_> {
    /// True if the service said this sentence.
    #[must_use]
    pub fn says(&self, message: KnownMessage) -> bool {
        self.error.text == Some(message)
    }
}

/// What to do about a refusal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    /// What it means and what to do, for the report; `None` where the kind knows
    /// no better than what holds for all.
    pub sentence: Option<Cow<'static, str>>,
    /// For `doctor`, in the order to try them.
    pub remedies: Vec<Remedy>,
}

impl Advice {
    /// A sentence and no remedy.
    pub fn say(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self {
            sentence: Some(sentence.into()),
            remedies: Vec::new(),
        }
    }

    /// With remedies.
    #[must_use]
    pub fn with(self, remedies: Vec<Remedy>) -> Self {
        Self { remedies, ..self }
    }
}

/// The sentence for a permission or something else that is missing; `beside` is
/// what else it may be and begins with a comma.
#[must_use]
pub fn probably_missing(permissions: &[Permission], beside: &str) -> String {
    if permissions.is_empty() {
        return format!("it needs no permission that is known here{beside}");
    }
    let mut needed: Vec<String> = permissions.iter().map(Permission::describe).collect();
    needed.dedup();
    format!("probably missing: {}{beside}", needed.join(" and "))
}

/// Remedies while the token lacks a permission: the step before has them.
#[must_use]
pub fn permission_first() -> Vec<Remedy> {
    vec![Remedy::say("first what the step permissions says")]
}

/// What a 403 means: `beside` as for [`probably_missing`], and `remedies` for a
/// token that lacks no permission.
#[must_use]
pub fn forbidden(
    permissions: &[Permission],
    beside: &str,
    refused: &Refused<'_>,
    remedies: Vec<Remedy>,
) -> Advice {
    Advice::say(probably_missing(permissions, beside)).with(if refused.lacking {
        permission_first()
    } else {
        remedies
    })
}

/// What a refusal means to a kind that needs permissions and nothing beside
/// them: `beside` as for [`probably_missing`]; `not_found` says what is not there
/// and what to check.
#[must_use]
pub fn of_permissions(
    account: &Account,
    permissions: &[Permission],
    refused: &Refused<'_>,
    beside: &str,
    not_found: &'static str,
) -> Option<Advice> {
    match refused.reason {
        Reason::Forbidden => {
            let person = account.person().map(|_| Remedy::SignIn);
            let remedies = person.into_iter().chain([Remedy::Script]).collect();
            Some(forbidden(permissions, beside, refused, remedies))
        }
        Reason::NotFound => Some(Advice::say(not_found).with(vec![Remedy::say(not_found)])),
        _ => None,
    }
}
