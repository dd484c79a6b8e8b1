//! `mailbox_folder`: does a folder of a mailbox answer, and how many messages
//! wait in it? For mailboxes of a function (tickets, invoices), not of a person.
//! Counts are asked for, and where wanted the date of the oldest message;
//! subjects, senders and bodies never are.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::ask::{Answer, Ask, Findings};
use super::body;
use super::exchange_mailbox::{ROLE, permission};
use super::key::{Flag, Text};
use super::lenient::{Lenient, Moment, all_of};
use super::mailbox::{self, Mailbox};
use super::reading::{Reading, ReadingUnit};
use super::request::encode;
use super::{
    Advice, AnyKey, BadBody, Define, Effort, Grant, Info, Key, Keys, Permission, ProbeFuture,
    Refused, Remedy, Request, ServiceError, Setting, Spec, UNADDRESSED,
};
use crate::model::{Account, Reason, Sample, Service, quoted};

/// A folder of a mailbox, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxFolder {
    mailbox: Mailbox,
    /// A well-known name, or an id.
    folder: Arc<str>,
    /// Ask for the date of the oldest message too.
    oldest: bool,
}

static USER: Key<Text> =
    mailbox::user_key("Whose mailbox. Needed unless the account is delegated.");
static FOLDER: Key<Text> = Key::optional(
    "folder",
    Text {
        takes: "well-known name or id of a folder",
        check: is_folder,
    },
    "`inbox`",
    "Which folder, by one of Graph's well-known names (`inbox`, `archive`, `drafts`, `junkemail`, `outbox`, …) or by its id; the name that Outlook shows is neither.",
);
static OLDEST: Key<Flag> = Key::optional(
    "oldest",
    Flag,
    "`false`",
    "Ask for the date of the oldest message too: one more request.",
);
static KEYS: &[&dyn AnyKey] = &[&USER, &FOLDER, &OLDEST];

/// Names that stand for a folder in every language (Microsoft Graph, "mailFolder").
const WELL_KNOWN: [&str; 18] = [
    "archive",
    "clutter",
    "conflicts",
    "conversationhistory",
    "deleteditems",
    "drafts",
    "inbox",
    "junkemail",
    "localfailures",
    "msgfolderroot",
    "outbox",
    "recoverableitemsdeletions",
    "scheduled",
    "searchfolders",
    "sentitems",
    "serverfailures",
    "syncissues",
    "recoverableitemspurges",
];
/// Shorter than any id.
const SHORTEST_ID: usize = 40;

fn is_folder(text: &str) -> Result<(), String> {
    let known = WELL_KNOWN.iter().any(|one| one.eq_ignore_ascii_case(text));
    let id = (SHORTEST_ID..=512).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=' | b'+' | b'/'));
    if known || id {
        return Ok(());
    }
    Err(format!(
        "must be one of Graph's well-known names, such as \"inbox\" or \"archive\", or the id of a folder, not {}; a folder with a name of its own goes by its id",
        quoted(text)
    ))
}

const ITEMS: u8 = 0;
const UNREAD: u8 = 1;
const OLDEST_MESSAGE: u8 = 2;
static READINGS: &[Reading] = &[
    Reading {
        metric: "m365_mailbox_folder_items",
        unit: ReadingUnit::None,
        labels: &[],
        help: "Messages in the folder, as Exchange counts them.",
        most: 1,
    },
    Reading {
        metric: "m365_mailbox_folder_unread_items",
        unit: ReadingUnit::None,
        labels: &[],
        help: "Unread messages in the folder, as Exchange counts them.",
        most: 1,
    },
    Reading {
        metric: "m365_mailbox_folder_oldest_message_timestamp_seconds",
        unit: ReadingUnit::Seconds,
        labels: &[],
        help: "When the oldest message in the folder was received; absent while it is empty, or where the key oldest is not set.",
        most: 1,
    },
];

const COUNTS_STEP: &str = "counts";
const OLDEST_STEP: &str = "oldest";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Folder {
    #[serde(rename = "id")]
    _id: String,
    #[serde(default)]
    total_item_count: Lenient<u32>,
    #[serde(default)]
    unread_item_count: Lenient<u32>,
}

#[derive(Deserialize)]
struct Messages {
    value: Vec<Lenient<Message>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(default)]
    received_date_time: Moment,
}

