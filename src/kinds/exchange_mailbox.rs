//! `exchange_mailbox`: can messages of a mailbox be listed? One id of one
//! message is asked for; subjects, senders and bodies never are.

use std::borrow::Cow;

use super::key::Text;
use super::mailbox::{self, Mailbox};
use super::{
    Advice, AnyKey, Define, Grant, Info, Key, Keys, Permission, Refused, Remedy, Request,
    ServiceError, Setting, Spec, Wide,
};
use crate::model::{Account, Reason, Service};

/// An Exchange Online mailbox: one message id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeMailbox {
    /// `/me`, or a UPN or an object id for `/users/{user}`.
    pub mailbox: Mailbox,
}

static USER: Key<Text> =
    mailbox::user_key("Whose mailbox. Needed unless the account is delegated.");
static KEYS: &[&dyn AnyKey] = &[&USER];

/// The role of Exchange that goes with `Mail.ReadBasic`.
pub(super) const ROLE: &str = "Application Mail.ReadBasic";

impl Define for ExchangeMailbox {
    const INFO: &'static Info = &Info {
        name: "exchange_mailbox",
        title: "Exchange mailbox",
        help: "Asks for one message id.",
        proves: "The mailbox answers, and the account may read it.",
        proves_not: "That mail is sent or arrives, that Outlook on the desktop works.",
        keys: KEYS,
        service: Service::Outlook,
        microsoft_service: "Exchange",
        in_service_level: true,
        example: "{name: steves-mailbox, account: contoso, kind: exchange_mailbox, user: steve@contoso.com}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, account: Option<&Account>) -> Option<Self> {
        Mailbox::read(&USER, keys, account).map(|mailbox| Self { mailbox })
    }
}

impl Spec for ExchangeMailbox {
    fn target(&self) -> Cow<'_, str> {
        self.mailbox.target()
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        self.mailbox.0.iter().map(|user| USER.show(user)).collect()
    }

    fn subject<'a>(&'a self, account: &'a Account) -> Option<Cow<'a, str>> {
        self.mailbox.subject(account)
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        vec![permission(account, self.mailbox.user())]
    }

    fn grants(&self, account: &Account) -> Vec<Grant> {
        self.mailbox.grants(account, ROLE, Some(mailbox::INBOX))
    }

    /// Microsoft Graph "List messages"; in a mailbox that is shared with a person
    /// those of the inbox, for which a role on that one folder is enough ("Get
    /// Outlook messages in a shared or delegated folder").
    fn request(&self, account: &Account) -> Option<Request> {
        let path = if self.mailbox.is_shared(account) {
            "mailFolders/inbox/messages"
        } else {
            "messages"
        };
        Request::of_user(
            &account.cloud,
            self.mailbox.user(),
            path,
            "$select=id&$top=1",
        )
    }

    fn reason(&self, account: &Account, reason: Reason, error: &ServiceError) -> Reason {
        self.mailbox.reason(account, reason, error)
    }

    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        self.mailbox.advise(self, account, refused)
    }
}

/// What it takes to read ids, dates and counts of messages: in the mailbox of
/// `user`, or in the signed-in person's own.
pub(super) fn permission(account: &Account, user: Option<&str>) -> Permission {
    match (user, account.person()) {
        (None, Some(_)) => Permission::of_graph(
            account,
            "Mail.ReadBasic",
            "reads ids of messages in the person's own mailbox, never a body",
        )
        .broader(&["Mail.Read", "Mail.ReadWrite"]),
        (Some(_), Some(_)) => Permission::of_graph(
            account,
            "Mail.ReadBasic.Shared",
            "reads ids of messages in a mailbox that is shared with the person, never a body",
        )
        .broader(&["Mail.Read.Shared", "Mail.ReadWrite.Shared"]),
        (user, None) => application_permission(account, user),
    }
}

/// What an application needs to read ids of messages; Exchange assigns it.
pub(super) fn application_permission(account: &Account, user: Option<&str>) -> Permission {
    mailbox::granted(
        Permission::of_graph(
            account,
            "Mail.ReadBasic.All",
            "reads ids of messages, never a body; a role assignment in Exchange (RBAC for \
             Applications) narrows it down to one mailbox",
        )
        .or(&["Mail.ReadBasic"])
        .broader(&["Mail.Read", "Mail.ReadWrite"])
        .wide(Wide {
            names: &["Mail.ReadBasic.All", "Mail.ReadBasic"],
            says: "opens every mailbox of the tenant, unless an access policy restricts it, which \
                   cannot be seen from here; a role of Exchange on the configured ones does",
            test: user.map(|user| Remedy::TestPolicy(user.into())),
        }),
        ROLE,
    )
}
