//! Client assertions signed with a certificate's key (RFC 7523; Microsoft's
//! "Application authentication certificate credentials"): PS256 with the
//! certificate's SHA-256 thumbprint in `x5t#S256`.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{KeyPair as _, RSA_PSS_SHA256, RsaKeyPair};
use serde_json::json;
use zeroize::Zeroizing;

use super::encrypted_key::{self, NotOpened};
use super::files::{self, CredentialFault, CredentialTrouble, Part};
use crate::files::pem::{Section, sections};
use crate::files::{FileForm, WantedForm, decode, other_than_rsa, shell};
use crate::http::certificate_facts;
use crate::model::{Random, Secret, SecretSource, Timestamp};

/// Microsoft's own libraries use ten minutes.
const ASSERTION_LIFE: Duration = Duration::from_secs(10 * 60);

/// A certificate with its key; both parts match.
pub(super) struct Certificate {
    key: RsaKeyPair,
    /// SHA-256 of the certificate, base64url.
    pub(super) thumbprint: String,
    /// Its SHA-1, which Entra names it by.
    pub(super) sha1: Vec<u8>,
    /// The same in upper-case hexadecimal, as the portal shows it.
    pub(super) shown: String,
    pub(super) not_after: Timestamp,
}

impl Certificate {
    /// Reads a pair from its files; one file may hold both parts, and others
    /// of a chain in any order.
    pub(super) fn read(
        certificate: &Path,
        key: &Path,
        passphrase: Option<&SecretSource>,
    ) -> Result<Self, CredentialFault> {
        let read = |part, path| {
            files::read(path).map_err(|error| CredentialFault::unreadable(part, &error))
        };
        let certificate_bytes = read(Part::Certificate, certificate)?;
        let key_bytes = read(Part::Key, key)?;
        let passphrase = passphrase.map(files::passphrase).transpose()?;
        let files = Files {
            certificate: (certificate, &certificate_bytes),
            key: (key, &key_bytes),
        };
        files.pair(passphrase.as_ref())
    }

    /// A fresh assertion of `client_id` for `audience`, the token endpoint.
    pub(super) fn assertion(
        &self,
        client_id: &str,
        audience: &str,
        now: Timestamp,
        random: &dyn Random,
    ) -> Option<Secret> {
        let now = now.as_second();
        let life = i64::try_from(ASSERTION_LIFE.as_secs()).unwrap_or(600);
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint});
        let claims = json!({
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": random.uuid(),
            "nbf": now,
            "iat": now,
            "exp": now + life,
        });
        let mut jwt = URL_SAFE_NO_PAD.encode(header.to_string());
        jwt.push('.');
        jwt.push_str(&URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = Zeroizing::new(vec![0; self.key.public().modulus_len()]);
        self.key
            .sign(
                &RSA_PSS_SHA256,
                &ring::rand::SystemRandom::new(),
                jwt.as_bytes(),
                &mut signature,
            )
            .ok()?;
        jwt.push('.');
        jwt.push_str(&URL_SAFE_NO_PAD.encode(&*signature));
        Some(Secret::new(jwt))
    }
}

/// Makes a key that Entra takes, and its certificate.
pub const NEW_PAIR: &str = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out \
    certificate.pem -days 365 -subj /CN=m365mon";

/// A pair out of one file that holds `bytes`.
#[cfg(any(test, fuzzing))]
pub(super) fn read_pair(
    path: &Path,
    bytes: &[u8],
    passphrase: Option<&Secret>,
) -> Result<Certificate, CredentialFault> {
    let files = Files {
        certificate: (path, bytes),
        key: (path, bytes),
    };
    files.pair(passphrase)
}

/// The files of a pair, with what they hold.
struct Files<'f> {
    certificate: (&'f Path, &'f [u8]),
    key: (&'f Path, &'f [u8]),
}