impl Define for MailboxFolder {
    const INFO: &'static Info = &Info {
        name: "mailbox_folder",
        title: "Mailbox folder",
        help: "Asks how many messages are in one folder, and how many of them are unread.",
        proves: "The folder answers, and the account may read it; what waits in it is a reading.",
        proves_not: "That mail arrives, that somebody reads it.",
        holds: "mail folder with an id",
        keys: KEYS,
        service: Service::Outlook,
        readings: READINGS,
        steps: &[COUNTS_STEP, OLDEST_STEP],
        microsoft_service: "Exchange",
        in_service_level: true,
        example: "{name: tickets, account: contoso, kind: mailbox_folder, user: tickets@contoso.com, folder: inbox, oldest: true}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, account: Option<&Account>) -> Option<Self> {
        let mailbox = Mailbox::read(&USER, keys, account);
        let folder = FOLDER.take(keys).or("inbox".into());
        let oldest = OLDEST.take(keys).or(false);
        Some(Self {
            mailbox: mailbox?,
            folder: folder?,
            oldest: oldest?,
        })
    }
}

impl MailboxFolder {
    /// Something of the folder. An id is not shown: it leads to one folder of
    /// one person.
    fn of_folder(&self, account: &Account, what: &str, query: &str) -> Option<Request> {
        let user = self.mailbox.user();
        let path = |folder: &str| format!("mailFolders/{folder}{what}");
        let folder = encode(&self.folder);
        let request = Request::of_user(&account.cloud, user, &path(&folder), query)?;
        if self.folder.len() < SHORTEST_ID {
            return Some(request);
        }
        let shown = request.shown.replace(&*folder, "{folder}");
        Some(Request { shown, ..request })
    }

    /// Microsoft Graph "List messages", the oldest first.
    fn oldest_request(&self, account: &Account) -> Option<Request> {
        let query = "$orderby=receivedDateTime&$select=receivedDateTime&$top=1";
        self.of_folder(account, "/messages", query)
    }
}

