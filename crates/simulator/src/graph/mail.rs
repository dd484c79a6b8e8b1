//! Mailboxes: messages and folders.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Map, Value, json};

use super::entity::{MAIL_FOLDER, MESSAGE};
use super::error::GraphError;
use super::guard::MailRight;
use super::query::Query;
use super::{Answer, Call, guard, reply, time};
use crate::directory::{Mailbox, User};
use crate::mail_flow::{Folder, Letter};
use crate::throttle::MailboxPermit;

const FOLDERS: [(&str, &str); 7] = [
    ("archive", "Archive"),
    ("deleteditems", "Deleted Items"),
    ("drafts", "Drafts"),
    ("inbox", "Inbox"),
    ("junkemail", "Junk Email"),
    ("outbox", "Outbox"),
    ("sentitems", "Sent Items"),
];

/// True if a path below a person is about their mail.
pub(super) fn is_mail(tail: &str) -> bool {
    let first = tail.split('/').next().unwrap_or_default();
    matches!(first, "messages" | "mailFolders")
}

/// A mailbox that the request may do something in.
pub(super) struct Opened {
    pub(super) owner: User,
    pub(super) mailbox: Mailbox,
    pub(super) permit: MailboxPermit,
}

/// The mailbox of a person, by the name that was used, as far as the token reaches.
pub(super) fn open(call: &Call<'_>, asked: &str, right: &MailRight) -> Result<Opened, GraphError> {
    open_folder(call, asked, right, None)
}

/// The same for what is in one folder, which its owner may have shared alone.
fn open_folder(
    call: &Call<'_>,
    asked: &str,
    right: &MailRight,
    folder: Option<&str>,
) -> Result<Opened, GraphError> {
    let reach = guard::mail_reach(call.tenant, &call.claims, right)?;
    let (owner, mailbox) = find(call, asked)?;
    let mut delegates = mailbox.delegates.clone();
    if let Some(name) = folder.and_then(|id| well_known(&owner, id).ok()) {
        delegates.extend(mailbox.readers.get(name).into_iter().flatten().cloned());
    }
    guard::this_mailbox(
        call.tenant,
        &call.claims,
        right,
        reach,
        &owner.id,
        &delegates,
    )?;
    if !mailbox.enabled {
        return Err(not_enabled());
    }
    if mailbox.moving && asked.contains('@') {
        return Err(GraphError::new(
            503,
            "MailboxInfoStale",
            "Mailbox info is stale.",
        ));
    }
    let permit = call
        .tenant
        .throttle
        .enter(&call.claims.appid, &owner.id)
        .ok_or_else(reply::application_throttled)?;
    Ok(Opened {
        owner,
        mailbox,
        permit,
    })
}

/// `{me or users/…}/{tail}`; `asked` is the name that was used.
pub(super) fn answer(call: &Call<'_>, asked: &str, tail: &str) -> Result<Answer, GraphError> {
    let Opened {
        owner,
        mailbox,
        permit,
    } = open_folder(
        call,
        asked,
        &guard::READ_MAIL,
        tail.strip_prefix("mailFolders/")
            .and_then(|rest| rest.split('/').next()),
    )?;
    let body = match tail.split('/').collect::<Vec<_>>()[..] {
        ["messages"] => messages(call, &owner, &mailbox, None)?,
        ["mailFolders"] => folders(call, &owner, &mailbox)?,
        ["mailFolders", id] => folder(call, &owner, &mailbox, id)?,
        ["mailFolders", id, "messages"] => {
            let name = well_known(&owner, id)?;
            messages(call, &owner, &mailbox, Some(name))?
        }
        ["messages", id] => one(call, &owner, &mailbox, id)?,
        _ => return Err(GraphError::no_segment(tail)),
    };
    Ok(Answer {
        permit: Some(permit),
        ..body.into()
    })
}

fn not_enabled() -> GraphError {
    GraphError::new(
        404,
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    )
}

