//! What is kept of sign-ins that are under way, and what came of the last one
//! of each account. In memory only, bounded, and gone with the process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use url::Url;

use super::devices::Device;
use super::token::FormKey;
use crate::entra::{
    BrowserSignIn, Consent, ConsentError, SignInStatus, SignedInAs, StoreError, Wanted,
};
use crate::model::{
    Account, AccountName, Audience, Clock, Moment, Random, Secret, Timestamp, TokenProblem,
};
use crate::web::operator::Actor;

/// How long a person may take at Microsoft; also the life of the cookie.
pub(super) const LIFE: Duration = Duration::from_secs(600);
/// Sign-ins in a browser that may be under way; one more, and the oldest goes.
const MAX_PENDING: usize = 32;
/// How long the page still tells what came of a sign-in.
const MEMORY: Duration = Duration::from_secs(3600);

/// Audiences for which no token can be had, and why.
pub(super) type Missing = Vec<(Audience, TokenProblem)>;

/// What came of a sign-in, or of a sign-out.
#[derive(Debug)]
pub(in crate::web) enum SessionOutcome {
    /// The person is signed in.
    SignedIn(SignedInAs),
    /// The sign-in was forgotten; false if there was none.
    SignedOut(bool),
    /// Entra, the person, or something here said no.
    Failed(ConsentError),
    /// The answer came to a browser that did not begin the sign-in.
    OtherBrowser,
    /// The account's configuration changed meanwhile.
    Changed,
}

impl SessionOutcome {
    pub(in crate::web) const fn needs_administrator(&self) -> bool {
        match self {
            Self::Failed(error) => error.needs_administrator(),
            Self::SignedIn(_) | Self::SignedOut(_) | Self::OtherBrowser | Self::Changed => false,
        }
    }

    /// The audience that needs a consent of its own next, if one does: Entra takes
    /// the scopes of one at a time.
    pub(super) fn next_round(&self) -> Option<&Audience> {
        let Self::SignedIn(signed_in) = self else {
            return None;
        };
        let mut missing = signed_in.missing.iter();
        let next = missing.find(|(_, problem)| problem.code == Some(65_001));
        next.map(|(audience, _)| audience)
    }

    /// Whether the person has consented to all that is asked for.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self, Self::SignedIn(_)) && self.next_round().is_none()
    }

    /// For the log: no name of a person, nothing that came from outside.
    const fn word(&self) -> &'static str {
        match self {
            Self::SignedIn(_) => "signed in",
            Self::SignedOut(_) => "signed out",
            Self::OtherBrowser => "the sign-in came back to another browser",
            Self::Changed => "the account changed during the sign-in",
            Self::Failed(ConsentError::Declined) => "the sign-in was declined",
            Self::Failed(ConsentError::Expired) => "the sign-in took too long",
            Self::Failed(ConsentError::WrongPerson { .. } | ConsentError::Guest(_)) => {
                "somebody else signed in; what was received is thrown away"
            }
            Self::Failed(_) => "the sign-in failed; its page says why",
        }
    }
}

/// A sign-in whose browser is at Microsoft.
pub(super) struct Pending {
    pub(super) account: Arc<Account>,
    pub(super) begun: BrowserSignIn,
    /// What the browser must bring along, and the path that it has it for.
    cookie: Secret,
    pub(super) cookie_path: String,
    others: Missing,
    at: Moment,
    pub(super) by: Actor,
}

/// What the browser gets at the beginning of a sign-in.
pub(super) struct Start {
    pub(super) url: Url,
    pub(super) cookie: (String, Secret),
}

#[derive(Default)]
pub(super) struct Records {
    /// The oldest first.
    pending: Vec<Pending>,
    pub(super) outcomes: BTreeMap<AccountName, (Moment, Arc<SessionOutcome>)>,
    pub(super) devices: BTreeMap<AccountName, Device>,
    pub(super) devices_so_far: u64,
    /// When Entra was last asked for a code.
    pub(super) codes_asked: BTreeMap<AccountName, Moment>,
}

/// Begins and ends sign-ins on behalf of the pages.
pub(in crate::web) struct SignInSessions {
    pub(super) consent: Consent,
    pub(super) form_key: FormKey,
    pub(super) clock: Clock,
    random: Arc<dyn Random>,
    pub(super) records: Mutex<Records>,
}

/// The name of the cookie that belongs to a state. Each sign-in has its own,
/// so that two tabs do not end each other's.
pub(super) fn cookie_name(state: &Secret) -> Option<String> {
    Some(format!("m365mon-sign-in-{}", state.expose().get(..12)?))
}

impl SignInSessions {
    pub(in crate::web) fn new(consent: Consent, clock: Clock, random: Arc<dyn Random>) -> Self {
        Self {
            consent,
            form_key: FormKey::new(&*random),
            clock,
            random,
            records: Mutex::default(),
        }
    }

