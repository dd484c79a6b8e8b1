use super::super::signed_in::{SignInRecord, SignedIn};
use super::script::*;
use crate::model::{AccountReason, CredentialKind, Secret};

pub(super) fn signed_in(house: &House, sign_in: &str) -> SignedIn {
    let graph = house.graph().as_str().to_owned();
    SignedIn {
        cloud: house.account.cloud.login_url().to_owned(),
        tid: "99999999-2222-3333-4444-555555555555".into(),
        client_id: house.account.client_id.as_deref().unwrap().to_owned(),
        oid: "o".into(),
        record: SignInRecord {
            tenant: "contoso.onmicrosoft.com".into(),
            username: "Steve@contoso.com".into(),
            sign_in: sign_in.into(),
            refresh_token: Secret::new(format!("{CANARY}-r0")),
            scopes: [(
                graph,
                "openid offline_access https://graph.microsoft.com/Mail.ReadBasic".into(),
            )]
            .into(),
            consented_at: house.clock.now(),
            ended: None,
            renewed_at: house.clock.now(),
            refresh_ends: None,
        },
    }
}

/// Puts a sign-in into the store, as another process does.
pub(super) fn sign_in(house: &House, name: &str) {
    let new = signed_in(house, name);
    house.store.sign_in(&house.account, &new).unwrap();
}

/// A house whose person is signed in, by the sign-in "one".
pub(super) fn occupied() -> House {
    let house = House::new(person_account());
    sign_in(&house, "one");
    house.configure();
    house
}

/// Asks with a refresh token, and lets `something` happen before the answer comes.
async fn while_an_answer_is_on_its_way(
    house: &House,
    something: impl FnOnce(),
) -> Result<String, AccountReason> {
    house.script.then(Act::Wait(
        std::time::Duration::from_secs(5),
        Box::new(refreshed("a", "r1")),
    ));
    let (asked, ()) = tokio::join!(house.ask(), async {
        pass(2).await;
        something();
    });
    asked
}

pub(super) fn refreshed(name: &str, refresh: &str) -> Act {
    Act::Answer(
        200,
        format!(
            r#"{{"expires_in":"3600","access_token":"{CANARY}-{name}","refresh_token":"{CANARY}-{refresh}"}}"#
        ),
        vec![],
    )
}

#[tokio::test(start_paused = true)]
async fn nobody_signed_in_yet() {
    let house = House::new(person_account());
    house.configure();
    assert_eq!(
        house.ask().await.unwrap_err(),
        AccountReason::SignInRequired
    );
    assert_eq!(house.script.count(), 0);
    assert!(
        house
            .ear
            .status
            .lock()
            .clone()
            .unwrap()
            .sign_in_required_since
            .is_some()
    );
    // Another process signs in.
    sign_in(&house, "one");
    pass(2).await;
    house.script.then(refreshed("a", "r1"));
    assert_eq!(house.ask().await.unwrap(), "a");
    let seen = house.script.last();
    assert_eq!(seen.get("grant_type"), "refresh_token");
    assert_eq!(seen.get("refresh_token"), format!("{CANARY}-r0"));
    assert_eq!(
        seen.get("scope"),
        "openid offline_access https://graph.microsoft.com/Mail.ReadBasic"
    );
    let stored = house.store.find(&house.account).unwrap().unwrap();
    assert_eq!(stored.refresh_token.expose(), format!("{CANARY}-r1"));
    let status = house.ear.status.lock().clone().unwrap();
    assert_eq!(status.sign_in_required_since, None);
    let kinds: Vec<_> = status.deadlines.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [CredentialKind::RefreshToken, CredentialKind::Consent]
    );
}

