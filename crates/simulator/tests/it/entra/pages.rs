//! The pages: who may come in, who may consent, and the way back.

use m365mon_simulator::directory::{ResourceApp, TENANT_ID};
use m365mon_simulator::entra::Policy;

use super::support::{
    ADMIN, Answer, CONFIDENTIAL, Entra, LOCAL_URI, PUBLIC, STEVE, WEB_URI, encode,
};

/// A query with these values besides the usual ones; an empty value takes one out.
fn query<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut query = vec![
        ("client_id", PUBLIC),
        ("response_type", "code"),
        ("redirect_uri", LOCAL_URI),
        ("scope", "openid profile offline_access Mail.ReadBasic"),
        ("state", "s"),
    ];
    for change in changes {
        query.retain(|(name, _)| name != &change.0);
        if !change.1.is_empty() {
            query.push(*change);
        }
    }
    query
}

async fn authorize(entra: &Entra, changes: &[(&str, &str)]) -> Answer {
    let query = encode(&query(changes));
    entra
        .get(&format!("/{TENANT_ID}/oauth2/v2.0/authorize?{query}"))
        .await
}

async fn answer_consent(entra: &Entra, page: &Answer, answer: &str, everyone: bool) -> Answer {
    let context = page.context();
    let mut form = vec![("ctx", context.as_str()), ("answer", answer)];
    if everyone {
        form.push(("everyone", "1"));
    }
    entra.post(&format!("/{TENANT_ID}/consent"), &form).await
}

#[tokio::test]
async fn nothing_unsafe_is_redirected_to() {
    let entra = Entra::new();
    for (changes, code) in [
        (("client_id", ""), 900_144),
        (("client_id", CONFIDENTIAL), 50_011),
        (
            ("client_id", "33333333-0000-4000-8000-000000000001"),
            700_016,
        ),
        (("redirect_uri", "https://evil.example/"), 50_011),
        (("redirect_uri", "http://localhost:1/other"), 50_011),
        (("response_mode", "web_message"), 70_007),
    ] {
        let answer = authorize(&entra, &[changes]).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{changes:?}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert!(answer.header("location").is_empty());
    }
}

#[tokio::test]
async fn the_rest_goes_back_to_the_application() {
    let entra = Entra::new();
    for (changes, error, code) in [
        (("response_type", ""), "invalid_request", "AADSTS900144"),
        (
            ("response_type", "token"),
            "unsupported_response_type",
            "AADSTS70005",
        ),
        (("scope", ""), "invalid_request", "AADSTS900144"),
        (("scope", "Mail.Raed"), "invalid_scope", "AADSTS650053"),
        (
            ("scope", "https://contoso2.com/x"),
            "invalid_resource",
            "AADSTS500011",
        ),
        (
            ("code_challenge", "short"),
            "invalid_request",
            "AADSTS50147",
        ),
        (
            ("code_challenge_method", "S256"),
            "invalid_request",
            "AADSTS50147",
        ),
        (("resource", "x"), "invalid_request", "AADSTS901002"),
        (("prompt", "now"), "invalid_request", "AADSTS90013"),
        (("prompt", "none"), "login_required", "AADSTS50058"),
    ] {
        let answer = authorize(&entra, &[changes]).await;
        assert_eq!(answer.status, 302, "{changes:?} {}", answer.text);
        assert_eq!(answer.parameter("error"), error, "{changes:?}");
        assert!(answer.parameter("error_description").starts_with(code));
        assert_eq!(answer.parameter("state"), "s");
    }
}

#[tokio::test]
async fn who_may_come_in() {
    let entra = Entra::new();
    let page = authorize(&entra, &[("login_hint", STEVE)]).await;
    assert!(page.text.contains(&format!("value=\"{STEVE}\"")));
    let path = format!("/{TENANT_ID}/login");
    let context = page.context();
    let wrong = [("ctx", &*context), ("login", STEVE), ("passwd", "wrong")];
    let answer = entra.post(&path, &wrong).await;
    assert!(
        answer.text.contains("data-code=\"50126\""),
        "{}",
        answer.text
    );
    let nobody = [("ctx", &*context), ("login", "x@y.z"), ("passwd", "wrong")];
    let answer = entra.post(&path, &nobody).await;
    assert!(answer.text.contains("data-code=\"50034\""));
    let forged = [("ctx", "AAAA"), ("login", STEVE), ("passwd", "wrong")];
    assert_eq!(entra.post(&path, &forged).await.code(), 50_089);
    let stranger = "chris@contoso-subsidiary.onmicrosoft.com";
    assert_eq!(entra.sign_in(&query(&[]), stranger).await.code(), 50_020);
    entra
        .tenant
        .directory
        .write()
        .user_mut(STEVE)
        .unwrap()
        .disabled = true;
    assert_eq!(entra.sign_in(&query(&[]), STEVE).await.code(), 50_057);
    entra
        .tenant
        .clock
        .advance(std::time::Duration::from_secs(3600));
    assert_eq!(entra.post(&path, &wrong).await.code(), 50_089);
}

