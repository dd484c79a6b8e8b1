//! Signing in by the exporter's own pages: who may, what binds an answer to
//! its beginning, and every way in which it can end. What only a real browser
//! can show is in `tests/browser/`.

pub(crate) mod entra;
mod invitation;
mod log;
mod places;
mod stage;

use std::sync::Arc;
use std::time::Duration;

use crate::support::operator::EVERYONE;
use entra::Says;
use m365mon::kinds::Resource;
use m365mon::model::{Account, Audience, Cloud, SignIn, Story, Tenant};
use m365mon_simulator::directory::TENANT_ID;
use stage::{APPROVAL, Begun, FORM, SIGN_IN, Stage, token_of, upn};
use url::Url;

use crate::support::fixtures;
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
async fn a_sign_in_from_beginning_to_end_and_not_once_more() {
    let stage = Stage::new().await;
    let page = stage.get(SIGN_IN, &[]).await;
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");

    let begun = stage.begin().await;
    let (name, value) = begun.cookie.split_once('=').unwrap();
    assert!(name.starts_with("m365mon-sign-in-"), "{name}");
    assert_eq!(value.len(), 43, "32 bytes");
    assert_eq!(
        begun.set_cookie,
        format!("{name}={value}; Path=/auth/callback; Max-Age=600; HttpOnly; SameSite=Lax")
    );
    let redirect = format!("http://{}/auth/callback", stage.localhost());
    for (name, value) in [
        ("redirect_uri", redirect.as_str()),
        ("response_mode", "query"),
        ("response_type", "code"),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("login_hint", &upn("steve")),
    ] {
        assert_eq!(begun.parameter(name), value);
    }
    let scope = begun.parameter("scope");
    assert_eq!(
        scope,
        "openid profile offline_access https://graph.microsoft.com/Mail.ReadBasic \
         https://graph.microsoft.com/Sites.Read.All"
    );

    let to = stage.person("steve").go(&begun.url, Says::Accept).await;
    let answer = stage.come_back(&to, &begun.cookie).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), Some(SIGN_IN));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(
        answer.header("set-cookie").unwrap(),
        format!("{name}=; Path=/auth/callback; Max-Age=0; HttpOnly; SameSite=Lax")
    );
    assert!(answer.body.is_empty());
    assert!(stage.signed_in().await);
    let page = stage.get(SIGN_IN, &[]).await;
    assert!(page.text().contains("Thank you, steve@"), "{}", page.text());

    // Neither the state nor the code is good twice.
    let again = stage.come_back(&to, &begun.cookie).await;
    assert_eq!(again.status, 303);
    assert_eq!(again.header("location"), Some("/auth/callback"));
    assert_eq!(again.header("set-cookie"), None);
    let page = stage.get("/auth/callback", &[]).await;
    assert!(page.text().contains("This sign-in is not known here"));
    assert!(page.text().contains(SIGN_IN), "the way to begin again");

    let body = format!("token={}", stage.token("sign-out").await);
    let origin = format!("origin: http://{}", stage.localhost());
    let out = stage
        .post("/accounts/contoso-steve/sign-out", &[&origin], &body)
        .await;
    assert_eq!((out.status, out.header("location")), (303, Some(SIGN_IN)));
    assert!(!stage.signed_in().await);
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
async fn somebody_else_is_named_and_sent_away() {
    let stage = Stage::new().await;
    stage.consent_of_helpdesk();
    let (answer, ..) = stage.sign_in("helpdesk", Says::Accept).await;
    assert_eq!(answer.header("location"), Some(SIGN_IN));
    let page = stage.get(SIGN_IN, &[]).await;
    let text = page.text();
    assert!(
        text.contains(&format!("{} signed in, but", upn("helpdesk"))),
        "{text}"
    );
    assert!(text.contains(&upn("steve")), "{text}");
    assert!(!stage.signed_in().await);
}

