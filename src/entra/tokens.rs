//! The cache of access tokens: who asks gets one, and Entra is asked as
//! seldom as the rules of DESIGN sections 2 and 3 say.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio::time::Instant;

use super::access_token::AccessToken;
use super::backoff::Hold;
use super::claims::ClaimsChallenge;
use super::desk::{Desk, Forced, Landing, Notes};
use super::managed_identity::Platform;
use super::refresh::not_signed_in;
use super::store::TokenStore;
use super::wire::Wire;
use crate::http::PlainClient;
use crate::model::{
    Account, AccountName, AccountObserver, AccountReason, Audience, Clock, GateKey, NeededRights,
    Random, SignIn, Story, TokenProblem, bounded_text,
};

/// How often the world outside (files, store) is looked at when asked.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// Hands out access tokens. Shared; made once per process.
pub struct Tokens {
    pub(super) wire: Wire,
    pub(super) store: TokenStore,
    pub(super) platform: Platform,
    pub(super) observer: Arc<dyn AccountObserver>,
    /// Holds that Entra put on an application, whichever account asked.
    pub(super) gates: Mutex<HashMap<GateKey, Hold>>,
    pub(super) desks: RwLock<Desks>,
    /// What the resources of each account need.
    needed: RwLock<HashMap<AccountName, NeededRights>>,
    pub(super) me: Weak<Self>,
    pub(super) keeping: AtomicBool,
}

#[derive(Default)]
pub(super) struct Desks {
    configured: bool,
    pub(super) by_name: HashMap<AccountName, Arc<Desk>>,
}

impl Tokens {
    /// Makes the cache. Nothing is asked before somebody asks.
    #[must_use]
    pub fn new(
        client: PlainClient,
        store: TokenStore,
        clock: Clock,
        random: Arc<dyn Random>,
        observer: Arc<dyn AccountObserver>,
    ) -> Arc<Self> {
        let environment = |name: &str| std::env::var(name).ok();
        Self::with_environment(client, store, clock, random, observer, environment)
    }

