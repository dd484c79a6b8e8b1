//! The device authorization grant.

use m365mon_simulator::directory::TENANT_ID;
use m365mon_simulator::entra::{self, Policy};

use super::support::{Answer, CONFIDENTIAL, Entra, PUBLIC, STEVE};

const SCOPE: &str = "openid profile offline_access Mail.ReadBasic";

struct Codes {
    device: String,
    user: String,
}

async fn begin(entra: &Entra, client: &str) -> Codes {
    let answer = entra
        .post(
            &format!("/{TENANT_ID}/oauth2/v2.0/devicecode"),
            &[("client_id", client), ("scope", SCOPE)],
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["expires_in"], 900);
    assert_eq!(body["interval"], 5);
    assert_eq!(
        body["verification_uri"],
        "https://microsoft.com/devicelogin"
    );
    assert!(body["verification_uri_complete"].is_null());
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    let user = text("user_code");
    assert_eq!(user.len(), 9);
    assert!(text("message").contains(&user));
    Codes {
        device: text("device_code"),
        user,
    }
}

async fn poll(entra: &Entra, client: &str, device: &str) -> Answer {
    entra
        .token(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", client),
            ("device_code", device),
        ])
        .await
}

fn outcome(answer: &Answer) -> (String, u64) {
    (answer.error(), answer.code())
}

#[tokio::test]
async fn pending_then_approved_then_used_up() {
    let entra = Entra::new();
    let codes = begin(&entra, PUBLIC).await;
    let answer = poll(&entra, PUBLIC, &codes.device).await;
    assert_eq!(answer.status, 400);
    assert_eq!(outcome(&answer), ("authorization_pending".into(), 70_016));
    assert_eq!(entra.tenant.entra.waiting_devices().join(" "), codes.user);
    assert!(entra::approve_device(&entra.tenant, "AAAAAAAAA", STEVE).is_err());
    entra::approve_device(&entra.tenant, &codes.user.to_lowercase(), STEVE).unwrap();
    assert!(entra.tenant.entra.waiting_devices().is_empty());
    let answer = poll(&entra, PUBLIC, &codes.device).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert!(body["refresh_token"].is_string() && body["id_token"].is_string());
    assert_eq!(poll(&entra, PUBLIC, &codes.device).await.code(), 54_005);
    let codes = begin(&entra, PUBLIC).await;
    let short = [
        ("grant_type", "device_code"),
        ("client_id", PUBLIC),
        ("device_code", &codes.device),
    ];
    assert_eq!(entra.token(&short).await.code(), 70_016);
}

#[tokio::test]
async fn other_ends() {
    let entra = Entra::new();
    let declined = begin(&entra, PUBLIC).await;
    assert!(entra::decline_device(&entra.tenant, &declined.user));
    let answer = poll(&entra, PUBLIC, &declined.device).await;
    assert_eq!(answer.error(), "authorization_declined");
    let answer = poll(&entra, PUBLIC, "nothing").await;
    assert_eq!(outcome(&answer), ("bad_verification_code".into(), 70_018));
    let foreign = begin(&entra, PUBLIC).await;
    let answer = poll(&entra, CONFIDENTIAL, &foreign.device).await;
    assert_eq!(answer.code(), 70_018);
    let late = begin(&entra, PUBLIC).await;
    entra
        .tenant
        .clock
        .advance(std::time::Duration::from_secs(900));
    let answer = poll(&entra, PUBLIC, &late.device).await;
    assert_eq!(outcome(&answer), ("expired_token".into(), 70_019));
    assert!(entra::approve_device(&entra.tenant, &late.user, STEVE).is_err());
    // Not a public client: the codes come, the tokens do not.
    let confidential = begin(&entra, CONFIDENTIAL).await;
    let answer = poll(&entra, CONFIDENTIAL, &confidential.device).await;
    assert_eq!((answer.status, answer.code()), (401, 7_000_218));
    // Without consent nobody can approve.
    let helpdesk = "helpdesk@contoso.onmicrosoft.com";
    let refusal = entra::approve_device(&entra.tenant, &confidential.user, helpdesk);
    assert_eq!(refusal.unwrap_err().code, 90_094);
}

#[tokio::test]
async fn blocked_by_conditional_access() {
    let entra = Entra::new();
    entra.change(|directory| {
        let contoso = directory.organization_mut(TENANT_ID).unwrap();
        contoso.device_code_blocked = true;
    });
    let codes = begin(&entra, PUBLIC).await;
    let page = entra.get("/devicelogin").await;
    assert!(page.text.contains("Enter code"));
    let page = entra
        .post("/common/oauth2/deviceauth", &[("otc", &codes.user)])
        .await;
    let page = entra.enter_password(&page, STEVE).await;
    assert!(page.text.contains("53003"), "{}", page.text);
    let answer = poll(&entra, PUBLIC, &codes.device).await;
    assert_eq!(outcome(&answer), ("invalid_grant".into(), 53_003));
}

#[tokio::test]
async fn a_person_types_the_code() {
    let entra = Entra::new();
    let codes = begin(&entra, PUBLIC).await;
    let page = entra
        .post("/common/oauth2/deviceauth", &[("otc", "WRONGCODE")])
        .await;
    assert!(page.text.contains("That code didn't work"));
    let page = entra
        .post("/common/oauth2/deviceauth", &[("otc", &codes.user)])
        .await;
    let page = entra.enter_password(&page, STEVE).await;
    assert!(page.text.contains("You have signed in"), "{}", page.text);
    assert_eq!(poll(&entra, PUBLIC, &codes.device).await.status, 200);
}

#[tokio::test]
async fn slow_down_on_command() {
    let entra = Entra::new();
    let codes = begin(&entra, PUBLIC).await;
    entra.tenant.entra.set_policy(Policy {
        slow_down: true,
        ..Policy::default()
    });
    let step = |seconds| {
        let time = std::time::Duration::from_secs(seconds);
        entra.tenant.clock.advance(time);
    };
    for (wait, error) in [
        (0, "authorization_pending"),
        (4, "slow_down"),
        (5, "authorization_pending"),
    ] {
        step(wait);
        assert_eq!(poll(&entra, PUBLIC, &codes.device).await.error(), error);
    }
}

#[tokio::test]
async fn what_the_endpoint_refuses() {
    let entra = Entra::new();
    let path = format!("/{TENANT_ID}/oauth2/v2.0/devicecode");
    let client = ("client_id", PUBLIC);
    for (form, code) in [
        (vec![], 900_144),
        (vec![client], 900_144),
        (vec![client, ("scope", "Mail.Raed")], 650_053),
        (vec![client, ("scope", SCOPE), ("resource", "x")], 901_002),
        (vec![("client_id", "x"), ("scope", SCOPE)], 700_016),
    ] {
        assert_eq!(entra.post(&path, &form).await.code(), code, "{form:?}");
    }
    let form = [client, ("scope", SCOPE)];
    let answer = entra.post("/common/oauth2/v2.0/devicecode", &form).await;
    assert_eq!(answer.code(), 50_194);
}
