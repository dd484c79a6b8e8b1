//! Client assertions: by certificate and by another identity provider.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use m365mon_simulator::directory::{FederatedCredential, TENANT_ID};
use m365mon_simulator::entra::Policy;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use serde_json::{Value, json};

use super::support::{Answer, CONFIDENTIAL, Entra, GRAPH, certificate, days, start};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ENDPOINT: &str =
    "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token";

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn sign_rsa(key: &RsaKeyPair, header: &Value, claims: &Value) -> String {
    let encoding: &dyn RsaEncoding = if header["alg"] == "PS256" {
        &RSA_PSS_SHA256
    } else {
        &RSA_PKCS1_SHA256
    };
    let text = unsigned(header, claims);
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        encoding,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn ask(entra: &Entra, assertion: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CONFIDENTIAL),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
        ("scope", GRAPH),
    ];
    entra.token(&form).await
}

fn thumbprint(algorithm: &'static ring::digest::Algorithm, der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(algorithm, der))
}

fn claims() -> Value {
    let now = start().as_second();
    json!({
        "aud": ENDPOINT, "iss": CONFIDENTIAL, "sub": CONFIDENTIAL, "jti": "one",
        "nbf": now, "iat": now, "exp": now + 600,
    })
}

fn with(mut value: Value, name: &str, other: impl Into<Value>) -> Value {
    value[name] = other.into();
    value
}

fn without(mut value: Value, name: &str) -> Value {
    value.as_object_mut().unwrap().remove(name);
    value
}

