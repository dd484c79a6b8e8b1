//! Where Entra sends the browser back to.

use super::entra::Says;
use super::stage::{Begun, FORM, Given, SIGN_IN, Stage, token_of};
use crate::support::raw::{request, request_with};

/// Behind a proxy, under a path, and with an address of the account's own.
#[tokio::test]
async fn the_external_url_and_its_path() {
    let stage = Stage::given(Given {
        external_url: Some("https://m365mon.contoso.com/m365/"),
        known: true,
        ..Given::default()
    })
    .await;
    let host = "host: m365mon.contoso.com";
    for prefix in ["", "/m365"] {
        let line = format!("GET {prefix}{SIGN_IN}");
        let page = request(stage.addr, &line, &[host]).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let action = format!("action=\"/m365{SIGN_IN}\"");
        assert!(page.text().contains(&action), "{}", page.text());
        let body = format!("token={}", token_of(page.text(), "sign-in"));
        let line = format!("POST {prefix}{SIGN_IN}");
        let headers = [host, FORM, "origin: https://m365mon.contoso.com"];
        let answer = request_with(stage.addr, &line, &headers, &body).await;
        assert_eq!(answer.status, 200);
        let begun = Begun::of(&answer);
        assert_eq!(
            begun.parameter("redirect_uri"),
            "https://m365mon.contoso.com/m365/auth/callback"
        );
        let attributes = begun.set_cookie.split_once("; ").unwrap().1;
        assert_eq!(
            attributes,
            "Path=/m365/auth/callback; Max-Age=600; HttpOnly; SameSite=Lax; Secure"
        );
        let state = begun.parameter("state");
        let line = format!("GET {prefix}/auth/callback?error=x&state={state}");
        let cookie = format!("cookie: {}", begun.cookie);
        let answer = request(stage.addr, &line, &[host, &cookie]).await;
        assert_eq!(answer.status, 303);
        let to = format!("/m365{SIGN_IN}");
        assert_eq!(answer.header("location"), Some(to.as_str()));
        // A page at this machine's own name cannot keep the cookie for it.
        let local = format!("origin: http://{}", stage.localhost());
        let answer = stage.post(SIGN_IN, &[&local], &body).await;
        assert!(answer.text().contains("Sign in at the other address"));
        assert_eq!(answer.header("set-cookie"), None);
    }
    let evil = request(
        stage.addr,
        &format!("GET {SIGN_IN}"),
        &["host: evil.example"],
    )
    .await;
    // Who showed a password may ask for any name.
    assert_eq!(evil.status, 200);
}

#[tokio::test]
async fn a_redirect_url_of_its_own_and_a_client_with_a_secret() {
    let own = "https://m365mon.contoso.com/auth/callback";
    let stage = Stage::given(Given {
        external_url: Some("https://m365mon.contoso.com/"),
        known: true,
        redirect_url: Some(own),
        confidential: true,
    })
    .await;
    let host = "host: m365mon.contoso.com";
    let page = request(stage.addr, &format!("GET {SIGN_IN}"), &[host]).await;
    let body = format!("token={}", token_of(page.text(), "sign-in"));
    let headers = [host, FORM, "origin: https://m365mon.contoso.com"];
    let answer = request_with(stage.addr, &format!("POST {SIGN_IN}"), &headers, &body).await;
    let begun = Begun::of(&answer);
    assert_eq!(begun.parameter("redirect_uri"), own);
    let to = stage.person("steve").go(&begun.url, Says::Accept).await;
    assert!(to.as_str().starts_with(own), "{to}");
    let line = format!("GET {}?{}", to.path(), to.query().unwrap());
    let cookie = format!("cookie: {}", begun.cookie);
    let answer = request(stage.addr, &line, &[host, &cookie]).await;
    assert_eq!(answer.header("location"), Some(SIGN_IN));
    assert!(stage.signed_in().await);
}

/// An external URL that Entra would not take leaves the other ways.
#[tokio::test]
async fn no_place_to_come_back_to() {
    let stage = Stage::given(Given {
        external_url: Some("http://m365mon.contoso.com/"),
        known: true,
        ..Given::default()
    })
    .await;
    let host = "host: m365mon.contoso.com";
    let page = request(stage.addr, &format!("GET {SIGN_IN}"), &[host]).await;
    let text = page.text();
    assert!(text.contains("Not with this browser"), "{text}");
    assert!(!text.contains("Sign in with this browser"), "{text}");
    assert!(text.contains("m365mon login contoso-steve"), "{text}");
    assert!(text.contains("Get a code for another device"), "{text}");
}