#[tokio::test]
async fn what_entra_refuses_has_its_page() {
    let stage = Stage::new().await;
    stage.forget_consents(false);
    let (answer, ..) = stage.sign_in("steve", Says::Return).await;
    assert_eq!(answer.header("location"), Some(APPROVAL));
    let page = stage.get(APPROVAL, &[]).await;
    for part in [
        "AADSTS90094",
        "ConsentType = &#39;Principal&#39;",
        "openid profile offline_access Mail.ReadBasic Sites.Read.All",
        "00000003-0000-0ff1-ce00-000000000000",
        "/v2.0/adminconsent?client_id=",
        "the second choice",
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    // Words of the query are shown nowhere, whoever wrote them.
    for (query, place, says) in [
        (
            "error=access_denied&error_description=%3Cscript%3Ecanary-1",
            APPROVAL,
            "were not accepted",
        ),
        (
            "error=access_denied&error_description=AADSTS90095:+canary-2",
            APPROVAL,
            "AADSTS90095",
        ),
        (
            "error=temporarily_unavailable&error_description=AADSTS90033:+canary-3",
            SIGN_IN,
            "AADSTS90033",
        ),
        (
            "error=canary%3Cscript%3E&error_description=canary-4",
            SIGN_IN,
            "That did not work",
        ),
        ("code=canary-5", SIGN_IN, "That did not work"),
    ] {
        let begun = stage.begin().await;
        let state = begun.parameter("state");
        let to = format!("http://x/auth/callback?{query}&state={state}");
        let to = Url::parse(&to).unwrap();
        let answer = stage.come_back(&to, &begun.cookie).await;
        assert_eq!(answer.header("location"), Some(place), "{query}");
        let page = stage.get(place, &[]).await;
        assert!(page.text().contains(says), "{query}: {}", page.text());
        assert!(!page.text().contains("canary-"), "{query}: {}", page.text());
        assert!(!page.text().contains("<script>"), "{query}");
        assert!(!stage.signed_in().await);
    }
}

#[tokio::test]
async fn a_consent_for_each_service() {
    let stage = Stage::new().await;
    stage.forget_consents(true);
    let (answer, ..) = stage.sign_in("steve", Says::Cancel).await;
    assert_eq!(answer.header("location"), Some(APPROVAL));
    let page = stage.get(APPROVAL, &[]).await;
    assert!(page.text().contains("were not accepted"));

    stage.sign_in("steve", Says::Accept).await;
    let page = stage.get(SIGN_IN, &[]).await;
    let missing = "No token for https://contoso.sharepoint.com yet";
    assert!(page.text().contains(missing), "{}", page.text());
    let origin = format!("origin: http://{}", stage.localhost());
    let body = format!(
        "token={}&audience=https%3A%2F%2Fcontoso.sharepoint.com",
        token_of(page.text(), "sign-in")
    );
    let begun = Begun::of(&stage.post(SIGN_IN, &[&origin], &body).await);
    assert_eq!(
        begun.parameter("scope"),
        "openid profile offline_access https://contoso.sharepoint.com/AllSites.Read"
    );
    let to = stage.person("steve").go(&begun.url, Says::Accept).await;
    stage.come_back(&to, &begun.cookie).await;
    let page = stage.get(SIGN_IN, &[]).await;
    assert!(page.text().contains("Thank you"), "{}", page.text());
    assert!(!page.text().contains("No token for"), "{}", page.text());
    let status = stage.consent.status(stage.account()).await.unwrap();
    assert_eq!(status.unwrap().scopes.len(), 2, "both are kept");
}

/// A renewal asks for what the sign-in asked for: whoever adds a resource that
/// needs more is told.
#[tokio::test]
async fn a_permission_that_was_not_asked_for_yet() {
    const MARK: &str = "not asked for yet: sign in again";
    let stage = Stage::new().await;
    assert!(!stage.get(SIGN_IN, &[]).await.text().contains(MARK));
    stage.sign_in("steve", Says::Accept).await;
    assert!(!stage.get(SIGN_IN, &[]).await.text().contains(MARK));
    let mut more = stage.configuration.clone();
    let mut resources = more.resources.iter();
    let mine = resources.find(|one| one.account == *stage.account());
    let mut added = Resource::clone(mine.unwrap());
    added.name = "helpdesk-as-steve".into();
    added.kind = fixtures::mailbox_of(Some(&upn("helpdesk")));
    more.resources.push(Arc::new(added));
    stage.app.set_configuration(&more);
    let page = stage.get(SIGN_IN, &[]).await;
    assert_eq!(page.text().matches(MARK).count(), 1, "{}", page.text());
    let row = page.text().split("<tr>").find(|row| row.contains(MARK));
    assert!(row.unwrap().contains("Mail.ReadBasic.Shared"), "{row:?}");
}

/// The page and `m365mon tokens` name the ages between which a tenant's policy
/// ended a sign-in.
#[tokio::test]
async fn a_policy_that_ends_a_sign_in_is_told_with_the_age_it_reached() {
    let stage = Stage::new().await;
    stage.sign_in("steve", Says::Accept).await;
    {
        let mut directory = stage.tenant.tenant.directory.write();
        let organization = directory.organization_mut(TENANT_ID).unwrap();
        organization.sign_in_frequency = Some(Duration::from_secs(8 * 3600));
    }
    let hours = |hours: u64| {
        stage
            .tenant
            .tenant
            .clock
            .advance(Duration::from_secs(hours * 3600));
        stage.clock.advance(Duration::from_secs(hours * 3600));
    };
    let ask = async || {
        let (audience, story) = (Audience::graph(&Cloud::Global), Story::untold());
        let tokens = stage.tokens();
        let asked = tokens
            .access_token(stage.account(), &audience, &story)
            .await;
        asked.map_err(|problem| problem.code)
    };
    hours(6);
    ask().await.unwrap();
    hours(6);
    assert_eq!(ask().await.unwrap_err(), Some(70_043));
    // Long after, and by processes that never asked Entra.
    hours(24);
    let page = stage.get(SIGN_IN, &[]).await;
    for says in [
        "It was renewed for the last time at the age of 6 h",
        "refused at the age of 12 h",
        "(AADSTS70043). A policy of the tenant",
    ] {
        assert!(page.text().contains(says), "{says}: {}", page.text());
    }
    let tokens = std::process::Command::new(env!("CARGO_BIN_EXE_m365mon"))
        .args(["tokens", "--config.file"])
        .arg(stage.folder.path().join("m365mon.yml"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&tokens.stdout);
    for says in [
        "contoso-steve: sign-in required: renewed for the last time at the age of 6h",
        ", refused at 12h",
        " (AADSTS70043), a policy of the tenant on the sign-in frequency",
    ] {
        assert!(said.contains(says), "{says}: {said}");
    }
    // Somebody signs in again.
    let (answer, ..) = stage.sign_in("steve", Says::Accept).await;
    assert_eq!(answer.header("location"), Some(SIGN_IN));
    let page = stage.get(SIGN_IN, &[]).await;
    assert!(!page.text().contains("AADSTS70043"), "{}", page.text());
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

/// A code for another device is of no use to somebody who signed in already.
#[tokio::test]
async fn a_code_that_waited_is_gone_after_a_sign_in_with_the_browser() {
    const CODE: &str = "enter this code";
    let stage = Stage::new().await;
    let origin = format!("origin: http://{}", stage.localhost());
    let body = format!("token={}&how=device", stage.token("sign-in").await);
    let answer = stage.post(SIGN_IN, &[&origin], &body).await;
    assert_eq!(answer.status, 303);
    assert!(stage.get(SIGN_IN, &[]).await.words().contains(CODE));
    stage.sign_in("steve", Says::Accept).await;
    let words = stage.get(SIGN_IN, &[]).await.words();
    assert!(words.contains("Thank you, steve@"), "{words}");
    assert!(!words.contains(CODE), "{words}");
}

/// Entra is asked for a code at most once in five seconds, and one at most waits
/// for each account: whoever asks besides gets that one.
#[tokio::test]
async fn of_codes_for_another_device_one_waits() {
    let stage = Stage::new().await;
    let origin = format!("origin: http://{}", stage.localhost());
    let token = stage.token("sign-in").await;
    let ask = async |service: &str| {
        let body = format!("token={token}&how=device{service}");
        let answer = stage.post(SIGN_IN, &[&origin], &body).await;
        assert_eq!(answer.status, 303);
    };
    let shown = async || {
        let page = stage.get(SIGN_IN, &[]).await;
        let (_, code) = page.text().split_once("<p class=\"code\"><code>").unwrap();
        code.split('<').next().unwrap().to_owned()
    };
    let given = || stage.tenant.tenant.entra.waiting_devices().len();
    ask("").await;
    let first = shown().await;
    futures_util::future::join_all((0..20).map(|_| ask(""))).await;
    assert_eq!((shown().await, given()), (first.clone(), 1));
    // For one service alone it is another code, but not at once.
    let service = "&audience=https%3A%2F%2Fcontoso.sharepoint.com";
    stage.clock.advance(Duration::from_secs(5));
    futures_util::future::join_all((0..20).map(|_| ask(service))).await;
    assert_eq!((shown().await != first, given()), (true, 2));
}
