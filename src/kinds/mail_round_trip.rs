//! `mail_round_trip`: is a mail that is sent found in the other mailbox? One
//! message of our own is sent, looked for by a subject that nobody can guess,
//! and removed where that is allowed. Nothing else in a mailbox is read, and a
//! send whose answer is lost is never repeated.

mod steps;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use self::steps::{MARK, mailbox_of};
use super::ask::{Answer, Ask, Findings};
use super::body;
use super::exchange_mailbox::{self, ROLE as READ_ROLE};
use super::key::{AccountReference, Lasting, Text};
use super::mailbox::{self, INBOX, Mailbox};
use super::reading::{Reading, ReadingUnit};
use super::{
    Advice, AnyKey, BadBody, Define, Grant, Info, Key, Keys, Permission, ProbeFuture, ProbeMail,
    Refused, Remedy, Request, Setting, Spec, UNADDRESSED, Wide,
};
use crate::model::{Account, Sample, Service, Timestamp, is_upn, quoted};

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

#[derive(Deserialize)]
struct Messages {
    value: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: String,
    received_date_time: Option<Timestamp>,
    sent_date_time: Option<Timestamp>,
}

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
        let send = Permission::of_graph(account, "Mail.Send", "sends one message of our own");
        let mut all = match account.person() {
            Some(_) => vec![
                send,
                Permission::of_graph(
                    account,
                    "Mail.ReadBasic",
                    "looks for a message that came back",
                ),
            ],
            None => vec![
                mailbox::granted(send.wide(Wide {
                    names: &["Mail.Send"],
                    says: "lets the application send as anybody of the tenant; a role of Exchange \
                           on the sending mailbox does",
                    test: self.from.user().map(|user| Remedy::TestMailbox(user.into())),
                })),
                exchange_mailbox::application_permission(account, self.from.user()),
            ],
        };
        let reader = self.reader(account);
        let read = match (reader.person(), mailbox_of(reader, &self.to)) {
            (None, user) => exchange_mailbox::application_permission(reader, user),
            (Some(_), None) => {
                Permission::of_graph(reader, "Mail.ReadBasic", "looks for the message")
            }
            (Some(_), Some(_)) => Permission::of_graph(
                reader,
                "Mail.ReadBasic.Shared",
                "looks for the message in a mailbox that is shared with the person",
            ),
        };
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
                (Some(from), Some(person)) => grants.push(Grant::ByHand(
                    format!(
                        "{} must be able to send as {from}: Add-RecipientPermission with -AccessRights SendAs",
                        person.username
                    )
                    .into(),
                )),
                _ => grants.extend(self.from.grants(account, SEND_ROLE, None)),
            }
            grants.extend(self.from.grants(account, READ_ROLE, Some(INBOX)));
        }
        if other(account) || self.to_account.is_none() {
            let to = Mailbox(mailbox_of(account, &self.to).map(Arc::from));
            grants.extend(to.grants(account, READ_ROLE, Some(INBOX)));
            grants.push(Grant::ByHand(
                format!(
                    "a retention tag of Exchange (delete after 1 day) on {} clears what the probes \
                     leave; with the role Application Mail.ReadWrite on that one mailbox they \
                     clear it themselves",
                    self.to
                )
                .into(),
            ));
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

    fn longest(&self, timeout: Duration) -> Duration {
        // Sending, waiting with the last look, and cleaning up.
        self.delivery_timeout + timeout * 3
    }

    fn request(&self, account: &Account) -> Option<Request> {
        self.find_request(account, "0")
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let _: Messages = body::object(Self::INFO.holds, answer)?;
        Ok(Findings::default())
    }

    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        self.from.advise(self, account, refused)
    }

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let nonce = ask.nonce();
            let subject = format!("{MARK}{nonce}");
            let request = self.send_request(account, &subject).ok_or(UNADDRESSED)?;
            ask.send(SEND, request).await?;
            let found = self.find(account, ask, &subject).await;
            ask.clean_up();
            self.clear(account, ask, found.as_ref().ok()).await;
            let message = found?;
            let took = match (message.sent_date_time, message.received_date_time) {
                (Some(sent), Some(received)) => Some(received.duration_since(sent).as_secs_f64()),
                _ => None,
            };
            // Clocks of two servers may differ by a second.
            let took = took.map(|took| Sample::plain(DELIVERY, took.max(0.0)));
            Ok(Findings::of(took))
        })
    }
}

#[cfg(test)]
mod tests;
