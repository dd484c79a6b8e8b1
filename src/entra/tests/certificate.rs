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
async fn a_pair_is_taken_over_when_it_matches_and_the_old_one_helps_once() {
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
    let end = |house: &House| house.ear.standing.lock().clone().unwrap().deadlines[0];
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
    assert!(end(&house).1.to_string().starts_with("2032"));

    // Only once.
    house.script.then(error(401, "invalid_client", 700_027));
    pass(51 * 60).await;
    assert_eq!(house.ask().await.unwrap_err(), AccountReason::Refused);
    assert_ne!(thumbprint(&house), first);
    let reports = house.ear.reports.lock();
    let problem = reports.last().unwrap().result.clone().unwrap_err();
    assert!(problem.detail.contains("thumbprint is"), "{problem}");
}
