//! One token request from take-off to landing, and what it leaves behind.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::access_token::{AccessToken, renewal_age};
use super::answer::Granted;
use super::backoff::{HUMAN, Hold, transient_wait};
use super::claims::ClaimsChallenge;
use super::classify::{Concerns, Refusal};
use super::desk::{Desk, Held, Notes};
use super::refresh::{Refreshed, not_signed_in};
use super::tokens::Tokens;
use super::wire::blocking;
use super::{client_credentials, refresh};
use crate::model::{
    Account, AccountReason, Audience, Clock, Moment, Service, SignIn, TokenProblem, TokenReport,
};

/// A refresh token is used at least this often, probed or not.
const USED_AT_LEAST: Duration = Duration::from_secs(22 * 3600);
/// How often a sign-in that the disk refused is offered again.
const SAVE_AGAIN: Duration = Duration::from_secs(30);

/// What a grant brought.
struct Obtained {
    granted: Granted,
    /// Of which sign-in; `None` for accounts that need no person.
    sign_in: Option<String>,
}

impl Tokens {
    /// Asks for a token, notes the outcome on the desk and tells the observer.
    pub(super) async fn fly(
        &self,
        desk: &Arc<Desk>,
        audience: &Audience,
        challenge: Option<ClaimsChallenge>,
    ) -> Result<AccessToken, TokenProblem> {
        let _turn = desk.turn.lock().await;
        {
            // While this one waited, another audience may have been refused.
            let notes = desk.notes.lock();
            if let Some(problem) = self.held_back(desk, &notes, audience) {
                return Err(problem);
            }
        }
        let began = self.wire.clock.moment();
        let result = self.obtain(desk, audience, challenge.as_ref()).await;
        let report = TokenReport {
            audience: audience.clone(),
            at: self.wire.clock.now(),
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
            Ok(obtained) => self.succeed(desk, audience, began, obtained),
            Err(refusal) => Err(self.fail(desk, audience, refusal)),
        };
        if desk.prover.has_certificate() {
            let prover = desk.prover.clone();
            if let Ok(ends) = blocking(move || prover.deadline()).await {
                desk.notes.lock().credential_ends = ends;
            }
        }
        if !desk.notes.lock().retired {
            self.observer.token_request(&desk.account, &report);
        }
        self.publish(desk);
        result
    }

