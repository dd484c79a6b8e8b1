use super::*;
use crate::model::SystemRandom;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn users(users: &[(&str, &str)]) -> Users {
    let users: Vec<User> = users
        .iter()
        .map(|(name, password)| User {
            name: (*name).to_owned(),
            hash: Secret::new(bcrypt::hash(password, 4).unwrap()),
        })
        .collect();
    Users::new(&users)
}

fn passwords() -> Passwords {
    Passwords::new(&SystemRandom::new())
}

async fn look(passwords: &Passwords, users: &Users, name: &str, password: &str) -> PasswordVerdict {
    passwords
        .look(users, HERE, name, Secret::new(password.to_owned()))
        .await
}

#[tokio::test]
async fn right_and_wrong() {
    let (passwords, users) = (passwords(), users(&[("alice", "a:b"), ("bob", "")]));
    // The second time from memory.
    for _ in 0..2 {
        for (name, password, verdict) in [
            ("alice", "a:b", PasswordVerdict::Right),
            ("bob", "", PasswordVerdict::Right),
            ("alice", "", PasswordVerdict::Wrong),
            ("alice", "A:b", PasswordVerdict::Wrong),
            ("Alice", "a:b", PasswordVerdict::Wrong),
            ("nobody", "a:b", PasswordVerdict::Wrong),
            ("", "", PasswordVerdict::Wrong),
            ("alice", "a:b\0", PasswordVerdict::Wrong),
        ] {
            let found = look(&passwords, &users, name, password).await;
            assert_eq!(found, verdict, "{name} {password:?}");
        }
    }
    let remembered = passwords.remembered.lock();
    assert_eq!(remembered.right.order.len(), 2);
    assert_eq!(remembered.wrong.order.len(), 6);
}

#[tokio::test]
async fn a_stand_in_never_lets_in() {
    // Whichever name is tried, the hash that stands in is the only one there is.
    let (passwords, users) = (passwords(), users(&[("alice", "secret")]));
    for name in ["bob", "carol", "alice "] {
        let found = look(&passwords, &users, name, "secret").await;
        assert_eq!(found, PasswordVerdict::Wrong, "{name}");
    }
}

#[tokio::test]
async fn a_user_who_left_stays_out() {
    // Bob has the very hash that was Alice's: it stands in for her now.
    let hash = Secret::new(bcrypt::hash("secret", 4).unwrap());
    let only = |name: &str| {
        Users::new(&[User {
            name: name.to_owned(),
            hash: hash.clone(),
        }])
    };
    let passwords = passwords();
    let (alice, bob) = (only("alice"), only("bob"));
    assert_eq!(
        look(&passwords, &alice, "alice", "secret").await,
        PasswordVerdict::Right
    );
    assert_eq!(
        look(&passwords, &bob, "alice", "secret").await,
        PasswordVerdict::Wrong
    );
    assert_eq!(
        look(&passwords, &bob, "bob", "secret").await,
        PasswordVerdict::Right
    );
    assert_eq!(
        look(&passwords, &alice, "bob", "secret").await,
        PasswordVerdict::Wrong
    );
    assert_eq!(
        look(&passwords, &alice, "alice", "secret").await,
        PasswordVerdict::Right
    );
}

#[tokio::test]
async fn another_hash_asks_again() {
    let passwords = passwords();
    let before = users(&[("alice", "old")]);
    let after = users(&[("alice", "new")]);
    assert_eq!(
        look(&passwords, &before, "alice", "old").await,
        PasswordVerdict::Right
    );
    assert_eq!(
        look(&passwords, &after, "alice", "old").await,
        PasswordVerdict::Wrong
    );
    assert_eq!(
        look(&passwords, &before, "alice", "new").await,
        PasswordVerdict::Wrong
    );
    assert_eq!(
        look(&passwords, &after, "alice", "new").await,
        PasswordVerdict::Right
    );
}

#[tokio::test]
async fn memory_is_bounded_and_a_flood_forgets_nothing_right() {
    let (passwords, users) = (passwords(), users(&[("alice", "secret")]));
    assert_eq!(
        look(&passwords, &users, "alice", "secret").await,
        PasswordVerdict::Right
    );
    for number in 0..MOST_WRONG + 50 {
        look(&passwords, &users, "alice", &number.to_string()).await;
    }
    // No turn is needed for what is remembered.
    let turn = passwords.turns.wait(HERE).await;
    assert_eq!(
        look(&passwords, &users, "alice", "secret").await,
        PasswordVerdict::Right
    );
    let newest = (MOST_WRONG + 49).to_string();
    assert_eq!(
        look(&passwords, &users, "alice", &newest).await,
        PasswordVerdict::Wrong
    );
    assert!(turn.is_some());
    let remembered = passwords.remembered.lock();
    assert_eq!(remembered.wrong.order.len(), MOST_WRONG);
    assert_eq!(remembered.wrong.members.len(), MOST_WRONG);
}