    /// The same with another environment: managed identities read from its
    /// variables where their endpoint is.
    #[must_use]
    pub fn with_environment(
        client: PlainClient,
        store: TokenStore,
        clock: Clock,
        random: Arc<dyn Random>,
        observer: Arc<dyn AccountObserver>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Arc<Self> {
        let platform = Platform::from_environment(environment);
        let wire = Wire {
            endpoint: Arc::new(client),
            clock,
            random,
        };
        Self::assemble(wire, store, platform, observer)
    }

    pub(super) fn assemble(
        wire: Wire,
        store: TokenStore,
        platform: Platform,
        observer: Arc<dyn AccountObserver>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            wire,
            store,
            platform,
            observer,
            gates: Mutex::default(),
            desks: RwLock::default(),
            needed: RwLock::default(),
            me: me.clone(),
            keeping: AtomicBool::new(false),
        })
    }

    /// Takes over what the resources of each account need, so that what was
    /// granted beyond it can be told; before [`Self::configure`], which tells.
    pub fn need(&self, needed: HashMap<AccountName, NeededRights>) {
        *self.needed.write() = needed;
    }

    /// Takes over the accounts of a configuration: unchanged ones keep their
    /// tokens, removed ones lose them, and what only a human could mend is
    /// asked again. Reads credential files and the store; must be called
    /// inside a tokio runtime. Without it every account that asks is served.
    pub fn configure(&self, accounts: &[Arc<Account>]) {
        let mut desks = self.desks.write();
        let mut old = std::mem::take(&mut desks.by_name);
        desks.configured = true;
        for account in accounts {
            let desk = match old.remove(&account.name) {
                Some(desk) if desk.account == *account => {
                    desk.notes.lock().mend();
                    desk
                }
                changed => {
                    if let Some(desk) = changed {
                        desk.notes.lock().retired = true;
                    }
                    Arc::new(Desk::new(account.clone()))
                }
            };
            desks.by_name.insert(account.name.clone(), desk);
        }
        for desk in old.into_values() {
            desk.notes.lock().retired = true;
        }
        let now: Vec<_> = desks.by_name.values().cloned().collect();
        drop(desks);
        for desk in now {
            self.look(&desk, Duration::ZERO);
            self.publish(&desk);
        }
        self.keep();
    }

    /// A valid access token: from the cache, or from the one request that is
    /// in flight or now sent. Dropping the future (the caller's own timeout)
    /// does not end the request. While requests are held back the last
    /// problem is the answer, at once.
    ///
    /// # Errors
    /// Why no token can be had.
    pub async fn access_token(
        &self,
        account: &Account,
        audience: &Audience,
        story: &Story,
    ) -> Result<AccessToken, TokenProblem> {
        let desk = self.desk(account)?;
        self.look(&desk, LOOK);
        let landing = {
            let mut notes = desk.notes.lock();
            let held = self.held_back(&desk, &notes, audience);
            let slot = notes.slots.entry(audience.clone()).or_default();
            slot.last_used = Some(self.wire.clock.moment());
            if let Some(token) = slot.valid(&self.wire.clock).cloned() {
                if slot.flight.is_none() && held.is_none() && slot.is_due(&self.wire.clock) {
                    slot.flight = self.take_off(&desk, audience, None);
                }
                story
                    .tell(|| format!("token for {audience}: cached, until {:.0}", token.expires()));
                return Ok(token);
            }
            match (&slot.flight, held) {
                (Some(landing), _) => landing.clone(),
                (None, Some(problem)) => {
                    story.tell(|| format!("token for {audience}: held back, {problem}"));
                    return Err(problem);
                }
                (None, None) => {
                    let landing = self.take_off(&desk, audience, None);
                    slot.flight.clone_from(&landing);
                    landing.ok_or_else(going_away)?
                }
            }
        };
        story.tell(|| format!("token for {audience}: asking {}", account.cloud.login_url()));
        let result = land(landing).await;
        story.tell(|| match &result {
            Ok(token) => format!("token for {audience}: fresh, until {:.0}", token.expires()),
            Err(problem) => format!("token for {audience}: {problem}"),
        });
        result
    }

    /// What to do about a token that was answered with 401 (or 403
    /// `insufficient_claims`): `None` if no other may be asked for now, else
    /// a token that differs, or why there is none.
    pub async fn replace_refused(
        &self,
        account: &Account,
        audience: &Audience,
        refused: &AccessToken,
        challenge: Option<ClaimsChallenge>,
        story: &Story,
    ) -> Option<Result<AccessToken, TokenProblem>> {
        if matches!(account.sign_in, SignIn::ManagedIdentity) {
            // The platform caches for hours: the answer would be the same token.
            return None;
        }
        let desk = match self.desk(account) {
            Ok(desk) => desk,
            Err(problem) => return Some(Err(problem)),
        };
        let landing = {
            let mut notes = desk.notes.lock();
            let held = self.held_back(&desk, &notes, audience);
            let slot = notes.slots.entry(audience.clone()).or_default();
            slot.last_used = Some(self.wire.clock.moment());
            let valid = slot.valid(&self.wire.clock).cloned();
            if let Some(token) = &valid
                && !token.same(refused)
            {
                story.tell(|| format!("token for {audience}: replaced meanwhile"));
                return Some(Ok(token.clone()));
            }
            if let Some(landing) = &slot.flight {
                landing.clone()
            } else {
                let forced = slot.force(refused, challenge.as_ref(), &self.wire.clock);
                if matches!(forced, Forced::NotNow) && valid.is_some() {
                    return None;
                }
                if let Some(problem) = held {
                    return Some(Err(problem));
                }
                let landing = self.take_off(&desk, audience, challenge);
                slot.flight.clone_from(&landing);
                landing?
            }
        };
        story.tell(|| format!("token for {audience}: refused, asking for another"));
        Some(land(landing).await)
    }

    fn desk(&self, account: &Account) -> Result<Arc<Desk>, TokenProblem> {
        let known = |desks: &Desks| desks.by_name.get(&account.name).cloned();
        {
            let desks = self.desks.read();
            match known(&desks) {
                Some(desk) if *desk.account == *account => return Ok(desk),
                None if !desks.configured => {}
                // A probe that began before a reload.
                _ => return Err(going_away()),
            }
        }
        let mut desks = self.desks.write();
        let desk = known(&desks).unwrap_or_else(|| Arc::new(Desk::new(Arc::new(account.clone()))));
        desks.by_name.insert(account.name.clone(), desk.clone());
        Ok(desk)
    }

    /// Why no request may be sent now, if so.
    pub(super) fn held_back(
        &self,
        desk: &Desk,
        notes: &Notes,
        audience: &Audience,
    ) -> Option<TokenProblem> {
        let clock = &self.wire.clock;
        notes.held_back(audience, clock).or_else(|| {
            let mut gates = self.gates.lock();
            gates.retain(|_, hold| !hold.is_over(clock));
            let key = desk.account.gate_key(crate::model::Service::Entra, None);
            gates.get(&key).map(|hold| hold.problem.clone())
        })
    }

    /// Sends a request in a task of its own. `None` only while the process ends.
    pub(super) fn take_off(
        &self,
        desk: &Arc<Desk>,
        audience: &Audience,
        challenge: Option<ClaimsChallenge>,
    ) -> Option<watch::Receiver<Landing>> {
        let me = self.me.upgrade()?;
        let (sender, landing) = watch::channel(None);
        let flight = Flight {
            desk: desk.clone(),
            audience: audience.clone(),
        };
        tokio::spawn(async move {
            let result = me.fly(&flight.desk, &flight.audience, challenge).await;
            drop(flight);
            _ = sender.send(Some(result));
        });
        Some(landing)
    }

    /// Looks whether credential files or the store have changed, at most once
    /// in `every`.
    pub(super) fn look(&self, desk: &Desk, every: Duration) {
        {
            let mut notes = desk.notes.lock();
            if notes.looked.is_some_and(|at| at.elapsed() < every) {
                return;
            }
            notes.looked = Some(Instant::now());
        }
        let files = desk.prover.stamps();
        if files != desk.notes.lock().files {
            let ends = desk.prover.deadline();
            let mut notes = desk.notes.lock();
            notes.files = files;
            notes.credential_ends = ends;
            notes.mend();
        }
        if desk.account.person().is_some() {
            let stamp = Some(self.store.stamp());
            if desk.notes.lock().store != stamp {
                let found = self.store.find(&desk.account);
                let mut notes = desk.notes.lock();
                match found {
                    Ok(found) => {
                        notes.store = stamp;
                        notes.store_broken = false;
                        let problem = not_signed_in(&desk.account);
                        notes.adopt(found, &problem, self.wire.clock.moment());
                    }
                    // Looked at again next time: the key may be back then.
                    Err(_) if notes.store_broken => {}
                    Err(error) => {
                        notes.store_broken = true;
                        tracing::error!(
                            account = &*desk.account.name,
                            %error,
                            "the store of sign-ins cannot be read, what is in memory goes on"
                        );
                    }
                }
            }
        }
    }

    /// Tells the observer where the account stands, if that is news.
    pub(super) fn publish(&self, desk: &Desk) {
        let standing = {
            let mut notes = desk.notes.lock();
            let needed = self.needed.read();
            let needed = needed.get(&desk.account.name);
            let standing = notes.standing(&desk.account, needed, &self.wire.clock);
            if notes.retired || notes.told.as_ref() == Some(&standing) {
                return;
            }
            notes.told = Some(standing.clone());
            standing
        };
        self.observer.standing(&desk.account, &standing);
    }

    #[cfg(test)]
    pub(super) fn with_endpoint(
        endpoint: Arc<dyn super::endpoint::Endpoint>,
        store: TokenStore,
        clock: Clock,
        random: Arc<dyn Random>,
        observer: Arc<dyn AccountObserver>,
    ) -> Arc<Self> {
        let wire = Wire {
            endpoint,
            clock,
            random,
        };
        Self::assemble(wire, store, Platform::from_environment(|_| None), observer)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

/// Clears the flight of a slot, also when the flight panics.
struct Flight {
    desk: Arc<Desk>,
    audience: Audience,
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(slot) = self.desk.notes.lock().slots.get_mut(&self.audience) {
            slot.flight = None;
        }
    }
}

async fn land(mut landing: watch::Receiver<Landing>) -> Result<AccessToken, TokenProblem> {
    match landing.wait_for(Option::is_some).await {
        Ok(result) => result.clone().unwrap_or_else(|| Err(going_away())),
        Err(_) => Err(internal("the token request broke off")),
    }
}

fn going_away() -> TokenProblem {
    internal("the configuration has changed")
}

fn internal(detail: &str) -> TokenProblem {
    TokenProblem {
        reason: AccountReason::Internal,
        code: None,
        detail: bounded_text(detail, 300),
    }
}