#[tokio::test(start_paused = true)]
async fn signing_out_is_felt() {
    let house = occupied();
    house.script.then(refreshed("a", "r1"));
    assert_eq!(house.ask().await.unwrap(), "a");
    assert!(house.store.sign_out(&house.account).unwrap());
    assert!(!house.store.sign_out(&house.account).unwrap());
    pass(6).await;
    let status = house.ear.status.lock().clone().unwrap();
    assert!(status.access_tokens.is_empty() && status.deadlines.is_empty());
    assert!(status.sign_in_required_since.is_some());
    assert_eq!(
        house.ask().await.unwrap_err(),
        AccountReason::SignInRequired
    );
    assert_eq!(house.script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn signing_out_while_an_answer_is_on_its_way() {
    let house = occupied();
    let asked = while_an_answer_is_on_its_way(&house, || {
        house.store.sign_out(&house.account).unwrap();
    })
    .await;
    assert_eq!(asked.unwrap_err(), AccountReason::SignInRequired);
    assert!(
        house.store.find(&house.account).unwrap().is_none(),
        "it does not come back"
    );
}

#[tokio::test(start_paused = true)]
async fn revoked_until_signed_in_again() {
    let house = occupied();
    house.script.then(error(400, "invalid_grant", 50_173));
    assert_eq!(
        house.ask().await.unwrap_err(),
        AccountReason::SignInRequired
    );
    pass(100).await;
    assert_eq!(
        house.ask().await.unwrap_err(),
        AccountReason::SignInRequired
    );
    assert_eq!(house.script.count(), 1);
    sign_in(&house, "two");
    pass(2).await;
    house.script.then(refreshed("a", "r1"));
    assert_eq!(house.ask().await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_sign_in_is_written_down_once_and_taken_back() {
    let house = occupied();
    let stored = || house.store.find(&house.account).unwrap().unwrap().ended;
    assert_eq!(stored(), None);
    // Nothing that ends by itself, and nothing that scope one audience only.
    house
        .script
        .then(error(503, "temporarily_unavailable", 90_033));
    house.ask().await.unwrap_err();
    assert_eq!(stored(), None);
    pass(2).await;
    house.script.then(error(400, "invalid_grant", 65_001));
    house.ask().await.unwrap_err();
    assert_eq!(stored(), None);
    pass(16 * 60).await;
    house.script.then(error(400, "invalid_grant", 70_043));
    let before = house.clock.now();
    assert_eq!(
        house.ask().await.unwrap_err(),
        AccountReason::SignInRequired
    );
    let ended = stored().unwrap();
    assert!(ended.is_by_policy() && ended.at >= before, "{ended:?}");
    // Refused again: the first time counts.
    pass(16 * 60).await;
    house.script.then(error(400, "invalid_grant", 50_173));
    house.ask().await.unwrap_err();
    assert_eq!(stored(), Some(ended));
    // The policy was lifted.
    pass(16 * 60).await;
    house.script.then(refreshed("a", "r1"));
    assert_eq!(house.ask().await.unwrap(), "a");
    assert_eq!(stored(), None);
}

/// A start knows what the store knows, before anybody asks Entra.
#[tokio::test(start_paused = true)]
async fn what_the_store_knows_is_known_from_the_start() {
    let house = House::new(person_account());
    let status = || house.ear.status.lock().clone().unwrap();
    house.configure();
    let nobody = status().sign_in_required_since;
    assert_eq!(nobody, Some(house.clock.now()), "nobody signed in");

    let one = signed_in(&house, "one");
    house.store.sign_in(&house.account, &one).unwrap();
    let end = crate::entra::SignInEnd {
        at: house.clock.now(),
        code: Some(50_173),
    };
    house.store.end(&house.account, &one, end).unwrap();
    pass(3_600).await;
    let again = House::beside(&house);
    again.configure();
    let since = again
        .ear
        .status
        .lock()
        .clone()
        .unwrap()
        .sign_in_required_since;
    assert_eq!(since, Some(end.at), "the moment of the refusal is kept");
    assert_eq!(again.script.count(), 0);
    // Still refused: the moment stays. Taken after all: it is over.
    again.script.then(error(400, "invalid_grant", 50_173));
    again.ask().await.unwrap_err();
    let since = again
        .ear
        .status
        .lock()
        .clone()
        .unwrap()
        .sign_in_required_since;
    assert_eq!(since, Some(end.at));
    pass(16 * 60).await;
    again.script.then(refreshed("a", "r1"));
    assert_eq!(again.ask().await.unwrap(), "a");
    let since = again
        .ear
        .status
        .lock()
        .clone()
        .unwrap()
        .sign_in_required_since;
    assert_eq!(since, None);
}

/// What Entra says of an old sign-in is not written onto a new one, nor onto
/// one that another process renewed meanwhile.
#[tokio::test(start_paused = true)]
async fn the_end_of_another_sign_in_is_not_written_down() {
    let house = House::new(person_account());
    let one = signed_in(&house, "one");
    let end = crate::entra::SignInEnd {
        at: house.clock.now(),
        code: Some(50_173),
    };
    let stored = || house.store.find(&house.account).unwrap().unwrap().ended;
    let two = signed_in(&house, "two");
    house.store.sign_in(&house.account, &two).unwrap();
    house.store.end(&house.account, &one, end).unwrap();
    assert_eq!(stored(), None, "another sign-in");
    pass(10).await;
    let renewed = two.renewed(None, None, house.clock.now());
    house.store.renew(&house.account, &renewed).unwrap();
    house.store.end(&house.account, &two, end).unwrap();
    assert_eq!(stored(), None, "the same refresh token, renewed");
    house.store.end(&house.account, &renewed, end).unwrap();
    assert_eq!(stored(), Some(end));
}

/// Somebody signs in while the old refresh token is on its way.
#[tokio::test(start_paused = true)]
async fn a_new_sign_in_is_not_ended_by_the_answer_to_the_old_one() {
    let house = occupied();
    let asked = while_an_answer_is_on_its_way(&house, || {
        sign_in(&house, "two");
    })
    .await;
    asked.unwrap_err();
    let row = house.store.find(&house.account).unwrap().unwrap();
    assert_eq!((&*row.sign_in, row.ended), ("two", None));
}

#[tokio::test(start_paused = true)]
async fn another_process_has_a_newer_refresh_token() {
    let house = House::new(person_account());
    let one = signed_in(&house, "one");
    house.store.sign_in(&house.account, &one).unwrap();
    house.configure();
    let newer = one.renewed(
        Some(Secret::new(format!("{CANARY}-r7"))),
        None,
        house.clock.now(),
    );
    house.store.renew(&house.account, &newer).unwrap();
    house
        .script
        .then(error(400, "invalid_grant", 70_000))
        .then(refreshed("a", "r8"));
    assert_eq!(house.ask().await.unwrap(), "a");
    assert_eq!(
        house.script.last().get("refresh_token"),
        format!("{CANARY}-r7")
    );
}

#[tokio::test(start_paused = true)]
async fn used_daily_though_nobody_asks() {
    let house = occupied();
    pass(5 * 86_400).await;
    let count = house.script.count();
    assert!((5..=6).contains(&count), "{count}");
}
