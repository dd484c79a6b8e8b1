//! Sending mail and clearing it away (PROTOCOL section 5, PROTOCOL-KINDS section
//! 13). A message that is accepted is not delivered yet, and gets no id here.

use axum::http::StatusCode;
use m365mon_base::Random as _;
use serde_json::Value;

use super::error::GraphError;
use super::guard::{self, MailRight};
use super::mail::{self, Opened};
use super::route::{Route, delete, post};
use super::{Answer, Call, json_body};
use crate::directory::{Cloud, User};
use crate::mail_flow::{Folder, Letter};

pub(super) const ROUTES: &[Route] = &[
    post("{person}/sendMail", send),
    delete("{person}/messages/{}", |call, names| {
        remove(call, names, false)
    }),
    post("{person}/messages/{}/permanentDelete", |call, names| {
        remove(call, names, true)
    }),
];

/// Custom headers of one message.
const MOST_HEADERS: usize = 5;

/// A member of an object, whose name Microsoft takes in camel and in Pascal case.
fn member<'v>(object: &'v Value, name: &str) -> &'v Value {
    object
        .as_object()
        .and_then(|object| {
            object
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
        })
        .map_or(&Value::Null, |(_, value)| value)
}

fn bad(code: &'static str, message: impl Into<String>) -> GraphError {
    GraphError::new(400, code, message)
}

/// A message as it is to be sent.
struct Draft {
    subject: String,
    recipients: Vec<String>,
    keeps_copy: bool,
}

fn addresses(message: &Value, kind: &str) -> Result<Vec<String>, GraphError> {
    let list = member(message, kind)
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    list.iter()
        .map(|recipient| {
            let address = member(member(recipient, "emailAddress"), "address").as_str();
            let valid = address.filter(|a| {
                a.split_once('@')
                    .is_some_and(|(n, d)| !n.is_empty() && d.contains('.'))
            });
            valid.map(str::to_owned).ok_or_else(|| {
                bad(
                    "ErrorInvalidRecipients",
                    "At least one recipient is not valid.",
                )
            })
        })
        .collect()
}

fn read(body: &Value) -> Result<Draft, GraphError> {
    let message = member(body, "message");
    if !message.is_object() {
        return Err(bad(
            "ErrorInvalidParameter",
            "The value of the parameter 'Message' is empty.",
        ));
    }
    if let Some(unknown) = message.as_object().and_then(|object| {
        object
            .keys()
            .find(|key| super::entity::MESSAGE.property(key).is_none() && !key.contains('@'))
    }) {
        return Err(bad(
            "RequestBodyRead",
            format!(
                "The property '{unknown}' does not exist on type 'microsoft.graph.message'. Make sure \
                 to only use property names that are defined by the type."
            ),
        ));
    }
    let kind = member(member(message, "body"), "contentType");
    if !(kind.is_null()
        || kind.as_str().is_some_and(|kind| {
            kind.eq_ignore_ascii_case("text") || kind.eq_ignore_ascii_case("html")
        }))
    {
        return Err(bad(
            "RequestBodyRead",
            "Requested value of contentType was not found.",
        ));
    }
    let headers = member(message, "internetMessageHeaders")
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if headers.len() > MOST_HEADERS {
        return Err(bad(
            "InvalidInternetMessageHeaderCollection",
            "Maximum number of headers in one message should be less than or equal to 5.",
        ));
    }
    for header in headers {
        let name = member(header, "name").as_str().unwrap_or_default();
        if !name
            .get(..2)
            .is_some_and(|start| start.eq_ignore_ascii_case("x-"))
        {
            return Err(bad(
                "InvalidInternetMessageHeader",
                format!(
                    "The internet message header name '{name}' should start with 'x-' or 'X-'."
                ),
            ));
        }
    }
    let mut recipients = Vec::new();
    for kind in ["toRecipients", "ccRecipients", "bccRecipients"] {
        recipients.extend(addresses(message, kind)?);
    }
    if recipients.is_empty() {
        return Err(bad(
            "ErrorInvalidRecipients",
            "At least one recipient isn't valid, or there is none.",
        ));
    }
    Ok(Draft {
        subject: member(message, "subject")
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        recipients,
        keeps_copy: member(body, "saveToSentItems").as_bool().unwrap_or(true),
    })
}