#[tokio::test]
async fn a_certificate_proves_the_application() {
    let entra = Entra::new();
    let (key, certificate) = certificate();
    let der = certificate.der.clone();
    let sha256 = thumbprint(&ring::digest::SHA256, &der);
    let sha1 = thumbprint(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &der);
    let modern = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": sha256});
    let older = json!({"alg": "RS256", "typ": "JWT", "x5t": sha1});
    let now = start().as_second();

    // Nothing registered yet: the refusal names the thumbprint.
    let answer = ask(&entra, &sign_rsa(&key, &older, &claims())).await;
    assert_eq!((answer.status, answer.code()), (401, 700_027));
    let hex: String = URL_SAFE_NO_PAD
        .decode(&sha1)
        .unwrap()
        .iter()
        .map(|b| format!("{b:02X}"))
        .collect();
    assert!(answer.text.contains(&hex), "{}", answer.text);
    assert!(answer.text.contains("The key was not found"));
    entra.change(|directory| {
        let app = directory.application_mut(CONFIDENTIAL).unwrap();
        app.certificates.push(certificate);
    });
    let answer = ask(&entra, &sign_rsa(&key, &modern, &claims())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(entra.claims(&answer).appidacr, "2");
    // Until a policy minds, the same assertion serves again.
    for header in [&modern, &older] {
        assert_eq!(
            ask(&entra, &sign_rsa(&key, header, &claims())).await.status,
            200
        );
    }

    let guid = format!("https://login.microsoftonline.com/{TENANT_ID}/oauth2/v2.0/token");
    let table: Vec<(&str, Value, Value, u64)> = vec![
        (
            "GUID endpoint",
            modern.clone(),
            with(claims(), "aud", guid),
            0,
        ),
        (
            "numbers as strings",
            modern.clone(),
            with(
                with(claims(), "exp", (now + 600).to_string()),
                "nbf",
                now.to_string(),
            ),
            0,
        ),
        (
            "another endpoint",
            modern.clone(),
            with(
                claims(),
                "aud",
                "https://login.microsoftonline.us/x/oauth2/v2.0/token",
            ),
            700_023,
        ),
        (
            "no audience",
            modern.clone(),
            without(claims(), "aud"),
            700_023,
        ),
        (
            "other issuer",
            modern.clone(),
            with(claims(), "iss", "x"),
            700_021,
        ),
        (
            "other subject",
            modern.clone(),
            with(claims(), "sub", "x"),
            700_021,
        ),
        (
            "expired",
            modern.clone(),
            with(claims(), "exp", now - 301),
            700_024,
        ),
        (
            "a little expired",
            modern.clone(),
            with(claims(), "exp", now - 60),
            0,
        ),
        (
            "early",
            modern.clone(),
            with(claims(), "nbf", now + 301),
            700_024,
        ),
        ("no end", modern.clone(), without(claims(), "exp"), 50_012),
        ("no jti", modern.clone(), without(claims(), "jti"), 50_012),
        (
            "no thumbprint",
            without(modern.clone(), "x5t#S256"),
            claims(),
            5_002_723,
        ),
        (
            "no algorithm",
            with(modern.clone(), "alg", "none"),
            claims(),
            5_002_730,
        ),
        (
            "other algorithm",
            with(modern.clone(), "alg", "HS256"),
            claims(),
            5_002_730,
        ),
    ];
    for (what, header, claims, code) in table {
        let answer = ask(&entra, &sign_rsa(&key, &header, &claims)).await;
        let got = if answer.status == 200 {
            0
        } else {
            answer.code()
        };
        assert_eq!(got, code, "{what}: {}", answer.text);
    }

    let mut forged = sign_rsa(&key, &modern, &claims());
    let other = sign_rsa(&key, &modern, &with(claims(), "jti", "two"));
    let signature = other.rsplit('.').next().unwrap();
    forged.truncate(forged.rfind('.').unwrap() + 1);
    forged.push_str(signature);
    let answer = ask(&entra, &forged).await;
    assert_eq!(answer.code(), 700_027);
    assert!(answer.text.contains("verify the signature failed"));
    // Signed with one padding, said to be the other.
    let mut padded = unsigned(&with(older.clone(), "alg", "PS256"), &claims());
    let pkcs1 = sign_rsa(&key, &older, &claims());
    padded.push('.');
    padded.push_str(pkcs1.rsplit('.').next().unwrap());
    assert_eq!(ask(&entra, &padded).await.code(), 700_027);
    assert_eq!(ask(&entra, "a.b.c").await.code(), 50_027);

    entra.tenant.entra.set_policy(Policy {
        assertions_once: true,
        ..Policy::default()
    });
    let fresh = sign_rsa(&key, &modern, &with(claims(), "jti", "three"));
    assert_eq!(ask(&entra, &fresh).await.status, 200);
    assert_eq!(ask(&entra, &fresh).await.code(), 50_012);
}

#[tokio::test]
async fn a_certificate_has_its_time_and_strength() {
    let entra = Entra::new();
    let (key, certificate) = certificate();
    let sha256 = thumbprint(&ring::digest::SHA256, &certificate.der);
    let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": sha256});
    let register = |change: &dyn Fn(&mut m365mon_simulator::directory::Certificate)| {
        let mut certificate = certificate.clone();
        change(&mut certificate);
        let mut directory = entra.tenant.directory.write();
        let app = directory.application_mut(CONFIDENTIAL).unwrap();
        app.certificates = vec![certificate];
    };
    let token = sign_rsa(&key, &header, &claims());
    register(&|c| c.ends = start());
    let answer = ask(&entra, &token).await;
    assert_eq!(answer.code(), 700_027);
    assert!(answer.text.contains("The key used is expired"));
    register(&|c| c.starts = start() + days(1));
    assert_eq!(ask(&entra, &token).await.code(), 1_000_502);
    register(&|c| c.rsa_public_key.truncate(140));
    assert_eq!(ask(&entra, &token).await.code(), 50_032);
}

#[tokio::test]
async fn another_provider_is_trusted_as_registered() {
    let entra = Entra::new();
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
    let (rsa, _) = certificate();
    let issuer = "https://kubernetes.contoso.com";
    let subject = "system:serviceaccount:monitoring:m365mon";
    let audience = "api://AzureADTokenExchange";
    let now = start().as_second();
    let claims = json!({
        "iss": issuer, "sub": subject, "aud": [audience], "exp": now + 3600, "iat": now,
    });
    let sign = |claims: &Value| {
        let text = unsigned(&json!({"alg": "ES256", "kid": "k"}), claims);
        let signature = key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let answer = ask(&entra, &sign(&claims)).await;
    assert_eq!(
        (answer.code(), answer.error().as_str()),
        (70_021, "invalid_request")
    );
    assert!(answer.text.contains(issuer) && answer.text.contains(subject));
    let credential = FederatedCredential {
        issuer: issuer.into(),
        subject: subject.into(),
        audience: audience.into(),
        public_key: key.public_key().as_ref().to_vec(),
    };
    let with_rsa = FederatedCredential {
        issuer: "https://token.actions.contoso.com".into(),
        public_key: rsa.public_key().as_ref().to_vec(),
        ..credential.clone()
    };
    entra.change(|directory| {
        let app = directory.application_mut(CONFIDENTIAL).unwrap();
        app.federated = vec![credential, with_rsa];
    });
    for (what, claims, code) in [
        ("as registered", claims.clone(), 0),
        ("one audience", with(claims.clone(), "aud", audience), 0),
        (
            "issuer",
            with(claims.clone(), "iss", "https://Kubernetes.contoso.com"),
            700_211,
        ),
        (
            "audience",
            with(claims.clone(), "aud", "api://other"),
            700_212,
        ),
        (
            "subject",
            with(claims.clone(), "sub", "system:serviceaccount:x:y"),
            700_213,
        ),
        ("expired", with(claims.clone(), "exp", now - 3600), 700_024),
    ] {
        let answer = ask(&entra, &sign(&claims)).await;
        let got = if answer.status == 200 {
            0
        } else {
            answer.code()
        };
        assert_eq!(got, code, "{what}: {}", answer.text);
    }
    let other = with(claims.clone(), "iss", "https://token.actions.contoso.com");
    let token = sign_rsa(&rsa, &json!({"alg": "RS256"}), &other);
    assert_eq!(ask(&entra, &token).await.status, 200);
    // Its own key, and the other one's.
    assert_eq!(ask(&entra, &sign(&other)).await.code(), 5_002_730);
    // One letter is no base64 at all.
    let signed = sign(&claims);
    let forged = format!("{}.x", signed.rsplit_once('.').unwrap().0);
    assert_eq!(ask(&entra, &forged).await.code(), 50_027);
    let moved = sign(&with(claims.clone(), "iat", now - 1));
    let signature = moved.rsplit('.').next().unwrap();
    let text = unsigned(&json!({"alg": "ES256", "kid": "k"}), &claims);
    assert_eq!(
        ask(&entra, &format!("{text}.{signature}")).await.code(),
        7_000_274
    );
}
