//! The steps: what is sent, how it is looked for, and what is removed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::ask::{Ask, Stopped};
use super::super::lenient::all_of;
use super::super::mark::{LEFT_BEHIND, MARK, is_ours};
use super::super::request::encode;
use super::super::{Define as _, Request, UNADDRESSED, body};
use super::messages::{Leftovers, Message, Messages};
use super::{DELETE, FIND, MailRoundTrip};
use crate::model::{Account, Cloud, Method, Reason, is_upn};

/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// From then on a message that came back is looked for as well.
const BOUNCES_FROM: Duration = Duration::from_secs(8);
/// Removed in one probe.
const MOST_LEFTOVERS: usize = 10;
/// Looked at in one probe: mail of others may begin like ours.
const MOST_LOOKED_AT: usize = 100;
const LONGEST_LIST: usize = 256 << 10;

/// A delegated account's own mailbox is asked as `/me`.
pub(super) fn mailbox_of<'a>(account: &Account, user: &'a str) -> Option<&'a str> {
    let own = account
        .person()
        .is_some_and(|person| person.username.eq_ignore_ascii_case(user));
    (!own).then_some(user)
}

/// Where mail comes in: in a mailbox that is shared with a person, only the inbox
/// is.
fn incoming(account: &Account, user: Option<&str>) -> &'static str {
    if account.person().is_some() && user.is_some() {
        "mailFolders/inbox/messages"
    } else {
        "messages"
    }
}

impl MailRoundTrip {
    /// The account that reads the receiving mailbox.
    pub(super) fn reader<'a>(&'a self, account: &'a Account) -> &'a Account {
        self.to_account.as_deref().unwrap_or(account)
    }

    /// Microsoft Graph, "user: sendMail": one word, no copy, no automatic replies.
    pub(super) fn send_request(&self, account: &Account, subject: &str) -> Option<Request> {
        let message = json!({
            "message": {
                "subject": subject,
                "body": {"contentType": "text", "content": "m365mon"},
                "toRecipients": [{"emailAddress": {"address": &*self.to}}],
                "internetMessageHeaders": [
                    {"name": "x-m365mon", "value": "probe"},
                    {"name": "X-Auto-Response-Suppress", "value": "All"},
                ],
            },
            "saveToSentItems": false,
        });
        let request = Request::of_user(&account.cloud, self.from.user(), "sendMail", "")?;
        Some(request.post(message.to_string()).expecting(&[202]))
    }

    pub(super) fn find_request(&self, account: &Account, subject: &str) -> Option<Request> {
        let query = format!(
            "$filter=subject%20eq%20'{subject}'&$select=id,receivedDateTime,sentDateTime,from&$top=1"
        );
        self.in_receiving(account, self.incoming(account), &query)
    }

    /// A report of non-delivery, in any language: it repeats the subject.
    fn bounced_request(&self, account: &Account, subject: &str) -> Option<Request> {
        let query = format!("$filter=contains(subject,'{subject}')&$select=id,subject&$top=2");
        let path = incoming(account, self.from.user());
        Request::of_user(&account.cloud, self.from.user(), path, &query)
    }

