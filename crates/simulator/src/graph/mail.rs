//! Mailboxes: messages and folders.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Map, Value, json};

use super::entity::{MAIL_FOLDER, MESSAGE};
use super::error::GraphError;
use super::query::Query;
use super::{Answer, Call, guard, reply};
use crate::directory::{Mailbox, User};

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

/// `{me or users/…}/{tail}`; `asked` is the name that was used.
pub(super) fn answer(call: &Call<'_>, asked: &str, tail: &str) -> Result<Answer, GraphError> {
    let reach = guard::mail_reach(call.tenant, &call.claims)?;
    let (owner, mailbox) = find(call, asked)?;
    let delegates = &mailbox.delegates;
    guard::this_mailbox(call.tenant, &call.claims, reach, &owner.id, delegates)?;
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
    let body = match tail.split('/').collect::<Vec<_>>()[..] {
        ["messages"] => messages(call, &owner, &mailbox)?,
        ["mailFolders"] => folders(call, &owner, &mailbox)?,
        ["mailFolders", id] => folder(call, &owner, &mailbox, id)?,
        ["mailFolders", id, "messages"] => {
            let name = well_known(&owner, id)?;
            let inbox = if name == "inbox" {
                mailbox
            } else {
                Mailbox {
                    messages: 0,
                    ..mailbox
                }
            };
            messages(call, &owner, &inbox)?
        }
        ["messages", _] => return Err(not_in_store()),
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

fn not_in_store() -> GraphError {
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

fn messages(call: &Call<'_>, owner: &User, mailbox: &Mailbox) -> Result<Value, GraphError> {
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
    let now = call.tenant.clock.now();
    let items = (0..mailbox.messages).map(|number| message(owner, mailbox, number, now));
    Ok(query.page(&MESSAGE, items, context, &call.url(), asked))
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
    let person =
        |name: &str, address: &str| json!({"emailAddress": {"name": name, "address": address}});
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
