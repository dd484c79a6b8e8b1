use super::super::signed_in::{SignInRecord, SignedIn};
use super::script::*;
use crate::model::{AccountReason, CredentialKind, Secret};

fn signed_in(house: &House, sign_in: &str) -> SignedIn {
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
fn sign_in(house: &House, name: &str) {
    let new = signed_in(house, name);
    house.store.sign_in(&house.account, &new).unwrap();
}

/// A house whose person is signed in, by the sign-in "one".
fn occupied() -> House {
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

fn refreshed(name: &str, refresh: &str) -> Act {
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

/// A store that cannot be written is told before a sign-in is lost with it,
/// and the deadline is that of what lies on the disk.
#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_written_is_told() {
    let house = occupied();
    let told = || *house.ear.storage.lock();
    let until = async |wanted: bool| {
        for _ in 0..60 {
            if told() == Some(wanted) {
                return;
            }
            pass(1).await;
        }
        panic!("storage is {:?} after a minute", told());
    };
    let deadline = || {
        let status = house.ear.status.lock().clone().unwrap();
        let ends = |(kind, end): &(_, crate::model::Timestamp)| {
            (*kind == CredentialKind::RefreshToken).then_some(*end)
        };
        status.deadlines.iter().find_map(ends).unwrap()
    };
    assert_eq!(told(), Some(true), "from the first moment on");
    let on_disk = deadline();
    let lock = house.folder.path().join("tokens.lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    until(false).await;
    house.script.then(refreshed("a", "r1"));
    assert_eq!(house.ask().await.unwrap(), "a", "what is in memory goes on");
    pass(10).await;
    assert_eq!(deadline(), on_disk, "r1 would be lost at the next start");
    std::fs::remove_dir(&lock).unwrap();
    until(true).await;
    pass(60).await;
    assert!(deadline() > on_disk, "offered again, and taken");

    std::fs::write(house.folder.path().join("tokens"), "no store").unwrap();
    until(false).await;
}

/// Where nobody signs in nothing must last.
#[tokio::test(start_paused = true)]
async fn without_people_there_is_no_store() {
    let house = House::new(app_account());
    house.configure();
    pass(60).await;
    assert_eq!(*house.ear.storage.lock(), None);
    assert_eq!(std::fs::read_dir(house.folder.path()).unwrap().count(), 0);
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

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_written_costs_nothing_now() {
    let house = occupied();
    let file = house.folder.path().join("tokens");
    let good = std::fs::read(&file).unwrap();
    std::fs::write(&file, b"{ damaged").unwrap();
    house.script.then(refreshed("a", "r1"));
    assert_eq!(house.ask().await.unwrap(), "a", "it goes on from memory");
    assert_eq!(
        std::fs::read(&file).unwrap(),
        b"{ damaged",
        "and overwrites nothing"
    );
    std::fs::write(&file, good).unwrap();
    pass(60).await;
    let stored = house.store.find(&house.account).unwrap().unwrap();
    assert_eq!(
        stored.refresh_token.expose(),
        format!("{CANARY}-r1"),
        "written later"
    );
}

#[test]
fn nothing_in_the_file_can_be_read_or_moved() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let house = House::new(person_account());
    sign_in(&house, "one");
    let file = house.folder.path().join("tokens");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains(CANARY) && !text.contains("teve"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    // Another person's row must not become this one's.
    std::fs::write(&file, text.replace("\"o\"", "\"p\"")).unwrap();
    let error = house.store.find(&house.account).unwrap_err().to_string();
    assert!(error.contains("altered"), "{error}");
    // Nor is a store overwritten whose key is gone.
    std::fs::write(&file, &text).unwrap();
    std::fs::remove_file(house.folder.path().join("key")).unwrap();
    assert!(
        house
            .store
            .sign_in(&house.account, &signed_in(&house, "two"))
            .is_err()
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    assert!(!house.folder.path().join("key").exists());
}

/// What root changes stays with whoever owned it; a new one goes to the owner of
/// the folder.
#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_store_stays_with_its_owner() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    const SOMEBODY: u32 = 54_321;
    let house = House::new(person_account());
    let file = house.store.file().to_owned();
    let folder = file.parent().unwrap();
    // Only root can chown_like files away, and only then is there anything to see.
    let owner = match chown(folder, Some(SOMEBODY), Some(SOMEBODY)) {
        Ok(()) => SOMEBODY,
        Err(_) => std::fs::metadata(folder).unwrap().uid(),
    };
    let all_are_theirs = || {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().uid(), owner, "{entry:?}");
        }
    };
    let one = signed_in(&house, "one");
    house.store.sign_in(&house.account, &one).unwrap();
    assert!(file.exists());
    all_are_theirs();
    let renewed = one.renewed(None, None, house.clock.now());
    house.store.renew(&house.account, &renewed).unwrap();
    all_are_theirs();
}

/// Nothing that lies there already is given away: whoever owns the folder could
/// have put a link to a file of root's in the place of the lock.
#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_link_in_the_place_of_the_lock_is_not_followed() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("there");
    std::fs::write(&there, "").unwrap();
    for elsewhere in [there, folder.path().join("made")] {
        let existed = elsewhere.exists();
        let house = House::new(person_account());
        let file = house.store.file().to_owned();
        symlink(&elsewhere, file.with_extension("lock")).unwrap();
        let error = {
            let new = signed_in(&house, "one");
            let refused = house.store.sign_in(&house.account, &new);
            refused.unwrap_err().to_string()
        };
        assert!(
            error.contains("is a link, which is not followed"),
            "{error}"
        );
        assert!(!file.exists());
        assert_eq!(elsewhere.exists(), existed);
    }
}
