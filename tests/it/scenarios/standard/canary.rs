//! Nothing that must stay secret is seen anywhere, in any spelling: the server
//! knows all that it gave out and all that came as a proof.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::server::{ASSERTING, CONFIDENTIAL, PUBLIC, SECRET, STEVE, Server, Spelling};
use super::{account, jwt, login, site, wait_for};
use crate::support::stack::{Process, eventually, http};

/// The spellings in which a secret could hide in a text.
fn spellings(secret: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(text) = std::str::from_utf8(secret) {
        found.push(text.to_owned());
        found.push(url::form_urlencoded::byte_serialize(secret).collect());
        let json = serde_json::to_string(text).unwrap();
        found.push(json.trim_matches('"').to_owned());
        found.push(
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('"', "&quot;"),
        );
        // As the templates of our pages do.
        found.push(
            text.replace('&', "&#38;")
                .replace('<', "&#60;")
                .replace('>', "&#62;")
                .replace('"', "&#34;")
                .replace('\'', "&#39;"),
        );
    }
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    found.extend([hex.to_uppercase(), hex]);
    // As a list of numbers, which is how bytes are printed by mistake.
    let list: Vec<_> = secret.iter().map(u8::to_string).collect();
    found.push(list.join(", "));
    // Wherever in a text that was encoded as a whole: what depends on its
    // neighbours is cut off.
    for before in 0..3 {
        let padded = [&vec![0; before][..], secret].concat();
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            let begin = [0, 2, 3][before];
            let end = encoded.len() - usize::from(padded.len() % 3 != 0);
            found.push(encoded[begin..end].to_owned());
        }
    }
    found
}

fn search(secrets: &[Vec<u8>], seen: &[(String, String)]) {
    for secret in secrets {
        for spelling in spellings(secret) {
            for (place, text) in seen {
                assert!(!text.contains(&spelling), "{spelling:?} is in {place}");
            }
        }
    }
}

#[test]
fn the_search_finds() {
    let text = "refresh 7 <~+&%=\"\\>";
    for before in ["", "a", "ab", "abc"] {
        let hidden = format!("{before}{text}tail");
        for shown in [
            hidden.clone(),
            STANDARD_NO_PAD.encode(&hidden),
            URL_SAFE_NO_PAD.encode(&hidden),
            format!("{:?}", hidden.as_bytes()),
            serde_json::to_string(&hidden).unwrap(),
        ] {
            let found = spellings(text.as_bytes())
                .iter()
                .any(|spelling| shown.contains(spelling));
            assert!(found, "{shown}");
        }
    }
}

#[test]
fn nothing_secret_is_seen_anywhere() {
    let server = Server::start(Spelling::Odd, 6);
    let write = |name: &str, text: &str| std::fs::write(server.path().join(name), text).unwrap();
    write("secret", SECRET);
    write("passphrase", PASSPHRASE);
    write(
        "key.pem",
        include_str!("../../../data/rsa-test-key-passphrase.pem"),
    );
    let key = rcgen::KeyPair::from_pem(include_str!("../../../data/rsa-test-key.pem")).unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["m365mon".into()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(2060, 1, 1);
    write("cert.pem", &parameters.self_signed(&key).unwrap().pem());
    write("token", &jwt::federated());
    let person = format!("delegated: {{username: {STEVE}}}");
    let accounts = [
        account(
            "secret",
            CONFIDENTIAL,
            "client_secret: {secret_file: secret}",
        ),
        account(
            "certificate",
            ASSERTING,
            "client_certificate: {certificate_file: cert.pem, key_file: key.pem, \
             key_passphrase_file: passphrase}",
        ),
        account(
            "workload",
            ASSERTING,
            "workload_identity: {token_file: token}",
        ),
        account("steve", PUBLIC, &person),
        account(
            "inline",
            CONFIDENTIAL,
            "client_secret: {secret: wrong-0123456789}",
        ),
    ];
    let names = ["secret", "certificate", "workload", "steve", "inline"];
    let resources = names.map(|name| site(name, name, ""));
    let file = server.configuration(&accounts.concat(), &resources.concat());
    let mut seen = vec![
        ("login".to_owned(), login(&server, &file, "steve", false)),
        ("login".to_owned(), login(&server, &file, "steve", true)),
    ];
    let (exporter, address) = Process::serve(&file, &["--log.level=trace"]);
    for name in &names[..4] {
        wait_for(
            address,
            &format!("m365_resource_up{{resource=\"{name}\""),
            |up| up == 1.0,
        );
    }
    // Refusals are where proofs would show.
    for error in ["temporarily_unavailable", "server_error"] {
        for client in [CONFIDENTIAL, ASSERTING, PUBLIC] {
            server.refuse(client, 400, error);
        }
    }
    eventually("several renewals", || {
        (server.requests().len() > 20).then_some(())
    });
    let debug = "/probe?resource=steve&debug=true";
    for path in [
        "/",
        "/metrics",
        "/sd",
        "/config",
        "/api/v1/resources",
        "/api/v1/accounts",
        "/resources/steve",
        "/accounts/steve",
        "/accounts/secret",
        "/accounts/certificate",
        "/accounts/steve/sign-in",
        "/accounts/steve/approval",
        "/auth/callback?code=nobody&state=knows",
        "/probe?resource=secret",
        "/probe?resource=certificate&debug=true",
        debug,
    ] {
        let accept = [("Accept", "*/*")];
        let (_, head, body) = http(address, "GET", path, &accept, "").unwrap();
        seen.push((path.to_owned(), head + &body));
    }
    let story = &seen.iter().find(|(path, _)| path == debug).unwrap().1;
    assert!(story.contains("verdict"), "{story}");
    for word in ["tokens", "check-config"] {
        let mut command = Process::m365mon(&[word, "--config.file", file.to_str().unwrap()]);
        command.exit_code();
        seen.push((word.to_owned(), command.output()));
    }
    let log = exporter.output();
    assert!(
        log.contains("level=trace"),
        "the log is at its most talkative"
    );
    seen.push(("the log".to_owned(), log));
    let read = |name: &str| std::fs::read_to_string(server.path().join(name)).unwrap();
    seen.push(("the store".to_owned(), read("m365mon.tokens")));

    let mut secrets: Vec<Vec<u8>> = server
        .secrets()
        .into_iter()
        .map(String::into_bytes)
        .collect();
    assert!(secrets.len() > 25, "{}", secrets.len());
    let key = read("m365mon.key");
    secrets.extend([
        base64::engine::general_purpose::STANDARD
            .decode(key.trim())
            .unwrap(),
        key.trim().as_bytes().to_vec(),
        PASSPHRASE.as_bytes().to_vec(),
        b"wrong-0123456789".to_vec(),
        SECRET.as_bytes().to_vec(),
        read("token").into_bytes(),
    ]);
    search(&secrets, &seen);
}

const PASSPHRASE: &str = "canary horse <4711>";
