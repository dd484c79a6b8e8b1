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
struct Lane {
    running: usize,
    configured: bool,
    line: VecDeque<Id>,
    in_line: HashSet<Id>,
}

/// The limits, what runs, and who waits.
#[derive(Debug)]
pub(super) struct Turns {
    most: usize,
    most_per_account: usize,
    running: usize,
    lanes: HashMap<AccountName, Lane>,
    /// Accounts with somebody in the line; the first is served next.
    order: VecDeque<AccountName>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            most: usize::MAX,
            most_per_account: usize::MAX,
            running: 0,
            lanes: HashMap::new(),
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
        for lane in self.lanes.values_mut() {
            lane.configured = false;
        }
        for account in accounts {
            self.lanes.entry(account).or_default().configured = true;
        }
        self.lanes
            .retain(|_, lane| lane.configured || lane.running > 0);
        self.order
            .retain(|account| self.lanes.contains_key(account));
    }

    /// True if a probe of this account may start now.
    pub(super) fn has_room(&self, account: &AccountName) -> bool {
        let running = self.lanes.get(account).map_or(0, |lane| lane.running);
        if running == 0 {
            return self.running < self.most;
        }
        // Cheap because it is asked for rarely: usually there is plenty.
        let kept = if self.running + self.lanes.len() < self.most {
            0
        } else {
            let idle = |lane: &&Lane| lane.configured && lane.running == 0;
            self.lanes.values().filter(idle).count().min(self.most / 2)
        };
        let most = if self.lanes.len() > 1 {
            self.most_per_account.min((self.most / 2).max(1))
        } else {
            self.most_per_account
        };
        running < most && self.running + kept < self.most
    }

    /// A probe of this account starts.
    pub(super) fn enter(&mut self, account: &AccountName) {
        self.running += 1;
        self.lanes.entry(account.clone()).or_default().running += 1;
    }

    /// A probe of this account ended.
    pub(super) fn leave(&mut self, account: &AccountName) {
        self.running = self.running.saturating_sub(1);
        if let Some(lane) = self.lanes.get_mut(account) {
            lane.running = lane.running.saturating_sub(1);
            if lane.running == 0 && !lane.configured && lane.line.is_empty() {
                self.lanes.remove(account);
            }
        }
    }

    /// Puts a resource into its account's line, unless it stands there already.
    pub(super) fn wait(&mut self, account: &AccountName, id: Id) {
        let lane = self.lanes.entry(account.clone()).or_default();
        if !lane.in_line.insert(id) {
            return;
        }
        if lane.line.is_empty() {
            self.order.push_back(account.clone());
        }
        lane.line.push_back(id);
    }

    /// The next one to start, taken out of its line. `ready` is asked along the
    /// lines until somebody says yes. Where there is room and nobody says yes,
    /// those who want nothing lose their place.
    pub(super) fn next(&mut self, mut ready: impl FnMut(Id) -> Ready) -> Option<Id> {
        for _ in 0..self.order.len() {
            let account = self.order.pop_front()?;
            let room = self.has_room(&account);
            let Some(lane) = self.lanes.get_mut(&account) else {
                continue;
            };
            let mut taken = None;
            if room {
                let place = lane.line.iter().position(|&id| ready(id) == Ready::Yes);
                taken = place.and_then(|place| lane.line.remove(place));
                if let Some(id) = taken {
                    lane.in_line.remove(&id);
                } else {
                    // There is room and nobody takes it: a place in this line
                    // is worth nothing.
                    lane.line.retain(|&id| ready(id) != Ready::No);
                    lane.in_line = lane.line.iter().copied().collect();
                }
            }
            if !lane.line.is_empty() {
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

    fn turns(most: usize, per_account: usize, accounts: &[&str]) -> Turns {
        let mut turns = Turns::new();
        let limits = Limits {
            probes_in_flight: most,
            per_account,
            on_scrape: 0,
        };
        turns.configure(&limits, accounts.iter().map(|&name| name.into()));
        turns
    }

    /// Starts as many as may, in the order in which they may.
    fn drain(turns: &mut Turns, account_of: impl Fn(Id) -> &'static str) -> Vec<Id> {
        let mut started = Vec::new();
        while let Some(id) = turns.next(|_| Ready::Yes) {
            turns.enter(&account_of(id).into());
            started.push(id);
        }
        started
    }

    #[test]
    fn a_long_line_does_not_delay_another_account() {
        let mut turns = turns(4, 4, &["a", "b"]);
        let account_of = |id| if id < 100 { "a" } else { "b" };
        for id in (0..20).chain(100..103) {
            turns.wait(&account_of(id).into(), id);
        }
        assert_eq!(drain(&mut turns, account_of), [0, 100, 1, 101]);
        turns.leave(&"a".into());
        assert_eq!(drain(&mut turns, account_of), [2]);
        turns.leave(&"b".into());
        assert_eq!(drain(&mut turns, account_of), [102]);
    }

    #[test]
    fn the_last_places_are_kept_for_accounts_that_have_none() {
        let mut turns = turns(4, 64, &["a", "b", "c"]);
        let a = "a".into();
        while turns.has_room(&a) {
            turns.enter(&a);
        }
        assert_eq!(turns.running, 2);
        for other in ["b", "c"].map(AccountName::from) {
            assert!(turns.has_room(&other));
            turns.enter(&other);
            assert!(!turns.has_room(&other));
        }
        turns.leave(&"c".into());
        assert!(!turns.has_room(&a), "c's place is kept for c");
    }

    #[test]
    fn at_most_half_of_the_places_are_kept() {
        let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut turns = turns(8, 8, &names);
        let first = "0".into();
        while turns.has_room(&first) {
            turns.enter(&first);
        }
        assert_eq!(turns.running, 4);
    }

    #[test]
    fn who_waited_in_vain_keeps_the_place() {
        let mut turns = turns(1, 1, &["a"]);
        let a: AccountName = "a".into();
        turns.enter(&a);
        for id in [1, 2, 3] {
            turns.wait(&a, id);
        }
        turns.leave(&a);
        // 1 missed its tick: 2 goes first, and 1 is still before 3.
        let wants = |absent: Id| move |id| if id == absent { Ready::No } else { Ready::Yes };
        assert_eq!(turns.next(wants(1)), Some(2));
        turns.wait(&a, 1);
        assert_eq!(turns.next(|_| Ready::Yes), Some(1));
        assert_eq!(turns.next(|_| Ready::Yes), Some(3));
        assert_eq!(turns.next(|_| Ready::Yes), None);
    }

    #[test]
    fn places_without_worth_are_dissolved() {
        let mut turns = turns(2, 2, &["a"]);
        let a: AccountName = "a".into();
        turns.wait(&a, 1);
        turns.wait(&a, 2);
        let ready = |id| if id == 1 { Ready::No } else { Ready::NotYet };
        assert_eq!(turns.next(ready), None);
        assert_eq!(turns.lanes[&a].line, [2]);
        assert_eq!(turns.next(|_| Ready::Yes), Some(2));
        assert!(turns.order.is_empty());
    }

    #[test]
    fn a_removed_account_leaves_when_its_last_probe_ends() {
        let mut turns = turns(2, 2, &["a", "b"]);
        turns.enter(&"a".into());
        turns.wait(&"b".into(), 7);
        let limits = Limits {
            probes_in_flight: 3,
            per_account: 1,
            on_scrape: 0,
        };
        turns.configure(&limits, ["c".into()]);
        assert_eq!(turns.lanes.len(), 2);
        assert!(turns.order.is_empty());
        turns.leave(&"a".into());
        assert_eq!(turns.lanes.len(), 1);
        assert_eq!(turns.running, 0);
    }
}