#[tokio::test]
async fn a_second_factor() {
    let entra = Entra::new();
    entra
        .tenant
        .directory
        .write()
        .user_mut(STEVE)
        .unwrap()
        .mfa_required = true;
    let page = entra.sign_in(&query(&[]), STEVE).await;
    assert!(page.text.contains("Approve sign in request"));
    let form = [("ctx", &*page.context())];
    let answer = entra.post(&format!("/{TENANT_ID}/factor"), &form).await;
    assert!(!answer.parameter("code").is_empty());
}

#[tokio::test]
async fn people_may_not_consent_by_themselves() {
    let entra = Entra::new();
    let more = [("scope", "openid offline_access Calendars.Read")];
    let page = entra.sign_in(&query(&more), STEVE).await;
    assert!(page.text.contains("Need admin approval") && page.text.contains("90094"));
    // Accepting all the same changes nothing.
    let answer = answer_consent(&entra, &page, "accept", false).await;
    assert_eq!(answer.parameter("error"), "access_denied");
    let answer = answer_consent(&entra, &page, "return", false).await;
    assert_eq!(answer.parameter("error"), "access_denied");
    assert!(
        answer
            .parameter("error_description")
            .starts_with("AADSTS90094")
    );

    entra.tenant.entra.set_policy(Policy {
        approval_requests: true,
        ..Policy::default()
    });
    let page = entra.sign_in(&query(&more), STEVE).await;
    assert!(page.text.contains("Approval required"));
    let form = [("ctx", &*page.context()), ("reason", "please")];
    let answer = entra.post(&format!("/{TENANT_ID}/approval"), &form).await;
    assert!(
        answer
            .parameter("error_description")
            .starts_with("AADSTS90095")
    );
    let requests = entra.tenant.entra.approval_requests();
    assert_eq!((requests.len(), requests[0].upn.as_str()), (1, STEVE));

    // The administrator says yes for everyone, on the same page.
    let form = [("ctx", &*page.context())];
    let page = entra.post(&format!("/{TENANT_ID}/again"), &form).await;
    let page = entra.enter_password(&page, ADMIN).await;
    assert!(page.text.contains("Consent on behalf of your organization"));
    let answer = answer_consent(&entra, &page, "accept", true).await;
    assert!(!answer.parameter("code").is_empty(), "{}", answer.text);
    let answer = entra.sign_in(&query(&more), STEVE).await;
    assert!(!answer.parameter("code").is_empty());
}

#[tokio::test]
async fn people_consent_where_they_may() {
    let entra = Entra::new();
    entra.change(|directory| {
        directory.organization_mut(TENANT_ID).unwrap().user_consent = true;
    });
    let more = [("scope", "openid offline_access Calendars.Read")];
    let page = entra.sign_in(&query(&more), STEVE).await;
    assert!(page.text.contains("Permissions requested"), "{}", page.text);
    assert!(
        page.text
            .contains("https://graph.microsoft.com/Calendars.Read")
    );
    let answer = answer_consent(&entra, &page, "cancel", false).await;
    assert_eq!(answer.parameter("error"), "access_denied");
    assert_eq!(answer.parameter("error_subcode"), "cancel");
    assert!(
        answer
            .parameter("error_description")
            .starts_with("AADSTS65004")
    );
    let answer = answer_consent(&entra, &page, "accept", false).await;
    assert!(!answer.parameter("code").is_empty());
    {
        let directory = entra.tenant.directory.read();
        let steve = &directory.user(STEVE).unwrap().id;
        let app = directory.application(PUBLIC).unwrap();
        assert!(
            app.scopes(steve, ResourceApp::Graph)
                .contains("Calendars.Read")
        );
        assert!(app.scopes("other", ResourceApp::Graph).is_empty());
    }
    // Granted: no page, unless it is asked for.
    let answer = entra.sign_in(&query(&more), STEVE).await;
    assert!(!answer.parameter("code").is_empty());
    let again = [more[0], ("prompt", "consent")];
    let page = entra.sign_in(&query(&again), STEVE).await;
    assert!(page.text.contains("Permissions requested"));
    // Some permissions are an administrator's all the same.
    let hard = [("scope", "openid ServiceHealth.Read.All")];
    let page = entra.sign_in(&query(&hard), STEVE).await;
    assert!(page.text.contains("Need admin approval"));
}

