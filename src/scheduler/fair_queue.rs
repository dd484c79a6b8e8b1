//! Whose turn it is when more probes are due than may run at once.
//!
//! Two limits hold: probes in this process, and probes of one account. Those
//! that must wait stand in one line per account; lines are served in turn, so
//! that a long line of one account never delays another one's. One of several
//! accounts gets at most half of the places of the process, and as long as an
//! account has nothing running, one place is kept for it (half of all places at
//! most): accounts that hang cannot take the last place from one that does not.
//!
//! A place in the line belongs to the resource, not to one tick of it: whoever
//! waited in vain keeps the place for its next tick, so that every resource of
//! an account that is too slow for its number gets its turn now and then.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::model::{AccountName, Limits};

/// A resource, as the scheduler numbers them.
pub(super) type Id = u64;

/// What the one in the line says when its turn may have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    /// Starts now.
    Yes,
    /// Wants to, but something else holds it back.
    NotYet,
    /// Wants nothing at the moment.
    No,
}

#[derive(Debug, Default)]
struct AccountQueue {
    running: usize,
    configured: bool,
    line: VecDeque<Id>,
    in_line: HashSet<Id>,
}

/// The limits, what runs, and who waits.
#[derive(Debug)]
pub(super) struct FairQueue {
    most: usize,
    most_per_account: usize,
    running: usize,
    accounts: HashMap<AccountName, AccountQueue>,
    /// Accounts with somebody in the line; the first is served next.
    order: VecDeque<AccountName>,
}

