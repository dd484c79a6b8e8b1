//! What a sign-in leaves in the log.

use super::entra::{Person, Says};
use super::stage::{APPROVAL, Begun, FORM, SIGN_IN, token_of, upn};
use crate::support::raw::{request, request_with};
use crate::support::tenant;

/// The binary at its most talkative: no code, state, cookie or token of a
/// sign-in in the log or on a page.
#[tokio::test]
async fn nothing_of_a_sign_in_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let pair = tokio::task::spawn_blocking(move || {
        tenant::pair(&path, &["--log.level=trace"], |control| {
            let user = upn("steve");
            let json = format!("{{\"user\": \"{user}\", \"password\": \"canary-91f2\"}}");
            tenant::tell(control, "/users", &json);
        })
    })
    .await
    .unwrap();
    let none = std::collections::BTreeMap::new();
    let file = folder.path().join("tenant/m365mon.yml");
    let loaded = m365mon::config::load(&file, &none).unwrap();
    let person = Person::new(&loaded.configuration.http, "steve", "canary-91f2");

    let host = format!("host: localhost:{}", pair.address.port());
    let page = request(pair.address, &format!("GET {SIGN_IN}"), &[&host]).await;
    let token = token_of(page.text(), "sign-in");
    let line = format!("POST {SIGN_IN}");
    let headers = [&host, FORM, "sec-fetch-site: same-origin"];
    let body = format!("token={token}");
    let begun = Begun::of(&request_with(pair.address, &line, &headers, &body).await);
    let to = person.go(&begun.url, Says::Accept).await;
    let line = format!("GET {}?{}", to.path(), to.query().unwrap());
    let cookie = format!("cookie: {}", begun.cookie);
    let done = request(pair.address, &line, &[&host, &cookie]).await;
    assert_eq!(done.header("location"), Some(SIGN_IN));
    let again = request(pair.address, &line, &[&host, &cookie]).await;
    assert_eq!(again.header("location"), Some("/auth/callback"));

    let code = to.query_pairs().find(|(key, _)| key == "code").unwrap().1;
    let secrets = [
        ("code", code.into_owned()),
        ("state", begun.parameter("state")),
        ("nonce", begun.parameter("nonce")),
        ("cookie", begun.cookie.split_once('=').unwrap().1.to_owned()),
        ("form token", token),
        ("a JWT", "eyJ".to_owned()),
        ("a refresh token", "1.A".to_owned()),
    ];
    // The first token comes after the sign-in, and its line with it.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let log = loop {
        let log = pair.exporter.output();
        if log.contains("level=trace") && log.contains("signed in")
            || std::time::Instant::now() > deadline
        {
            break log;
        }
        tokio::task::yield_now().await;
    };
    let mut seen = vec![("log", log)];
    for path in [
        SIGN_IN,
        APPROVAL,
        "/accounts/contoso-steve",
        "/",
        "/config",
        "/metrics",
    ] {
        let page = request(pair.address, &format!("GET {path}"), &[&host]).await;
        seen.push((path, page.text().to_owned()));
    }
    for (place, text) in &seen {
        for (what, secret) in &secrets {
            // The one place where it belongs.
            let own = *what == "form token" && *place == SIGN_IN;
            assert!(
                own || !text.contains(secret),
                "{what} is in {place}: {text}"
            );
        }
    }
    assert!(
        seen[0].1.contains("level=trace"),
        "the log was at trace level"
    );
    assert!(seen[0].1.contains("signed in"), "{}", seen[0].1);
}
