//! The application as itself (RFC 6749 section 4.4): secret, certificate or
//! another identity provider's token.

use std::sync::Arc;

use jiff::SignedDuration;

use super::answer::Granted;
use super::certificate::Certificate;
use super::claims::ClaimsChallenge;
use super::classify::TokenRefusal;
use super::clouds;
use super::endpoint_client::{TokenEndpointClient, blocking};
use super::forms::{Application, Proof, TokenForm};
use super::proof::{self, ClientCredential};
use crate::model::{Account, Audience, Timestamp};

/// Asks for all that was granted to the application for `audience`.
pub(super) async fn obtain(
    client: &TokenEndpointClient,
    account: &Account,
    credential: &Arc<ClientCredential>,
    audience: &Audience,
    challenge: Option<&ClaimsChallenge>,
) -> Result<Granted, TokenRefusal> {
    let application = application(account)?;
    let scope = audience.default_scope();
    ask_with_proof(client, account, credential, |proof| {
        application.client_credentials(proof, &scope, challenge)
    })
    .await
}

/// The application of an account that must have one.
pub(super) fn application(account: &Account) -> Result<Application, TokenRefusal> {
    Application::of(account)
        .ok_or_else(|| TokenRefusal::internal("the account names no tenant or no client_id"))
}

/// Proves who the application is and asks. A refused certificate gets one
/// more try: with the pair before it where Entra does not know the new one
/// yet, by Entra's clock where this machine's is wrong. Where the tenant turns
/// out to live in another cloud the refusal names it.
pub(super) async fn ask_with_proof(
    client: &TokenEndpointClient,
    account: &Account,
    credential: &Arc<ClientCredential>,
    form: impl Fn(&Proof) -> TokenForm,
) -> Result<Granted, TokenRefusal> {
    let application = &application(account)?;
    let person = account.person().is_some();
    let now = client.clock.now();
    let (proof, certificate) = prove(client, application, credential, now).await?;
    let mut refusal = match client.ask(form(&proof), person).await {
        Ok(granted) => {
            credential.works(certificate.as_ref());
            return Ok(granted);
        }
        Err(refusal) => refusal,
    };
    if let Some(certificate) = certificate {
        let again = match (refusal.problem.code, refusal.ahead) {
            (Some(700_027), _) => {
                let thumbprint = format!("; its SHA-256 thumbprint is {}", certificate.shown);
                refusal.problem.detail.push_str(&thumbprint);
                credential
                    .before(&certificate, now)
                    .map(|before| (before, now))
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
            let proof = sign(client, application, certificate.clone(), at).await?;
            let granted = client
                .ask(form(&proof), person)
                .await
                .map_err(|_| refusal)?;
            credential.works(Some(&certificate));
            return Ok(granted);
        }
    }
    clouds::name_it(client, account, &mut refusal).await;
    Err(refusal)
}

/// The proof of an application, from what lies in its files at `now`, and the
/// certificate that signed it, if one did.
pub(super) async fn prove(
    client: &TokenEndpointClient,
    application: &Application,
    credential: &Arc<ClientCredential>,
    now: Timestamp,
) -> Result<(Proof, Option<Arc<Certificate>>), TokenRefusal> {
    let (credential, application) = (credential.clone(), application.clone());
    let random = client.random.clone();
    blocking(move || credential.prove(&application, now, &*random))
        .await?
        .map_err(|problem| TokenRefusal::internal(&problem.to_string()))
}

async fn sign(
    client: &TokenEndpointClient,
    application: &Application,
    certificate: Arc<Certificate>,
    now: Timestamp,
) -> Result<Proof, TokenRefusal> {
    let (application, random) = (application.clone(), client.random.clone());
    blocking(move || proof::sign(&certificate, &application, now, &*random))
        .await?
        .map_err(|problem| TokenRefusal::internal(&problem))
}
