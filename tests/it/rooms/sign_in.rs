//! Signing in by the exporter's own pages: who may, what binds an answer to
//! its beginning, and every way in which it can end. What only a real browser
//! can show is in `tests/browser/`.

mod bound;
pub(crate) mod entra;
mod invitation;
mod log;
mod places;
mod stage;

use std::sync::Arc;
use std::time::Duration;

use entra::Says;
use m365mon::kinds::Resource;
use m365mon::model::{Audience, Cloud, Story};
use m365mon_simulator::directory::TENANT_ID;
use stage::{APPROVAL, Begun, SIGN_IN, Stage, token_of, upn};
use url::Url;

use crate::support::fixtures;

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
