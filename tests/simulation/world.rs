//! Microsoft in a box: Entra and the services behind Graph and SharePoint, in a
//! mood each, answering as PROTOCOL says; and the notes that judge what comes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::chance::Chance;
use crate::model::{Clock, Timestamp};

/// Who can be in a mood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Entra,
    SharePoint,
    Outlook,
    Presence,
    Health,
    Directory,
}

impl Place {
    pub(super) const ALL: [Self; 6] = [
        Self::Entra,
        Self::SharePoint,
        Self::Outlook,
        Self::Presence,
        Self::Health,
        Self::Directory,
    ];
}

/// How somebody answers for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Fine,
    Slow(u64),
    Throttles(u64),
    Sick(Option<u64>),
    /// 401; with claims or without.
    Refuses(bool),
    Forbids,
    KnowsNothing,
    Unreachable,
    NoName,
    Hangs,
    Html,
    /// Entra: nobody's sign-in is good any longer.
    EndsSignIns,
}

pub(super) struct World {
    pub(super) chance: Chance,
    /// The civil clock is off by so many seconds.
    pub(super) skew: Arc<AtomicI64>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Virtual time before the process that runs now began.
    before: Duration,
    began: Option<Instant>,
    moods: BTreeMap<Place, Mood>,
    log: Vec<String>,
    violations: BTreeSet<String>,
    /// Until when nothing may come, by what the limit is counted for.
    holds: BTreeMap<String, Duration>,
    /// The longest that a hold of this key ever reached in this life.
    held: BTreeMap<String, Duration>,
    token_requests: BTreeMap<(String, String), u32>,
    sign_ins: BTreeMap<String, SignInBook>,
    issued: u64,
    first_page: Option<String>,
}

