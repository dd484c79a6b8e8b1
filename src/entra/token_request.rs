//! One token request from its start to its end, and what it leaves behind.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::access_token::{AccessToken, renewal_age};
use super::account_tokens::{AccountState, AccountTokens, Renewable};
use super::answer::Granted;
use super::backoff::{Backoff, HUMAN, transient_wait};
use super::claims::ClaimsChallenge;
use super::classify::{RefusalScope, TokenRefusal};
use super::endpoint_client::blocking;
use super::refresh::{Refreshed, not_signed_in};
use super::tokens::Tokens;
use super::{client_credentials, codes, refresh};
use crate::model::{
    Account, AccountReason, Audience, Clock, Moment, Service, SignIn, TokenProblem, TokenReport,
};

/// A refresh token is used at least this often, probed or not.
const USED_AT_LEAST: Duration = Duration::from_secs(22 * 3600);
/// How often a sign-in that the disk refused is offered again.
const SAVE_AGAIN: Duration = Duration::from_secs(30);

/// Where nobody signs in there is no token.
fn nobody() -> TokenRefusal {
    TokenRefusal::internal("this resource has no account")
}

/// What a grant brought.
struct Obtained {
    granted: Granted,
    /// Of which sign-in; `None` for accounts that need no person.
    sign_in: Option<String>,
}

impl Tokens {
    /// Asks for a token, notes the outcome and tells the observer.
    pub(super) async fn request(
        &self,
        tokens: &Arc<AccountTokens>,
        audience: &Audience,
        challenge: Option<ClaimsChallenge>,
    ) -> Result<AccessToken, TokenProblem> {
        let _turn = tokens.turn.lock().await;
        // Before the holds are looked at: one that comes after that look began
        // after this request, and is not ended by it.
        let began = self.client.clock.moment();
        {
            // While this one waited, another audience may have been refused.
            let state = tokens.state.lock();
            if let Some(problem) = self.backoff_problem(tokens, &state, audience) {
                return Err(problem);
            }
        }
        let result = self.obtain(tokens, audience, challenge.as_ref()).await;
        let report = TokenReport {
            audience: audience.clone(),
            at: self.client.clock.now(),
            took: began.monotonic.elapsed(),
            result: result
                .as_ref()
                .map(|_| ())
                .map_err(|refusal| refusal.problem.clone()),
            request_id: match &result {
                Ok(obtained) => obtained.granted.request_id.clone(),
                Err(refusal) => refusal.request_id.clone(),
            },
            retry_after: result
                .as_ref()
                .err()
                .and_then(|refusal| refusal.retry_after),
        };
        let result = match result {
            Ok(obtained) => self.succeed(tokens, audience, began, obtained),
            Err(refusal) => Err(self.fail(tokens, audience, refusal)),
        };
        if tokens.credential.has_certificate() {
            let credential = tokens.credential.clone();
            if let Ok(ends) = blocking(move || credential.expiry()).await {
                tokens.state.lock().credential_ends = ends;
            }
        }
        if !tokens.state.lock().retired {
            self.observer.token_request(&tokens.account, &report);
        }
        self.publish(tokens);
        self.publish_storage();
        result
    }

    async fn obtain(
        &self,
        tokens: &Arc<AccountTokens>,
        audience: &Audience,
        challenge: Option<&ClaimsChallenge>,
    ) -> Result<Obtained, TokenRefusal> {
        let account = &tokens.account;
        match &account.sign_in {
            SignIn::App(_) => {
                let credential = &tokens.credential;
                let granted = client_credentials::obtain(
                    &self.client,
                    account,
                    credential,
                    audience,
                    challenge,
                )
                .await?;
                Ok(Obtained {
                    granted,
                    sign_in: None,
                })
            }
            SignIn::Nobody => Err(nobody()),
            SignIn::ManagedIdentity => Ok(Obtained {
                granted: self
                    .platform
                    .obtain(&self.client, account, audience)
                    .await?,
                sign_in: None,
            }),
            SignIn::Delegated { .. } => {
                let refreshed = self.refresh(tokens, audience, challenge).await?;
                let sign_in = Some(refreshed.signed_in.sign_in.clone());
                {
                    let mut state = tokens.state.lock();
                    // The store may have spoken meanwhile; then it is right.
                    if state.signed_in.as_ref().map(|mine| &mine.sign_in) == sign_in.as_ref() {
                        if refreshed.saved {
                            state.stored_ends = Some(refreshed.signed_in.ends());
                        }
                        state.unsaved = (!refreshed.saved).then(Instant::now);
                        state.signed_in = Some(refreshed.signed_in);
                    }
                }
                Ok(Obtained {
                    granted: refreshed.granted,
                    sign_in,
                })
            }
        }
    }

    async fn refresh(
        &self,
        tokens: &Arc<AccountTokens>,
        audience: &Audience,
        challenge: Option<&ClaimsChallenge>,
    ) -> Result<Refreshed, TokenRefusal> {
        let signed_in = tokens.state.lock().signed_in.clone();
        let Some(signed_in) = signed_in else {
            // Tell "nobody signed in" from "the store cannot be opened".
            let (store, account) = (self.store.clone(), tokens.account.clone());
            let found = blocking(move || store.find(&account)).await?;
            return Err(match found {
                Ok(_) => TokenRefusal::own(not_signed_in(&tokens.account)),
                Err(error) => TokenRefusal::internal(&error.to_string()),
            });
        };
        refresh::obtain(
            &self.client,
            &self.store,
            &tokens.account,
            &tokens.credential,
            signed_in,
            audience,
            challenge,
        )
        .await
    }

