//! Proof Key for Code Exchange (RFC 7636), the server's side.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::aadsts::{self, EntraError};

/// What the authorization request promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// The verifier's SHA-256, base64url without padding.
    S256(String),
    /// The verifier itself.
    Plain(String),
}

fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

impl Challenge {
    /// Reads `code_challenge` and `code_challenge_method`; without a method it is `plain`.
    pub(super) fn parse(value: &str, method: Option<&str>) -> Result<Self, EntraError> {
        if !is_verifier(value) {
            return Err(aadsts::bad_challenge());
        }
        match method {
            Some("S256") => Ok(Self::S256(value.to_owned())),
            Some("plain") | None => Ok(Self::Plain(value.to_owned())),
            Some(_) => Err(aadsts::bad_challenge()),
        }
    }

    /// Checks `code_verifier` (AADSTS501481, 50148).
    pub(super) fn check(&self, verifier: Option<&str>) -> Result<(), EntraError> {
        let verifier = verifier
            .filter(|v| is_verifier(v))
            .ok_or_else(aadsts::bad_verifier)?;
        let fits = match self {
            Self::S256(challenge) => {
                let hash = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
                URL_SAFE_NO_PAD.encode(hash) == *challenge
            }
            Self::Plain(challenge) => verifier == challenge,
        };
        if fits {
            Ok(())
        } else {
            Err(aadsts::wrong_verifier())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636() {
        let challenge =
            Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", Some("S256")).unwrap();
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(challenge.check(Some(verifier)).is_ok());
        let code = |v: Option<&str>| challenge.check(v).unwrap_err().code;
        assert_eq!(code(Some(&verifier.replace('d', "e"))), 501_481);
        assert_eq!(code(Some("short")), 50_148);
        assert_eq!(code(None), 50_148);
    }

    #[test]
    fn challenges_have_a_shape() {
        let fine = "a".repeat(43);
        assert!(Challenge::parse(&fine, None).is_ok());
        assert!(Challenge::parse(&fine, Some("s256")).is_err());
        assert!(Challenge::parse("a", Some("S256")).is_err());
        assert!(Challenge::parse(&"a".repeat(129), Some("S256")).is_err());
    }
}
