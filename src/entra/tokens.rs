//! The cache of access tokens: who asks gets one, and Entra is asked as
//! seldom as the rules of DESIGN sections 2 and 3 say.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use super::access_token::AccessToken;
use super::account_tokens::{AccountState, AccountTokens, Forced};
use super::claims::ClaimsChallenge;
use super::endpoint_client::TokenEndpointClient;
use super::managed_identity::Platform;
use super::pending_request::{going_away, join, told};
use super::refresh::not_signed_in;
use super::shared_holds::SharedHolds;
use super::storage_watch::StorageWatch;
use super::store::TokenStore;
use crate::http::SimpleClient;
use crate::model::{
    Account, AccountName, AccountObserver, Audience, Clock, NeededRights, Random, SignIn, Story,
    TokenProblem,
};

/// How often the world outside (files, store) is looked at when asked.
pub(super) const INPUTS_PERIOD: Duration = Duration::from_secs(1);

/// Hands out access tokens. Shared; made once per process.
pub struct Tokens {
    pub(super) client: TokenEndpointClient,
    pub(super) store: TokenStore,
    pub(super) platform: Platform,
    pub(super) observer: Arc<dyn AccountObserver>,
    /// Holds that Entra put on an application, whichever account asked.
    pub(super) shared_holds: Mutex<SharedHolds>,
    pub(super) by_account: RwLock<Accounts>,
    /// What the resources of each account need.
    needed: RwLock<HashMap<AccountName, NeededRights>>,
    pub(super) me: Weak<Self>,
    pub(super) renewing: AtomicBool,
    pub(super) storage: Mutex<StorageWatch>,
}

#[derive(Default)]
pub(super) struct Accounts {
    configured: bool,
    pub(super) by_name: BTreeMap<AccountName, Arc<AccountTokens>>,
}

