//! Client assertions signed with a certificate's key (RFC 7523; Microsoft's
//! "Application authentication certificate credentials"): PS256 with the
//! certificate's SHA-256 thumbprint in `x5t#S256`.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{KeyPair as _, RSA_PSS_SHA256, RsaKeyPair};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use zeroize::Zeroizing;

use super::{encrypted_key, files};
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
    /// Reads a pair from PEM text; either text may hold both parts. The error
    /// says what is wrong without quoting anything.
    pub(super) fn parse(
        certificate: &[u8],
        key: &[u8],
        passphrase: Option<&Secret>,
    ) -> Result<Self, &'static str> {
        let certificate =
            CertificateDer::from_pem_slice(certificate).map_err(|_| "holds no PEM certificate")?;
        let facts =
            certificate_facts(&certificate).ok_or("holds a certificate that cannot be read")?;
        let key = match (PrivateKeyDer::from_pem_slice(key), passphrase) {
            (Ok(PrivateKeyDer::Pkcs8(der)), _) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            (Ok(PrivateKeyDer::Pkcs1(der)), _) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            (Ok(_), _) => return Err("holds a key that is not RSA"),
            (Err(_), Some(passphrase)) => {
                RsaKeyPair::from_pkcs8(&encrypted_key::open(key, passphrase)?)
            }
            (Err(_), None) if encrypted_key::is_encrypted(key) => {
                return Err("holds an encrypted key: name its passphrase in key_passphrase_file");
            }
            (Err(_), None) => return Err("holds no PEM private key (PKCS#8 or PKCS#1)"),
        }
        .map_err(|_| "holds a key that is not RSA of 2048 to 4096 bits")?;
        if key.public_key().as_ref() != facts.public_key {
            return Err("the certificate belongs to another key");
        }
        let hash = ring::digest::digest(&ring::digest::SHA256, &certificate);
        Ok(Self {
            key,
            thumbprint: URL_SAFE_NO_PAD.encode(hash.as_ref()),
            shown: hash
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02X}"))
                .collect(),
            not_after: facts.not_after,
        })
    }

    /// Reads a pair from its files.
    pub(super) fn read(
        certificate: &Path,
        key: &Path,
        passphrase: Option<&SecretSource>,
    ) -> Result<Self, String> {
        let read = |path: &Path| {
            files::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
        };
        let certificate_text = read(certificate)?;
        let key_text = read(key)?;
        let passphrase = passphrase.map(files::secret).transpose()?;
        Self::parse(
            certificate_text.expose().as_bytes(),
            key_text.expose().as_bytes(),
            passphrase.as_ref(),
        )
        .map_err(|what| match certificate == key {
            true => format!("{}: {what}", key.display()),
            false => format!("{}, {}: {what}", certificate.display(), key.display()),
        })
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

    #[test]
    fn keys_of_every_form() {
        let pem = certificate(&rcgen::KeyPair::from_pem(KEY).unwrap());
        let passphrase = Secret::new("contoso".into());
        let parse =
            |key: &str, passphrase| Certificate::parse(pem.as_bytes(), key.as_bytes(), passphrase);
        for (key, passphrase) in [
            (KEY, None),
            (KEY, Some(&passphrase)),
            (PKCS1, None),
            (AES128, Some(&passphrase)),
            (AES256, Some(&passphrase)),
        ] {
            let parsed = parse(key, passphrase).unwrap();
            assert_eq!(parsed.not_after.to_string(), "2031-01-01T00:00:00Z");
        }
        let wrong = Secret::new("contoso2".into());
        for (key, passphrase, says) in [
            (AES256, None, "key_passphrase_file"),
            (AES256, Some(&wrong), "passphrase"),
            ("", None, "no PEM private key"),
            ("", Some(&wrong), "no PEM private key"),
        ] {
            let error = parse(key, passphrase).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        let both = format!("{KEY}{pem}");
        assert!(Certificate::parse(both.as_bytes(), both.as_bytes(), None).is_ok());
    }

    #[test]
    fn parts_that_do_not_match() {
        let other = certificate(&rcgen::KeyPair::generate().unwrap());
        let error = Certificate::parse(other.as_bytes(), KEY.as_bytes(), None).unwrap_err();
        assert!(error.contains("another key"), "{error}");
    }
}
