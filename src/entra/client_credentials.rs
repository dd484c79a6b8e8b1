//! The application as itself (RFC 6749 section 4.4): secret, certificate or
//! another identity provider's token.

use std::sync::Arc;

use jiff::SignedDuration;

use super::answer::Granted;
use super::certificate::Certificate;
use super::claims::ClaimsChallenge;
use super::classify::Refusal;
use super::clouds;
use super::forms::{Application, Form, Proof};
use super::proof::{self, Prover};
use super::wire::{Wire, blocking};
use crate::model::{Account, Audience, Timestamp};

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

/// Proves who the application is and asks. A refused certificate gets one
/// more try: with the pair before it where Entra does not know the new one
/// yet, by Entra's clock where this machine's is wrong. Where the tenant turns
/// out to live in another cloud the refusal names it.
pub(super) async fn ask_with_proof(
    wire: &Wire,
    account: &Account,
    prover: &Arc<Prover>,
    form: impl Fn(&Proof) -> Form,
) -> Result<Granted, Refusal> {
    let application = &application(account)?;
    let person = account.person().is_some();
    let now = wire.clock.now();
    let (proof, certificate) = prove(wire, application, prover, now).await?;
    let mut refusal = match wire.ask(form(&proof), person).await {
        Ok(granted) => {
            prover.works(certificate.as_ref());
            return Ok(granted);
        }
        Err(refusal) => refusal,
    };
    if let Some(certificate) = certificate {
        let again = match (refusal.problem.code, refusal.ahead) {
            (Some(700_027), _) => {
                let thumbprint = format!("; its SHA-256 thumbprint is {}", certificate.shown);
                refusal.problem.detail.push_str(&thumbprint);
                prover.before(&certificate, now).map(|before| (before, now))
            }
            (Some(700_024), Some(ahead)) => {
                let theirs = now.checked_sub(SignedDuration::from_secs(ahead.into()));
                Some((certificate, theirs.unwrap_or(now)))
            }
            _ => None,
        };
        if let Some((certificate, at)) = again {
            let problem = &refusal.problem;
            tracing::warn!(account = &*account.name, %problem, "the certificate is tried in another way");
            let proof = sign(wire, application, certificate.clone(), at).await?;
            let granted = wire.ask(form(&proof), person).await.map_err(|_| refusal)?;
            prover.works(Some(&certificate));
            return Ok(granted);
        }
    }
    clouds::name_it(wire, account, &mut refusal).await;
    Err(refusal)
}

/// The proof of an application, from what lies in its files at `now`, and the
/// certificate that signed it, if one did.
pub(super) async fn prove(
    wire: &Wire,
    application: &Application,
    prover: &Arc<Prover>,
    now: Timestamp,
) -> Result<(Proof, Option<Arc<Certificate>>), Refusal> {
    let (prover, application) = (prover.clone(), application.clone());
    let random = wire.random.clone();
    blocking(move || prover.prove(&application, now, &*random))
        .await?
        .map_err(|problem| Refusal::internal(&problem))
}

async fn sign(
    wire: &Wire,
    application: &Application,
    certificate: Arc<Certificate>,
    now: Timestamp,
) -> Result<Proof, Refusal> {
    let (application, random) = (application.clone(), wire.random.clone());
    blocking(move || proof::sign(&certificate, &application, now, &*random))
        .await?
        .map_err(|problem| Refusal::internal(&problem))
}
