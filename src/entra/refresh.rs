//! The refresh token of a person who signed in (RFC 6749 section 6).
//!
//! Scopes are those recorded at consent. The new refresh token is on disk
//! before the old one is forgotten; where the disk refuses, it goes on in
//! memory and is written later.

use std::sync::Arc;

use super::answer::Granted;
use super::claims::ClaimsChallenge;
use super::classify::{RefusalScope, TokenRefusal};
use super::client_credentials::{application, ask_with_proof};
use super::endpoint_client::{TokenEndpointClient, blocking};
use super::proof::ClientCredential;
use super::signed_in::{SignInEnd, SignedIn};
use super::store::{Saved, TokenStore};
use crate::model::{Account, AccountReason, Audience, TokenProblem};

/// A token, and what became of the sign-in that brought it.
pub(super) struct Refreshed {
    pub(super) granted: Granted,
    pub(super) signed_in: SignedIn,
    /// False if the disk refused it.
    pub(super) saved: bool,
}

/// Nobody signed in for this account, or signed out.
pub(super) fn not_signed_in(account: &Account) -> TokenProblem {
    TokenProblem {
        reason: AccountReason::SignInRequired,
        code: None,
        detail: format!("not signed in: run `m365mon login {}`", account.name),
    }
}

/// Asks for a token for `audience` with the refresh token of `signed_in`.
pub(super) async fn obtain(
    client: &TokenEndpointClient,
    store: &TokenStore,
    account: &Arc<Account>,
    credential: &Arc<ClientCredential>,
    mut signed_in: SignedIn,
    audience: &Audience,
    challenge: Option<&ClaimsChallenge>,
) -> Result<Refreshed, TokenRefusal> {
    let application = application(account)?;
    let mut again = true;
    let granted = loop {
        let scopes = signed_in.scopes_for(audience);
        let asked = client.clock.now();
        let result = ask_with_proof(client, account, credential, |proof| {
            application.refresh_token(proof, &signed_in.refresh_token, &scopes, challenge)
        })
        .await;
        match result {
            Ok(granted) => {
                signed_in =
                    signed_in.renewed(granted.refresh_token.clone(), granted.refresh_life, asked);
                break granted;
            }
            Err(refusal) if refusal.problem.reason == AccountReason::SignInRequired => {
                // Another process may hold a newer one.
                let newer = match again {
                    true => newer(store, account, &signed_in).await?,
                    false => None,
                };
                let Some(newer) = newer else {
                    if refusal.scope == RefusalScope::Account && signed_in.ended.is_none() {
                        note_end(client, store, account, signed_in, refusal.problem.code).await;
                    }
                    return Err(refusal);
                };
                signed_in = newer;
                again = false;
            }
            Err(refusal) => return Err(refusal),
        }
    };
    let kept = {
        let (store, account, new) = (store.clone(), account.clone(), signed_in.clone());
        blocking(move || store.renew(&account, &new)).await?
    };
    let saved = match kept {
        Ok(Saved::Stored) => true,
        // Somebody signed in or out while the answer was on its way: what it
        // brought is not theirs. The store tells what holds now.
        Ok(Saved::Superseded | Saved::Gone) => {
            return Err(TokenRefusal::own(not_signed_in(account)));
        }
        Err(error) => {
            tracing::error!(
                account = &*account.name,
                %error,
                "the renewed sign-in could not be written and is kept in memory only"
            );
            false
        }
    };
    Ok(Refreshed {
        granted,
        signed_in,
        saved,
    })
}

/// Notes in the store, for other processes and the next start, that Entra takes
/// a sign-in no longer. Where it cannot be written, the next start asks Entra and
/// learns it again.
async fn note_end(
    client: &TokenEndpointClient,
    store: &TokenStore,
    account: &Arc<Account>,
    refused: SignedIn,
    code: Option<u32>,
) {
    let at = client.clock.now();
    let (store, mine) = (store.clone(), account.clone());
    let written = blocking(move || store.end(&mine, &refused, SignInEnd { at, code })).await;
    if let Ok(Err(error)) = written {
        let account = &*account.name;
        tracing::debug!(account, %error, "the end of a sign-in is not written down");
    }
}

/// The sign-in in the store, if its refresh token is another one.
async fn newer(
    store: &TokenStore,
    account: &Arc<Account>,
    than: &SignedIn,
) -> Result<Option<SignedIn>, TokenRefusal> {
    let found = {
        let (store, account) = (store.clone(), account.clone());
        blocking(move || store.find(&account)).await?
    };
    Ok(found
        .ok()
        .flatten()
        .filter(|found| found.refresh_token != than.refresh_token))
}