#[tokio::test]
async fn sessions_of_the_browser() {
    let entra = Entra::new();
    let first = entra.sign_in(&query(&[]), STEVE).await;
    let session = first.session();
    let ask = async |changes: &[(&str, &str)], session: &str| {
        let target = encode(&query(changes));
        let target = format!("/{TENANT_ID}/oauth2/v2.0/authorize?{target}");
        entra.get_with(&target, session).await
    };
    for changes in [&[][..], &[("prompt", "none")], &[("login_hint", STEVE)]] {
        let answer = ask(changes, &session).await;
        assert!(!answer.parameter("code").is_empty(), "{changes:?}");
    }
    for changes in [
        ("prompt", "login"),
        ("prompt", "select_account"),
        ("login_hint", ADMIN),
    ] {
        let page = ask(&[changes], &session).await;
        assert!(page.text.contains("Sign in"), "{changes:?}");
    }
    let silent = [("prompt", "none"), ("scope", "openid Calendars.Read")];
    let answer = ask(&silent, &session).await;
    assert!(
        answer
            .parameter("error_description")
            .starts_with("AADSTS65001")
    );
    m365mon_simulator::entra::revoke_user(&entra.tenant, STEVE);
    assert!(ask(&[], &session).await.text.contains("Sign in"));
    let answer = entra.get(&format!("/{TENANT_ID}/oauth2/v2.0/logout")).await;
    assert_eq!(answer.session(), "ESTSAUTH=");
    assert!(answer.text.contains("You signed out"));
    let back = encode(&[("post_logout_redirect_uri", WEB_URI)]);
    let answer = entra
        .get(&format!("/{TENANT_ID}/oauth2/v2.0/logout?{back}"))
        .await;
    assert_eq!(answer.location().0, WEB_URI);
    let back = encode(&[("post_logout_redirect_uri", "https://evil.example/")]);
    let answer = entra
        .get(&format!("/{TENANT_ID}/oauth2/v2.0/logout?{back}"))
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn other_ways_back() {
    let entra = Entra::new();
    let answer = entra
        .sign_in(&query(&[("response_mode", "form_post")]), STEVE)
        .await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains(&format!("action=\"{LOCAL_URI}\"")));
    assert!(answer.text.contains("name=\"code\"") && answer.text.contains("value=\"s\""));
    let answer = entra
        .sign_in(&query(&[("response_mode", "fragment")]), STEVE)
        .await;
    assert!(
        answer
            .header("location")
            .starts_with(&format!("{LOCAL_URI}#code="))
    );
}

#[tokio::test]
async fn the_administrators_own_endpoint() {
    let entra = Entra::new();
    let target = |more: &[(&str, &str)]| {
        let mut query = vec![("client_id", CONFIDENTIAL), ("state", "s")];
        query.extend_from_slice(more);
        format!("/{TENANT_ID}/v2.0/adminconsent?{}", encode(&query))
    };
    let back = ("redirect_uri", WEB_URI);
    let wanted = ("scope", "https://graph.microsoft.com/Calendars.Read");
    let page = entra.get(&target(&[back, wanted])).await;
    let refused = entra.enter_password(&page, STEVE).await;
    assert_eq!(refused.code(), 90_093);
    let page = entra.enter_password(&page, ADMIN).await;
    assert!(page.text.contains("Review for your organization"));
    let answer = answer_consent(&entra, &page, "cancel", false).await;
    assert_eq!(answer.parameter("error"), "permission_denied");
    let answer = answer_consent(&entra, &page, "accept", false).await;
    assert_eq!(answer.parameter("admin_consent"), "True");
    assert_eq!(answer.parameter("tenant"), TENANT_ID);
    assert_eq!(answer.parameter("state"), "s");
    {
        let directory = entra.tenant.directory.read();
        let app = directory.application(CONFIDENTIAL).unwrap();
        assert!(
            app.scopes("anyone", ResourceApp::Graph)
                .contains("Calendars.Read")
        );
    }
    let evil = ("redirect_uri", "https://evil.example/");
    assert_eq!(entra.get(&target(&[evil])).await.code(), 50_011);
}
