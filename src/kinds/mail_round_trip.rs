//! `mail_round_trip`: is a mail that is sent found in the other mailbox? One
//! message of our own is sent, looked for by a subject that nobody can guess,
//! and removed where that is allowed. Nothing else in a mailbox is read, and a
//! send whose answer is lost is never repeated.

mod messages;
mod steps;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use self::messages::Messages;
use self::steps::mailbox_of;
use super::ask::{Answer, Ask, Findings};
use super::body;
use super::exchange_mailbox::{self, ROLE as READ_ROLE};
use super::key::{AccountReference, Lasting, Text};
use super::mailbox::{self, INBOX, Mailbox};
use super::mark::named;
use super::reading::{Reading, ReadingUnit};
use super::{
    Advice, AnyKey, BadBody, Define, Effort, Grant, Info, Key, Keys, Permission, ProbeFuture,
    ProbeMail, Refused, Remedy, Request, ServiceError, Setting, Spec, UNADDRESSED, Wide,
};
use crate::model::{Account, Reason, Sample, Service, is_upn, powershell, quoted};

/// A mail from one mailbox to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRoundTrip {
    from: Mailbox,
    /// The address that it goes to.
    to: Arc<str>,
    /// Through which account the other mailbox is read, where it is another one.
    to_account: Option<Arc<Account>>,
    delivery_timeout: Duration,
}

static FROM: Key<Text> = Key::optional(
    "from",
    Text {
        takes: "user principal name or object id",
        check: mailbox::is_user,
    },
    "the person of `delegated`",
    "The mailbox that sends. Needed unless the account is delegated.",
);
static TO: Key<Text> = Key::required(
    "to",
    Text {
        takes: "mail address",
        check: is_address,
    },
    "the mailbox that the mail goes to, as \"probe@contoso.com\"",
    "The mailbox that receives; best one of its own.",
);
static TO_ACCOUNT: Key<AccountReference> = Key::optional(
    "to_account",
    AccountReference,
    "the resource's own account",
    "Through which account the receiving mailbox is read, where it is in another tenant.",
);
static DELIVERY_TIMEOUT: Key<Lasting> = Key::optional(
    "delivery_timeout",
    Lasting::seconds(10, 3600),
    "`2m`",
    "How long a mail may take before it counts as lost.",
);
static KEYS: &[&dyn AnyKey] = &[&FROM, &TO, &TO_ACCOUNT, &DELIVERY_TIMEOUT];

const USUAL_DELIVERY: Duration = Duration::from_secs(120);
const DELIVERY: u8 = 0;
static READINGS: &[Reading] = &[Reading {
    metric: "m365_mail_delivery_seconds",
    unit: ReadingUnit::Seconds,
    labels: &[],
    help: "How long the last mail took from being sent to being received, by the service's own times.",
    most: 1,
}];

const SEND: &str = "send";
const FIND: &str = "find";
const DELETE: &str = "delete";
const SEND_ROLE: &str = "Application Mail.Send";
/// Permissions that send: from the own mailbox, and from one of another.
const SENDING: [&str; 2] = ["Mail.Send", "Mail.Send.Shared"];

impl Define for MailRoundTrip {
    const INFO: &'static Info = &Info {
        name: "mail_round_trip",
        title: "Mail round trip",
        help: "Sends one message and looks for it in the other mailbox.",
        proves: "A mail is accepted, carried and found; and how long that took.",
        proves_not: "The way back, which is a resource of its own; the way to and from other organisations.",
        holds: "list of messages",
        keys: KEYS,
        service: Service::Outlook,
        readings: READINGS,
        steps: &[SEND, FIND, DELETE],
        interval: Some(Duration::from_secs(300)),
        least_interval: Some(Duration::from_secs(300)),
        writes: true,
        microsoft_service: "Exchange",
        in_service_level: true,
        example: "{name: mail-to-probe, account: contoso, kind: mail_round_trip, from: monitoring@contoso.com, to: probe@contoso.com}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, account: Option<&Account>) -> Option<Self> {
        let from = Mailbox::read(&FROM, keys, account);
        let to = TO.take(keys).given();
        let to_account = TO_ACCOUNT.take(keys).optional();
        let delivery_timeout = DELIVERY_TIMEOUT.take(keys).or(USUAL_DELIVERY);
        let to_account =
            to_account?.filter(|other| account.is_none_or(|account| account.name != other.name));
        Some(Self {
            from: from?,
            to: to?,
            to_account,
            delivery_timeout: delivery_timeout?,
        })
    }
}

