//! Access tokens of the simulated cloud: JWTs with the claims that Microsoft's
//! carry, signed with ES256 by a key made for this run. Entra mints them,
//! Graph and SharePoint verify them; clients must not look inside.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};

use super::clock::AdjustableClock;

/// Entra writes `iat` and `nbf` this many seconds into the past, so that a
/// client's or server's clock may be off.
pub const BACKDATED: i64 = 300;

/// What a token says (PROTOCOL section 2.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The resource: `https://graph.microsoft.com`, `https://contoso.sharepoint.com`.
    pub aud: String,
    /// `https://sts.windows.net/{tid}/`.
    pub iss: String,
    /// Issued, seconds since 1970; see [`BACKDATED`].
    pub iat: i64,
    /// Not before.
    pub nbf: i64,
    /// Not after.
    pub exp: i64,
    /// Tenant GUID.
    pub tid: String,
    /// Object id of the person or the service principal.
    pub oid: String,
    /// The same, pairwise for people in truth.
    pub sub: String,
    /// Client id.
    pub appid: String,
    /// How the client proved itself: `0` not at all, `1` secret, `2` certificate or assertion.
    pub appidacr: String,
    /// `app` or `user`.
    pub idtyp: String,
    /// Delegated permissions, separated by spaces; people's tokens only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scp: Option<String>,
    /// Application permissions; may be absent although the token is app-only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub roles: Option<Vec<String>>,
    /// User principal name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upn: Option<String>,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unique_name: Option<String>,
    /// As people see it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// The application's name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub app_displayname: Option<String>,
    /// `["cp1"]` from a client that understands claims challenges.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub xms_cc: Option<Vec<String>>,
    /// Unique.
    pub uti: String,
    /// `1.0` for Graph and SharePoint.
    pub ver: String,
}

impl Claims {
    /// True for the token of an application without a person.
    #[must_use]
    pub fn app_only(&self) -> bool {
        self.idtyp == "app"
    }

    /// True for a client that understands claims challenges.
    #[must_use]
    pub fn takes_challenges(&self) -> bool {
        self.xms_cc
            .as_ref()
            .is_some_and(|values| values.iter().any(|v| v == "cp1"))
    }

    /// True if any of `permissions` is among the delegated scopes.
    #[must_use]
    pub fn has_scope(&self, permissions: &[&str]) -> bool {
        self.scp
            .as_deref()
            .is_some_and(|scp| scp.split(' ').any(|s| permissions.contains(&s)))
    }

    /// True if any of `permissions` is among the application permissions.
    #[must_use]
    pub fn has_role(&self, permissions: &[&str]) -> bool {
        self.roles
            .as_ref()
            .is_some_and(|roles| roles.iter().any(|r| permissions.contains(&r.as_str())))
    }
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three parts of base64 and JSON.
    #[error("malformed")]
    Malformed,
    /// Not signed by this cloud.
    #[error("bad signature")]
    Signature,
    /// `nbf` is ahead.
    #[error("not yet valid")]
    Early,
    /// `exp` has passed.
    #[error("expired")]
    Expired,
    /// Taken back by hand.
    #[error("revoked")]
    Revoked,
}

/// Mints and verifies.
pub struct Tokens {
    clock: AdjustableClock,
    key: EcdsaKeyPair,
    key_id: String,
    random: SystemRandom,
    /// Verified before: signatures cost a hundred microseconds each.
    known: RwLock<HashMap<Box<str>, Arc<Claims>>>,
    revoked: RwLock<Revoked>,
    /// Those of the latest second in which any were minted, by `uti`: issue
    /// times are whole seconds.
    latest: RwLock<(i64, Vec<String>)>,
}

#[derive(Default)]
struct Revoked {
    /// By `uti`.
    tokens: HashMap<String, ()>,
    /// By object id: tokens issued before this moment (seconds since 1970) are
    /// answered with a claims challenge.
    subjects: HashMap<String, i64>,
    /// All tokens issued before this moment are refused.
    before: i64,
}

const MOST_KNOWN: usize = 10_000;

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

/// The system gave no randomness, or the key could not be used.
#[derive(Debug, thiserror::Error)]
#[error("could not make a signing key")]
pub struct KeyError;

