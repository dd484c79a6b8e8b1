//! What a kind must state. Everything else (schema, documentation, checks,
//! `doctor`, `setup`, scopes of a sign-in, gates, pages, catalogue, generic
//! tests) is made from that.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::advice::of_permissions;
use super::ask::{Answer, Ask, Findings, Stopped};
use super::body::{self, Envelope};
use super::key::{AnyKey, Keys, Setting};
use super::{
    Advice, BadBody, Effort, Grant, Permission, Reading, Refused, Remedy, Request, ServiceError,
};
use crate::model::{Account, Audience, Cloud, Reason, Service};

/// Whether users feel a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Impact {
    /// They do: it may call somebody at night.
    Users,
    /// They do not: a ticket at most.
    Housekeeping,
}

impl Impact {
    /// The words in the configuration.
    pub const WORDS: [(&'static str, Self); 2] =
        [("users", Self::Users), ("housekeeping", Self::Housekeeping)];

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Housekeeping => "housekeeping",
        }
    }
}

/// How `doctor` speaks of a permission that is granted elsewhere than in Entra.
#[derive(Debug)]
pub struct Instead {
    /// Says that it is not in the token.
    pub absent: &'static str,
    /// Who gave it, when the probe works.
    pub works: &'static str,
    /// Why that is right all the same.
    pub fine: &'static str,
}

impl Instead {
    /// Exchange assigns roles itself.
    pub const ROLE_OF_EXCHANGE: Self = Self {
        absent: "no role for mailboxes is in the token",
        works: "Exchange assigns the right itself (RBAC for Applications), for what its scope names",
        fine: "that is right with RBAC for Applications, whose roles are never in it",
    };
}

/// What refusals mean where a permission is all that a kind needs.
#[derive(Debug)]
pub struct Refusals {
    /// What may keep a person out beside a missing permission; goes on with the
    /// sentence.
    pub people: &'static str,
    /// The same for an application.
    pub applications: &'static str,
    /// What a 404 means.
    pub not_found: &'static str,
}

impl Refusals {
    /// The kind advises by itself, or what holds for all kinds is enough.
    pub const OWN: Self = Self::not_found("");

    /// Nothing but the permission keeps it out.
    #[must_use]
    pub const fn not_found(not_found: &'static str) -> Self {
        Self {
            people: "",
            applications: "",
            not_found,
        }
    }

    /// Names the permission, or what a 404 means.
    #[must_use]
    pub fn advise(
        &self,
        account: &Account,
        permissions: &[Permission],
        refused: &Refused<'_>,
    ) -> Option<Advice> {
        let beside = match account.person() {
            Some(_) => self.people,
            None => self.applications,
        };
        if self.not_found.is_empty() {
            return None;
        }
        of_permissions(account, permissions, refused, beside, self.not_found)
    }
}

/// What is true of a kind, whatever the resource.
#[derive(Debug)]
pub struct Info {
    /// The label value, and the word in the configuration.
    pub name: &'static str,
    /// For people: `SharePoint site`.
    pub title: &'static str,
    /// What it asks, in one sentence.
    pub help: &'static str,
    /// What a success proves.
    pub proves: &'static str,
    /// What it does not.
    pub proves_not: &'static str,
    /// What a good body holds, as a word after `a`.
    pub holds: &'static str,
    /// Its keys beside those of every resource.
    pub keys: &'static [&'static dyn AnyKey],
    /// Whose limit its requests count against.
    pub service: Service,
    /// That limit is the application's, whoever is signed in.
    pub limit_per_application: bool,
    /// What may keep it out beside a missing permission, and what a 404 means;
    /// empty where the kind advises by itself.
    pub refusals: Refusals,
    /// SharePoint resource units of one probe.
    pub cost: u32,
    /// Numbers that its answers carry.
    pub readings: &'static [Reading],
    /// Its steps; empty where one request is all.
    pub steps: &'static [&'static str],
    /// How often, where neither the resource nor `defaults` say; `None` for the
    /// usual minute.
    pub interval: Option<Duration>,
    /// Not oftener than this; such a kind is `background` only.
    pub least_interval: Option<Duration>,
    /// For one request, where neither the resource nor `defaults` say.
    pub timeout: Option<Duration>,
    /// It leaves something behind, if only for a moment; then it is
    /// `background` only.
    pub writes: bool,
    /// Whether users feel its failure, unless the resource says otherwise.
    pub impact: Impact,
    /// Microsoft's id of the service, as its health overviews name it; empty
    /// where there is none.
    pub microsoft_service: &'static str,
    /// Microsoft's service level covers it: an outage may earn a credit.
    pub in_service_level: bool,
    /// For permissions that are granted elsewhere.
    pub instead: Instead,
    /// It needs an account.
    pub needs_account: bool,
    /// Clouds that do not have it, by the words of the configuration.
    pub not_in: &'static [&'static str],
    /// One line of YAML in braces: the documentation, the examples and every
    /// generic test use it.
    pub example: &'static str,
}

impl Info {
    /// What holds for most kinds; a kind fills in the rest.
    pub const USUAL: Self = Self {
        name: "",
        title: "",
        help: "",
        proves: "",
        proves_not: "",
        holds: "list",
        keys: &[],
        service: Service::Graph,
        limit_per_application: false,
        refusals: Refusals::OWN,
        cost: 0,
        readings: &[],
        steps: &[],
        interval: None,
        least_interval: None,
        timeout: None,
        writes: false,
        impact: Impact::Users,
        microsoft_service: "",
        in_service_level: false,
        instead: Instead::ROLE_OF_EXCHANGE,
        needs_account: true,
        not_in: &[],
        example: "",
    };

