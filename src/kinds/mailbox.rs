//! What kinds share that ask for something in a mailbox: whose it is, how it is
//! addressed, and what a refusal means.

use std::borrow::Cow;
use std::sync::Arc;

use super::advice::forbidden;
use super::key::Text;
use super::{
    Advice, Grant, Granting, Key, Keys, Permission, PermissionType, Refused, Remedy, ServiceError,
    Spec, StandIn, Taken,
};
use crate::model::{Account, Reason, is_guest, is_guid, is_upn, quoted};

/// `user`.
pub(super) const fn user_key(help: &'static str) -> Key<Text> {
    Key::optional(
        "user",
        Text {
            takes: "user principal name or object id",
            check: is_user,
        },
        "the person of `delegated`",
        help,
    )
}

pub(super) fn is_user(text: &str) -> Result<(), String> {
    if is_guest(text) {
        return Err(format!(
            "is the name of a guest, {}, who has no mailbox in this tenant",
            quoted(text)
        ));
    }
    if is_upn(text) || is_guid(text) {
        return Ok(());
    }
    Err(format!(
        "must be a user principal name such as \"steve@contoso.com\" or an object id, not {}",
        quoted(text)
    ))
}

/// A mailbox: `None` is the signed-in person's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox(pub Option<Arc<str>>);

impl Mailbox {
    /// Reads `user`. A signed-in person's own name is the person's own mailbox;
    /// an application has none.
    pub(super) fn read(
        key: &Key<Text>,
        keys: &dyn Keys,
        account: Option<&Account>,
    ) -> Option<Self> {
        match key.take(keys) {
            Taken::Refused => None,
            Taken::Absent if account.is_some_and(|account| account.person().is_none()) => {
                keys.refuse(
                    key.name,
                    format!(
                        "\"{}\" is missing: an account without \"delegated\" has no mailbox of its own; name a user principal name or, better, an object id",
                        key.name
                    ),
                );
                None
            }
            Taken::Absent => Some(Self(None)),
            Taken::Given(user) => {
                let person = account.and_then(Account::person);
                let own = person.is_some_and(|person| person.username.eq_ignore_ascii_case(&user));
                Some(Self((!own).then_some(user)))
            }
        }
    }