impl Tokens {
    /// Makes a key.
    pub fn new(clock: AdjustableClock) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| KeyError)?;
        let key =
            EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).map_err(|_| KeyError)?;
        let hash = ring::digest::digest(&ring::digest::SHA256, key.public_key().as_ref());
        Ok(Self {
            clock,
            key_id: URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]),
            key,
            random,
            known: RwLock::default(),
            revoked: RwLock::default(),
            latest: RwLock::default(),
        })
    }

    /// An access token.
    #[must_use]
    pub fn mint(&self, claims: &Claims) -> String {
        let now = self.clock.epoch();
        let mut latest = self.latest.write();
        if latest.0 != now {
            *latest = (now, Vec::new());
        }
        latest.1.push(claims.uti.clone());
        drop(latest);
        self.sign(claims)
    }

    /// A signed JWT with any payload, for id tokens.
    #[must_use]
    pub fn sign(&self, payload: &impl Serialize) -> String {
        let header = serde_json::json!({"typ": "JWT", "alg": "ES256", "kid": self.key_id});
        let payload = serde_json::to_vec(payload).unwrap_or_default();
        let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        if let Ok(signature) = self.key.sign(&self.random, token.as_bytes()) {
            token.push('.');
            URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        }
        token
    }

    /// The public key as a JWK (RFC 7517), for the key endpoint.
    #[must_use]
    pub fn public_jwk(&self) -> serde_json::Value {
        // An uncompressed point: 4, x, y.
        let point = self.key.public_key().as_ref();
        serde_json::json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.key_id,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
            "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        })
    }

    /// Reads a token that this cloud minted and that is valid now. Whether it
    /// is for the right audience, and whether its owner's sessions were
    /// revoked, is for the caller to ask.
    pub fn verify(&self, token: &str) -> Result<Arc<Claims>, TokenError> {
        let known = self.known.read().get(token).cloned();
        let claims = match known {
            Some(claims) => claims,
            None => self.read(token)?,
        };
        let now = self.clock.epoch();
        if now < claims.nbf {
            return Err(TokenError::Early);
        }
        if now >= claims.exp {
            return Err(TokenError::Expired);
        }
        let revoked = self.revoked.read();
        if revoked.tokens.contains_key(&claims.uti) || claims.iat + BACKDATED < revoked.before {
            return Err(TokenError::Revoked);
        }
        Ok(claims)
    }

    fn read(&self, token: &str) -> Result<Arc<Claims>, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (_, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let decode = |part: &str| {
            URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|_| TokenError::Malformed)
        };
        let payload = decode(payload)?;
        let signature = decode(signature)?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| TokenError::Malformed)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.public_key())
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| TokenError::Signature)?;
        let claims = Arc::new(claims);
        let mut known = self.known.write();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(token.into(), Arc::clone(&claims));
        Ok(claims)
    }

    /// Takes one token back, by its `uti`; it is refused from now on.
    pub fn revoke(&self, uti: &str) {
        self.revoked.write().tokens.insert(uti.to_owned(), ());
    }

    /// Refuses every token minted until now.
    pub fn revoke_all(&self) {
        let mut revoked = self.revoked.write();
        revoked.before = self.clock.epoch();
        let latest = self.latest.read();
        if latest.0 == revoked.before {
            let those = latest.1.iter().map(|uti| (uti.clone(), ()));
            revoked.tokens.extend(those);
        }
    }

    /// A critical event of continuous access evaluation:
    /// tokens of this person or service principal (object id) minted until now
    /// are answered with a claims challenge where the client takes one.
    pub fn revoke_subject(&self, oid: &str) {
        let now = self.clock.epoch();
        let mut revoked = self.revoked.write();
        revoked.subjects.insert(oid.to_ascii_lowercase(), now);
    }

    /// If the token must be answered with a claims challenge: the `nbf` to ask
    /// for. Tokens of clients that take none stay valid until they end, as at
    /// Microsoft.
    #[must_use]
    pub fn challenge(&self, claims: &Claims) -> Option<i64> {
        if !claims.takes_challenges() {
            return None;
        }
        let revoked = self.revoked.read();
        let since = *revoked.subjects.get(&claims.oid.to_ascii_lowercase())?;
        // Entra answers a challenge with an `nbf` that satisfies it.
        let issued = claims.nbf.max(claims.iat + BACKDATED);
        (issued <= since && claims.nbf < since).then_some(since)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use m365mon_base::Clock;

    fn claims(now: i64) -> Claims {
        Claims {
            aud: "https://graph.microsoft.com".into(),
            iss: "https://sts.windows.net/t/".into(),
            iat: now - BACKDATED,
            nbf: now - BACKDATED,
            exp: now + 3600,
            tid: "t".into(),
            oid: "o".into(),
            sub: "o".into(),
            appid: "a".into(),
            appidacr: "1".into(),
            idtyp: "app".into(),
            scp: None,
            roles: Some(vec!["Sites.Read.All".into()]),
            upn: None,
            unique_name: None,
            name: None,
            app_displayname: None,
            xms_cc: Some(vec!["cp1".into()]),
            uti: "u".into(),
            ver: "1.0".into(),
        }
    }

    #[test]
    fn mints_what_it_verifies() {
        let clock = AdjustableClock::new(Clock::system());
        let tokens = Tokens::new(clock.clone()).unwrap();
        let claims = claims(clock.epoch());
        let token = tokens.mint(&claims);
        assert_eq!(*tokens.verify(&token).unwrap(), claims);
        assert_eq!(*tokens.verify(&token).unwrap(), claims);
        let other = Tokens::new(clock.clone()).unwrap();
        assert_eq!(other.verify(&token), Err(TokenError::Signature));
        assert_eq!(tokens.verify("a.b"), Err(TokenError::Malformed));
        assert_eq!(tokens.verify("opaque"), Err(TokenError::Malformed));
        clock.advance(Duration::from_secs(3600));
        assert_eq!(tokens.verify(&token), Err(TokenError::Expired));
    }

    #[test]
    fn revocation() {
        let clock = AdjustableClock::new(Clock::system());
        let tokens = Tokens::new(clock.clone()).unwrap();
        let mut claims = claims(clock.epoch());
        let token = tokens.mint(&claims);
        assert_eq!(tokens.challenge(&claims), None);
        tokens.revoke_subject("O");
        assert!(tokens.challenge(&claims).is_some());
        assert!(tokens.verify(&token).is_ok());
        claims.xms_cc = None;
        assert_eq!(tokens.challenge(&claims), None);
        tokens.revoke("u");
        assert_eq!(tokens.verify(&token), Err(TokenError::Revoked));
    }
}