/// `sendMail`.
fn send(call: &Call<'_>, names: &[&str]) -> Result<Answer, GraphError> {
    let opened = open(call, names, &guard::SEND_MAIL).map_err(|error| {
        // Another's mailbox is there, but its owner gave no right to send.
        if error.code == "ErrorItemNotFound" {
            GraphError::new(
                403,
                "ErrorSendAsDenied",
                "The user account which was used to submit this request does not have the right \
                 to send mail on behalf of the specified sending account.",
            )
        } else {
            error
        }
    })?;
    let draft = read(&json_body(call)?)?;
    let course = call.tenant.mail.course();
    deliver(call, &opened.owner, &draft);
    if course.unsure {
        return Err(GraphError::new(
            503,
            "ServiceUnavailable",
            "The service is unavailable.",
        ));
    }
    Ok(Answer {
        permit: Some(opened.permit),
        ..StatusCode::ACCEPTED.into()
    })
}

fn deliver(call: &Call<'_>, sender: &User, draft: &Draft) {
    let mail = &call.tenant.mail;
    let now = call.tenant.clock.now();
    let after = |time| now.checked_add(time).unwrap_or(now);
    let letter = |owner: &User, folder, subject: String, received| Letter {
        serial: 0,
        owner: owner.id.clone(),
        folder,
        subject,
        from: (sender.display_name.clone(), sender.upn.clone()),
        to: draft.recipients.clone(),
        internet_message_id: format!("<{}@contoso.com>", call.tenant.random.uuid()),
        sent: now,
        received,
    };
    if draft.keeps_copy {
        mail.put(letter(sender, Folder::Sent, draft.subject.clone(), now));
    }
    let directory = call.tenant.directory.read();
    let own_domain = |address: &str| {
        let domain = address.rsplit('@').next().unwrap_or_default();
        directory.organization(domain).is_some()
    };
    for address in &draft.recipients {
        let course = mail.course_to(address);
        if course.lost {
            continue;
        }
        let recipient = directory
            .user(address)
            .filter(|user| user.mailbox.as_ref().is_some_and(|m| m.enabled));
        match recipient {
            Some(user) if !course.bounces => {
                let folder = if course.junk {
                    Folder::Junk
                } else {
                    Folder::Inbox
                };
                mail.put(letter(
                    user,
                    folder,
                    draft.subject.clone(),
                    after(course.delay),
                ));
            }
            // What goes elsewhere is not seen again.
            None if !own_domain(address) => {}
            _ => {
                let subject = format!("{}{}", course.bounce_prefix, draft.subject);
                let report = Letter {
                    from: ("Microsoft Outlook".into(), "postmaster@contoso.com".into()),
                    ..letter(sender, Folder::Inbox, subject, after(course.bounce_after))
                };
                mail.put(report);
            }
        }
    }
}

fn open(call: &Call<'_>, names: &[&str], right: &MailRight) -> Result<Opened, GraphError> {
    let name = names.first().copied().unwrap_or_default();
    if name != "me" {
        return mail::open(call, name, right);
    }
    if call.claims.app_only() {
        return Err(GraphError::bad_request(
            "/me request is only valid with delegated authentication flow.",
        ));
    }
    mail::open(call, &call.claims.oid, right)
}

/// Deletes a message: once to the folder of deleted ones, then or permanently
/// for good.
fn remove(call: &Call<'_>, names: &[&str], for_good: bool) -> Result<Answer, GraphError> {
    let opened = open(call, names, &guard::WRITE_MAIL)?;
    if for_good {
        let directory = call.tenant.directory.read();
        let elsewhere = directory
            .organization(&call.claims.tid)
            .is_some_and(|organization| organization.cloud != Cloud::Global);
        if elsewhere {
            return Err(GraphError::no_segment("permanentDelete"));
        }
    }
    let id = names.get(1).copied().unwrap_or_default();
    let now = call.tenant.clock.now();
    let owner = &opened.owner;
    let mail = &call.tenant.mail;
    let found = mail
        .of(&owner.id, now)
        .into_iter()
        .find(|letter| mail::letter_id(owner, letter.serial) == id);
    let deleted = found.is_some_and(|letter| mail.delete(&owner.id, letter.serial, now, for_good));
    if !deleted {
        return Err(mail::not_in_store());
    }
    Ok(Answer {
        permit: Some(opened.permit),
        ..StatusCode::NO_CONTENT.into()
    })
}