    fn incoming(&self, account: &Account) -> &'static str {
        let reader = self.reader(account);
        incoming(reader, mailbox_of(reader, &self.to))
    }

    /// Something in the receiving mailbox, through the account that reads it.
    fn in_receiving(&self, account: &Account, path: &str, query: &str) -> Option<Request> {
        let reader = self.reader(account);
        let user = mailbox_of(reader, &self.to);
        let request = Request::of_user(&reader.cloud, user, path, query)?;
        Some(match &self.to_account {
            Some(other) => request.through(Arc::clone(other)),
            None => request,
        })
    }

    /// Looks until it is there, came back, or took too long.
    pub(super) async fn find(
        &self,
        account: &Account,
        ask: &mut dyn Ask,
        subject: &str,
    ) -> Result<Message, Stopped> {
        let request = self.find_request(account, subject).ok_or(UNADDRESSED)?;
        let bounced = self.bounced_request(account, subject).ok_or(UNADDRESSED)?;
        let began = ask.elapsed();
        let mut pause = Duration::from_secs(1);
        loop {
            let answer = ask.send(FIND, request.clone()).await?;
            let found: Messages = body::object(Self::INFO.holds, &answer)?;
            if let Some(message) = found.value.into_iter().next() {
                return Ok(message);
            }
            let waited = ask.elapsed().saturating_sub(began);
            if waited >= BOUNCES_FROM {
                let answer = ask.send(FIND, bounced.clone()).await?;
                let back: Messages = body::object(Self::INFO.holds, &answer)?;
                // The message itself is there too where both mailboxes are one,
                // by whatever names, and it arrived between the two looks.
                let itself = |one: &Message| one.subject.0.as_deref() == Some(subject);
                if back.value.iter().any(|one| !itself(one)) {
                    return Err(Stopped::judged(
                        Reason::NotFound,
                        "the message came back: it could not be delivered; check `to`",
                    ));
                }
            }
            if waited >= self.delivery_timeout {
                return Err(Stopped::judged(
                    Reason::Timeout,
                    "the message was accepted and did not arrive in time",
                ));
            }
            ask.wait(pause.min(self.delivery_timeout.saturating_sub(waited)))
                .await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Removes what this probe left, and where that is allowed what earlier ones
    /// left: only in the receiving mailbox, only messages with a whole subject of
    /// ours from the mailbox that sends ours. What others write about us stays.
    pub(super) async fn clear(
        &self,
        account: &Account,
        ask: &mut dyn Ask,
        found: Option<&Message>,
    ) {
        if let Some(message) = found
            && !self.remove(account, ask, &message.id).await
        {
            return;
        }
        let before = ask.now() - jiff::SignedDuration::try_from(LEFT_BEHIND).unwrap_or_default();
        let query = format!(
            "$filter=receivedDateTime%20lt%20{before:.0}%20and%20startswith(subject,'{MARK}')&$select=id,subject,from&$top={MOST_LOOKED_AT}"
        );
        let found_from = found.and_then(Message::sender);
        let Some(sender) = found_from.or_else(|| self.sender(account)) else {
            return;
        };
        let Some(request) = self.in_receiving(account, self.incoming(account), &query) else {
            return;
        };
        let Ok(answer) = ask.send(DELETE, request.within(LONGEST_LIST)).await else {
            return;
        };
        let Ok(left) = body::object::<Leftovers>(Self::INFO.holds, &answer) else {
            return;
        };
        let left = all_of(left.value).filter(|message| {
            let from_us = |from: &str| from.eq_ignore_ascii_case(sender);
            message.subject.0.as_deref().is_some_and(is_ours)
                && message.sender().is_some_and(from_us)
        });
        for message in left.take(MOST_LEFTOVERS) {
            if !self.remove(account, ask, &message.id).await {
                return;
            }
        }
    }

    /// The address that ours come from, as far as the configuration tells: an
    /// object id does not, and a mailbox may send by another of its names. What
    /// was found tells better.
    fn sender<'a>(&'a self, account: &'a Account) -> Option<&'a str> {
        let person = || account.person().map(|person| &*person.username);
        let from = self.from.user().or_else(person);
        from.filter(|from| is_upn(from))
    }

    /// False where it is not allowed, or fails.
    async fn remove(&self, account: &Account, ask: &mut dyn Ask, id: &str) -> bool {
        let cloud = &self.reader(account).cloud;
        // For good where that exists (Microsoft Graph, "message: permanentDelete":
        // the worldwide cloud only), else into the deleted items.
        let for_good = matches!(cloud, Cloud::Global | Cloud::Custom { .. });
        let end = if for_good { "/permanentDelete" } else { "" };
        let path = format!("messages/{}{end}", encode(id));
        let Some(request) = self.in_receiving(account, &path, "") else {
            return false;
        };
        let request = Request {
            method: if for_good {
                Method::Post
            } else {
                Method::Delete
            },
            // Ids of messages are content of the tenant.
            shown: format!(
                "{}/v1.0/users/{{user}}/messages/{{id}}{end}",
                cloud.graph_url()
            ),
            ..request.expecting(&[204, 403, 404])
        };
        let answer = ask.send(DELETE, request).await;
        answer.is_ok_and(|answer| answer.status != 403)
    }
}