    /// True if it may only be probed in the background, at its own pace.
    #[must_use]
    pub const fn background_only(&self) -> bool {
        self.writes || self.least_interval.is_some()
    }

    /// Calls of one probe, as far as is known beforehand: one a step.
    #[must_use]
    pub fn calls(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX).max(1)
    }

    /// True if this cloud has it, as far as is known.
    #[must_use]
    pub fn exists_in(&self, cloud: &Cloud) -> bool {
        !self.not_in.contains(&cloud.as_str())
    }
}

/// The one mail that a probe sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeMail {
    /// Address or object id of the mailbox that sends it.
    pub from: Arc<str>,
    /// It leaves the sender's tenant.
    pub goes_outside: bool,
}

/// What a resource says of its kind; made from [`Define`].
pub trait OfKind {
    /// What is true of its kind.
    fn info(&self) -> &'static Info;
}

impl<K: Define> OfKind for K {
    fn info(&self) -> &'static Info {
        K::INFO
    }
}

/// A probe under way.
pub type ProbeFuture<'a> = BoxFuture<'a, Result<Findings, Stopped>>;

/// What a resource of one kind does.
pub trait Spec: OfKind + fmt::Debug + Send + Sync {
    /// What it watches, for people who may see it: an address, a user.
    fn target(&self) -> Cow<'_, str>;

    /// Its keys and values, for `/config`.
    fn settings(&self) -> Vec<(&'static str, Setting)> {
        Vec::new()
    }

    /// Whose limit it counts against.
    fn service(&self) -> Service {
        self.info().service
    }

    /// What its access token must be for; `None` if it needs none.
    fn audience(&self, account: &Account) -> Option<Audience> {
        Some(Audience::graph(&account.cloud))
    }

    /// What else its limit is counted by: a person, a mailbox, a host.
    fn subject<'a>(&'a self, account: &'a Account) -> Option<Cow<'a, str>> {
        let person = account
            .person()
            .filter(|_| !self.info().limit_per_application);
        person.map(|person| (&*person.username).into())
    }

    /// The host that is asked, without a port.
    fn host(&self, account: &Account) -> String {
        let audience = self.audience(account);
        let place = audience.as_ref().map_or("", Audience::host);
        let (host, _) = place.split_once(':').unwrap_or((place, ""));
        host.to_owned()
    }

    /// Microsoft's id of the service.
    fn microsoft_service(&self) -> &'static str {
        self.info().microsoft_service
    }

    /// The permissions that it needs, each of them. What a site or Exchange
    /// grants beside is not among them.
    fn permissions(&self, account: &Account) -> Vec<Permission>;

    /// What must be granted beside.
    fn grants(&self, _account: &Account) -> Vec<Grant> {
        Vec::new()
    }

    /// The mail that one probe sends, if it sends any.
    fn mail(&self, _account: &Account) -> Option<ProbeMail> {
        None
    }

    /// Other accounts that it uses.
    fn accounts(&self) -> Vec<Arc<Account>> {
        Vec::new()
    }

    /// What one probe asks and waits for: how long it may take is made from that.
    fn effort(&self, _account: &Account) -> Effort {
        Effort::ONE
    }

    /// Why it cannot work with this account, however much is granted.
    fn unsupported(&self, _account: &Account) -> Option<&'static str> {
        None
    }

    /// The request of a kind that needs only one; `None` if what the
    /// configuration names makes no URL.
    fn request(&self, account: &Account) -> Option<Request>;

    /// Looks into a whole answer with a good status; that it holds a list is
    /// enough, unless the kind says otherwise.
    ///
    /// # Errors
    /// What is wrong with it.
    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        body::list(Envelope::Plain, answer)?;
        Ok(Findings::default())
    }

    /// The reason of a refusal, where the service says one thing and means
    /// another; most say what they mean.
    fn reason(&self, _account: &Account, reason: Reason, _error: &ServiceError) -> Reason {
        reason
    }

    /// What to do about a refusal; `None` for what holds for all kinds.
    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        let permissions = self.permissions(account);
        let mut advice = self
            .info()
            .refusals
            .advise(account, &permissions, refused)?;
        if refused.reason == Reason::Forbidden && !refused.lacking {
            // The token holds what Entra grants: what is beside it comes first.
            let grants = self.grants(account).into_iter().map(Remedy::Grant);
            advice.remedies = grants.chain(advice.remedies).collect();
        }
        Some(advice)
    }

    /// Probes once. Kinds that need more than one request say so here.
    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let request = self.request(account).ok_or(UNADDRESSED)?;
            let answer = ask.send("", request).await?;
            Ok(self.judge(&answer)?)
        })
    }
}

/// What the configuration names makes no URL.
pub const UNADDRESSED: Stopped = Stopped::Judged {
    reason: Reason::Internal,
    sentence: Cow::Borrowed("what the configuration names makes no URL"),
};

/// How a kind is read from the configuration.
pub trait Define: Sized {
    /// What is true of it.
    const INFO: &'static Info;

    /// Reads its keys; complains and answers `None` where they do not fit.
    /// `account` is the resource's, if that is known.
    fn read(keys: &dyn Keys, account: Option<&Account>) -> Option<Self>;
}