impl Tokens {
    /// Makes the cache. Nothing is asked before somebody asks.
    #[must_use]
    pub fn new(
        client: SimpleClient,
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
        client: SimpleClient,
        store: TokenStore,
        clock: Clock,
        random: Arc<dyn Random>,
        observer: Arc<dyn AccountObserver>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Arc<Self> {
        let platform = Platform::from_environment(environment);
        let client = TokenEndpointClient {
            endpoint: Arc::new(client),
            clock,
            random,
        };
        Self::assemble(client, store, platform, observer)
    }

    pub(super) fn assemble(
        client: TokenEndpointClient,
        store: TokenStore,
        platform: Platform,
        observer: Arc<dyn AccountObserver>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            client,
            store,
            platform,
            observer,
            shared_holds: Mutex::default(),
            by_account: RwLock::default(),
            needed: RwLock::default(),
            me: me.clone(),
            renewing: AtomicBool::new(false),
            storage: Mutex::default(),
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
        let mut by_account = self.by_account.write();
        let mut old = std::mem::take(&mut by_account.by_name);
        by_account.configured = true;
        for account in accounts {
            let tokens = match old.remove(&account.name) {
                Some(tokens) if tokens.account == *account => {
                    tokens.state.lock().mend();
                    tokens
                }
                changed => {
                    if let Some(tokens) = changed {
                        tokens.state.lock().retired = true;
                    }
                    Arc::new(AccountTokens::new(account.clone()))
                }
            };
            by_account.by_name.insert(account.name.clone(), tokens);
        }
        for tokens in old.into_values() {
            tokens.state.lock().retired = true;
        }
        let now: Vec<_> = by_account.by_name.values().cloned().collect();
        drop(by_account);
        let must_last = accounts.iter().any(|account| account.person().is_some());
        self.watch_storage(must_last);
        for tokens in now {
            self.refresh_inputs(&tokens, Duration::ZERO);
            self.publish(&tokens);
        }
        self.start_renewal();
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
        let tokens = self.tokens(account)?;
        self.refresh_inputs(&tokens, INPUTS_PERIOD);
        let pending = {
            let mut state = tokens.state.lock();
            let backoff = self.backoff_problem(&tokens, &state, audience);
            let cached = state.by_audience.entry(audience.clone()).or_default();
            cached.last_used = Some(self.client.clock.moment());
            if let Some(token) = cached.valid(&self.client.clock).cloned() {
                if cached.in_flight.is_none()
                    && backoff.is_none()
                    && cached.is_due(&self.client.clock)
                {
                    cached.in_flight = self.start_request(&tokens, audience, None);
                }
                story
                    .tell(|| format!("token for {audience}: cached, until {:.0}", token.expires()));
                return Ok(token);
            }
            match (&cached.in_flight, backoff) {
                (Some(pending), _) => pending.clone(),
                (None, Some(problem)) => {
                    story.tell(|| format!("token for {audience}: held back, {problem}"));
                    return Err(problem);
                }
                (None, None) => {
                    let pending = self.start_request(&tokens, audience, None);
                    cached.in_flight.clone_from(&pending);
                    pending.ok_or_else(going_away)?
                }
            }
        };
        told(pending, account, audience, story).await
    }

    /// A token that does not come from the cache, for those who measure the
    /// request for it; it goes into the cache. Joins a request in flight.
    ///
    /// # Errors
    /// Why none can be had; while requests are held back the last problem.
    pub async fn fresh_token(
        &self,
        account: &Account,
        audience: &Audience,
        story: &Story,
    ) -> Result<(), TokenProblem> {
        let tokens = self.tokens(account)?;
        self.refresh_inputs(&tokens, INPUTS_PERIOD);
        let pending = {
            let mut state = tokens.state.lock();
            let backoff = self.backoff_problem(&tokens, &state, audience);
            let cached = state.by_audience.entry(audience.clone()).or_default();
            cached.last_used = Some(self.client.clock.moment());
            match (&cached.in_flight, backoff) {
                (Some(pending), _) => pending.clone(),
                (None, Some(problem)) => return Err(problem),
                (None, None) => {
                    let pending = self.start_request(&tokens, audience, None);
                    cached.in_flight.clone_from(&pending);
                    pending.ok_or_else(going_away)?
                }
            }
        };
        told(pending, account, audience, story).await.map(drop)
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
        let tokens = match self.tokens(account) {
            Ok(tokens) => tokens,
            Err(problem) => return Some(Err(problem)),
        };
        let pending = {
            let mut state = tokens.state.lock();
            let backoff = self.backoff_problem(&tokens, &state, audience);
            let cached = state.by_audience.entry(audience.clone()).or_default();
            cached.last_used = Some(self.client.clock.moment());
            let valid = cached.valid(&self.client.clock).cloned();
            if let Some(token) = &valid
                && !token.same(refused)
            {
                story.tell(|| format!("token for {audience}: replaced meanwhile"));
                return Some(Ok(token.clone()));
            }
            if let Some(pending) = &cached.in_flight {
                pending.clone()
            } else {
                let forced = cached.force(refused, challenge.as_ref(), &self.client.clock);
                if matches!(forced, Forced::NotNow) && valid.is_some() {
                    return None;
                }
                if let Some(problem) = backoff {
                    return Some(Err(problem));
                }
                let pending = self.start_request(&tokens, audience, challenge);
                cached.in_flight.clone_from(&pending);
                pending?
            }
        };
        story.tell(|| format!("token for {audience}: refused, asking for another"));
        Some(join(pending).await)
    }

    pub(super) fn tokens(&self, account: &Account) -> Result<Arc<AccountTokens>, TokenProblem> {
        let known = |by_account: &Accounts| by_account.by_name.get(&account.name).cloned();
        {
            let by_account = self.by_account.read();
            match known(&by_account) {
                Some(tokens) if *tokens.account == *account => return Ok(tokens),
                None if !by_account.configured => {}
                // A probe that began before a reload.
                _ => return Err(going_away()),
            }
        }
        let mut by_account = self.by_account.write();
        let tokens = known(&by_account)
            .unwrap_or_else(|| Arc::new(AccountTokens::new(Arc::new(account.clone()))));
        by_account
            .by_name
            .insert(account.name.clone(), tokens.clone());
        Ok(tokens)
    }

    /// Why no request may be sent now, if so.
    pub(super) fn backoff_problem(
        &self,
        tokens: &AccountTokens,
        state: &AccountState,
        audience: &Audience,
    ) -> Option<TokenProblem> {
        let clock = &self.client.clock;
        state.backoff_problem(audience, clock).or_else(|| {
            let key = tokens.account.gate_key(crate::model::Service::Entra, None);
            self.shared_holds.lock().problem(&key, clock)
        })
    }

    /// Looks whether credential files or the store have changed, at most once
    /// in `every`.
    pub(super) fn refresh_inputs(&self, tokens: &AccountTokens, every: Duration) {
        {
            let mut state = tokens.state.lock();
            if state.inputs_read.is_some_and(|at| at.elapsed() < every) {
                return;
            }
            state.inputs_read = Some(Instant::now());
        }
        let files = tokens.credential.stamps();
        if files != tokens.state.lock().files {
            let ends = tokens.credential.expiry();
            let mut state = tokens.state.lock();
            state.files = files;
            state.credential_ends = ends;
            state.registered = None;
            state.secret_ended = None;
            state.mend();
        }
        if tokens.account.person().is_some() {
            let stamp = Some(self.store.stamp());
            if tokens.state.lock().store != stamp {
                let found = self.store.find(&tokens.account);
                let mut state = tokens.state.lock();
                match found {
                    Ok(found) => {
                        state.store = stamp;
                        state.store_broken = false;
                        let problem = not_signed_in(&tokens.account);
                        state.adopt(found, &problem, self.client.clock.moment());
                    }
                    // Looked at again next time: the key may be back then.
                    Err(_) if state.store_broken => {}
                    Err(error) => {
                        state.store_broken = true;
                        tracing::error!(
                            account = &*tokens.account.name,
                            %error,
                            "the store of sign-ins cannot be read, what is in memory goes on"
                        );
                    }
                }
            }
        }
    }

    /// Tells the observer where the account stands, if that is news.
    pub(super) fn publish(&self, tokens: &AccountTokens) {
        let status = {
            let mut state = tokens.state.lock();
            let needed = self.needed.read();
            let needed = needed.get(&tokens.account.name);
            let status = state.status(&tokens.account, needed, &self.client.clock);
            if state.retired || state.last_published.as_ref() == Some(&status) {
                return;
            }
            state.last_published = Some(status.clone());
            status
        };
        self.observer.status(&tokens.account, &status);
    }

    #[cfg(test)]
    pub(crate) fn with_endpoint(
        endpoint: Arc<dyn super::endpoint::Endpoint>,
        store: TokenStore,
        clock: Clock,
        random: Arc<dyn Random>,
        observer: Arc<dyn AccountObserver>,
    ) -> Arc<Self> {
        let client = TokenEndpointClient {
            endpoint,
            clock,
            random,
        };
        Self::assemble(
            client,
            store,
            Platform::from_environment(|_| None),
            observer,
        )
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}
