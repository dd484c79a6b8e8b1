//! The application as itself (RFC 6749 section 4.4): secret, certificate or
//! another identity provider's token.

use std::sync::Arc;

use super::answer::Granted;
use super::claims::ClaimsChallenge;
use super::classify::Refusal;
use super::clouds;
use super::forms::{Application, Form, Proof};
use super::proof::Prover;
use super::wire::{Wire, blocking};
use crate::model::{Account, Audience};

/// Asks for all that was granted to the application for `audience`.
pub(super) async fn obtain(
    wire: &Wire,
    account: &Account,
    prover: &Arc<Prover>,
    audience: &Audience,
    challenge: Option<&ClaimsChallenge>,
) -> Result<Granted, Refusal> {
    let application = application(account)?;
    let scope = audience.default_scope();
    ask_with_proof(wire, account, prover, |proof| {
        application.client_credentials(proof, &scope, challenge)
    })
    .await
}

/// The application of an account that must have one.
pub(super) fn application(account: &Account) -> Result<Application, Refusal> {
    Application::of(account)
        .ok_or_else(|| Refusal::internal("the account names no tenant or no client_id"))
}

/// Proves who the application is, asks, and asks once more with the
/// certificate before this one where Entra does not know the new one yet.
/// Where the tenant turns out to live in another cloud the refusal names it.
pub(super) async fn ask_with_proof(
    wire: &Wire,
    account: &Account,
    prover: &Arc<Prover>,
    form: impl Fn(&Proof) -> Form,
) -> Result<Granted, Refusal> {
    let application = &application(account)?;
    let person = account.person().is_some();
    let proof = prove(wire, application, prover).await?;
    let mut refusal = match wire.ask(form(&proof), person).await {
        Ok(granted) => return Ok(granted),
        Err(refusal) => refusal,
    };
    if refusal.problem.code == Some(700_027) {
        if let Some(thumbprint) = prover.thumbprint() {
            refusal
                .problem
                .detail
                .push_str(&format!("; its SHA-256 thumbprint is {thumbprint}"));
        }
        let previous = prover.prove_with_previous(application, wire.clock.now(), &*wire.random);
        if let Some(proof) = previous {
            tracing::warn!(
                problem = %refusal.problem,
                "the new certificate is not accepted, trying the one before it"
            );
            return wire.ask(form(&proof), person).await.map_err(|_| refusal);
        }
    }
    clouds::name_it(wire, account, &mut refusal).await;
    Err(refusal)
}

/// The proof of an application, from what lies in its files now.
pub(super) async fn prove(
    wire: &Wire,
    application: &Application,
    prover: &Arc<Prover>,
) -> Result<Proof, Refusal> {
    let (prover, application) = (prover.clone(), application.clone());
    let (now, random) = (wire.clock.now(), wire.random.clone());
    blocking(move || prover.prove(&application, now, &*random))
        .await?
        .map_err(|problem| Refusal::internal(&problem))
}
