//! Refresh tokens: rotation, age, revocation, consent.

use m365mon_simulator::directory::{DOMAIN, ResourceApp, TENANT_ID};
use m365mon_simulator::entra::{self, Policy};

use super::support::{Answer, CONFIDENTIAL, Entra, PUBLIC, Pairs, STEVE, days};

const SCOPE: &str = "openid profile offline_access Mail.ReadBasic";

fn token_of(answer: &Answer) -> String {
    let body = answer.json();
    body["refresh_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{body}"))
        .to_owned()
}

fn first(entra: &Entra, client: &str) -> String {
    entra::refresh_token_for(&entra.tenant, client, STEVE, SCOPE)
        .unwrap()
        .expose()
        .to_owned()
}

async fn refresh(entra: &Entra, client: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "refresh_token"),
        ("client_id", client),
        ("refresh_token", token),
    ];
    form.extend_from_slice(more);
    entra.token(&form).await
}

#[tokio::test]
async fn each_use_gives_a_new_one_and_old_ones_stay() {
    let entra = Entra::new();
    let one = first(&entra, PUBLIC);
    let answer = refresh(&entra, PUBLIC, &one, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let two = token_of(&answer);
    assert_ne!(one, two);
    for token in [&one, &two, &one] {
        assert_eq!(refresh(&entra, PUBLIC, token, &[]).await.status, 200);
    }
    let body = answer.json();
    assert!(body["id_token"].is_string());
    assert!(body["refresh_token_expires_in"].is_null());
    // Opaque: not three parts with a readable one.
    assert!(one.starts_with("1.A") && one.matches('.').count() == 1);
}

#[tokio::test]
async fn ninety_days_without_use_and_no_longer() {
    let entra = Entra::new();
    let one = first(&entra, PUBLIC);
    entra.tenant.clock.advance(days(89));
    let two = token_of(&refresh(&entra, PUBLIC, &one, &[]).await);
    entra.tenant.clock.advance(days(1));
    let answer = refresh(&entra, PUBLIC, &one, &[]).await;
    assert_eq!(
        (answer.error().as_str(), answer.code()),
        ("invalid_grant", 700_082)
    );
    assert!(answer.text.contains("inactive for 90.00:00:00"));
    entra.tenant.clock.advance(days(88));
    assert_eq!(refresh(&entra, PUBLIC, &two, &[]).await.status, 200);
    entra.tenant.clock.advance(days(1));
    assert_eq!(refresh(&entra, PUBLIC, &two, &[]).await.code(), 700_082);
}

#[tokio::test]
async fn it_is_bound_to_its_client() {
    let entra = Entra::new();
    let public = first(&entra, PUBLIC);
    let confidential = first(&entra, CONFIDENTIAL);
    let secret = ("client_secret", "right");
    let table: [(&str, &str, &Pairs<'_>, u64); 8] = [
        (PUBLIC, "garbage", &[], 9_002_313),
        (PUBLIC, "", &[], 900_144),
        (PUBLIC, &confidential, &[], 70_000),
        (CONFIDENTIAL, &public, &[secret], 70_000),
        (PUBLIC, &public, &[secret], 700_025),
        (CONFIDENTIAL, &confidential, &[], 7_000_218),
        (
            CONFIDENTIAL,
            &confidential,
            &[("client_secret", "x")],
            7_000_215,
        ),
        (CONFIDENTIAL, &confidential, &[secret], 0),
    ];
    for (client, token, more, code) in table {
        let answer = refresh(&entra, client, token, more).await;
        let got = if answer.status == 200 {
            0
        } else {
            answer.code()
        };
        assert_eq!(got, code, "{client} {more:?} {}", answer.text);
    }
    assert_eq!(
        refresh(&entra, PUBLIC, "garbage", &[]).await.error(),
        "invalid_grant"
    );
}

#[tokio::test]
async fn what_ends_it() {
    let entra = Entra::new();
    let token = first(&entra, PUBLIC);
    let code = async || {
        let answer = refresh(&entra, PUBLIC, &token, &[]).await;
        let suberror = answer.json()["suberror"].as_str().unwrap_or("").to_owned();
        (
            if answer.status == 200 {
                0
            } else {
                answer.code()
            },
            suberror,
        )
    };
    let user = |change: &dyn Fn(&mut m365mon_simulator::directory::User)| {
        change(entra.tenant.directory.write().user_mut(STEVE).unwrap());
    };
    assert_eq!(code().await.0, 0);
    user(&|u| u.disabled = true);
    assert_eq!(code().await.0, 50_057);
    user(&|u| u.disabled = false);
    entra.change(|directory| {
        let app = directory.application_mut(PUBLIC).unwrap();
        app.assigned_users = Some(std::collections::BTreeSet::new());
    });
    assert_eq!(code().await.0, 50_105);
    entra.change(|directory| {
        directory.application_mut(PUBLIC).unwrap().assigned_users = None;
        let contoso = directory.organization_mut(TENANT_ID).unwrap();
        contoso.sign_in_frequency = Some(days(7));
    });
    assert_eq!(code().await.0, 0);
    entra.tenant.clock.advance(days(7));
    assert_eq!(code().await, (70_043, "token_expired".into()));
    entra.change(|directory| {
        let contoso = directory.organization_mut(DOMAIN).unwrap();
        contoso.sign_in_frequency = None;
    });
    entra.tenant.entra.set_policy(Policy {
        blocked: true,
        ..Policy::default()
    });
    assert_eq!(code().await, (53_003, "message_only".into()));
    entra.tenant.entra.set_policy(Policy::default());
    assert_eq!(code().await.0, 0);
    assert!(entra::revoke_user(&entra.tenant, STEVE));
    assert_eq!(code().await, (50_173, "bad_token".into()));
    assert!(!entra::revoke_user(&entra.tenant, "nobody@contoso.com"));
    entra
        .tenant
        .clock
        .advance(std::time::Duration::from_secs(1));
    let fresh = first(&entra, PUBLIC);
    assert_eq!(refresh(&entra, PUBLIC, &fresh, &[]).await.status, 200);
}

#[tokio::test]
async fn a_second_factor_that_was_never_shown() {
    let entra = Entra::new();
    let query = [
        ("client_id", PUBLIC),
        ("response_type", "code"),
        ("redirect_uri", super::support::LOCAL_URI),
        ("scope", SCOPE),
    ];
    let code = entra.sign_in(&query, STEVE).await.parameter("code");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", PUBLIC),
        ("redirect_uri", super::support::LOCAL_URI),
        ("code", &*code),
    ];
    let token = token_of(&entra.token(&form).await);
    entra.change(|directory| {
        directory.user_mut(STEVE).unwrap().mfa_required = true;
    });
    let answer = refresh(&entra, PUBLIC, &token, &[]).await;
    assert_eq!(answer.code(), 50_076);
    assert_eq!(answer.error(), "interaction_required");
    assert_eq!(answer.json()["suberror"], "basic_action");
    assert!(
        answer.json()["claims"]
            .as_str()
            .unwrap()
            .contains("access_token")
    );
}

#[tokio::test]
async fn scopes_follow_consent() {
    let entra = Entra::new();
    let token = first(&entra, CONFIDENTIAL);
    let secret = ("client_secret", "right");
    let ask = async |scope: &str| {
        let more = [secret, ("scope", scope)];
        refresh(&entra, CONFIDENTIAL, &token, &more).await
    };
    let scope = async |text: &str| ask(text).await.json()["scope"].as_str().unwrap().to_owned();
    assert_eq!(
        refresh(&entra, CONFIDENTIAL, &token, &[secret])
            .await
            .json()["scope"],
        "Mail.ReadBasic User.Read profile openid email"
    );
    assert_eq!(scope("Mail.ReadBasic").await, "Mail.ReadBasic User.Read");
    assert_eq!(
        scope("https://graph.microsoft.com/.default").await,
        "https://graph.microsoft.com/Mail.ReadBasic https://graph.microsoft.com/User.Read \
         https://graph.microsoft.com/.default"
    );
    let sharepoint = "https://contoso.sharepoint.com/AllSites.Read";
    assert_eq!(scope(sharepoint).await, sharepoint);
    for (text, code) in [
        ("Calendars.Read", 65_001),
        ("Mail.ReadBasic Calendars.Read", 65_001),
        ("https://contoso.sharepoint.com/MyFiles.Read", 65_001),
        ("https://outlook.office365.com/.default", 65_001),
        (
            "Mail.ReadBasic https://contoso.sharepoint.com/AllSites.Read",
            700_022,
        ),
        (
            "Mail.ReadBasic https://graph.microsoft.com/.default",
            70_011,
        ),
        ("https://contoso2.sharepoint.com/AllSites.Read", 500_011),
        ("Mail.Raed", 650_053),
        ("a\\b", 70_011),
    ] {
        assert_eq!(ask(text).await.code(), code, "{text}");
    }
    entra.change(|directory| {
        let steve = directory.user(STEVE).unwrap().id.clone();
        let app = directory.application_mut(CONFIDENTIAL).unwrap();
        app.revoke_scopes(Some(&steve), Some(ResourceApp::Graph));
    });
    let answer = refresh(&entra, CONFIDENTIAL, &token, &[secret]).await;
    assert_eq!(
        (answer.error().as_str(), answer.code()),
        ("invalid_grant", 65_001)
    );
    assert_eq!(scope(sharepoint).await, sharepoint);
}

#[tokio::test]
async fn a_server_that_revokes_on_reuse() {
    let entra = Entra::new();
    entra.tenant.entra.set_policy(Policy {
        refresh_tokens_once: true,
        refresh_lifetime_told: true,
        ..Policy::default()
    });
    let one = first(&entra, PUBLIC);
    let answer = refresh(&entra, PUBLIC, &one, &[]).await;
    assert_eq!(answer.json()["refresh_token_expires_in"], 7_776_000);
    let two = token_of(&answer);
    let three = token_of(&refresh(&entra, PUBLIC, &two, &[]).await);
    assert_eq!(refresh(&entra, PUBLIC, &one, &[]).await.code(), 70_000);
    assert_eq!(refresh(&entra, PUBLIC, &three, &[]).await.code(), 70_000);
    let other = first(&entra, PUBLIC);
    assert_eq!(refresh(&entra, PUBLIC, &other, &[]).await.status, 200);
}