impl Files<'_> {
    /// The key, and the certificate that is for it.
    fn pair(&self, passphrase: Option<&Secret>) -> Result<Certificate, CredentialFault> {
        let key = self.rsa_key(passphrase);
        let certificates = self.certificates();
        let (key, certificates) = match (key, certificates) {
            (Ok(key), Ok(certificates)) => (key, certificates),
            (Err(_), Err(_)) if self.are_swapped() => {
                return Err(self.fault(
                    Part::Certificate,
                    "holds a private key, and the file of the key holds a certificate: they are \
                     swapped",
                ).that(CredentialTrouble::Swapped));
            }
            (_, Err(fault)) | (Err(fault), Ok(_)) => return Err(fault),
        };
        let mut readable = false;
        for der in &certificates {
            let Some(facts) = certificate_facts(der) else {
                continue;
            };
            readable = true;
            if key.public_key().as_ref() != facts.public_key {
                continue;
            }
            let hash = ring::digest::digest(&ring::digest::SHA256, der);
            let not_after = facts.not_after;
            return Ok(Certificate {
                key,
                thumbprint: URL_SAFE_NO_PAD.encode(hash.as_ref()),
                sha1: ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, der)
                    .as_ref()
                    .to_vec(),
                shown: hash
                    .as_ref()
                    .iter()
                    .map(|byte| format!("{byte:02X}"))
                    .collect(),
                not_after,
            });
        }
        Err(match (readable, certificates.len()) {
            (false, _) => self.fault(Part::Certificate, "holds a certificate that cannot be read"),
            (true, 1) => self
                .fault(Part::Key, "holds another key than that of the certificate")
                .that(CredentialTrouble::WrongPair),
            (true, _) => self
                .fault(
                    Part::Key,
                    "holds another key than that of any of the certificates",
                )
                .that(CredentialTrouble::WrongPair),
        })
    }

    /// Every certificate there is, in DER.
    fn certificates(&self) -> Result<Vec<Zeroizing<Vec<u8>>>, CredentialFault> {
        let (path, bytes) = self.certificate;
        let text = decode(bytes).unwrap_or_default();
        let found: Option<Vec<_>> = sections(&text)
            .into_iter()
            .filter(|section| matches!(&*section.label, "CERTIFICATE" | "X509 CERTIFICATE"))
            .map(|section| section.der)
            .collect();
        match found {
            Some(found) if found.is_empty() => {
                let advice = FileForm::of(bytes).advice(WantedForm::Certificate, path);
                Err(self.fault(Part::Certificate, advice))
            }
            Some(found) => Ok(found),
            None => Err(self.fault(Part::Certificate, "holds a certificate that is damaged")),
        }
    }

    /// The first private key.
    fn rsa_key(&self, passphrase: Option<&Secret>) -> Result<RsaKeyPair, CredentialFault> {
        let (path, bytes) = self.key;
        let fault = |what: String| self.fault(Part::Key, what);
        let text = decode(bytes).unwrap_or_default();
        let found = sections(&text).into_iter().find(|section| {
            section.label.ends_with("PRIVATE KEY") && section.label != "OPENSSH PRIVATE KEY"
        });
        let Some(Section {
            label,
            der,
            old_encryption,
        }) = found
        else {
            return Err(fault(FileForm::of(bytes).advice(WantedForm::Key, path)));
        };
        if old_encryption {
            return Err(fault(format!(
                "holds a key in OpenSSL's old encrypted form: `openssl pkcs8 -topk8 -in {} -out \
                 key.pem`",
                shell(path)
            )));
        }
        let der = der.ok_or_else(|| fault("holds a private key that is damaged".to_owned()))?;
        let parsed = match &*label {
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der),
            "PRIVATE KEY" => return self.pkcs8(&der),
            "ENCRYPTED PRIVATE KEY" => {
                let Some(passphrase) = passphrase else {
                    return Err(fault(
                        "holds an encrypted key: name its passphrase in key_passphrase_file"
                            .to_owned(),
                    )
                    .that(CredentialTrouble::NoPassphrase));
                };
                return match encrypted_key::open(&der, passphrase) {
                    Ok(der) => self.pkcs8(&der),
                    Err(NotOpened::WrongPassphrase) => Err(self
                        .fault(
                            Part::Passphrase,
                            format!("does not open the key in {}", crate::files::shown(path)),
                        )
                        .that(CredentialTrouble::WrongPassphrase)),
                    Err(NotOpened::Unsupported) => Err(fault(format!(
                        "holds a key that is encrypted in a way that is not supported: `openssl \
                         pkcs8 -topk8 -v2 aes-256-cbc -in {} -out key.pem`",
                        shell(path)
                    ))),
                };
            }
            "EC PRIVATE KEY" => return Err(self.not_rsa("an elliptic-curve (EC) key")),
            "DSA PRIVATE KEY" => return Err(self.not_rsa("a DSA key")),
            _ => return Err(fault(FileForm::of(bytes).advice(WantedForm::Key, path))),
        };
        parsed.map_err(|_| self.out_of_bounds())
    }

    fn pkcs8(&self, der: &[u8]) -> Result<RsaKeyPair, CredentialFault> {
        RsaKeyPair::from_pkcs8(der).map_err(|_| {
            other_than_rsa(der).map_or_else(|| self.out_of_bounds(), |kind| self.not_rsa(kind))
        })
    }

    fn out_of_bounds(&self) -> CredentialFault {
        self.fault(
            Part::Key,
            "holds a key that is not RSA of 2048 to 4096 bits",
        )
        .that(CredentialTrouble::NotRsa)
    }

    /// Entra takes certificates with RSA keys only.
    fn not_rsa(&self, kind: &str) -> CredentialFault {
        self.fault(
            Part::Key,
            format!(
                "holds {kind}, and Entra takes certificates with RSA keys only; a new pair: \
                 `{NEW_PAIR}`"
            ),
        )
        .that(CredentialTrouble::NotRsa)
    }

    fn are_swapped(&self) -> bool {
        FileForm::of(self.certificate.1) == FileForm::PemKey
            && FileForm::of(self.key.1) == FileForm::PemCertificate
    }

    /// `what` follows the name of the file.
    fn fault(&self, part: Part, what: impl std::fmt::Display) -> CredentialFault {
        let path = match part {
            Part::Key => self.key.0,
            Part::Passphrase => return CredentialFault::of(part, format!("the passphrase {what}")),
            Part::Secret | Part::Certificate | Part::Token => self.certificate.0,
        };
        CredentialFault::of(part, format!("{} {what}", crate::files::shown(path)))
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({} until {})", self.shown, self.not_after)
    }
}

#[cfg(test)]
mod tests;