    /// Whose it is, if not the signed-in person's.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// For people.
    pub(super) fn target(&self) -> Cow<'_, str> {
        self.user().unwrap_or("me").into()
    }

    /// Exchange counts per mailbox.
    pub(super) fn subject<'a>(&'a self, account: &'a Account) -> Option<Cow<'a, str>> {
        let person = || account.person().map(|person| &*person.username);
        self.user().or_else(person).map(Cow::from)
    }

    /// True where a person asks for what is in somebody else's mailbox.
    pub(super) fn is_shared(&self, account: &Account) -> bool {
        self.user().is_some() && account.person().is_some()
    }

    /// What must be granted beside permissions, where `role` of Exchange goes
    /// with the permission, and `folder` (as [`Grant::FolderReader`] has it) is
    /// all that is read.
    pub(super) fn grants(
        &self,
        account: &Account,
        role: &'static str,
        folder: Option<&'static str>,
    ) -> Vec<Grant> {
        let user = self.user().map(Box::from);
        user.map(|user| match (account.person(), folder) {
            (None, _) => Grant::MailboxRole { user, role },
            (Some(_), Some(folder)) => Grant::FolderReader { user, folder },
            (Some(person), None) => Grant::ByHand(
                format!(
                    "{} must be able to read the folder: in Outlook its owner opens Properties, \
                     Permissions and adds the person as Reviewer",
                    person.username
                )
                .into(),
            ),
        })
        .into_iter()
        .collect()
    }

    /// Exchange hides a missing right behind 404: to a person, what stands in
    /// another one's mailbox is not there.
    pub(super) fn reason(&self, account: &Account, reason: Reason, error: &ServiceError) -> Reason {
        let hidden = error.has("ErrorItemNotFound") || error.has("ErrorFolderNotFound");
        if reason == Reason::NotFound && hidden && self.is_shared(account) {
            Reason::Forbidden
        } else {
            reason
        }
    }

    /// What a refusal means to a `kind` that asks for something in it.
    pub(super) fn advise(
        &self,
        kind: &dyn Spec,
        account: &Account,
        refused: &Refused<'_>,
    ) -> Option<Advice> {
        let (permissions, grants) = (kind.permissions(account), kind.grants(account));
        self.advise_on(&permissions, grants, account, refused)
    }

    /// The same to something that needs these permissions and grants.
    pub(super) fn advise_on(
        &self,
        permissions: &[Permission],
        grants: Vec<Grant>,
        account: &Account,
        refused: &Refused<'_>,
    ) -> Option<Advice> {
        match refused.reason {
            Reason::Forbidden => Some(self.forbidden(permissions, grants, account, refused)),
            Reason::NotFound => {
                let sentence = if refused.error.code() == Some("MailboxNotEnabledForRESTAPI") {
                    "no Exchange Online mailbox: unlicensed, soft-deleted or on premises"
                } else if self.user().is_some() {
                    "no such user or mailbox; check `user`, an object id is safest"
                } else {
                    "the signed-in person has no mailbox"
                };
                Some(Advice::say(sentence).with(self.look(account)))
            }
            Reason::Rejected => Some(Advice {
                sentence: None,
                remedies: self.look(account),
            }),
            _ => None,
        }
    }

    fn forbidden(
        &self,
        permissions: &[Permission],
        grants: Vec<Grant>,
        account: &Account,
        refused: &Refused<'_>,
    ) -> Advice {
        let person = account.person();
        let beside = match (self.user(), person) {
            (Some(_), Some(_)) => ", or the folder is not shared with the person",
            _ => ", or a policy of Exchange forbids it",
        };
        let remedies = match (self.user(), person) {
            (Some(user), None) => vec![
                Remedy::TestMailbox(user.into()),
                Remedy::TestPolicy(user.into()),
                Remedy::say("a role assigned less than two hours ago may not act yet: wait"),
            ],
            (Some(_), Some(_)) => grants.into_iter().map(Remedy::Grant).collect(),
            (None, _) => vec![
                Remedy::say(
                    "a policy of Exchange may forbid it: Get-CASMailbox shows what is switched \
                     off for this person",
                ),
                Remedy::SignIn,
            ],
        };
        forbidden(permissions, beside, refused, remedies)
    }

    fn look(&self, account: &Account) -> Vec<Remedy> {
        let person = account.person().map(|person| &*person.username);
        let user = self.user().or(person).unwrap_or_default();
        vec![Remedy::ShowMailbox(user.into())]
    }
}

/// Graph's well-known names of folders, with what Exchange calls the same kind of
/// folder (`Get-MailboxFolderStatistics -FolderScope`), whatever its name is in
/// the owner's language.
const FOLDERS: [(&str, &str); 9] = [
    ("archive", "Archive"),
    ("calendar", "Calendar"),
    ("conversationhistory", "ConversationHistory"),
    ("deleteditems", "DeletedItems"),
    ("drafts", "Drafts"),
    ("inbox", INBOX),
    ("junkemail", "JunkEmail"),
    ("outbox", "Outbox"),
    ("sentitems", "SentItems"),
];
/// The folder that new mail comes into.
pub(super) const INBOX: &str = "Inbox";
/// The calendar that everybody has.
pub(super) const CALENDAR: &str = "Calendar";

/// Exchange's word for one of Graph's well-known folders.
pub(super) fn folder_scope(well_known: &str) -> Option<&'static str> {
    let known = FOLDERS.iter();
    known
        .filter(|(name, _)| name.eq_ignore_ascii_case(well_known))
        .map(|(_, scope)| *scope)
        .next()
}

/// A permission on one mailbox is granted by a role of Exchange where an
/// application asks, by consent where a person does.
pub(super) fn granted(permission: Permission, role: &'static str) -> Permission {
    match permission.held {
        PermissionType::Application => permission.granted_by(StandIn::MailboxRole(role)),
        PermissionType::Delegated => Permission {
            granting: Granting::Entra,
            ..permission
        },
    }
}
