//! Client assertions: JWTs with which an application proves who it is, signed
//! with its own certificate (Microsoft's `certificate-credentials` page) or by
//! another identity provider that it trusts (workload identity federation).
//! Signatures are verified by `ring` against what the directory holds.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::digest;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::{Map, Value};

use super::aadsts::{self, EntraError, FederationMismatch, KeyTrouble};
use crate::directory::Application;

/// `client_assertion_type`, the only one.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Clocks may differ by this much.
const SKEW_SECONDS: i64 = 300;
const LONGEST: usize = 16 * 1024;

/// An assertion, taken apart and not yet believed.
pub(super) struct Assertion<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

/// What a believed assertion leaves behind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct VerifiedAssertion {
    /// Its `jti`, if it had one, and its end: what a server that refuses
    /// second uses has to remember.
    pub(super) unique: Option<(String, i64)>,
}

impl<'a> Assertion<'a> {
    /// Takes a compact JWT apart (AADSTS50027).
    pub(super) fn parse(token: &'a str) -> Result<Self, EntraError> {
        let malformed = aadsts::malformed_assertion;
        if token.len() > LONGEST {
            return Err(malformed());
        }
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed());
        let object = |part: &str| -> Result<Map<String, Value>, EntraError> {
            serde_json::from_slice(&decode(part)?).map_err(|_| malformed())
        };
        Ok(Self {
            header: object(header)?,
            claims: object(claims)?,
            signed,
            signature: decode(signature)?,
        })
    }

    fn text(&self, name: &str) -> &str {
        self.claims.get(name).and_then(Value::as_str).unwrap_or("")
    }

    /// Numbers may be written as strings: a library of Microsoft's does so.
    fn seconds(&self, name: &str) -> Option<i64> {
        match self.claims.get(name)? {
            Value::String(text) => text.parse().ok(),
            value => value.as_f64().map(|n| n as i64),
        }
    }

    fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(some)) => some.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// True if another identity provider issued it: its `iss` is a URL.
    pub(super) fn is_federated(&self) -> bool {
        self.text("iss").contains("://")
    }

    fn algorithm(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or("")
    }

    fn is_signed_by(&self, algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> bool {
        UnparsedPublicKey::new(algorithm, key)
            .verify(self.signed.as_bytes(), &self.signature)
            .is_ok()
    }

    fn check_time(&self, now: Timestamp) -> Result<i64, EntraError> {
        let end = self
            .seconds("exp")
            .ok_or_else(|| aadsts::assertion_invalid("The assertion has no expiry time."))?;
        let start = self.seconds("nbf").unwrap_or(i64::MIN);
        let second = now.as_second();
        if second >= end.saturating_add(SKEW_SECONDS) || second < start.saturating_sub(SKEW_SECONDS)
        {
            let end = Timestamp::from_second(end).unwrap_or(Timestamp::UNIX_EPOCH);
            return Err(aadsts::assertion_time(now, end));
        }
        Ok(end)
    }

    fn unique(&self, end: i64) -> Option<(String, i64)> {
        let id = self.text("jti");
        (!id.is_empty()).then(|| (id.to_owned(), end))
    }

    /// Believes it as the application's own, or says why not. `audiences` are
    /// the names of this endpoint.
    pub(super) fn check_own(
        &self,
        app: &Application,
        audiences: &[String],
        now: Timestamp,
    ) -> Result<VerifiedAssertion, EntraError> {
        let client = &app.client_id;
        let algorithm: &'static dyn VerificationAlgorithm = match self.algorithm() {
            "PS256" => &RSA_PSS_2048_8192_SHA256,
            "RS256" => &RSA_PKCS1_2048_8192_SHA256,
            other => return Err(aadsts::assertion_algorithm(other)),
        };
        let named = |name: &str| self.header.get(name).and_then(Value::as_str);
        let (thumbprint, hash): (&str, &'static digest::Algorithm) =
            match (named("x5t#S256"), named("x5t")) {
                (Some(value), _) => (value, &digest::SHA256),
                (None, Some(value)) => (value, &digest::SHA1_FOR_LEGACY_USE_ONLY),
                (None, None) => return Err(aadsts::assertion_without_thumbprint()),
            };
        let thumbprint = URL_SAFE_NO_PAD
            .decode(thumbprint.trim_end_matches('='))
            .map_err(|_| aadsts::malformed_assertion())?;
        if !self.text("iss").eq_ignore_ascii_case(client)
            || !self.text("sub").eq_ignore_ascii_case(client)
        {
            return Err(aadsts::assertion_of_another_app());
        }
        let shown: String = thumbprint.iter().map(|b| format!("{b:02X}")).collect();
        let refused = |trouble| aadsts::certificate_refused(client, &shown, trouble);
        let certificate = app
            .certificates
            .iter()
            .find(|c| digest::digest(hash, &c.der).as_ref() == thumbprint)
            .ok_or_else(|| refused(KeyTrouble::NotFound))?;
        if now >= certificate.ends {
            return Err(refused(KeyTrouble::Expired {
                start: certificate.starts,
                end: certificate.ends,
            }));
        }
        if now < certificate.starts {
            return Err(EntraError::new(
                "invalid_client",
                1_000_502,
                "The provided certificate is not within its specified validity period.",
            ));
        }
        // A modulus of less than 2048 bits: ring would refuse it without a reason.
        if certificate.rsa_public_key.len() < 256 {
            return Err(EntraError::new(
                "invalid_client",
                50_032,
                "The RSA key of the client assertion is too weak.",
            ));
        }
        if !self.is_signed_by(algorithm, &certificate.rsa_public_key) {
            return Err(refused(KeyTrouble::BadSignature));
        }
        let end = self.check_time(now)?;
        let meant = self.audiences();
        let fits = meant
            .iter()
            .any(|aud| audiences.iter().any(|a| a.eq_ignore_ascii_case(aud)));
        if !fits {
            return Err(aadsts::assertion_audience());
        }
        let unique = self.unique(end);
        if unique.is_none() {
            return Err(aadsts::assertion_invalid(
                "The assertion has no 'jti' claim.",
            ));
        }
        Ok(VerifiedAssertion { unique })
    }

    /// Believes it as another provider's word for the application, or says why
    /// not. Compares with regard to case, as Microsoft does.
    pub(super) fn check_federated(
        &self,
        app: &Application,
        now: Timestamp,
    ) -> Result<VerifiedAssertion, EntraError> {
        let (issuer, subject) = (self.text("iss"), self.text("sub"));
        let audiences = self.audiences();
        let audience = audiences.first().copied().unwrap_or("");
        if app.federated.is_empty() {
            return Err(aadsts::no_federated_record(issuer, subject, audience));
        }
        let mismatch = aadsts::no_federated_credential;
        let trusted: Vec<_> = app
            .federated
            .iter()
            .filter(|f| f.issuer == issuer)
            .collect();
        if trusted.is_empty() {
            return Err(mismatch(FederationMismatch::Issuer, issuer));
        }
        let trusted: Vec<_> = trusted
            .into_iter()
            .filter(|f| f.subject == subject)
            .collect();
        if trusted.is_empty() {
            return Err(mismatch(FederationMismatch::Subject, subject));
        }
        let credential = trusted
            .into_iter()
            .find(|f| audiences.contains(&f.audience.as_str()))
            .ok_or_else(|| mismatch(FederationMismatch::Audience, audience))?;
        let key = &credential.public_key;
        let point = key.len() == 65;
        let signed = match self.algorithm() {
            "ES256" if point => self.is_signed_by(&ECDSA_P256_SHA256_FIXED, key),
            "RS256" if !point => self.is_signed_by(&RSA_PKCS1_2048_8192_SHA256, key),
            "PS256" if !point => self.is_signed_by(&RSA_PSS_2048_8192_SHA256, key),
            other => return Err(aadsts::assertion_algorithm(other)),
        };
        if !signed {
            return Err(aadsts::federated_signature());
        }
        self.check_time(now)?;
        // The same token serves until its file is replaced.
        Ok(VerifiedAssertion { unique: None })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn garbage_is_malformed() {
        for token in ["", "a", "a.b", "a.b.c", "e30.e30.*", "e30.W10.AA"] {
            let code = Assertion::parse(token).err().map(|r| r.code);
            assert_eq!(code, Some(50_027), "{token}");
        }
        assert!(Assertion::parse("e30.e30.AA").is_ok());
        assert!(Assertion::parse(&"a".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn numbers_may_be_strings() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":"1000","nbf":10.5}"#);
        let token = format!("e30.{claims}.AA");
        let assertion = Assertion::parse(&token).unwrap();
        assert_eq!(assertion.seconds("exp"), Some(1000));
        assert_eq!(assertion.seconds("nbf"), Some(10));
        let at = |s| Timestamp::from_second(s).unwrap();
        assert_eq!(assertion.check_time(at(1299)), Ok(1000));
        assert_eq!(assertion.check_time(at(1300)).unwrap_err().code, 700_024);
        assert_eq!(assertion.check_time(at(-291)).unwrap_err().code, 700_024);
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "[a-zA-Z0-9_.-]{0,80}") {
            if let Ok(assertion) = Assertion::parse(&text) {
                _ = assertion.is_federated();
            }
        }
    }
}