pub(super) fn not_in_store() -> GraphError {
    let message = "The specified object was not found in the store.";
    GraphError::new(404, "ErrorItemNotFound", message)
}

fn find(call: &Call<'_>, asked: &str) -> Result<(User, Mailbox), GraphError> {
    let directory = call.tenant.directory.read();
    let user = directory
        .user(asked)
        .filter(|user| user.organization == call.claims.tid)
        .ok_or_else(|| {
            let message = format!("The requested user '{asked}' is invalid.");
            GraphError::new(404, "ErrorInvalidUser", message)
        })?;
    let mailbox = user.mailbox.clone().ok_or_else(not_enabled)?;
    Ok((user.clone(), mailbox))
}

/// What came by mail and what was always there, the newest first; of one folder
/// or of all.
fn content(
    call: &Call<'_>,
    owner: &User,
    mailbox: &Mailbox,
    folder: Option<&str>,
) -> impl Iterator<Item = Map<String, Value>> {
    let now = call.tenant.clock.now();
    let is_asked = |name: &str| folder.is_none_or(|folder| folder == name);
    let came: Vec<_> = call
        .tenant
        .mail
        .of(&owner.id, now)
        .iter()
        .filter(|letter| is_asked(letter.folder.well_known()))
        .map(|letter| written(owner, letter))
        .collect();
    let count = if is_asked("inbox") {
        mailbox.messages
    } else {
        0
    };
    came.into_iter()
        .chain((0..count).map(move |number| message(owner, mailbox, number, now)))
}

fn messages(
    call: &Call<'_>,
    owner: &User,
    mailbox: &Mailbox,
    folder: Option<&str>,
) -> Result<Value, GraphError> {
    let asked = &call.incoming.query;
    let query = Query::parse(asked, &MESSAGE)?;
    let selected = query
        .select
        .as_ref()
        .map(|s| format!("({})", s.join(",")))
        .unwrap_or_default();
    let context = format!(
        "{}/$metadata#users('{}')/messages{selected}",
        call.root, owner.id
    );
    let items = content(call, owner, mailbox, folder);
    Ok(query.page(&MESSAGE, items, context, &call.url(), asked))
}

fn one(call: &Call<'_>, owner: &User, mailbox: &Mailbox, id: &str) -> Result<Value, GraphError> {
    let query = Query::parse(&call.incoming.query, &MESSAGE)?;
    let found = content(call, owner, mailbox, None).find(|message| message["id"] == id);
    Ok(query.narrow(&MESSAGE, found.ok_or_else(not_in_store)?))
}

/// The id of a message that came by mail.
pub(super) fn letter_id(owner: &User, serial: u64) -> String {
    format!(
        "AAMkAG{}",
        URL_SAFE.encode(format!("{}/letter-{serial:08}", owner.id))
    )
}

fn person(name: &str, address: &str) -> Value {
    json!({"emailAddress": {"name": name, "address": address}})
}

fn written(owner: &User, letter: &Letter) -> Map<String, Value> {
    let id = letter_id(owner, letter.serial);
    let (sent, received) = (time(letter.sent), time(letter.received));
    let sender = person(&letter.from.0, &letter.from.1);
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("@odata.etag", format!("W/\"{}\"", letter.serial).into());
    put("id", id.into());
    put("changeKey", letter.serial.to_string().into());
    put("subject", letter.subject.as_str().into());
    put("receivedDateTime", received.as_str().into());
    put("sentDateTime", sent.into());
    put("createdDateTime", received.as_str().into());
    put("lastModifiedDateTime", received.into());
    put("hasAttachments", false.into());
    put("importance", "normal".into());
    put("isRead", (letter.folder == Folder::Sent).into());
    put("isDraft", false.into());
    put(
        "internetMessageId",
        letter.internet_message_id.as_str().into(),
    );
    put("from", sender.clone());
    put("sender", sender);
    let to: Vec<_> = letter
        .to
        .iter()
        .map(|address| person(address, address))
        .collect();
    put("toRecipients", to.into());
    let folder = folder_id(owner, letter.folder.well_known());
    put("parentFolderId", folder.into());
    whole
}

