//! People who sign in, and their refresh tokens.

use m365mon::entra::{ConsentError, DeviceCode, SignedInAs, Wanted};
use m365mon::model::{Account, AccountReason, Audience, Story};
use m365mon_simulator::directory as contoso;
use m365mon_simulator::entra::{approve_device, decline_device, revoke_user};

use super::cloud::{Cloud, graph, inline};
use crate::support::stack::until;

fn wanted() -> Wanted {
    Wanted::from([
        (
            graph(),
            vec!["Sites.Read.All".into(), "Mail.ReadBasic".into()],
        ),
        (
            Audience::sharepoint(contoso::SHAREPOINT_HOST),
            vec!["AllSites.Read".into()],
        ),
    ])
}

fn upn(name: &str) -> String {
    format!("{name}@{}", contoso::DOMAIN)
}

async fn begin(cloud: &Cloud, account: &Account) -> DeviceCode {
    let code = cloud
        .consent()
        .device_code(account, &wanted())
        .await
        .unwrap();
    assert!(code.message().contains(code.user_code()));
    assert_eq!(format!("{code:?}"), "DeviceCode");
    code
}

async fn sign_in(cloud: &Cloud, account: &Account, who: &str) -> Result<SignedInAs, ConsentError> {
    let code = begin(cloud, account).await;
    approve_device(&cloud.tenant, code.user_code(), &upn(who)).unwrap();
    cloud.consent().finish_device(account, code).await
}

#[tokio::test]
async fn by_device_code_and_from_then_on_by_refresh() {
    let cloud = Cloud::start().await;
    for account in [
        cloud.person(None),
        cloud.person(Some(inline(
            cloud.secret_of(contoso::CONFIDENTIAL_CLIENT_ID),
        ))),
    ] {
        // The device flow is for public clients.
        if matches!(
            &account.sign_in,
            m365mon::model::SignIn::Delegated {
                client: Some(_),
                ..
            }
        ) {
            cloud
                .tenant
                .directory
                .write()
                .application_mut(contoso::CONFIDENTIAL_CLIENT_ID)
                .unwrap()
                .public_client = true;
        }
        let result = sign_in(&cloud, &account, "steve").await.unwrap();
        assert_eq!(result.username, upn("steve"));
        assert!(result.missing.is_empty(), "{:?}", result.missing);
        let tokens = cloud.tokens(&[]);
        tokens.configure(&[std::sync::Arc::new(account.clone())]);
        for audience in wanted().keys() {
            let token = tokens
                .access_token(&account, audience, &Story::untold())
                .await
                .unwrap();
            let claims = cloud.tenant.tokens.verify(token.secret().expose()).unwrap();
            assert!(!claims.app_only());
        }
        let status = cloud.consent().status(&account).await.unwrap().unwrap();
        assert_eq!(status.scopes.len(), 2);
        assert!(status.scopes[graph().as_str()].contains("offline_access"));
    }
}

#[tokio::test]
async fn somebody_else_is_sent_away() {
    let cloud = Cloud::start().await;
    {
        let mut directory = cloud.tenant.directory.write();
        let ann = directory.user(&upn("helpdesk")).unwrap().id.clone();

        let app = directory
            .application_mut(contoso::DELEGATED_CLIENT_ID)
            .unwrap();
        app.grant_scopes(
            Some(&ann),
            contoso::ResourceApp::Graph,
            &["Sites.Read.All", "Mail.ReadBasic"],
        );
    }
    let account = cloud.person(None);
    let error = sign_in(&cloud, &account, "helpdesk").await.unwrap_err();
    assert!(error.to_string().contains(&upn("helpdesk")), "{error}");
    assert!(cloud.consent().status(&account).await.unwrap().is_none());
    assert!(!cloud.path("m365mon.tokens").exists());
}

#[tokio::test]
async fn a_no_and_a_blocked_flow() {
    let cloud = Cloud::start().await;
    let account = cloud.person(None);
    let code = begin(&cloud, &account).await;
    assert!(decline_device(&cloud.tenant, code.user_code()));
    let error = cloud
        .consent()
        .finish_device(&account, code)
        .await
        .unwrap_err();
    assert!(matches!(error, ConsentError::Declined), "{error}");

    // Newer tenants have a number of its own for that.
    for (by_flow, number) in [(false, "AADSTS53003"), (true, "AADSTS530036")] {
        {
            let mut directory = cloud.tenant.directory.write();
            let organization = directory.organization_mut(contoso::DOMAIN).unwrap();
            organization.device_code_blocked = true;
            organization.device_code_by_flow = by_flow;
        }
        let code = begin(&cloud, &account).await;
        _ = approve_device(&cloud.tenant, code.user_code(), &upn("steve"));
        let refused = cloud.consent().finish_device(&account, code).await;
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(number), "{error}");
        assert_eq!(
            error.matches("with a browser instead").count(),
            1,
            "{error}"
        );
    }
}

#[tokio::test]
async fn revoked_then_signed_in_again_while_running() {
    let cloud = Cloud::start().await;
    let account = cloud.person(None);
    sign_in(&cloud, &account, "steve").await.unwrap();
    assert!(revoke_user(&cloud.tenant, &upn("steve")));
    let tokens = cloud.tokens(&[]);
    tokens.configure(&[std::sync::Arc::new(account.clone())]);
    let ask = || async {
        tokens
            .access_token(&account, &graph(), &Story::untold())
            .await
            .map_err(|problem| (problem.reason, problem.code))
    };
    let revoked = (AccountReason::SignInRequired, Some(50_173));
    assert_eq!(ask().await.unwrap_err(), revoked);
    let before = cloud.requests();
    for _ in 0..100 {
        assert_eq!(ask().await.unwrap_err(), revoked);
    }
    assert_eq!(cloud.requests(), before, "asked no more");
    sign_in(&cloud, &account, "steve").await.unwrap();
    until("the new sign-in is noticed", &ask).await;
    assert!(cloud.consent().sign_out(&account).await.unwrap());
    let problem = until("the sign-out is noticed", async || {
        ask().await.map_or_else(Ok, |_| Err("a token"))
    })
    .await;
    assert_eq!(problem, (AccountReason::SignInRequired, None));
}
