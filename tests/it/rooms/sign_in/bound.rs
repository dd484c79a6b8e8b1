//! What binds an answer to its beginning: who may begin, from which page, in which
//! browser, and what becomes of an answer that belongs to none.

use std::sync::Arc;
use std::time::Duration;

use super::entra::Says;
use super::stage::{APPROVAL, FORM, SIGN_IN, Stage};
use crate::support::operator::EVERYONE;
use m365mon::model::{Account, SignIn, Tenant};

use crate::support::raw::{request, request_with};

#[tokio::test]
async fn strangers_and_other_sites_begin_nothing() {
    let stage = Stage::new().await;
    let body = format!("token={}", stage.token("sign-in").await);
    let origin = format!("origin: http://{}", stage.localhost());
    let cases: &[(&str, &[&str], u16)] = &[
        ("no origin", &[], 403),
        ("a foreign origin", &["origin: https://evil.example"], 403),
        ("no referrer", &["origin: null"], 403),
        ("another site", &["sec-fetch-site: cross-site"], 403),
        ("a subdomain", &["sec-fetch-site: same-site"], 403),
        ("nobody", &[&origin, EVERYONE], 403),
    ];
    for (what, headers, status) in cases {
        for path in [SIGN_IN, "/accounts/contoso-steve/sign-out"] {
            let answer = stage.post(path, headers, &body).await;
            assert_eq!(answer.status, *status, "{what} {path}");
            assert_eq!(answer.header("set-cookie"), None, "{what}");
        }
    }
    for path in [
        SIGN_IN,
        APPROVAL,
        "/auth/callback",
        "/auth/callback?code=c&state=s",
    ] {
        let mut at_home = 0;
        for (header, status) in [
            ("host: evil.example", 421),
            ("host: 127.0.0.1.evil.example", 421),
            ("host: localhost", 200),
        ] {
            let answer = request(stage.addr, &format!("GET {path}"), &[header]).await;
            let clean = path.contains('?') || (path == SIGN_IN && answer.status == 303);
            let expected = if status == 200 && clean { 303 } else { status };
            assert_eq!(answer.status, expected, "{path} {header}");
            at_home = answer.status;
        }
        // The state and the cookie say whose an answer is.
        let everyone = if path.contains("callback") {
            at_home
        } else {
            403
        };
        let answer = stage.get(path, &[EVERYONE]).await;
        assert_eq!(answer.status, everyone, "{path}");
    }
    let evil = ["host: evil.example", FORM, "origin: http://evil.example"];
    let answer = request_with(stage.addr, &format!("POST {SIGN_IN}"), &evil, &body).await;
    assert_eq!(answer.status, 421);
}

#[tokio::test]
async fn only_a_form_of_this_process_begins() {
    let stage = Stage::new().await;
    let origin = format!("origin: http://{}", stage.localhost());
    let good = stage.token("sign-in").await;
    for body in ["x=1", "token=", "token=AAAA", &format!("token={good}x")] {
        let answer = stage.post(SIGN_IN, &[&origin], body).await;
        assert_eq!(answer.status, 403, "{body}");
        assert!(answer.text().contains("Once more, please"), "{body}");
        assert_eq!(answer.header("set-cookie"), None);
    }
    // A token is for one action.
    let body = format!("token={good}");
    let out = stage
        .post("/accounts/contoso-steve/sign-out", &[&origin], &body)
        .await;
    assert_eq!(out.status, 403);
    let large = format!("token={good}&x={}", "x".repeat(5000));
    assert_eq!(stage.post(SIGN_IN, &[&origin], &large).await.status, 413);
    let host = format!("host: {}", stage.localhost());
    let json = [host.as_str(), &origin, "content-type: application/json"];
    let answer = request_with(stage.addr, &format!("POST {SIGN_IN}"), &json, &body).await;
    assert_eq!(answer.status, 415);
    for (path, status) in [
        ("/accounts/nobody/sign-in", 404),
        ("/accounts/contoso-app/sign-in", 404),
        ("/accounts/contoso-app/approval", 404),
        ("/accounts/contoso-steve/sign-out", 405),
    ] {
        assert_eq!(stage.get(path, &[]).await.status, status, "{path}");
    }
    // Sec-Fetch-Site alone is an answer as well.
    let same = ["sec-fetch-site: same-origin"];
    assert_eq!(stage.post(SIGN_IN, &same, &body).await.status, 200);
}

