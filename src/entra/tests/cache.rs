use std::sync::Arc;
use std::time::Duration;

use super::super::ClaimsChallenge;
use super::script::*;
use crate::model::{
    Account, AccountReason, AppCredential, Audience, SecretSource, SignIn, Story, Timestamp,
};

#[tokio::test(start_paused = true)]
async fn one_request_however_many_ask() {
    let house = House::new(app_account());
    house.configure();
    house.script.then(Act::Wait(
        Duration::from_secs(3),
        Box::new(token("a", 3600)),
    ));
    let asking: Vec<_> = (0..1000).map(|_| house.ask()).collect();
    for result in futures_util::future::join_all(asking).await {
        assert_eq!(result.unwrap(), "a");
    }
    assert_eq!(house.script.count(), 1);
    assert_eq!(house.ask().await.unwrap(), "a");
    assert_eq!(house.script.count(), 1);
    let seen = house.script.last();
    assert_eq!(seen.get("scope"), "https://graph.microsoft.com/.default");
    assert_eq!(seen.get("client_secret"), CANARY);
    assert!(seen.get("claims").contains("cp1"));
    let status = house.ear.status.lock().clone().unwrap();
    assert_eq!(status.access_tokens.len(), 1);
    assert_eq!(
        status.access_tokens[0].1.to_string(),
        "2026-11-25T13:00:00Z",
        "counted from the start of the request"
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_cancels_nothing() {
    let house = House::new(app_account());
    house.configure();
    house.script.then(Act::Wait(
        Duration::from_secs(10),
        Box::new(token("a", 3600)),
    ));
    let impatient = tokio::time::timeout(Duration::from_secs(2), house.ask()).await;
    assert!(impatient.is_err());
    pass(9).await;
    assert_eq!(house.ask().await.unwrap(), "a");
    assert_eq!(house.script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn renewed_in_the_background_and_kept_to_its_end_when_that_fails() {
    let house = House::new(app_account());
    house.configure();
    house.script.then(token("a", 3600));
    assert_eq!(house.ask().await.unwrap(), "a");
    pass(54 * 60).await;
    assert_eq!(house.script.count(), 1);
    house.script.then(token("b", 3600));
    pass(2 * 60).await;
    assert_eq!(
        house.script.count(),
        2,
        "nobody asked, it was renewed in time"
    );
    assert_eq!(house.ask().await.unwrap(), "b");
    for _ in 0..60 {
        house.script.then(Act::Fail(AccountReason::Connect));
    }
    pass(58 * 60).await;
    let tries = house.script.count();
    assert!(tries > 3, "it is tried again, {tries}");
    assert_eq!(house.ask().await.unwrap(), "b", "still valid");
    pass(120).await;
    assert_eq!(house.ask().await.unwrap_err(), AccountReason::Connect);
}

#[tokio::test(start_paused = true)]
async fn short_lives_leave_no_gap() {
    let house = House::new(app_account());
    house.configure();
    for n in 0..40 {
        house.script.then(token(&n.to_string(), 60));
    }
    for _ in 0..300 {
        house.ask().await.unwrap();
        pass(2).await;
    }
    assert!(
        (12..=20).contains(&house.script.count()),
        "{}",
        house.script.count()
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_and_it_is_let_go() {
    let house = House::new(app_account());
    house.configure();
    house.ask().await.unwrap();
    pass(24 * 3600).await;
    assert_eq!(
        house.script.count(),
        3,
        "renewed through twice its life, then let go"
    );
}

#[tokio::test(start_paused = true)]
async fn at_most_one_request_per_step_of_back_off() {
    let house = House::new(app_account());
    house.configure();
    for _ in 0..1000 {
        house.script.then(Act::Fail(AccountReason::Timeout));
    }
    let audiences: Vec<_> = (0..5)
        .map(|n| Audience::sharepoint(&format!("h{n}.sharepoint.com")))
        .collect();
    for _ in 0..600 {
        let asking = (0..200).map(|n| house.ask_for(&audiences[n % 5]));
        for result in futures_util::future::join_all(asking).await {
            assert_eq!(result.unwrap_err(), AccountReason::Timeout);
        }
        pass(1).await;
    }
    // 1 + 2 + 4 + … + 60 + 60 … seconds, a fifth less: at most 19 in ten minutes.
    let count = house.script.count();
    assert!((10..=19).contains(&count), "{count}");
    assert_eq!(house.ear.reports.lock().len(), count);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_was_asked_for_is_kept_by_all_of_the_same_application() {
    let house = House::new(app_account());
    let twin = Arc::new(Account {
        name: "twin".into(),
        ..app_account()
    });
    house
        .tokens
        .configure(&[house.account.clone(), twin.clone()]);
    house.script.then(Act::Answer(
        429,
        String::new(),
        vec![("retry-after", "120".into())],
    ));
    assert_eq!(house.ask().await.unwrap_err(), AccountReason::Throttled);
    let until = house.ear.status.lock().clone().unwrap().held_until.unwrap();
    assert_eq!(until.to_string(), "2026-11-25T12:02:00Z");
    pass(115).await;
    assert_eq!(house.ask().await.unwrap_err(), AccountReason::Throttled);
    let graph = house.graph();
    let other = house
        .tokens
        .access_token(&twin, &graph, &Story::untold())
        .await;
    assert_eq!(other.unwrap_err().reason, AccountReason::Throttled);
    assert_eq!(house.script.count(), 1);
    pass(10).await;
    house.ask().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_human_must_mend_is_asked_every_quarter_of_an_hour() {
    let house = House::new(app_account());
    house.configure();
    for _ in 0..10 {
        house.script.then(error(401, "invalid_client", 7_000_215));
    }
    for _ in 0..60 {
        assert_eq!(house.ask().await.unwrap_err(), AccountReason::Refused);
        pass(60).await;
    }
    assert_eq!(house.script.count(), 4);
    house.configure();
    assert_eq!(house.ask().await.unwrap_err(), AccountReason::Refused);
    assert_eq!(house.script.count(), 5, "at once after a reload");
    let reports = house.ear.reports.lock();
    let problem = reports[0].result.clone().unwrap_err();
    assert_eq!(problem.code, Some(7_000_215));
    assert!(reports[0].request_id.is_some());
    assert!(!format!("{reports:?}").contains(CANARY));
}

#[tokio::test(start_paused = true)]
async fn a_changed_secret_file_is_tried_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let mut account = app_account();
    account.sign_in = SignIn::App(AppCredential::ClientSecret {
        secret: SecretSource::File(path.clone()),
        expires: Some("2027-03-01T00:00:00Z".parse().unwrap()),
    });
    let house = House::new(account);
    house.configure();
    assert_eq!(house.ask().await.unwrap_err(), AccountReason::Internal);
    assert_eq!(house.script.count(), 0, "nothing to send");
    std::fs::write(&path, "wrong\n").unwrap();
    house.script.then(error(401, "invalid_client", 7_000_215));
    pass(2).await;
    assert_eq!(house.ask().await.unwrap_err(), AccountReason::Refused);
    std::fs::write(&path, "right, and longer\n").unwrap();
    pass(2).await;
    house.ask().await.unwrap();
    assert_eq!(
        house.script.last().get("client_secret"),
        "right, and longer"
    );
    let status = house.ear.status.lock().clone().unwrap();
    assert_eq!(status.deadlines.len(), 1);
    assert_eq!(status.sign_in_required_since, None);
}

/// What somebody wrote down as the end of a secret, while Entra says that it has
/// ended: never a date in the future.
#[tokio::test(start_paused = true)]
async fn a_secret_that_entra_says_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let written: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
    for expires in [Some(written), None] {
        std::fs::write(&path, "old").unwrap();
        let house = House::new(Account {
            sign_in: SignIn::App(AppCredential::ClientSecret {
                secret: SecretSource::File(path.clone()),
                expires,
            }),
            ..app_account()
        });
        let ends = |house: &House| {
            let status = house.ear.status.lock().clone().unwrap();
            let deadlines = status.deadlines.into_iter();
            deadlines.map(|(_, end)| end).collect::<Vec<_>>()
        };
        let known = Vec::from_iter(expires);
        house.configure();
        assert_eq!(ends(&house), known);
        house.script.then(error(401, "invalid_client", 7_000_222));
        assert_eq!(house.ask().await.unwrap_err(), AccountReason::Refused);
        let refused = house.clock.now();
        assert_eq!(ends(&house), [refused]);
        // Refused again after a while: it has ended when it was first seen.
        house.script.then(error(401, "invalid_client", 7_000_222));
        pass(16 * 60).await;
        assert_eq!(house.ask().await.unwrap_err(), AccountReason::Refused);
        assert_eq!(ends(&house), [refused]);
        // Another lies in the file, and works.
        std::fs::write(&path, format!("newer, {expires:?}")).unwrap();
        pass(2).await;
        house.ask().await.unwrap();
        assert_eq!(ends(&house), known);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_consent_concerns_one_audience() {
    let house = House::new(app_account());
    house.configure();
    house.script.then(error(400, "invalid_grant", 65_001));
    let site = Audience::sharepoint("contoso.sharepoint.com");
    assert_eq!(
        house.ask_for(&site).await.unwrap_err(),
        AccountReason::Refused
    );
    house.ask().await.unwrap();
    assert_eq!(
        house.ask_for(&site).await.unwrap_err(),
        AccountReason::Refused
    );
    assert_eq!(house.script.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn refused_tokens_are_replaced_by_the_rules() {
    let house = House::new(app_account());
    house.configure();
    let (graph, untold) = (house.graph(), Story::untold());
    house
        .script
        .then(token("a", 3600))
        .then(token("b", 3600))
        .then(token("c", 3600));
    let first = house
        .tokens
        .access_token(&house.account, &graph, &untold)
        .await
        .unwrap();
    let replace = async |token| {
        house
            .tokens
            .replace_refused(&house.account, &graph, token, None, &untold)
            .await
    };
    assert!(replace(&first).await.is_none(), "younger than five minutes");
    pass(301).await;
    let crowd = futures_util::future::join_all((0..1000).map(|_| replace(&first))).await;
    for result in crowd {
        assert_eq!(name(&result.unwrap().unwrap()), "b");
    }
    assert_eq!(house.script.count(), 2);
    pass(10).await;
    assert_eq!(
        name(&replace(&first).await.unwrap().unwrap()),
        "b",
        "replaced meanwhile"
    );
    let second = house
        .tokens
        .access_token(&house.account, &graph, &untold)
        .await
        .unwrap();
    assert!(replace(&second).await.is_none());
    pass(301).await;
    assert_eq!(name(&replace(&second).await.unwrap().unwrap()), "c");
    assert_eq!(house.script.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn claims_are_answered_at_once_and_once() {
    let house = House::new(app_account());
    house.configure();
    let (graph, untold) = (house.graph(), Story::untold());
    house
        .script
        .then(token("a", 3600))
        .then(token("b", 3600))
        .then(error(400, "interaction_required", 50_076));
    let challenge = |claims: &str| ClaimsChallenge::find([claims]);
    let one = challenge(
        r#"Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTcyNjI1ODEyMiJ9fX0=""#,
    );
    assert!(one.is_some());
    let first = house
        .tokens
        .access_token(&house.account, &graph, &untold)
        .await
        .unwrap();
    let replace = async |token, claims| {
        house
            .tokens
            .replace_refused(&house.account, &graph, token, claims, &untold)
            .await
    };
    let second = replace(&first, one.clone()).await.unwrap().unwrap();
    assert_eq!(name(&second), "b");
    let claims = house.script.last().get("claims").to_owned();
    assert!(
        claims.contains("1726258122") && claims.contains("cp1"),
        "{claims}"
    );
    assert!(
        replace(&second, one.clone()).await.is_none(),
        "once per value"
    );
    let other = challenge(r#"Bearer error="insufficient_claims", claims="e30=""#);
    assert!(replace(&second, other).await.unwrap().is_err());
    assert_eq!(
        house.ask().await.unwrap_err(),
        AccountReason::Refused,
        "a challenged token is dead"
    );
    assert_eq!(house.script.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_panic_leaves_no_flight_behind() {
    let house = House::new(app_account());
    house.configure();
    house.script.then(Act::Panic).then(token("a", 3600));
    assert_eq!(house.ask().await.unwrap_err(), AccountReason::Internal);
    assert_eq!(house.ask().await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn reloads_keep_what_did_not_change() {
    let house = House::new(app_account());
    house.configure();
    house.ask().await.unwrap();
    house.configure();
    house.ask().await.unwrap();
    assert_eq!(house.script.count(), 1);
    let mut changed = app_account();
    changed.client_id = Some("22222222-2222-3333-4444-555555555555".into());
    house.tokens.configure(&[Arc::new(changed)]);
    assert_eq!(
        house.ask().await.unwrap_err(),
        AccountReason::Internal,
        "of before the reload"
    );
    assert_eq!(house.script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_makes_no_gap() {
    use crate::model::Clock;
    use std::sync::atomic::{AtomicI64, Ordering};
    let jump = Arc::new(AtomicI64::new(0));
    let mut house = House::new(app_account());
    let (real, moved) = (house.clock.clone(), jump.clone());
    let clock = Clock::from_fn(move || {
        let by = jiff::SignedDuration::from_secs(moved.load(Ordering::Relaxed));
        real.now().checked_add(by).unwrap()
    });
    house.tokens = super::super::Tokens::with_endpoint(
        house.script.clone(),
        house.store.clone(),
        clock,
        Arc::new(NoChance),
        house.ear.clone(),
    );
    house.configure();
    house.ask().await.unwrap();
    for by in [86_400, -86_400] {
        jump.store(by, Ordering::Relaxed);
        house.ask().await.unwrap();
        pass(10).await;
        house.ask().await.unwrap();
    }
    assert!(house.script.count() <= 3, "{}", house.script.count());
}
