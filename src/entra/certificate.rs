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
use super::files::{self, CredentialFault, Part};
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
    thumbprint: String,
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
                ));
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
            (true, 1) => self.fault(Part::Key, "holds another key than that of the certificate"),
            (true, _) => self.fault(
                Part::Key,
                "holds another key than that of any of the certificates",
            ),
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
                    ));
                };
                return match encrypted_key::open(&der, passphrase) {
                    Ok(der) => self.pkcs8(&der),
                    Err(NotOpened::WrongPassphrase) => Err(self.fault(
                        Part::Passphrase,
                        format!("does not open the key in {}", crate::files::shown(path)),
                    )),
                    Err(NotOpened::Unsupported) => Err(fault(format!(
                        "holds a key that is encrypted in a way that is not supported: `openssl \
                         pkcs8 -topk8 -v2 aes-256-cbc -in {} -out key.pem`",
                        shell(path)
                    ))),
                };
            }
            "EC PRIVATE KEY" => return Err(fault(not_rsa("an elliptic-curve (EC) key"))),
            "DSA PRIVATE KEY" => return Err(fault(not_rsa("a DSA key"))),
            _ => return Err(fault(FileForm::of(bytes).advice(WantedForm::Key, path))),
        };
        parsed.map_err(|_| fault(OUT_OF_BOUNDS.to_owned()))
    }

    fn pkcs8(&self, der: &[u8]) -> Result<RsaKeyPair, CredentialFault> {
        RsaKeyPair::from_pkcs8(der).map_err(|_| {
            let what = other_than_rsa(der).map_or_else(|| OUT_OF_BOUNDS.to_owned(), not_rsa);
            self.fault(Part::Key, what)
        })
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

const OUT_OF_BOUNDS: &str = "holds a key that is not RSA of 2048 to 4096 bits";

/// Entra takes certificates with RSA keys only.
fn not_rsa(kind: &str) -> String {
    format!(
        "holds {kind}, and Entra takes certificates with RSA keys only; a new pair: `openssl req \
         -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 365 -subj \
         /CN=m365mon`"
    )
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({} until {})", self.shown, self.not_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../tests/data/rsa-test-key.pem");
    const PKCS1: &str = include_str!("../../tests/data/rsa-test-key-pkcs1.pem");
    const AES128: &str = include_str!("../../tests/data/rsa-test-key-aes128.pem");
    const AES256: &str = include_str!("../../tests/data/rsa-test-key-aes256.pem");

    fn certificate(key: &rcgen::KeyPair) -> String {
        let mut parameters = rcgen::CertificateParams::new(vec!["m365mon".into()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2031, 1, 1);
        parameters.self_signed(key).unwrap().pem()
    }

    fn parse(
        certificate: &[u8],
        key: &[u8],
        passphrase: Option<&Secret>,
    ) -> Result<Certificate, String> {
        let files = Files {
            certificate: (Path::new("."), certificate),
            key: (Path::new(".."), key),
        };
        files.pair(passphrase).map_err(|fault| fault.to_string())
    }

    #[test]
    fn keys_of_every_form() {
        let pem = certificate(&rcgen::KeyPair::from_pem(KEY).unwrap());
        let passphrase = Secret::new("contoso".into());
        let with = |key: &str, passphrase| parse(pem.as_bytes(), key.as_bytes(), passphrase);
        for (key, passphrase) in [
            (KEY, None),
            (KEY, Some(&passphrase)),
            (PKCS1, None),
            (AES128, Some(&passphrase)),
            (AES256, Some(&passphrase)),
        ] {
            let parsed = with(key, passphrase).unwrap();
            assert_eq!(parsed.not_after.to_string(), "2031-01-01T00:00:00Z");
        }
        let wrong = Secret::new("contoso2".into());
        for (key, passphrase, says) in [
            (AES256, None, "key_passphrase_file"),
            (AES256, Some(&wrong), "the passphrase does not open"),
            ("", None, ".. is empty, where a private key in PEM"),
            ("", Some(&wrong), "a private key in PEM"),
        ] {
            let error = with(key, passphrase).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    /// As editors and portals leave it; one file or two, a chain in any order.
    #[test]
    fn pairs_in_every_dress() {
        let leaf = certificate(&rcgen::KeyPair::from_pem(KEY).unwrap());
        let other = certificate(&rcgen::KeyPair::generate().unwrap());
        let expected = parse(leaf.as_bytes(), KEY.as_bytes(), None).unwrap().shown;
        let utf16 = |text: &str| -> Vec<u8> {
            let marked = format!("\u{feff}{text}");
            marked.encode_utf16().flat_map(u16::to_le_bytes).collect()
        };
        let both = format!("{KEY}{leaf}");
        for (certificate, key) in [
            (both.clone().into_bytes(), both.clone().into_bytes()),
            (format!("{other}{leaf}").into(), KEY.into()),
            (format!("{leaf}{other}").into(), KEY.into()),
            (format!("{other}{other}{leaf}{KEY}").into(), both.into()),
            (utf16(&leaf), utf16(KEY)),
            (
                format!("\u{feff}{leaf}").into(),
                format!("\u{feff}{KEY}").into(),
            ),
            (
                leaf.replace('\n', "\r\n").into(),
                KEY.replace('\n', "\r\n").into(),
            ),
            (
                leaf.replace('\n', "\n   ").into(),
                KEY.replace('\n', "\n   ").into(),
            ),
            (
                leaf.replace('\n', "\\n").into(),
                KEY.replace('\n', "\\n").into(),
            ),
        ] {
            let parsed = parse(&certificate, &key, None).unwrap();
            assert_eq!(parsed.shown, expected);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let leaf = certificate(&rcgen::KeyPair::from_pem(KEY).unwrap());
        let other = certificate(&rcgen::KeyPair::generate().unwrap());
        let ec = rcgen::KeyPair::generate().unwrap();
        let sec1 = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        let damaged = leaf.replacen("MII", "M!I", 1);
        let of = |text: &str, label: &str| {
            let mut all = sections(text);
            assert_eq!(all[0].label, label);
            all.remove(0).der.unwrap().to_vec()
        };
        let (leaf_der, key_der) = (of(&leaf, "CERTIFICATE"), of(KEY, "PRIVATE KEY"));
        for (certificate, key, says) in [
            (
                other.as_bytes(),
                KEY.as_bytes(),
                ".. holds another key than that of the certificate",
            ),
            (KEY.as_bytes(), leaf.as_bytes(), "swapped"),
            (
                leaf.as_bytes(),
                ec.serialize_pem().as_bytes(),
                ".. holds an elliptic-curve (EC) key",
            ),
            (leaf.as_bytes(), sec1.as_bytes(), "rsa:2048"),
            (
                leaf.as_bytes(),
                old.as_bytes(),
                "`openssl pkcs8 -topk8 -in .. -out key.pem`",
            ),
            (
                damaged.as_bytes(),
                KEY.as_bytes(),
                ". holds a certificate that is damaged",
            ),
            (
                &leaf_der,
                KEY.as_bytes(),
                "`openssl x509 -inform DER -in . -out certificate.pem`",
            ),
            (
                leaf.as_bytes(),
                &key_der,
                "`openssl pkey -inform DER -in .. -out key.pem`",
            ),
            (
                leaf.as_bytes(),
                leaf.as_bytes(),
                ".. holds a certificate, where a private key",
            ),
            (
                KEY.as_bytes(),
                KEY.as_bytes(),
                ". holds a private key, where a certificate",
            ),
        ] {
            let error = parse(certificate, key, None).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