#[tokio::test]
async fn an_answer_belongs_to_the_browser_that_began_it() {
    let stage = Stage::new().await;
    for cookie in ["", "other=1", "swapped"] {
        let begun = stage.begin().await;
        let to = stage.person("steve").go(&begun.url, Says::Accept).await;
        let cookie = if cookie == "swapped" {
            // The right name with the value of another sign-in.
            let other = stage.begin().await;
            let name = begun.cookie.split_once('=').unwrap().0;
            let value = other.cookie.split_once('=').unwrap().1.to_owned();
            format!("{name}={value}")
        } else {
            cookie.to_owned()
        };
        let answer = stage.come_back(&to, &cookie).await;
        assert_eq!(answer.header("location"), Some(SIGN_IN), "{cookie}");
        let page = stage.get(SIGN_IN, &[]).await;
        assert!(page.text().contains("begun in another browser"), "{cookie}");
        assert!(!stage.signed_in().await);
        // It is used up.
        let answer = stage.come_back(&to, &begun.cookie).await;
        assert_eq!(answer.header("location"), Some("/auth/callback"));
    }
}

#[tokio::test]
async fn a_late_answer_and_one_for_an_account_that_changed() {
    let stage = Stage::new().await;
    let begun = stage.begin().await;
    let to = stage.person("steve").go(&begun.url, Says::Accept).await;
    stage.clock.advance(Duration::from_secs(601));
    let answer = stage.come_back(&to, &begun.cookie).await;
    assert_eq!(answer.header("location"), Some(SIGN_IN));
    let page = stage.get(SIGN_IN, &[]).await;
    assert!(page.text().contains("took too long"), "{}", page.text());

    let begun = stage.begin().await;
    let to = stage.person("steve").go(&begun.url, Says::Accept).await;
    let mut changed = stage.configuration.clone();
    for account in &mut changed.accounts {
        let mut other = Account::clone(account);
        if let SignIn::Delegated { .. } = other.sign_in {
            other.tenant = Tenant::parse("contoso.com");
        }
        *account = Arc::new(other);
    }
    stage.app.set_configuration(&changed);
    let answer = stage.come_back(&to, &begun.cookie).await;
    assert_eq!(answer.header("location"), Some(SIGN_IN));
    let page = stage.get(SIGN_IN, &[]).await;
    assert!(page.text().contains("changed during the sign-in"));
    assert!(!stage.signed_in().await);
}

#[tokio::test]
async fn what_is_not_an_answer_leads_to_a_clean_page() {
    let stage = Stage::new().await;
    let begun = stage.begin().await;
    let state = begun.parameter("state");
    for query in [
        "code=c&state=unknown".to_owned(),
        "code=c".to_owned(),
        "state=unknown".to_owned(),
        format!("state={state}"),
        format!("code={}&state={state}", "c".repeat(17_000)),
        "admin_consent=True&tenant=t".to_owned(),
        "%ff%fe=&=&&code".to_owned(),
    ] {
        let path = format!("/auth/callback?{query}");
        let answer = stage.get(&path, &[]).await;
        let shown = &query[..query.len().min(40)];
        assert_eq!(answer.status, 303, "{shown}");
        assert_eq!(answer.header("location"), Some("/auth/callback"), "{shown}");
    }
    // None of it used the sign-in up.
    let to = stage.person("steve").go(&begun.url, Says::Accept).await;
    let answer = stage.come_back(&to, &begun.cookie).await;
    assert_eq!(answer.header("location"), Some(SIGN_IN));
    assert!(stage.signed_in().await);
}

#[tokio::test]
async fn the_oldest_of_too_many_is_forgotten() {
    let stage = Stage::new().await;
    let first = stage.begin().await;
    let second = stage.begin().await;
    for _ in 0..31 {
        stage.begin().await;
    }
    for (begun, location) in [(first, "/auth/callback"), (second, SIGN_IN)] {
        let to = stage.person("steve").go(&begun.url, Says::Accept).await;
        let answer = stage.come_back(&to, &begun.cookie).await;
        assert_eq!(answer.header("location"), Some(location));
    }
}