/// The message with this number, 0 being the newest. No body: `Mail.ReadBasic`
/// shows none, and nothing here may need one.
fn message(
    owner: &User,
    mailbox: &Mailbox,
    number: u32,
    now: jiff::Timestamp,
) -> Map<String, Value> {
    // Serial numbers count from the oldest, so that an id stays with its message.
    let serial = mailbox.messages - number;
    let age = Duration::from_secs(37 * 60 * (u64::from(number) + 1));
    let received = now.checked_sub(age).unwrap_or(now);
    let received = received.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let id = URL_SAFE.encode(format!("{}/{serial:08}", owner.id));
    let sender = person("Contoso", "no-reply@contoso.com");
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("@odata.etag", format!("W/\"{}\"", &id[..20]).into());
    put("id", format!("AAMkAG{id}").into());
    put("changeKey", id[..20].into());
    put("subject", format!("Message {serial}").into());
    put("receivedDateTime", received.as_str().into());
    put("sentDateTime", received.as_str().into());
    put("createdDateTime", received.as_str().into());
    put("lastModifiedDateTime", received.into());
    put("hasAttachments", false.into());
    put("importance", "normal".into());
    put("isRead", (number >= mailbox.unread).into());
    put("isDraft", false.into());
    put(
        "internetMessageId",
        format!("<{serial}@contoso.com>").into(),
    );
    put("from", sender.clone());
    put("sender", sender);
    put(
        "toRecipients",
        json!([person(&owner.display_name, &owner.upn)]),
    );
    put("parentFolderId", folder_id(owner, "inbox").into());
    whole
}

fn folder_id(owner: &User, name: &str) -> String {
    format!("AAMkAG{}", URL_SAFE.encode(format!("{}/{name}", owner.id)))
}

fn well_known(owner: &User, id: &str) -> Result<&'static str, GraphError> {
    FOLDERS
        .iter()
        .map(|(name, _)| *name)
        .find(|name| name.eq_ignore_ascii_case(id) || folder_id(owner, name) == id)
        .ok_or_else(|| {
            if id.len() < 20 {
                GraphError::new(400, "ErrorInvalidIdMalformed", "Id is malformed.")
            } else {
                not_in_store()
            }
        })
}

fn describe(owner: &User, mailbox: &Mailbox, name: &str, title: &str) -> Map<String, Value> {
    let inbox = name == "inbox";
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("id", folder_id(owner, name).into());
    put("displayName", title.into());
    put("parentFolderId", folder_id(owner, "msgfolderroot").into());
    put("childFolderCount", 0.into());
    let (total, unread) = (mailbox.messages, mailbox.unread);
    put("totalItemCount", if inbox { total } else { 0 }.into());
    put("unreadItemCount", if inbox { unread } else { 0 }.into());
    put("isHidden", false.into());
    whole
}

fn folders(call: &Call<'_>, owner: &User, mailbox: &Mailbox) -> Result<Value, GraphError> {
    let asked = &call.incoming.query;
    let query = Query::parse(asked, &MAIL_FOLDER)?;
    let context = format!("{}/$metadata#users('{}')/mailFolders", call.root, owner.id);
    let items = FOLDERS
        .iter()
        .map(|(name, title)| describe(owner, mailbox, name, title));
    Ok(query.page(&MAIL_FOLDER, items, context, &call.url(), asked))
}

fn folder(call: &Call<'_>, owner: &User, mailbox: &Mailbox, id: &str) -> Result<Value, GraphError> {
    let query = Query::parse(&call.incoming.query, &MAIL_FOLDER)?;
    let name = well_known(owner, id)?;
    let title = FOLDERS.iter().find(|(n, _)| *n == name).map_or("", |f| f.1);
    Ok(query.narrow(&MAIL_FOLDER, describe(owner, mailbox, name, title)))
}