/// The refresh tokens of one application's person.
#[derive(Default, Clone)]
pub(super) struct SignInBook {
    newest: u64,
    valid: BTreeSet<u64>,
    /// An older one ends when a newer one is first used.
    strict: bool,
    pub(super) ended: bool,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed, 2),
            skew: Arc::default(),
            inner: Mutex::default(),
        }
    }

    /// A process begins: its runtime has a time of its own.
    pub(super) fn born(&self) {
        let mut inner = self.inner.lock();
        inner.began = Some(Instant::now());
        inner.token_requests.clear();
        // A process that is killed forgets what it was asked to wait for.
        inner.holds.clear();
        inner.held.clear();
    }

    /// It is gone.
    pub(super) fn died(&self, after: Duration) {
        let mut inner = self.inner.lock();
        inner.before += after;
        inner.began = None;
    }

    /// Virtual time since the beginning of everything.
    pub(super) fn now(&self) -> Duration {
        self.inner.lock().now()
    }

    /// The civil clock of the process that begins now.
    pub(super) fn clock(self: &Arc<Self>) -> Clock {
        let world = Arc::clone(self);
        let start: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        Clock::from_fn(move || {
            let passed = i64::try_from(world.now().as_millis()).unwrap();
            let skew = world.skew.load(Ordering::Relaxed) * 1000;
            start + jiff::SignedDuration::from_millis(passed + skew)
        })
    }

    pub(super) fn note(&self, what: impl AsRef<str>) {
        self.inner.lock().note(what.as_ref());
    }

    /// What must never be.
    pub(super) fn violated(&self, invariant: &str, how: impl AsRef<str>) {
        let mut inner = self.inner.lock();
        let line = format!("{invariant}: {}", how.as_ref());
        inner.note(&format!("VIOLATED {line}"));
        if inner.violations.len() < 40 {
            inner.violations.insert(line);
        }
    }

    pub(super) fn mood(&self, of: Place) -> Mood {
        let inner = self.inner.lock();
        inner.moods.get(&of).copied().unwrap_or(Mood::Fine)
    }

    pub(super) fn set_mood(&self, of: Place, mood: Mood) {
        let mut inner = self.inner.lock();
        inner.note(&format!("{of:?} is {mood:?}"));
        inner.moods.insert(of, mood);
    }

    /// A request arrives: it may not, while its limit asks for a wait.
    pub(super) fn arrives(&self, key: &str) {
        let now = self.now();
        let until = self.inner.lock().holds.get(key).copied();
        if let Some(until) = until.filter(|until| now < *until) {
            self.violated(
                "nothing before a Retry-After ends",
                format!("{key} at {now:?}, asked to wait until {until:?}"),
            );
        }
    }

    pub(super) fn asks_to_wait(&self, key: &str, seconds: u64) {
        let mut inner = self.inner.lock();
        // More than an hour counts as one.
        let until = inner.now() + Duration::from_secs(seconds.min(3600));
        inner.note(&format!("{key} asks to wait until {until:?}"));
        for book in ["holds", "held"] {
            let book = match book {
                "holds" => &mut inner.holds,
                _ => &mut inner.held,
            };
            let known = book.entry(key.to_owned()).or_default();
            *known = (*known).max(until);
        }
    }

    /// Until when reports may be shown because of a wait that was asked for.
    pub(super) fn held_until(&self, key: &str) -> Duration {
        let inner = self.inner.lock();
        inner.held.get(key).copied().unwrap_or_default()
    }

    /// Counts a token request while it lasts.
    pub(super) fn token_request(self: &Arc<Self>, client: &str, scope: &str) -> TokenRequest {
        let key = (client.to_owned(), scope.to_owned());
        let at_once = {
            let mut inner = self.inner.lock();
            let count = inner.token_requests.entry(key.clone()).or_default();
            *count += 1;
            *count
        };
        if at_once > 1 {
            self.violated(
                "one token request in flight",
                format!("{at_once} for {client} and {scope}"),
            );
        }
        TokenRequest {
            world: Arc::clone(self),
            key,
        }
    }

    pub(super) fn number(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.issued += 1;
        inner.issued
    }

    /// A person signs in: a refresh token.
    pub(super) fn sign_in(&self, client: &str, strict: bool) -> String {
        let number = self.number();
        let mut inner = self.inner.lock();
        inner.note(&format!("somebody signs in for {client}"));
        let book = inner.sign_ins.entry(client.to_owned()).or_default();
        *book = SignInBook {
            newest: number,
            valid: [number].into(),
            strict,
            ended: false,
        };
        format!("rt-{number}")
    }

    pub(super) fn book(&self, client: &str) -> SignInBook {
        let inner = self.inner.lock();
        inner.sign_ins.get(client).cloned().unwrap_or_default()
    }

    pub(super) fn end_sign_in(&self, client: &str) {
        let mut inner = self.inner.lock();
        inner.note(&format!("the sign-in of {client} ends"));
        if let Some(book) = inner.sign_ins.get_mut(client) {
            book.ended = true;
            book.valid.clear();
        }
    }

    /// Exchanges a refresh token for a newer one; `None` if it is good no longer.
    pub(super) fn refresh(&self, client: &str, token: &str) -> Option<String> {
        let new = self.number();
        let mut inner = self.inner.lock();
        let used: u64 = token.strip_prefix("rt-")?.parse().ok()?;
        let book = inner.sign_ins.get_mut(client)?;
        if !book.valid.contains(&used) {
            return None;
        }
        if book.strict {
            book.valid.retain(|one| *one >= used);
        }
        book.newest = new;
        book.valid.insert(new);
        Some(format!("rt-{new}"))
    }

    /// The first exposition that shows anything, for ever: sabotage.
    pub(super) fn first_page(&self, text: &str) -> String {
        let mut inner = self.inner.lock();
        if !text.contains("m365_resource_up{") && inner.first_page.is_none() {
            return text.to_owned();
        }
        inner
            .first_page
            .get_or_insert_with(|| text.to_owned())
            .clone()
    }

    pub(super) fn take(&self) -> (Vec<String>, Vec<String>) {
        let mut inner = self.inner.lock();
        let log = std::mem::take(&mut inner.log);
        (
            log,
            std::mem::take(&mut inner.violations).into_iter().collect(),
        )
    }
}

impl SignInBook {
    /// True if Entra still takes it.
    pub(super) fn takes(&self, token: &str) -> bool {
        let number = token.strip_prefix("rt-").and_then(|n| n.parse().ok());
        number.is_some_and(|number| self.valid.contains(&number))
    }

    pub(super) fn exists(&self) -> bool {
        self.newest > 0 && !self.ended
    }
}

impl Inner {
    fn now(&self) -> Duration {
        self.before + self.began.map_or(Duration::ZERO, |began| began.elapsed())
    }

    fn note(&mut self, what: &str) {
        let now = self.now();
        self.log.push(format!("{:>12.3} {what}", now.as_secs_f64()));
    }
}

/// Under way until it is dropped.
pub(super) struct TokenRequest {
    world: Arc<World>,
    key: (String, String),
}

impl Drop for TokenRequest {
    fn drop(&mut self) {
        let mut inner = self.world.inner.lock();
        if let Some(count) = inner.token_requests.get_mut(&self.key) {
            *count = count.saturating_sub(1);
        }
    }
}
