//! How an application proves who it is, from what lies in files now.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

use super::certificate::Certificate;
use super::files::{self, CredentialFault, Part};
use super::forms::{Application, Proof};
use super::registered::{end_of_certificate, end_of_secret};
use super::store::Stamp;
use crate::model::{
    Account, AppCredential, CredentialExpiry, CredentialKind, Random, RegisteredCredentials,
    SecretSource, Timestamp,
};

/// The end of an account's own credential (client secret, certificate), where
/// it is known; reads the certificate's file.
#[must_use]
pub fn credential_expiry(account: &Account) -> Option<CredentialExpiry> {
    ClientCredential::of(account).expiry()
}

/// The application's own credential, with what is remembered of its files.
pub(super) struct ClientCredential {
    credential: Option<AppCredential>,
    certificates: Mutex<Certificates>,
}

#[derive(Default)]
struct Certificates {
    /// The files from which `current` was read.
    stamps: Vec<Stamp>,
    current: Option<Arc<Certificate>>,
    /// The pair before it: while Entra does not know the new one yet, it helps.
    previous: Option<Arc<Certificate>>,
    /// The one that Entra accepted last: its end is the one that counts.
    works: Option<Arc<Certificate>>,
}

impl ClientCredential {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            credential: account.app_credential().cloned(),
            certificates: Mutex::default(),
        }
    }

    /// True for a certificate, whose end depends on which one is accepted.
    pub(super) const fn has_certificate(&self) -> bool {
        matches!(
            self.credential,
            Some(AppCredential::ClientCertificate { .. })
        )
    }

    /// The files whose change may mend a refusal.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        match &self.credential {
            None => Vec::new(),
            Some(AppCredential::ClientSecret { secret, .. }) => match secret {
                SecretSource::File(path) => vec![path.clone()],
                SecretSource::Inline(_) | SecretSource::Environment(_) => Vec::new(),
            },
            Some(AppCredential::ClientCertificate {
                certificate_file,
                key_file,
                passphrase,
            }) => {
                let mut files = vec![certificate_file.clone(), key_file.clone()];
                if let Some(SecretSource::File(path)) = passphrase {
                    files.push(path.clone());
                }
                files
            }
            Some(AppCredential::WorkloadIdentity { token_file }) => vec![token_file.clone()],
        }
    }

    /// The state of these files now.
    pub(super) fn stamps(&self) -> Vec<Stamp> {
        self.files().iter().map(|path| Stamp::of(path)).collect()
    }

    /// The end of the credential, where it has one that is known.
    pub(super) fn expiry(&self) -> Option<CredentialExpiry> {
        match self.credential.as_ref()? {
            AppCredential::ClientSecret { expires, .. } => {
                Some((CredentialKind::ClientSecret, (*expires)?))
            }
            AppCredential::ClientCertificate { .. } => {
                let certificate = self.certificate().ok()?;
                let known = self.certificates.lock();
                // While Entra does not know the new pair, the old one's end counts.
                let works = known.works.as_ref().filter(|works| {
                    let previous = known.previous.as_ref();
                    previous.is_some_and(|previous| previous.shown == works.shown)
                });
                let ends = works.map_or(certificate.not_after, |works| works.not_after);
                Some((CredentialKind::ClientCertificate, ends))
            }
            AppCredential::WorkloadIdentity { .. } => None,
        }
    }

    /// The end of the entry that is this credential, among those registered.
    pub(super) fn registered_end(
        &self,
        registered: &RegisteredCredentials,
        now: Timestamp,
    ) -> Option<CredentialExpiry> {
        match self.credential.as_ref()? {
            AppCredential::ClientSecret { secret, .. } => {
                let secret = files::secret(secret).ok()?;
                let end = end_of_secret(registered, &secret, now)?;
                Some((CredentialKind::ClientSecret, end))
            }
            AppCredential::ClientCertificate { .. } => {
                let current = self.certificate().ok()?;
                let works = self.certificates.lock().works.clone();
                let end = end_of_certificate(registered, &works.unwrap_or(current))?;
                Some((CredentialKind::ClientCertificate, end))
            }
            AppCredential::WorkloadIdentity { .. } => None,
        }
    }

    /// A proof for one request, and the certificate that signed it, if one did.
    /// Blocks on the disk, and on signing for some milliseconds. The error is
    /// for people and holds no secret.
    pub(super) fn prove(
        &self,
        application: &Application,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(Proof, Option<Arc<Certificate>>), CredentialFault> {
        let proof = match &self.credential {
            None => Proof::Nothing,
            Some(AppCredential::ClientSecret { secret, .. }) => {
                Proof::Secret(files::secret(secret)?)
            }
            Some(AppCredential::ClientCertificate { .. }) => {
                let certificate = self.certificate()?;
                let proof = sign(&certificate, application, now, random)
                    .map_err(|why| CredentialFault::of(Part::Key, why))?;
                return Ok((proof, Some(certificate)));
            }
            Some(AppCredential::WorkloadIdentity { token_file }) => {
                Proof::Assertion(files::token(token_file)?)
            }
        };
        Ok((proof, None))
    }

    /// Entra accepted this certificate.
    pub(super) fn works(&self, certificate: Option<&Arc<Certificate>>) {
        self.certificates.lock().works = certificate.cloned();
    }

    /// The pair before `refused`, while it is valid: it helps as long as Entra
    /// does not know the new one.
    pub(super) fn before(&self, refused: &Certificate, now: Timestamp) -> Option<Arc<Certificate>> {
        let previous = self.certificates.lock().previous.clone()?;
        (previous.not_after > now && previous.shown != refused.shown).then_some(previous)
    }

    /// The pair that lies in the files, taken over only when both parts match;
    /// until then the one in memory goes on.
    fn certificate(&self) -> Result<Arc<Certificate>, CredentialFault> {
        let Some(AppCredential::ClientCertificate {
            certificate_file,
            key_file,
            passphrase,
        }) = &self.credential
        else {
            let why = "the account has no certificate";
            return Err(CredentialFault::of(Part::Certificate, why));
        };
        let mut known = self.certificates.lock();
        let stamps = self.stamps();
        if known.stamps == stamps
            && let Some(current) = &known.current
        {
            return Ok(current.clone());
        }
        match Certificate::read(certificate_file, key_file, passphrase.as_ref()) {
            Ok(new) => {
                let new = Arc::new(new);
                if known
                    .current
                    .as_ref()
                    .is_none_or(|old| old.shown != new.shown)
                {
                    known.previous = known.current.replace(new.clone());
                }
                known.stamps = stamps;
                Ok(new)
            }
            Err(problem) => match &known.current {
                Some(current) => {
                    tracing::warn!(
                        %problem,
                        "the certificate on disk is not usable yet, the one in memory goes on"
                    );
                    Ok(current.clone())
                }
                None => Err(problem),
            },
        }
    }
}

/// An assertion of the application, signed with a certificate's key.
pub(super) fn sign(
    certificate: &Certificate,
    application: &Application,
    now: Timestamp,
    random: &dyn Random,
) -> Result<Proof, String> {
    certificate
        .assertion(
            application.client_id(),
            application.token_url().as_str(),
            now,
            random,
        )
        .map(Proof::Assertion)
        .ok_or_else(|| "the certificate's key could not sign".to_owned())
}