    async fn obtain(
        &self,
        desk: &Arc<Desk>,
        audience: &Audience,
        challenge: Option<&ClaimsChallenge>,
    ) -> Result<Obtained, Refusal> {
        let account = &desk.account;
        match &account.sign_in {
            SignIn::App(_) => {
                let prover = &desk.prover;
                let granted =
                    client_credentials::obtain(&self.wire, account, prover, audience, challenge)
                        .await?;
                Ok(Obtained {
                    granted,
                    sign_in: None,
                })
            }
            SignIn::ManagedIdentity => Ok(Obtained {
                granted: self.platform.obtain(&self.wire, account, audience).await?,
                sign_in: None,
            }),
            SignIn::Delegated { .. } => {
                let refreshed = self.refresh(desk, audience, challenge).await?;
                let sign_in = Some(refreshed.signed_in.sign_in.clone());
                {
                    let mut notes = desk.notes.lock();
                    // The store may have spoken meanwhile; then it is right.
                    if notes.signed_in.as_ref().map(|mine| &mine.sign_in) == sign_in.as_ref() {
                        notes.unsaved = (!refreshed.saved).then(Instant::now);
                        notes.signed_in = Some(refreshed.signed_in);
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
        desk: &Arc<Desk>,
        audience: &Audience,
        challenge: Option<&ClaimsChallenge>,
    ) -> Result<Refreshed, Refusal> {
        let signed_in = desk.notes.lock().signed_in.clone();
        let Some(signed_in) = signed_in else {
            // Tell "nobody signed in" from "the store cannot be opened".
            let (store, account) = (self.store.clone(), desk.account.clone());
            let found = blocking(move || store.find(&account)).await?;
            return Err(match found {
                Ok(_) => Refusal::own(not_signed_in(&desk.account)),
                Err(error) => Refusal::internal(&error.to_string()),
            });
        };
        refresh::obtain(
            &self.wire,
            &self.store,
            &desk.account,
            &desk.prover,
            signed_in,
            audience,
            challenge,
        )
        .await
    }

    fn succeed(
        &self,
        desk: &Desk,
        audience: &Audience,
        began: Moment,
        obtained: Obtained,
    ) -> Result<AccessToken, TokenProblem> {
        let granted = obtained.granted;
        let renew_at = renewal_age(granted.life, granted.refresh_in, &*self.wire.random);
        let token = AccessToken::new(granted.access_token, began, granted.life);
        let mut notes = desk.notes.lock();
        let signed_in = notes.signed_in.as_ref().map(|mine| mine.sign_in.clone());
        if obtained.sign_in != signed_in {
            // Signed out, or somebody else signed in, while it was on its way.
            return Err(not_signed_in(&desk.account));
        }
        notes.hold = None;
        notes.failures = 0;
        notes.sign_in_required_since = None;
        let slot = notes.slots.entry(audience.clone()).or_default();
        slot.hold = None;
        slot.token = Some(Held {
            rights: token.rights(),
            token: token.clone(),
            renew_at,
        });
        drop(notes);
        let key = desk.account.gate_key(Service::Entra, None);
        self.gates.lock().remove(&key);
        // What changed for people is logged by whoever observes the account.
        tracing::trace!(account = &*desk.account.name, %audience, expires = %token.expires(), "got a token");
        Ok(token)
    }

    fn fail(&self, desk: &Desk, audience: &Audience, refusal: Refusal) -> TokenProblem {
        let now = self.wire.clock.moment();
        let problem = refusal.problem;
        let random = &*self.wire.random;
        let mut notes = desk.notes.lock();
        if refusal.concerns == Concerns::Account {
            notes.failures = notes.failures.saturating_add(1);
        }
        let transient = transient_wait(notes.failures.max(1), refusal.retry_after, random);
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
        let hold = Hold::new(now, wait, mendable, problem.clone());
        match refusal.concerns {
            Concerns::Audience => {
                let slot = notes.slots.entry(audience.clone()).or_default();
                slot.hold = Some(hold);
            }
            Concerns::Account => {
                if problem.reason == AccountReason::SignInRequired {
                    notes.sign_in_required_since.get_or_insert(now.civil);
                }
                if problem.reason == AccountReason::Throttled {
                    let key = desk.account.gate_key(Service::Entra, None);
                    self.gates.lock().insert(key, hold.clone());
                }
                notes.hold = Some(hold);
            }
        }
        drop(notes);
        tracing::trace!(account = &*desk.account.name, %audience, ?wait, mendable, "got no token");
        problem
    }

    /// Offers a sign-in to the disk again that it refused before.
    pub(super) async fn save(&self, desk: &Arc<Desk>) {
        let new = {
            let mut notes = desk.notes.lock();
            if notes.unsaved.is_none_or(|at| at.elapsed() < SAVE_AGAIN) {
                return;
            }
            notes.unsaved = Some(Instant::now());
            notes.signed_in.clone()
        };
        let Some(new) = new else { return };
        let (store, account) = (self.store.clone(), desk.account.clone());
        match blocking(move || store.renew(&account, &new)).await {
            Ok(Ok(_)) => desk.notes.lock().unsaved = None,
            Ok(Err(error)) => {
                tracing::debug!(account = &*desk.account.name, %error, "still not written");
            }
            Err(_) => {}
        }
    }
}

impl Notes {
    /// The audience for which a refresh token is used because nobody did for
    /// nearly a day.
    pub(super) fn must_be_used(&self, clock: &Clock, account: &Account) -> Option<Audience> {
        let signed_in = self.signed_in.as_ref()?;
        let unused = clock.now().duration_since(signed_in.renewed_at);
        let long_ago = Duration::try_from(unused).is_ok_and(|unused| unused >= USED_AT_LEAST);
        let busy = self.slots.values().any(|slot| slot.flight.is_some());
        if !long_ago || busy {
            return None;
        }
        let graph = Audience::graph(&account.cloud);
        let known = |audience: &Audience| signed_in.scopes.contains_key(audience.as_str());
        Some(
            self.slots
                .keys()
                .find(|audience| known(audience))
                .cloned()
                .unwrap_or(graph),
        )
    }
}
