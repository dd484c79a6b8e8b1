use super::address::parse;
use super::*;
use crate::kinds::testing::{ScriptedAsk, answer, redirect, with_status};

fn endpoint(expect_json: &[(&str, &str)]) -> HttpEndpoint {
    HttpEndpoint {
        url: Url::parse("https://api.contoso.com/health?key=s3cret").unwrap(),
        url_file: None,
        scope: None,
        permissions: Vec::new(),
        expect_status: vec![200, 204],
        expect_json: expect_json
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        body_limit: 100,
        graph: None,
    }
}

#[test]
fn a_query_is_never_shown() {
    let one = endpoint(&[]);
    assert_eq!(one.target(), "https://api.contoso.com/health?…");
    assert!(!format!("{:?}", one.settings()).contains("s3cret"));
    let request = one.request(&Account::nobody()).unwrap();
    assert!(!format!("{request:?}").contains("s3cret"));
    for bad in [
        "http://a.b/?s3cret",
        "s3cret",
        "https://u:s3cret@a.b/",
        "https://a.b/#s3cret",
    ] {
        assert!(!parse(bad).unwrap_err().contains("s3cret"));
    }
}

#[tokio::test]
async fn what_is_expected_and_what_is_not() {
    let json = r#"{"status":"ok","deep":{"list":[1,true]}}"#;
    for (wanted, answered, fine) in [
        (&[][..], with_status(200, "anything"), true),
        (&[], with_status(204, ""), true),
        (&[("status", "ok")], answer(json), true),
        (&[("status", "OK")], answer(json), false),
        (
            &[("/deep/list/0", "1"), ("/deep/list/1", "true")],
            answer(json),
            true,
        ),
        (&[("missing", "")], answer(json), false),
        (&[("status", "ok")], answer("<html>"), false),
    ] {
        let found = ScriptedAsk::of([answered]).probe(&endpoint(wanted)).await;
        assert_eq!(found.is_ok(), fine, "{wanted:?} {found:?}");
    }
}

#[tokio::test]
async fn a_sign_in_page_is_no_answer() {
    let reason =
        async |answered: Answer| match ScriptedAsk::of([answered]).probe(&endpoint(&[])).await {
            Err(Stopped::Judged { reason, .. }) => reason,
            other => panic!("{other:?}"),
        };
    let login = "https://login.microsoftonline.com/common/oauth2/authorize";
    assert_eq!(reason(redirect(302, login)).await, Reason::Unauthorized);
    assert_eq!(
        reason(redirect(302, "/.auth/login/aad")).await,
        Reason::Unauthorized
    );
    assert_eq!(
        reason(redirect(301, "https://www.contoso.com/")).await,
        Reason::UnexpectedStatus
    );
    for elsewhere in [
        "https://wifi.example/signin",
        "https://wifi.example/.auth/login/aad",
        "https://wifi.example/_signin",
        "https://login.contoso.com/t/oauth2/authorize",
        "https://login.microsoftonline.com.wifi.example/",
    ] {
        let found = reason(redirect(302, elsewhere)).await;
        assert_eq!(found, Reason::UnexpectedStatus, "{elsewhere}");
    }
    let page = Answer::new(
        203,
        "text/html".into(),
        "<html>".into(),
        super::super::ServiceError::default(),
        http::HeaderMap::new(),
    );
    assert_eq!(reason(page).await, Reason::Unauthorized);
}

/// The login host of the account's own cloud counts too.
#[tokio::test]
async fn a_sign_in_in_a_cloud_of_ones_own() {
    for (to, reason) in [
        (
            "https://login.contoso.com:8443/t/oauth2/authorize",
            Reason::Unauthorized,
        ),
        ("https://login.microsoftonline.us/x", Reason::Unauthorized),
        ("https://login.contoso.com/x", Reason::UnexpectedStatus),
        ("https://wifi.example/x", Reason::UnexpectedStatus),
    ] {
        let mut script = ScriptedAsk::of([redirect(302, to)]);
        script.account.cloud = Cloud::Custom {
            login_url: "https://login.contoso.com:8443".into(),
            graph_url: "https://graph.contoso.com:8443".into(),
        };
        match script.probe(&endpoint(&[])).await {
            Err(Stopped::Judged { reason: found, .. }) => assert_eq!(found, reason, "{to}"),
            other => panic!("{to}: {other:?}"),
        }
    }
}

#[test]
fn graph_counts_by_path() {
    for (path, service) in [
        ("/v1.0/sites/root", Service::SharePoint),
        ("/v1.0/me/messages", Service::Outlook),
        ("/v1.0/users/x/presence", Service::Presence),
        (
            "/v1.0/admin/serviceAnnouncement/issues",
            Service::ServiceCommunications,
        ),
        ("/v1.0/organization", Service::Directory),
        ("/v1.0/planner/tasks", Service::Graph),
    ] {
        assert_eq!(service_of(path), service, "{path}");
    }
}