fn is_address(text: &str) -> Result<(), String> {
    if is_upn(text) {
        return Ok(());
    }
    Err(format!(
        "must be a mail address such as \"probe@contoso.com\", not {}",
        quoted(text)
    ))
}

impl Spec for MailRoundTrip {
    fn target(&self) -> Cow<'_, str> {
        format!("{} to {}", self.from.target(), self.to).into()
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        let from = self.from.0.iter().map(|user| FROM.show(user));
        let mut settings: Vec<_> = from.collect();
        settings.push(TO.show(&self.to));
        settings.extend(self.to_account.iter().map(|one| TO_ACCOUNT.show(one)));
        settings.push(DELIVERY_TIMEOUT.show(&self.delivery_timeout));
        settings
    }

    fn subject<'a>(&'a self, account: &'a Account) -> Option<Cow<'a, str>> {
        self.from.subject(account)
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        let mut all = vec![
            self.sending(account),
            // For a message that came back.
            exchange_mailbox::permission(account, self.from.user()),
        ];
        let reader = self.reader(account);
        let read = exchange_mailbox::permission(reader, mailbox_of(reader, &self.to));
        let read = match &self.to_account {
            Some(other) => read.through(Arc::clone(other)),
            None => read,
        };
        if !all
            .iter()
            .any(|known| known.name == read.name && read.account.is_none())
        {
            all.push(read);
        }
        all
    }

    fn grants(&self, account: &Account) -> Vec<Grant> {
        let other = |one: &Account| {
            self.to_account
                .as_ref()
                .is_some_and(|to| to.name == one.name)
        };
        let mut grants = Vec::new();
        if !other(account) {
            match (self.from.user(), account.person()) {
                (Some(from), Some(person)) => grants.push(send_as(from, &person.username)),
                _ => grants.extend(self.from.grants(account, SEND_ROLE, None)),
            }
            grants.extend(self.from.grants(account, READ_ROLE, Some(INBOX)));
        }
        if other(account) || self.to_account.is_none() {
            let to = Mailbox(mailbox_of(account, &self.to).map(Arc::from));
            grants.extend(to.grants(account, READ_ROLE, Some(INBOX)));
            grants.push(retention(&self.to, account));
        }
        grants.dedup();
        grants
    }

    fn mail(&self, account: &Account) -> Option<ProbeMail> {
        let own = account.person().map(|person| &person.username);
        let other = self.to_account.as_ref();
        Some(ProbeMail {
            from: Arc::clone(self.from.0.as_ref().or(own)?),
            goes_outside: other.is_some_and(|other| other.tenant != account.tenant),
        })
    }

    fn accounts(&self) -> Vec<Arc<Account>> {
        self.to_account.iter().cloned().collect()
    }

    /// Sending, the wait, the last look into both mailboxes, and the clean-up.
    fn effort(&self, _: &Account) -> Effort {
        Effort::of(4).waiting(self.delivery_timeout)
    }

    fn request(&self, account: &Account) -> Option<Request> {
        self.find_request(account, "0")
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let _: Messages = body::object(Self::INFO.holds, answer)?;
        Ok(Findings::default())
    }

    fn reason(&self, account: &Account, reason: Reason, error: &ServiceError) -> Reason {
        let reason = self.from.reason(account, reason, error);
        let reader = self.reader(account);
        let to = Mailbox(mailbox_of(reader, &self.to).map(Arc::from));
        to.reason(reader, reason, error)
    }

    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        if let Some(advice) = self.of_sending(account, refused.error) {
            return Some(advice);
        }
        let looks = matches!(refused.step, FIND | DELETE);
        let reader = self.reader(account);
        let (asking, mailbox) = if looks {
            let to = mailbox_of(reader, &self.to).map(Arc::from);
            (reader, Mailbox(to))
        } else {
            (account, self.from.clone())
        };
        let mut permissions = self.permissions(account);
        permissions.retain(|one| looks != SENDING.contains(&&*one.name));
        let grants = match (self.from.user(), account.person()) {
            (Some(from), Some(person)) if !looks => vec![send_as(from, &person.username)],
            _ => {
                let grants = self.grants(asking).into_iter();
                grants
                    .filter(|grant| !matches!(grant, Grant::ByHand(_)))
                    .collect()
            }
        };
        let advice = mailbox.advise_on(&permissions, grants, asking, refused)?;
        let Some(from) = self
            .from
            .user()
            .filter(|_| looks && account.person().is_none() && refused.reason == Reason::Forbidden)
        else {
            return Some(advice);
        };
        // A message that came back is looked for there.
        let mut remedies = advice.remedies.clone();
        remedies.push(Remedy::TestMailbox(from.into()));
        remedies.dedup();
        Some(advice.with(remedies))
    }

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let nonce = ask.nonce();
            let subject = named(&nonce);
            let request = self.send_request(account, &subject).ok_or(UNADDRESSED)?;
            ask.send(SEND, request).await?;
            let found = self.find(account, ask, &subject).await;
            ask.clean_up();
            self.clear(account, ask, found.as_ref().ok()).await;
            let message = found?;
            let sent = message.sent_date_time.given();
            let took = (message.received_date_time.given())
                .and_then(|received| Some(received.duration_since(sent?).as_secs_f64()));
            // Clocks of two servers may differ by a second.
            let took = took.map(|took| Sample::plain(DELIVERY, took.max(0.0)));
            Ok(Findings::of(took))
        })
    }
}

