//! Names and passwords.
//!
//! A look at a password costs the same for a name that nobody has: one of the
//! real hashes stands in, always the same for the same name. bcrypt runs one
//! at a time, in turn among addresses, and off the async threads; who comes
//! from an address that waits for many looks already is sent away. What was found out is remembered, right
//! and wrong apart, so that a flood of wrong passwords neither costs a regular
//! scraper its place nor makes it wait. Nothing that is remembered can be
//! turned back into a password: it is an HMAC under a key that this process
//! made for itself, over name, hash and password.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use ring::hmac;

use super::turns::Turns;
use crate::config::web::User;
use crate::model::{Random, Secret};

/// Right passwords remembered. Only who knows one can add to them.
const MOST_RIGHT: usize = 256;
/// Wrong passwords remembered.
const MOST_WRONG: usize = 1024;

/// Who may come in.
#[derive(Default)]
pub(super) struct Users {
    by_name: HashMap<String, Secret>,
    /// In the order of the file; they stand in for names that nobody has.
    hashes: Vec<Secret>,
}

impl Users {
    pub(super) fn new(users: &[User]) -> Self {
        Self {
            by_name: users
                .iter()
                .map(|user| (user.name.clone(), user.hash.clone()))
                .collect(),
            hashes: users.iter().map(|user| user.hash.clone()).collect(),
        }
    }

    /// True if nobody is asked.
    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

/// What came of a look at a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PasswordVerdict {
    Right,
    Wrong,
    /// Too many looks are waited for.
    Busy,
}

/// Looks at passwords.
pub(super) struct Passwords {
    key: hmac::Key,
    remembered: Mutex<Remembered>,
    turns: Arc<Turns>,
}

type Digest = [u8; 32];

#[derive(Default)]
struct Remembered {
    right: Ring,
    wrong: Ring,
}

/// The last few, the oldest goes first.
#[derive(Default)]
struct Ring {
    members: HashSet<Digest>,
    order: VecDeque<Digest>,
}

impl Ring {
    fn add(&mut self, digest: Digest, most: usize) {
        if !self.members.insert(digest) {
            return;
        }
        self.order.push_back(digest);
        if self.order.len() > most
            && let Some(oldest) = self.order.pop_front()
        {
            self.members.remove(&oldest);
        }
    }
}

impl Passwords {
    pub(super) fn new(random: &dyn Random) -> Self {
        let mut key = [0; 32];
        random.fill(&mut key);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            remembered: Mutex::default(),
            turns: Arc::default(),
        }
    }

    /// Looks at a name and a password that came from `address`.
    pub(super) async fn look(
        &self,
        users: &Users,
        address: IpAddr,
        name: &str,
        password: Secret,
    ) -> PasswordVerdict {
        let known = users.by_name.get(name);
        let Some(hash) = known.or_else(|| self.stand_in(users, name)).cloned() else {
            return PasswordVerdict::Wrong;
        };
        let is_known = known.is_some();
        let digest = self.digest(is_known, name, &hash, &password);
        if let Some(verdict) = self.remembered(&digest) {
            return verdict;
        }
        let Some(turn) = self.turns.wait(address).await else {
            return PasswordVerdict::Busy;
        };
        // Somebody may have asked the same in the meantime.
        if let Some(verdict) = self.remembered(&digest) {
            return verdict;
        }
        let looked = tokio::task::spawn_blocking(move || {
            // The turn goes along: a client that leaves frees nothing early.
            let _turn = turn;
            bcrypt::verify(password.expose(), hash.expose()).unwrap_or(false)
        });
        let Ok(fits) = looked.await else {
            return PasswordVerdict::Wrong;
        };
        let mut remembered = self.remembered.lock();
        if fits && is_known {
            remembered.right.add(digest, MOST_RIGHT);
            PasswordVerdict::Right
        } else {
            remembered.wrong.add(digest, MOST_WRONG);
            PasswordVerdict::Wrong
        }
    }

    /// A hash for a name that nobody has.
    fn stand_in<'u>(&self, users: &'u Users, name: &str) -> Option<&'u Secret> {
        let tag = hmac::sign(&self.key, name.as_bytes());
        let number = tag
            .as_ref()
            .iter()
            .take(8)
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let hashes = users.hashes.len() as u64;
        let index = number.checked_rem(hashes)?;
        users.hashes.get(usize::try_from(index).ok()?)
    }

    /// What is remembered of a look. A name that somebody had and nobody has
    /// any more may meet its own old hash as a stand-in: it must not be taken
    /// for known.
    fn digest(&self, is_known: bool, name: &str, hash: &Secret, password: &Secret) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&[u8::from(is_known)]);
        for part in [name, hash.expose(), password.expose()] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut digest = Digest::default();
        for (to, from) in digest.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        digest
    }

    fn remembered(&self, digest: &Digest) -> Option<PasswordVerdict> {
        let remembered = self.remembered.lock();
        if remembered.right.members.contains(digest) {
            Some(PasswordVerdict::Right)
        } else if remembered.wrong.members.contains(digest) {
            Some(PasswordVerdict::Wrong)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests;