impl Spec for MailboxFolder {
    fn target(&self) -> Cow<'_, str> {
        let folder = match self.folder.len() {
            ..SHORTEST_ID => &*self.folder,
            _ => "a folder by its id",
        };
        format!("{folder} of {}", self.mailbox.target()).into()
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        let user = self.mailbox.0.iter().map(|user| USER.show(user));
        user.chain([FOLDER.show(&self.folder), OLDEST.show(&self.oldest)])
            .collect()
    }

    fn subject<'a>(&'a self, account: &'a Account) -> Option<Cow<'a, str>> {
        self.mailbox.subject(account)
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        vec![permission(account, self.mailbox.user())]
    }

    fn grants(&self, account: &Account) -> Vec<Grant> {
        self.mailbox
            .grants(account, ROLE, mailbox::folder_scope(&self.folder))
    }

    /// Microsoft Graph "Get mailFolder".
    fn request(&self, account: &Account) -> Option<Request> {
        self.of_folder(account, "", "$select=id,totalItemCount,unreadItemCount")
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let folder: Folder = body::object(Self::INFO.holds, answer)?;
        let counts = [
            (ITEMS, folder.total_item_count.0),
            (UNREAD, folder.unread_item_count.0),
        ];
        let samples = counts
            .into_iter()
            .filter_map(|(reading, count)| Some(Sample::plain(reading, count?.into())));
        Ok(Findings::of(samples))
    }

    fn reason(&self, account: &Account, reason: Reason, error: &ServiceError) -> Reason {
        self.mailbox.reason(account, reason, error)
    }

    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        let no_folder = [
            "ErrorItemNotFound",
            "ErrorFolderNotFound",
            "ErrorInvalidIdMalformed",
        ];
        if matches!(refused.reason, Reason::NotFound | Reason::Rejected)
            && no_folder.iter().any(|code| refused.error.has(code))
        {
            return Some(
                Advice::say("the mailbox has no such folder; check `folder`").with(vec![
                    Remedy::say(
                        "a folder that is no well-known one goes by its id, which changes when \
                         the mailbox is moved to another",
                    ),
                ]),
            );
        }
        self.mailbox.advise(self, account, refused)
    }

    fn effort(&self, _: &Account) -> Effort {
        Effort::of(if self.oldest { 2 } else { 1 })
    }

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let step = if self.oldest { COUNTS_STEP } else { "" };
            let counts = self.request(account).ok_or(UNADDRESSED)?;
            let mut found = self.judge(&ask.send(step, counts).await?)?;
            if self.oldest {
                let oldest = self.oldest_request(account).ok_or(UNADDRESSED)?;
                let answer = ask.send(OLDEST_STEP, oldest).await?;
                let messages: Messages = body::object("list of messages", &answer)?;
                let dates = all_of(messages.value);
                let oldest = dates.filter_map(|one| one.received_date_time.seconds());
                let oldest = oldest.take(1);
                (found.readings).extend(oldest.map(|date| Sample::plain(OLDEST_MESSAGE, date)));
            }
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing::{ScriptedAsk, answer, value};

    const COUNTS: &str =
        r#"{"id":"AAMkAD=","totalItemCount":12,"unreadItemCount":3,"displayName":"canary"}"#;

    fn folder(name: &str, oldest: bool) -> MailboxFolder {
        MailboxFolder {
            mailbox: Mailbox(Some("tickets@contoso.com".into())),
            folder: name.into(),
            oldest,
        }
    }

    #[tokio::test]
    async fn counts_alone() {
        let mut script = ScriptedAsk::of([answer(COUNTS)]);
        let found = script
            .probe(&folder("inbox", false))
            .await
            .unwrap()
            .readings;
        assert_eq!(value(&found, ITEMS, &[]), Some(12.0));
        assert_eq!(value(&found, UNREAD, &[]), Some(3.0));
        assert_eq!(value(&found, OLDEST_MESSAGE, &[]), None);
        let [("", request)] = script.sent() else {
            panic!("one request without a step");
        };
        assert_eq!(
            request.url.as_str(),
            "https://graph.microsoft.com/v1.0/users/tickets@contoso.com/mailFolders/inbox?$select=id,totalItemCount,unreadItemCount"
        );
    }

    #[tokio::test]
    async fn the_oldest_message() {
        for (messages, date) in [
            (
                r#"{"value":[{"id":"x","receivedDateTime":"2026-11-30T07:12:41.1234567Z"}]}"#,
                Some(1_796_022_761.0),
            ),
            (r#"{"value":[]}"#, None),
            (r#"{"value":[{"receivedDateTime":null}]}"#, None),
            (
                r#"{"value":[{"receivedDateTime":"0001-01-01T00:00:00Z"}]}"#,
                None,
            ),
        ] {
            let mut script = ScriptedAsk::of([answer(COUNTS), answer(messages)]);
            let found = script.probe(&folder("inbox", true)).await.unwrap().readings;
            assert_eq!(value(&found, OLDEST_MESSAGE, &[]), date, "{messages}");
            assert_eq!(script.sent()[1].0, OLDEST_STEP);
        }
        let mut script = ScriptedAsk::of([answer(COUNTS), answer("{}")]);
        assert!(script.probe(&folder("inbox", true)).await.is_err());
    }

    #[test]
    fn odd_counts_cost_the_reading_alone() {
        for body in [
            r#"{"id":"x"}"#,
            r#"{"id":"x","totalItemCount":null,"unreadItemCount":-1}"#,
        ] {
            let found = folder("inbox", false).judge(&answer(body)).unwrap();
            assert_eq!(found, Findings::default(), "{body}");
        }
        for body in ["{}", r#"{"error":{"code":"x"}}"#, r#"{"value":[]}"#] {
            assert!(
                folder("inbox", false).judge(&answer(body)).is_err(),
                "{body}"
            );
        }
    }

    #[test]
    fn an_id_is_not_shown() {
        let id = format!("AAMkAD{}=", "x".repeat(60));
        let request = folder(&id, true).request(&crate::fixtures::account("contoso"));
        let request = request.unwrap();
        assert!(request.url.as_str().contains("AAMkADxx"));
        assert!(!request.shown.contains("AAMkAD"), "{}", request.shown);
        assert!(!folder(&id, true).target().contains("AAMkAD"));
    }

    #[test]
    fn folders() {
        let id = format!("AAMkAD{}=", "x".repeat(60));
        for good in ["inbox", "Archive", &id] {
            assert_eq!(is_folder(good), Ok(()), "{good}");
        }
        for bad in ["Invoices", "inbox/x", "../messages", ""] {
            assert!(is_folder(bad).unwrap_err().contains("by its id"), "{bad}");
        }
    }
}