impl MailRoundTrip {
    /// What it takes to send from the mailbox.
    fn sending(&self, account: &Account) -> Permission {
        match (self.from.user(), account.person()) {
            (None, Some(_)) => {
                Permission::of_graph(account, SENDING[0], "sends one message of the person's own")
            }
            // Microsoft Graph, "Send Outlook messages from another user".
            (Some(_), Some(_)) => Permission::of_graph(
                account,
                SENDING[1],
                "sends one message of our own from a mailbox that the person may send as",
            ),
            (from, None) => mailbox::granted(
                Permission::of_graph(account, SENDING[0], "sends one message of our own").wide(
                    Wide {
                        names: &["Mail.Send"],
                        says: "lets the application send as anybody of the tenant; a role of \
                               Exchange on the sending mailbox does",
                        test: from.map(|user| Remedy::TestMailbox(user.into())),
                    },
                ),
                SEND_ROLE,
            ),
        }
    }

    /// What only sending is refused with (Exchange Web Services, "ResponseCode",
    /// whose names Graph takes over).
    fn of_sending(&self, account: &Account, error: &ServiceError) -> Option<Advice> {
        let has = |codes: &[&str]| codes.iter().any(|code| error.has(code));
        let (sentence, remedy) = if has(&["ErrorSendAsDenied"]) {
            let remedy = match (self.from.user(), account.person()) {
                (Some(from), Some(person)) => Remedy::Grant(send_as(from, &person.username)),
                _ => Remedy::say(
                    "`from` must be the mailbox itself, not one of its aliases or a group",
                ),
            };
            ("Exchange does not let it send as `from`", remedy)
        } else if has(&["ErrorInvalidRecipients"]) {
            (
                "Exchange takes `to` for no address; check `to`",
                Remedy::say("does a mail that a person sends to this address arrive?"),
            )
        } else if has(&["ErrorQuotaExceeded"]) {
            (
                "the sending mailbox is full",
                Remedy::say(
                    "empty the mailbox of `from`, or raise its quota: nobody can send from it",
                ),
            )
        } else if has(&[
            "ErrorMessageSubmissionBlocked",
            "ErrorExceededMessageLimit",
            "ErrorSubmissionQuotaExceeded",
        ]) {
            (
                "Exchange lets the sending mailbox send no more: a limit of sending, or the \
                 outbound spam policy",
                Remedy::say(
                    "Get-BlockedSenderAddress names mailboxes that may not send any more, \
                     Remove-BlockedSenderAddress frees one; first find out what else sends from it",
                ),
            )
        } else {
            return None;
        };
        Some(Advice::say(sentence).with(vec![remedy]))
    }
}

/// What a person needs to send from another's mailbox.
fn send_as(from: &str, person: &str) -> Grant {
    let how = format!(
        "{person} must be able to send as {from}: Add-RecipientPermission -Identity {} -Trustee {} \
         -AccessRights SendAs",
        powershell::quoted(from),
        powershell::quoted(person)
    );
    Grant::ByHand(how.into())
}

/// What clears the receiving mailbox of messages.
fn retention(to: &str, reader: &Account) -> Grant {
    let tag = format!(
        "a retention tag of Exchange (delete after 1 day) on {to} clears what the probes leave"
    );
    let how = match reader.person() {
        Some(_) => tag,
        None => format!(
            "{tag}; with the role Application Mail.ReadWrite on that one mailbox they clear it \
             themselves"
        ),
    };
    Grant::ByHand(how.into())
}

#[cfg(test)]
mod tests;
