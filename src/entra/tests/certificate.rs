use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::script::*;
use crate::model::{AccountReason, AppCredential, CredentialKind, SignIn};

const KEY: &str = include_str!("../../../tests/data/rsa-test-key.pem");

fn certificate(year: i32) -> String {
    let key = rcgen::KeyPair::from_pem(KEY).unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["m365mon".into()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
    parameters.self_signed(&key).unwrap().pem()
}

/// The thumbprint that the last assertion named.
fn thumbprint(house: &House) -> String {
    let last = house.script.last();
    let header = last.get("client_assertion").split('.').next().unwrap();
    let header: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(header["alg"], "PS256");
    header["x5t#S256"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_pair_is_taken_over_when_it_matches_and_the_old_one_helps_until_then() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate_file, key_file) = (folder.path().join("cert"), folder.path().join("key"));
    std::fs::write(&certificate_file, certificate(2031)).unwrap();
    std::fs::write(&key_file, KEY).unwrap();
    let mut account = app_account();
    account.sign_in = SignIn::App(AppCredential::ClientCertificate {
        certificate_file: certificate_file.clone(),
        key_file,
        passphrase: None,
    });
    let house = House::new(account);
    house.configure();
    let end = |house: &House| house.ear.status.lock().clone().unwrap().deadlines[0];
    assert_eq!(end(&house).0, CredentialKind::ClientCertificate);
    assert!(end(&house).1.to_string().starts_with("2031"));
    house.ask().await.unwrap();
    let first = thumbprint(&house);

    // Half of a rotation: the certificate of another key.
    let other = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["other".into()]).unwrap();
    std::fs::write(
        &certificate_file,
        parameters.self_signed(&other).unwrap().pem(),
    )
    .unwrap();
    pass(3600).await;
    house.ask().await.unwrap();
    assert_eq!(thumbprint(&house), first, "the pair in memory goes on");

    // The whole of it, but Entra does not know it yet.
    std::fs::write(&certificate_file, certificate(2032)).unwrap();
    house
        .script
        .then(error(401, "invalid_client", 700_027))
        .then(token("old", 3600));
    let before = house.script.count();
    pass(3600).await;
    assert_eq!(house.ask().await.unwrap(), "old");
    assert_eq!(house.script.count(), before + 2);
    assert_eq!(thumbprint(&house), first);
    let ends = end(&house).1.to_string();
    assert!(
        ends.starts_with("2031"),
        "the one that works counts: {ends}"
    );

    // Each renewal tries the new one first, and the old one once.
    for answer in [
        token("old-again", 3600),
        error(401, "invalid_client", 700_027),
    ] {
        house
            .script
            .then(error(401, "invalid_client", 700_027))
            .then(answer);
    }
    let before = house.script.count();
    pass(56 * 60).await;
    assert_eq!(house.ask().await.unwrap(), "old-again");
    assert_eq!(house.script.count(), before + 2);
    pass(56 * 60).await;
    assert_eq!(
        house.script.count(),
        before + 4,
        "both refused, then a wait"
    );
    {
        let reports = house.ear.reports.lock();
        let problem = reports.last().unwrap().result.clone().unwrap_err();
        assert_eq!(problem.reason, AccountReason::Refused);
        assert!(problem.detail.contains("thumbprint is"), "{problem}");
        assert!(!problem.detail.contains(&hexadecimal(&first)), "{problem}");
    }

    // Entra knows it at last.
    pass(16 * 60).await;
    house.ask().await.unwrap();
    assert_ne!(thumbprint(&house), first);
    assert!(end(&house).1.to_string().starts_with("2032"));
}

fn hexadecimal(thumbprint: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(thumbprint).unwrap();
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_costs_one_more_request() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("both");
    std::fs::write(&file, format!("{KEY}{}", certificate(2031))).unwrap();
    let mut account = app_account();
    account.sign_in = SignIn::App(AppCredential::ClientCertificate {
        certificate_file: file.clone(),
        key_file: file,
        passphrase: None,
    });
    let house = House::new(account);
    house.configure();
    let refused = |date: &str| match error(401, "invalid_client", 700_024) {
        Act::Answer(status, body, mut headers) => {
            headers.push(("date", date.into()));
            Act::Answer(status, body, headers)
        }
        other => other,
    };
    let starts = |house: &House| {
        let last = house.script.last();
        let claims = last.get("client_assertion").split('.').nth(1).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        claims["nbf"].as_i64().unwrap()
    };
    // The house believes it is noon.
    house
        .script
        .then(refused("Tue, 24 Nov 2026 12:00:00 GMT"))
        .then(token("a", 60));
    assert_eq!(house.ask().await.unwrap(), "a");
    assert_eq!(house.script.count(), 2);
    let yesterday: crate::model::Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    assert_eq!(starts(&house), yesterday.as_second());

    // Where that does not help the refusal says it, and there is a wait.
    for _ in 0..2 {
        house.script.then(refused("Tue, 24 Nov 2026 12:00:00 GMT"));
    }
    pass(61).await;
    assert_eq!(house.ask().await.unwrap_err(), AccountReason::Refused);
    assert_eq!(house.script.count(), 4);
    let reports = house.ear.reports.lock();
    let problem = reports.last().unwrap().result.clone().unwrap_err();
    assert!(problem.detail.contains("s ahead of Entra's"), "{problem}");
}