    fn succeed(
        &self,
        tokens: &AccountTokens,
        audience: &Audience,
        began: Moment,
        obtained: Obtained,
    ) -> Result<AccessToken, TokenProblem> {
        let granted = obtained.granted;
        let renew_at = renewal_age(granted.life, granted.refresh_in, &*self.client.random);
        let token = AccessToken::new(granted.access_token, began, granted.life);
        let mut state = tokens.state.lock();
        let signed_in = state.signed_in.as_ref().map(|mine| mine.sign_in.clone());
        if obtained.sign_in != signed_in {
            // Signed out, or somebody else signed in, while it was on its way.
            return Err(not_signed_in(&tokens.account));
        }
        state.backoff = None;
        state.failures = 0;
        state.sign_in_required_since = None;
        state.secret_ended = None;
        let cached = state.by_audience.entry(audience.clone()).or_default();
        cached.backoff = None;
        cached.token = Some(Renewable {
            rights: token.rights(),
            token: token.clone(),
            renew_at,
        });
        drop(state);
        let key = tokens.account.gate_key(Service::Entra, None);
        self.shared_holds.lock().granted(&key, began.monotonic);
        // What changed for people is logged by whoever observes the account.
        tracing::trace!(account = &*tokens.account.name, %audience, expires = %token.expires(), "got a token");
        Ok(token)
    }

    fn fail(
        &self,
        tokens: &AccountTokens,
        audience: &Audience,
        refusal: TokenRefusal,
    ) -> TokenProblem {
        let now = self.client.clock.moment();
        let problem = refusal.problem;
        let random = &*self.client.random;
        let mut state = tokens.state.lock();
        if refusal.scope == RefusalScope::Account {
            state.failures = state.failures.saturating_add(1);
        }
        let transient = transient_wait(state.failures.max(1), refusal.retry_after, random);
        let (wait, mendable) = match problem.reason {
            AccountReason::SignInRequired | AccountReason::Refused => {
                (HUMAN.max(refusal.retry_after.unwrap_or_default()), true)
            }
            AccountReason::Internal => (transient, true),
            AccountReason::Dns
            | AccountReason::Connect
            | AccountReason::Tls
            | AccountReason::Proxy
            | AccountReason::Timeout
            | AccountReason::ServerError
            | AccountReason::BadResponse
            | AccountReason::UnexpectedStatus
            | AccountReason::Throttled => (transient, false),
        };
        if problem.code == Some(codes::SECRET_ENDED) {
            state.secret_ended.get_or_insert(now.civil);
        }
        let backoff = Backoff::new(now, wait, mendable, problem.clone());
        match refusal.scope {
            RefusalScope::Audience => {
                let cached = state.by_audience.entry(audience.clone()).or_default();
                cached.backoff = Some(backoff);
            }
            RefusalScope::Account => {
                if problem.reason == AccountReason::SignInRequired {
                    state.sign_in_required_since.get_or_insert(now.civil);
                }
                if problem.reason == AccountReason::Throttled {
                    let key = tokens.account.gate_key(Service::Entra, None);
                    self.shared_holds.lock().refused(key, backoff.clone());
                }
                state.backoff = Some(backoff);
            }
        }
        drop(state);
        tracing::trace!(account = &*tokens.account.name, %audience, ?wait, mendable, "got no token");
        problem
    }

    /// Offers a sign-in to the disk again that it refused before.
    pub(super) async fn save(&self, tokens: &Arc<AccountTokens>) {
        let new = {
            let mut state = tokens.state.lock();
            if state.unsaved.is_none_or(|at| at.elapsed() < SAVE_AGAIN) {
                return;
            }
            state.unsaved = Some(Instant::now());
            state.signed_in.clone()
        };
        let Some(new) = new else { return };
        let (store, account) = (self.store.clone(), tokens.account.clone());
        let ends = new.ends();
        match blocking(move || store.renew(&account, &new)).await {
            Ok(Ok(_)) => {
                let mut state = tokens.state.lock();
                state.unsaved = None;
                state.stored_ends = Some(ends);
            }
            Ok(Err(error)) => {
                tracing::debug!(account = &*tokens.account.name, %error, "still not written");
            }
            Err(_) => {}
        }
    }
}

impl AccountState {
    /// The audience for which a refresh token is used because nobody did for
    /// nearly a day.
    pub(super) fn must_be_used(&self, clock: &Clock, account: &Account) -> Option<Audience> {
        let signed_in = self.signed_in.as_ref()?;
        let unused = clock.now().duration_since(signed_in.renewed_at);
        let long_ago = Duration::try_from(unused).is_ok_and(|unused| unused >= USED_AT_LEAST);
        let busy = self
            .by_audience
            .values()
            .any(|cached| cached.in_flight.is_some());
        if !long_ago || busy {
            return None;
        }
        let graph = Audience::graph(&account.cloud);
        let known = |audience: &Audience| signed_in.scopes.contains_key(audience.as_str());
        Some(
            self.by_audience
                .keys()
                .find(|audience| known(audience))
                .cloned()
                .unwrap_or(graph),
        )
    }
}
