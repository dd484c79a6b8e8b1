//! Applications that sign in by themselves.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use m365mon::model::{Account, AccountReason, AppCredential, Audience, SecretSource, Story};
use m365mon_simulator::directory::{self as contoso, Certificate, FederatedCredential};
use m365mon_simulator::entra::metadata_router;
use ring::signature::KeyPair as _;
use tokio::net::TcpListener;

use super::cloud::{Cloud, graph, inline};
use crate::support::fixtures;
use crate::support::stack::until;

const KEY: &str = include_str!("../../../data/rsa-test-key.pem");

async fn ask(
    cloud: &Cloud,
    account: &Account,
    audience: &Audience,
) -> Result<String, (AccountReason, Option<u32>)> {
    let tokens = cloud.tokens(&[]);
    ask_of(&tokens, account, audience).await
}

async fn ask_of(
    tokens: &m365mon::entra::Tokens,
    account: &Account,
    audience: &Audience,
) -> Result<String, (AccountReason, Option<u32>)> {
    tokens
        .access_token(account, audience, &Story::untold())
        .await
        .map(|token| token.secret().expose().to_owned())
        .map_err(|problem| (problem.reason, problem.code))
}

#[tokio::test]
async fn client_secret() {
    let cloud = Cloud::start().await;
    let path = cloud.path("secret");
    let account = cloud.app(
        contoso::APP_CLIENT_ID,
        AppCredential::ClientSecret {
            secret: SecretSource::File(path.clone()),
            expires: None,
        },
    );
    let tokens = cloud.tokens(&[]);
    std::fs::write(&path, "wrong").unwrap();
    let refused = (AccountReason::Refused, Some(7_000_215));
    assert_eq!(
        ask_of(&tokens, &account, &graph()).await.unwrap_err(),
        refused
    );
    let secret = cloud.secret_of(contoso::APP_CLIENT_ID);
    std::fs::write(&path, format!("{}\n", secret.expose())).unwrap();
    // A changed file is noticed within a second.
    let token = until("the new secret is noticed", async || {
        ask_of(&tokens, &account, &graph())
            .await
            .inspect_err(|problem| assert_eq!(*problem, refused))
    })
    .await;
    let claims = cloud.tenant.tokens.verify(&token).unwrap();
    assert!(claims.app_only());
    assert!(claims.takes_challenges());
    assert_eq!(cloud.requests(), 2);
}

/// A certificate of the test key, in a PEM with it, and as it is registered.
pub(super) fn certificate() -> (String, Certificate) {
    let key = rcgen::KeyPair::from_pem(KEY).unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["m365mon".into()]).unwrap();
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2060, 1, 1);
    let certificate = parameters.self_signed(&key).unwrap();
    let pair = ring::signature::RsaKeyPair::from_pkcs8(key.serialized_der()).unwrap();
    let registered = Certificate {
        der: certificate.der().to_vec(),
        rsa_public_key: pair.public_key().as_ref().to_vec(),
        starts: "2020-01-01T00:00:00Z".parse().unwrap(),
        ends: "2060-01-01T00:00:00Z".parse().unwrap(),
    };
    (format!("{KEY}{}", certificate.pem()), registered)
}

#[tokio::test]
async fn client_certificate() {
    let cloud = Cloud::start().await;
    let (pem, registered) = certificate();
    let path = cloud.path("cert.pem");
    std::fs::write(&path, pem).unwrap();
    let account = cloud.app(
        contoso::CERTIFICATE_CLIENT_ID,
        AppCredential::ClientCertificate {
            certificate_file: path.clone(),
            key_file: path,
            passphrase: None,
        },
    );
    let problem = ask(&cloud, &account, &graph()).await.unwrap_err();
    assert_eq!(
        problem,
        (AccountReason::Refused, Some(700_027)),
        "not registered yet"
    );
    cloud
        .tenant
        .directory
        .write()
        .application_mut(contoso::CERTIFICATE_CLIENT_ID)
        .unwrap()
        .certificates
        .push(registered);
    for audience in [graph(), Audience::sharepoint(contoso::SHAREPOINT_HOST)] {
        let token = ask(&cloud, &account, &audience).await.unwrap();
        cloud.tenant.tokens.verify(&token).unwrap();
    }
}

