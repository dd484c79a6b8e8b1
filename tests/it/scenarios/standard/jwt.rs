//! The JSON web tokens of the standards-only server (RFC 7515, 7519, 7523),
//! read and written by hand.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RsaKeyPair,
    UnparsedPublicKey,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

use super::server::base64url;

const SERVERS_KEY: &str = include_str!("../../../data/rsa-test-key.pem");
/// The second one also lies in a file under a passphrase.
const CLIENTS_KEYS: [&str; 2] = [include_str!("../../../data/app-key.pem"), SERVERS_KEY];

fn key(pem: &str) -> RsaKeyPair {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap()
}

fn now() -> u64 {
    let now = m365mon::model::Clock::system().now();
    now.as_second().unsigned_abs()
}

pub(super) fn sha256(text: &str) -> String {
    base64url(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref())
}

/// What OpenID Connect Core section 2 requires, and who it is.
pub(super) fn id_token(issuer: &str, client: &str, person: &str, nonce: Option<&str>) -> String {
    let nonce = nonce.map_or(String::new(), |nonce| format!(r#","nonce":"{nonce}""#));
    let claims = format!(
        r#"{{"preferred_username":"{person}","exp":{exp}.5,"aud":["{client}"],"iat":{iat}.25,
            "sub":"248289761001","iss":"{issuer}","acr":"1","email_verified":true{nonce}}}"#,
        exp = now() + 300,
        iat = now(),
    );
    let header = r#"{"kid":"2026/11","x5t":"AAAA","typ":"JWT","alg":"RS256","extra":{"a":[]}}"#;
    let signed = format!(
        "{}.{}",
        base64url(header.as_bytes()),
        base64url(claims.as_bytes())
    );
    let key = key(SERVERS_KEY);
    let mut signature = vec![0; key.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    key.sign(
        &RSA_PKCS1_SHA256,
        &random,
        signed.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{signed}.{}", base64url(&signature))
}

/// Header, claims, what is signed, and the signature.
fn parts(jwt: &str) -> Option<(Value, Value, &str, Vec<u8>)> {
    let (signed, signature) = jwt.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let json = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    Some((
        json(header)?,
        json(claims)?,
        signed,
        URL_SAFE_NO_PAD.decode(signature).ok()?,
    ))
}

/// RFC 7523 section 3, signed with the client's key by either RSA scheme.
pub(super) fn is_assertion(jwt: &str, tenant: &str, client: &str) -> bool {
    let Some((header, claims, signed, signature)) = parts(jwt) else {
        return false;
    };
    let algorithm = match header["alg"].as_str() {
        Some("PS256") => &RSA_PSS_2048_8192_SHA256,
        Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
        _ => return false,
    };
    let endpoint = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
    let by = |pem: &str| {
        let public = key(pem).public_key().as_ref().to_vec();
        UnparsedPublicKey::new(algorithm, public)
            .verify(signed.as_bytes(), &signature)
            .is_ok()
    };
    CLIENTS_KEYS.iter().any(|key| by(key))
        && claims["aud"] == *endpoint
        && claims["iss"] == client
        && claims["sub"] == client
        && claims["exp"].as_u64().is_some_and(|exp| exp > now())
        && claims["nbf"].as_u64().is_none_or(|nbf| nbf <= now())
}

/// Another provider's token: its key is the one below.
pub(super) fn is_federated(jwt: &str) -> bool {
    parts(jwt).is_some_and(|(_, claims, signed, signature)| {
        claims["sub"] == "m365mon"
            && UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, provider().public_key().as_ref())
                .verify(signed.as_bytes(), &signature)
                .is_ok()
    })
}

pub(super) fn federated() -> String {
    let claims = format!(r#"{{"sub":"m365mon","exp":{}}}"#, now() + 3600);
    let signed = format!(
        "{}.{}",
        base64url(br#"{"alg":"ES256"}"#),
        base64url(claims.as_bytes())
    );
    let random = ring::rand::SystemRandom::new();
    let signature = provider().sign(&random, signed.as_bytes()).unwrap();
    format!("{signed}.{}", base64url(signature.as_ref()))
}

/// The other provider; one for all tests of this process.
fn provider() -> EcdsaKeyPair {
    static KEY: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let random = ring::rand::SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        document.as_ref().to_vec()
    });
    let random = ring::rand::SystemRandom::new();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &KEY, &random).unwrap()
}

#[test]
fn a_token_of_its_own_is_sound() {
    let token = id_token("i", "c", "p", Some("n"));
    let (_, claims, signed, signature) = parts(&token).unwrap();
    assert_eq!(claims["nonce"], "n");
    let key = key(SERVERS_KEY);
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref())
        .verify(signed.as_bytes(), &signature)
        .unwrap();
    assert!(is_federated(&federated()) && !is_federated(&token));
}