impl FairQueue {
    pub(super) fn new() -> Self {
        Self {
            most: usize::MAX,
            most_per_account: usize::MAX,
            running: 0,
            accounts: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Takes limits and accounts from the configuration. What runs goes on;
    /// lines are kept.
    pub(super) fn configure(
        &mut self,
        limits: &Limits,
        accounts: impl IntoIterator<Item = AccountName>,
    ) {
        self.most = limits.probes_in_flight.max(1);
        self.most_per_account = limits.per_account.max(1);
        for account_queue in self.accounts.values_mut() {
            account_queue.configured = false;
        }
        for account in accounts {
            self.accounts.entry(account).or_default().configured = true;
        }
        self.accounts
            .retain(|_, account_queue| account_queue.configured || account_queue.running > 0);
        self.order
            .retain(|account| self.accounts.contains_key(account));
    }

    /// True if a probe of this account may start now.
    pub(super) fn has_room(&self, account: &AccountName) -> bool {
        let running = self
            .accounts
            .get(account)
            .map_or(0, |account_queue| account_queue.running);
        if running == 0 {
            return self.running < self.most;
        }
        // Cheap because it is asked for rarely: usually there is plenty.
        let kept = if self.running + self.accounts.len() < self.most {
            0
        } else {
            let idle = |account_queue: &&AccountQueue| {
                account_queue.configured && account_queue.running == 0
            };
            self.accounts
                .values()
                .filter(idle)
                .count()
                .min(self.most / 2)
        };
        let most = if self.accounts.len() > 1 {
            self.most_per_account.min((self.most / 2).max(1))
        } else {
            self.most_per_account
        };
        running < most && self.running + kept < self.most
    }

    /// A probe of this account starts.
    pub(super) fn enter(&mut self, account: &AccountName) {
        self.running += 1;
        self.accounts.entry(account.clone()).or_default().running += 1;
    }

    /// A probe of this account ended.
    pub(super) fn leave(&mut self, account: &AccountName) {
        self.running = self.running.saturating_sub(1);
        if let Some(account_queue) = self.accounts.get_mut(account) {
            account_queue.running = account_queue.running.saturating_sub(1);
            if account_queue.running == 0
                && !account_queue.configured
                && account_queue.line.is_empty()
            {
                self.accounts.remove(account);
            }
        }
    }

    /// Puts a resource into its account's line, unless it stands there already.
    pub(super) fn wait(&mut self, account: &AccountName, id: Id) {
        let account_queue = self.accounts.entry(account.clone()).or_default();
        if !account_queue.in_line.insert(id) {
            return;
        }
        if account_queue.line.is_empty() {
            self.order.push_back(account.clone());
        }
        account_queue.line.push_back(id);
    }

    /// The next one to start, taken out of its line. `ready` is asked along the
    /// lines until somebody says yes. Where there is room and nobody says yes,
    /// those who want nothing lose their place.
    pub(super) fn next(&mut self, mut ready: impl FnMut(Id) -> Ready) -> Option<Id> {
        for _ in 0..self.order.len() {
            let account = self.order.pop_front()?;
            let room = self.has_room(&account);
            let Some(account_queue) = self.accounts.get_mut(&account) else {
                continue;
            };
            let mut taken = None;
            if room {
                let place = account_queue
                    .line
                    .iter()
                    .position(|&id| ready(id) == Ready::Yes);
                taken = place.and_then(|place| account_queue.line.remove(place));
                if let Some(id) = taken {
                    account_queue.in_line.remove(&id);
                } else {
                    // There is room and nobody takes it: a place in this line
                    // is worth nothing.
                    account_queue.line.retain(|&id| ready(id) != Ready::No);
                    account_queue.in_line = account_queue.line.iter().copied().collect();
                }
            }
            if !account_queue.line.is_empty() {
                self.order.push_back(account);
            }
            if taken.is_some() {
                return taken;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(most: usize, per_account: usize, accounts: &[&str]) -> FairQueue {
        let mut queue = FairQueue::new();
        let limits = Limits {
            probes_in_flight: most,
            per_account,
            on_scrape: 0,
        };
        queue.configure(&limits, accounts.iter().map(|&name| name.into()));
        queue
    }

    /// Starts as many as may, in the order in which they may.
    fn drain(queue: &mut FairQueue, account_of: impl Fn(Id) -> &'static str) -> Vec<Id> {
        let mut started = Vec::new();
        while let Some(id) = queue.next(|_| Ready::Yes) {
            queue.enter(&account_of(id).into());
            started.push(id);
        }
        started
    }

    #[test]
    fn a_long_line_does_not_delay_another_account() {
        let mut queue = queue(4, 4, &["a", "b"]);
        let account_of = |id| if id < 100 { "a" } else { "b" };
        for id in (0..20).chain(100..103) {
            queue.wait(&account_of(id).into(), id);
        }
        assert_eq!(drain(&mut queue, account_of), [0, 100, 1, 101]);
        queue.leave(&"a".into());
        assert_eq!(drain(&mut queue, account_of), [2]);
        queue.leave(&"b".into());
        assert_eq!(drain(&mut queue, account_of), [102]);
    }

    #[test]
    fn the_last_places_are_kept_for_accounts_that_have_none() {
        let mut queue = queue(4, 64, &["a", "b", "c"]);
        let a = "a".into();
        while queue.has_room(&a) {
            queue.enter(&a);
        }
        assert_eq!(queue.running, 2);
        for other in ["b", "c"].map(AccountName::from) {
            assert!(queue.has_room(&other));
            queue.enter(&other);
            assert!(!queue.has_room(&other));
        }
        queue.leave(&"c".into());
        assert!(!queue.has_room(&a), "c's place is kept for c");
    }

    #[test]
    fn at_most_half_of_the_places_are_kept() {
        let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut queue = queue(8, 8, &names);
        let first = "0".into();
        while queue.has_room(&first) {
            queue.enter(&first);
        }
        assert_eq!(queue.running, 4);
    }

    #[test]
    fn who_waited_in_vain_keeps_the_place() {
        let mut queue = queue(1, 1, &["a"]);
        let a: AccountName = "a".into();
        queue.enter(&a);
        for id in [1, 2, 3] {
            queue.wait(&a, id);
        }
        queue.leave(&a);
        // 1 missed its tick: 2 goes first, and 1 is still before 3.
        let wants = |absent: Id| move |id| if id == absent { Ready::No } else { Ready::Yes };
        assert_eq!(queue.next(wants(1)), Some(2));
        queue.wait(&a, 1);
        assert_eq!(queue.next(|_| Ready::Yes), Some(1));
        assert_eq!(queue.next(|_| Ready::Yes), Some(3));
        assert_eq!(queue.next(|_| Ready::Yes), None);
    }

    #[test]
    fn places_without_worth_are_dissolved() {
        let mut queue = queue(2, 2, &["a"]);
        let a: AccountName = "a".into();
        queue.wait(&a, 1);
        queue.wait(&a, 2);
        let ready = |id| if id == 1 { Ready::No } else { Ready::NotYet };
        assert_eq!(queue.next(ready), None);
        assert_eq!(queue.accounts[&a].line, [2]);
        assert_eq!(queue.next(|_| Ready::Yes), Some(2));
        assert!(queue.order.is_empty());
    }

    #[test]
    fn a_removed_account_leaves_when_its_last_probe_ends() {
        let mut queue = queue(2, 2, &["a", "b"]);
        queue.enter(&"a".into());
        queue.wait(&"b".into(), 7);
        let limits = Limits {
            probes_in_flight: 3,
            per_account: 1,
            on_scrape: 0,
        };
        queue.configure(&limits, ["c".into()]);
        assert_eq!(queue.accounts.len(), 2);
        assert!(queue.order.is_empty());
        queue.leave(&"a".into());
        assert_eq!(queue.accounts.len(), 1);
        assert_eq!(queue.running, 0);
    }
}
