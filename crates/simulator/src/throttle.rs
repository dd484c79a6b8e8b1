//! The limits that Microsoft's services keep by themselves (PROTOCOL section
//! 6.2): four requests at a time per application and mailbox, and SharePoint's
//! resource units per application and minute.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Requests that one application may have in one mailbox at a time.
pub const MAILBOX_CONCURRENCY: u32 = 4;

/// Resource units a minute of the smallest tier.
pub const SHAREPOINT_UNITS: u32 = 1250;

/// The counters.
#[derive(Debug)]
pub struct Throttle {
    /// By application and mailbox.
    mailboxes: Arc<Mutex<HashMap<(String, String), u32>>>,
    /// By application and tenant.
    sharepoint: Mutex<HashMap<(String, String), Window>>,
    /// Per minute; zero switches it off.
    limit: Mutex<u32>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            mailboxes: Arc::default(),
            sharepoint: Mutex::default(),
            limit: Mutex::new(SHAREPOINT_UNITS),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    used: u32,
}

const MINUTE: Duration = Duration::from_secs(60);

/// A place in a mailbox, given back when dropped.
#[derive(Debug)]
pub struct MailboxPermit {
    mailboxes: Arc<Mutex<HashMap<(String, String), u32>>>,
    key: (String, String),
}

impl Drop for MailboxPermit {
    fn drop(&mut self) {
        let mut mailboxes = self.mailboxes.lock();
        if let Some(count) = mailboxes.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                mailboxes.remove(&self.key);
            }
        }
    }
}

/// What SharePoint says about an application's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Units a minute.
    pub limit: u32,
    /// What is left of them.
    pub remaining: u32,
    /// Seconds until the minute is over.
    pub reset: u64,
    /// This request went over it.
    pub refused: bool,
}

impl Budget {
    /// SharePoint speaks of it only from 80 % on.
    #[must_use]
    pub const fn is_told(self) -> bool {
        self.remaining * 5 <= self.limit
    }
}

impl Throttle {
    /// Takes a place in a mailbox (object id); `None` if all are taken.
    #[must_use]
    pub fn enter(&self, app: &str, mailbox: &str) -> Option<MailboxPermit> {
        let key = (app.to_owned(), mailbox.to_owned());
        let mut mailboxes = self.mailboxes.lock();
        let count = mailboxes.entry(key.clone()).or_default();
        if *count >= MAILBOX_CONCURRENCY {
            return None;
        }
        *count += 1;
        drop(mailboxes);
        Some(MailboxPermit {
            mailboxes: Arc::clone(&self.mailboxes),
            key,
        })
    }

    /// Spends `units` of an application's SharePoint budget; `None` if there
    /// is no limit. Refused calls count as well.
    #[must_use]
    pub fn spend(&self, app: &str, tenant: &str, units: u32) -> Option<Budget> {
        let limit = *self.limit.lock();
        if limit == 0 {
            return None;
        }
        let now = Instant::now();
        let mut windows = self.sharepoint.lock();
        let window = windows
            .entry((app.to_owned(), tenant.to_owned()))
            .or_insert(Window {
                began: now,
                used: 0,
            });
        if now.duration_since(window.began) >= MINUTE {
            *window = Window {
                began: now,
                used: 0,
            };
        }
        window.used = window.used.saturating_add(units);
        let left = MINUTE.saturating_sub(now.duration_since(window.began));
        Some(Budget {
            limit,
            remaining: limit.saturating_sub(window.used),
            reset: left.as_secs().max(1),
            refused: window.used > limit,
        })
    }

    /// Sets the units a minute; zero switches the limit off.
    pub fn set_limit(&self, units: u32) {
        *self.limit.lock() = units;
        self.sharepoint.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_at_a_time() {
        let throttle = Throttle::default();
        let places: Vec<_> = (0..4).map(|_| throttle.enter("a", "m")).collect();
        assert!(places.iter().all(Option::is_some));
        assert!(throttle.enter("a", "m").is_none());
        assert!(throttle.enter("a", "other").is_some());
        drop(places);
        assert!(throttle.enter("a", "m").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn units_by_the_minute() {
        let throttle = Throttle::default();
        throttle.set_limit(10);
        let spend = || throttle.spend("a", "t", 2).unwrap();
        assert!(!spend().is_told());
        for _ in 0..2 {
            spend();
        }
        let fourth = spend();
        assert!(fourth.is_told() && !fourth.refused);
        assert_eq!(fourth.remaining, 2);
        spend();
        assert!(spend().refused);
        tokio::time::advance(MINUTE).await;
        assert!(!spend().refused);
        throttle.set_limit(0);
        assert_eq!(throttle.spend("a", "t", 2), None);
    }
}
