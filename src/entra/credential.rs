//! What can be said of an account's own credential without asking Entra, for
//! `doctor`.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::files::{self, CredentialFault, CredentialTrouble, Part};
use super::forms::Application;
use super::jwt;
use super::proof::ClientCredential;
use crate::model::{
    Account, AppCredential, CredentialExpiry, Random, SecretSource, Timestamp, bounded_text,
    is_guid,
};

/// A credential that can be used as far as this machine can tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialFacts {
    /// Its end, where it is known.
    pub ends: Option<CredentialExpiry>,
    /// Of a certificate: SHA-256 as the portal shows it.
    pub thumbprint: Option<String>,
    /// Of another identity provider's token: what Entra compares.
    pub federated: Option<FederatedFacts>,
}

/// What another identity provider's token says of itself; none of it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedFacts {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`.
    pub audience: String,
    /// `exp`.
    pub ends: Option<Timestamp>,
}

/// Reads the files of an account's own credential and proves, without sending
/// anything, that they can be used: they are there, they hold what they
/// should, and the key belongs to the certificate. `None` for an account that
/// has none. Blocks on the disk.
///
/// # Errors
/// What is wrong, for people; holds no secret.
pub fn check_credential(
    account: &Account,
    now: Timestamp,
    random: &dyn Random,
) -> Result<Option<CredentialFacts>, CredentialFault> {
    let Some(credential) = account.app_credential() else {
        return Ok(None);
    };
    let application = Application::of(account).ok_or_else(|| {
        CredentialFault::of(Part::Secret, "the account names no tenant or no client_id")
    })?;
    if let AppCredential::ClientSecret { secret, .. } = credential {
        check_secret(secret)?;
    }
    let ours = ClientCredential::of(account);
    let (_, certificate) = ours.prove(&application, now, random)?;
    Ok(Some(CredentialFacts {
        ends: ours.expiry(),
        thumbprint: certificate.map(|certificate| certificate.shown.clone()),
        federated: match credential {
            AppCredential::WorkloadIdentity { token_file } => Some(federated(token_file)?),
            AppCredential::ClientSecret { .. } | AppCredential::ClientCertificate { .. } => None,
        },
    }))
}

/// The portal shows the id of a secret for ever, and its value once.
fn check_secret(source: &SecretSource) -> Result<(), CredentialFault> {
    if !is_guid(files::secret(source)?.expose()) {
        return Ok(());
    }
    let place = match source {
        SecretSource::File(path) => crate::files::shown(path),
        SecretSource::Environment(name) => format!("the environment variable {name}"),
        SecretSource::Inline(_) => "the secret".to_owned(),
    };
    Err(CredentialFault::of(
        Part::Secret,
        format!(
            "{place} holds a GUID, which is the id of a secret and not its value; the portal shows \
             the value once, when the secret is made: make a new one"
        ),
    )
    .that(CredentialTrouble::SecretId))
}

fn federated(file: &Path) -> Result<FederatedFacts, CredentialFault> {
    #[derive(Deserialize)]
    struct FederatedClaims {
        iss: String,
        sub: String,
        aud: Value,
        #[serde(default)]
        exp: Option<i64>,
    }
    let token = files::token(file)?;
    let claims: FederatedClaims = jwt::claims(token.expose()).ok_or_else(|| {
        let place = crate::files::shown(file);
        CredentialFault::of(Part::Token, format!("{place} holds no token (JWT)"))
    })?;
    let audience = match &claims.aud {
        Value::Array(several) => several.first().and_then(Value::as_str),
        one => one.as_str(),
    };
    Ok(FederatedFacts {
        issuer: bounded_text(&claims.iss, 200),
        subject: bounded_text(&claims.sub, 200),
        audience: bounded_text(audience.unwrap_or_default(), 200),
        ends: claims.exp.and_then(|exp| Timestamp::from_second(exp).ok()),
    })
}
