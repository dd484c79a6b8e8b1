//! Whether the store takes what must last: found out before a sign-in depends
//! on it, because the one that could not be written is gone at the next start.

use std::time::Duration;

use tokio::time::Instant;

use super::endpoint_client::blocking;
use super::tokens::Tokens;

/// How often it is found out; a sign-in is renewed about once an hour.
const CHECK: Duration = Duration::from_secs(20);

/// What is known of the store, and told.
#[derive(Default)]
pub(super) struct StorageWatch {
    /// Some account needs a person.
    must_last: bool,
    /// When it was last checked, or is being checked since.
    checked: Option<Instant>,
    under_way: bool,
    /// What the observer was told last.
    last_published: Option<bool>,
}

impl Tokens {
    /// Another configuration: checks at once, so that the first scrape knows.
    /// Blocks on the disk.
    pub(super) fn watch_storage(&self, must_last: bool) {
        {
            let mut watch = self.storage.lock();
            watch.must_last = must_last;
            watch.checked = Some(Instant::now());
        }
        if must_last {
            self.store.check();
        }
        self.publish_storage();
    }

    /// Checks when it is time, beside everything else: a disk that hangs holds
    /// nothing up, and counts as one that cannot be written.
    pub(super) fn check_storage(&self) {
        {
            let mut watch = self.storage.lock();
            let young = watch.checked.is_some_and(|at| at.elapsed() < CHECK);
            if !watch.must_last || young {
                return;
            }
            if watch.under_way {
                drop(watch);
                self.store.hangs();
                self.publish_storage();
                return;
            }
            watch.checked = Some(Instant::now());
            watch.under_way = true;
        }
        let me = self.me.clone();
        let store = self.store.clone();
        tokio::spawn(async move {
            _ = blocking(move || store.check()).await;
            if let Some(tokens) = me.upgrade() {
                tokens.storage.lock().under_way = false;
                tokens.publish_storage();
            }
        });
    }

    /// Tells whether the store can be written, if that is news.
    pub(super) fn publish_storage(&self) {
        let mut watch = self.storage.lock();
        let known = self.store.writable().filter(|_| watch.must_last);
        let writable = known.as_ref().map(Result::is_ok);
        if watch.last_published == writable {
            return;
        }
        match known {
            Some(Err(why)) => tracing::error!(
                why = &*why,
                "the store of sign-ins cannot be written: they would be lost at the next start"
            ),
            Some(Ok(())) if watch.last_published == Some(false) => {
                tracing::info!("the store of sign-ins can be written again");
            }
            _ => {}
        }
        watch.last_published = writable;
        drop(watch);
        self.observer.storage(writable);
    }
}