    /// Begins a sign-in in a browser. `asked` is set where the rest is signed
    /// in already and one audience needs a consent of its own.
    pub(super) fn begin(
        &self,
        account: &Arc<Account>,
        wanted: &Wanted,
        asked: Option<&Audience>,
        redirect: &Url,
        by: &Actor,
    ) -> Result<Start, ConsentError> {
        tracing::info!(account = &*account.name, %by, "a sign-in begins in a browser");
        let begun = self.consent.browser(account, wanted, redirect.as_str())?;
        let name = cookie_name(&begun.state).unwrap_or_default();
        let cookie = self.random.secret(32);
        let start = Start {
            url: begun.url.clone(),
            cookie: (name, cookie.clone()),
        };
        let others = self.others(account, asked);
        let mut records = self.records.lock();
        records
            .pending
            .retain(|pending| pending.at.age(&self.clock) <= LIFE);
        if records.pending.len() >= MAX_PENDING {
            records.pending.remove(0);
        }
        records.pending.push(Pending {
            account: Arc::clone(account),
            begun,
            cookie,
            cookie_path: redirect.path().to_owned(),
            others,
            at: self.clock.moment(),
            by: by.clone(),
        });
        Ok(start)
    }

    /// The sign-in that a state belongs to, once.
    pub(super) fn take(&self, state: &Secret) -> Option<Pending> {
        let mut records = self.records.lock();
        let place = records
            .pending
            .iter()
            .position(|pending| pending.begun.state == *state)?;
        Some(records.pending.remove(place))
    }

    /// Ends a sign-in with what the browser brought.
    pub(super) async fn finish(
        &self,
        pending: Pending,
        cookie: Option<&Secret>,
        account_now: Option<&Arc<Account>>,
        result: Result<Secret, (String, String)>,
    ) -> Arc<SessionOutcome> {
        let outcome = if cookie != Some(&pending.cookie) {
            SessionOutcome::OtherBrowser
        } else if pending.at.age(&self.clock) > LIFE {
            SessionOutcome::Failed(ConsentError::Expired)
        } else if account_now != Some(&pending.account) {
            SessionOutcome::Changed
        } else {
            let done = match result {
                Ok(code) => {
                    self.consent
                        .finish_browser(&pending.account, pending.begun, &code)
                        .await
                }
                Err((error, description)) => Err(Consent::refused(&error, &description)),
            };
            outcome(pending.others, done)
        };
        if outcome.is_whole() {
            self.consent.end_invitation(&pending.account).await;
        }
        self.record(&pending.account.name, outcome, &pending.by)
    }

    /// What the last sign-in left without a token, but for the one audience
    /// that is asked for now; nothing if all are.
    pub(super) fn others(&self, account: &Account, asked: Option<&Audience>) -> Missing {
        let Some(asked) = asked else {
            return Missing::new();
        };
        match self.last(&account.name).as_ref().map(|(_, last)| &**last) {
            Some(SessionOutcome::SignedIn(signed_in)) => {
                let missing = signed_in.missing.iter();
                missing
                    .filter(|(audience, _)| audience != asked)
                    .cloned()
                    .collect()
            }
            _ => Missing::new(),
        }
    }

    pub(super) fn record(
        &self,
        account: &AccountName,
        outcome: SessionOutcome,
        by: &Actor,
    ) -> Arc<SessionOutcome> {
        let outcome = Arc::new(outcome);
        tracing::info!(account = &**account, %by, "{}", outcome.word());
        let mut records = self.records.lock();
        if matches!(*outcome, SessionOutcome::SignedIn(_))
            && let Some(device) = records.devices.remove(account)
            && let Some(task) = device.task
        {
            // Nobody needs a code any more that waits since before.
            task.abort();
        }
        records
            .outcomes
            .retain(|_, (at, _)| at.age(&self.clock) <= MEMORY);
        records.outcomes.insert(
            Arc::clone(account),
            (self.clock.moment(), Arc::clone(&outcome)),
        );
        outcome
    }

    /// What came of the last sign-in or sign-out of an account, and when; for
    /// an hour.
    pub(super) fn last(&self, account: &str) -> Option<(Timestamp, Arc<SessionOutcome>)> {
        let records = self.records.lock();
        let (at, outcome) = records.outcomes.get(account)?;
        (at.age(&self.clock) <= MEMORY).then(|| (at.civil, Arc::clone(outcome)))
    }

    /// Forgets the sign-in of an account.
    pub(super) async fn sign_out(&self, account: &Arc<Account>, by: &Actor) {
        if let Some(task) = self
            .records
            .lock()
            .devices
            .remove(&account.name)
            .and_then(|device| device.task)
        {
            task.abort();
        }
        let outcome = match self.consent.sign_out(account).await {
            Ok(there_was_one) => SessionOutcome::SignedOut(there_was_one),
            Err(error) => SessionOutcome::Failed(error.into()),
        };
        self.record(&account.name, outcome, by);
    }

    /// Who is signed in.
    pub(super) async fn status(
        &self,
        account: &Account,
    ) -> Result<Option<SignInStatus>, StoreError> {
        self.consent.status(account).await
    }
}

pub(super) fn outcome(others: Missing, done: Result<SignedInAs, ConsentError>) -> SessionOutcome {
    match done {
        Ok(mut signed_in) => {
            signed_in.missing.extend(others);
            SessionOutcome::SignedIn(signed_in)
        }
        Err(error) => SessionOutcome::Failed(error),
    }
}