#[tokio::test]
async fn workload_identity() {
    let cloud = Cloud::start().await;
    let rng = ring::rand::SystemRandom::new();
    let algorithm = &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = ring::signature::EcdsaKeyPair::generate_pkcs8(algorithm, &rng).unwrap();
    let key =
        ring::signature::EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &rng).unwrap();
    cloud
        .tenant
        .directory
        .write()
        .application_mut(contoso::CERTIFICATE_CLIENT_ID)
        .unwrap()
        .federated
        .push(FederatedCredential {
            issuer: "https://cluster.contoso.com".into(),
            subject: "system:serviceaccount:monitoring:m365mon".into(),
            audience: "api://AzureADTokenExchange".into(),
            public_key: key.public_key().as_ref().to_vec(),
        });
    let token_file = cloud.path("token");
    let write = |subject: &str| {
        let now = cloud.tenant.clock.epoch();
        let claims = serde_json::json!({
            "iss": "https://cluster.contoso.com", "sub": subject,
            "aud": "api://AzureADTokenExchange", "iat": now, "nbf": now, "exp": now + 3600,
        });
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","typ":"JWT"}"#),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = key.sign(&rng, signed.as_bytes()).unwrap();
        let token = format!("{signed}.{}\n", URL_SAFE_NO_PAD.encode(signature.as_ref()));
        std::fs::write(&token_file, token).unwrap();
    };
    let account = cloud.app(
        contoso::CERTIFICATE_CLIENT_ID,
        AppCredential::WorkloadIdentity {
            token_file: token_file.clone(),
        },
    );
    let problem = ask(&cloud, &account, &graph()).await.unwrap_err();
    assert_eq!(problem, (AccountReason::Internal, None), "no file yet");
    write("system:serviceaccount:monitoring:other");
    let (reason, code) = ask(&cloud, &account, &graph()).await.unwrap_err();
    assert_eq!(reason, AccountReason::Refused);
    assert!(matches!(code, Some(70_021 | 700_213)), "{code:?}");
    write("system:serviceaccount:monitoring:m365mon");
    let token = ask(&cloud, &account, &graph()).await.unwrap();
    cloud.tenant.tokens.verify(&token).unwrap();
}

#[tokio::test]
async fn managed_identity() {
    let cloud = Cloud::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let router = metadata_router(Arc::clone(&cloud.tenant));
    tokio::spawn(async move { axum::serve(listener, router).await });
    for client_id in [None, Some(contoso::IDENTITY_CLIENT_ID)] {
        let account = fixtures::managed_identity("contoso", client_id);
        let tokens = cloud.tokens(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &root)]);
        let token = ask_of(&tokens, &account, &graph()).await.unwrap();
        cloud.tenant.tokens.verify(&token).unwrap();
        let refused = tokens
            .access_token(&account, &graph(), &Story::untold())
            .await
            .unwrap();
        let replaced = tokens
            .replace_refused(&account, &graph(), &refused, None, &Story::untold())
            .await;
        assert!(replaced.is_none(), "the platform would give the same token");
    }
    let other = fixtures::managed_identity("contoso", Some("22222222-aaaa-4000-8000-000000000009"));
    let tokens = cloud.tokens(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &root)]);
    let problem = ask_of(&tokens, &other, &graph()).await.unwrap_err();
    assert_eq!(problem, (AccountReason::Refused, None));
}

#[tokio::test]
async fn a_tenant_and_an_application_that_are_not_there() {
    let cloud = Cloud::start().await;
    let secret = cloud.secret_of(contoso::APP_CLIENT_ID);
    let mut account = cloud.app(contoso::APP_CLIENT_ID, inline(secret));
    account.tenant = m365mon::model::Tenant::parse("contoso2.onmicrosoft.com");
    let problem = ask(&cloud, &account, &graph()).await.unwrap_err();
    assert_eq!(problem, (AccountReason::Refused, Some(90_002)));
    // A tenant of another cloud is named as such.
    {
        let mut directory = cloud.tenant.directory.write();
        let mut elsewhere = directory.organization(contoso::DOMAIN).unwrap().clone();
        elsewhere.id = "5f8f4a3c-8a3e-4f0e-9a57-0c0a7c1d2bff".into();
        elsewhere.domains = vec!["contoso.onmicrosoft.us".into()];
        elsewhere.cloud = m365mon_simulator::directory::Cloud::GccHigh;
        directory.add_organization(elsewhere);
    }
    account.tenant = m365mon::model::Tenant::parse("contoso.onmicrosoft.us");
    let tokens = cloud.tokens(&[]);
    let problem = tokens
        .access_token(&account, &graph(), &Story::untold())
        .await
        .unwrap_err();
    assert!(
        problem.detail.ends_with("set `cloud: gcc_high`"),
        "{problem}"
    );

    account.tenant = m365mon::model::Tenant::parse(contoso::DOMAIN);
    account.client_id = Some("22222222-aaaa-4000-8000-000000000009".into());
    let problem = ask(&cloud, &account, &graph()).await.unwrap_err();
    assert_eq!(problem, (AccountReason::Refused, Some(700_016)));
}
