//! The store of sign-ins: what is told of it, and whom its files belong to.

use super::script::*;
use super::sign_in::{occupied, refreshed, sign_in, signed_in};
use crate::model::CredentialKind;

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
