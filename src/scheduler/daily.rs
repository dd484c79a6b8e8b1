//! What is asked once a day of each account that signs in by itself: when its own
//! credential ends. Soon after the start, after a change of the credential, and
//! then every day, give or take; one account after another, behind the gate of
//! the directory like everything else that the directory counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::Scheduler;
use super::gate::Admission;
use crate::kinds::{Configuration, with_own_credential};
use crate::model::{Account, AccountName, Random, Service};

/// Give or take nine tenths: many processes start together.
const FIRST: Duration = Duration::from_secs(12);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// After one that came to nothing.
const AGAIN: Duration = Duration::from_secs(15 * 60);
/// How often it is looked whether a credential has changed.
const LOOK: Duration = Duration::from_secs(15);

/// Who is asked when.
pub(super) struct Daily {
    accounts: Mutex<HashMap<AccountName, Appointment>>,
    changed: Notify,
    random: Arc<dyn Random>,
}

struct Appointment {
    account: Arc<Account>,
    at: Instant,
    /// The last one came to something.
    done: bool,
}

impl Daily {
    pub(super) fn new(random: Arc<dyn Random>) -> Self {
        Self {
            accounts: Mutex::default(),
            changed: Notify::new(),
            random,
        }
    }

    /// Takes over the accounts of a configuration; unchanged ones keep their
    /// appointment.
    pub(super) fn configure(&self, configuration: &Configuration) {
        let mut accounts = self.accounts.lock();
        let mut old = std::mem::take(&mut *accounts);
        let now = Instant::now();
        for account in with_own_credential(&configuration.resources) {
            let kept = old.remove(&account.name);
            let appointment = kept.filter(|kept| kept.account == account);
            let appointment = appointment.unwrap_or_else(|| Appointment {
                at: now + self.random.jitter(FIRST, 0.9),
                account: Arc::clone(&account),
                done: false,
            });
            accounts.insert(Arc::clone(&account.name), appointment);
        }
        self.changed.notify_one();
    }

    /// The next to be asked whose time has come.
    fn due(&self, now: Instant, changed: impl Fn(&Account) -> bool) -> Option<Arc<Account>> {
        let accounts = self.accounts.lock();
        let due = accounts
            .values()
            .filter(|one| one.at <= now || (one.done && changed(&one.account)));
        let first = due.min_by_key(|one| one.at)?;
        Some(Arc::clone(&first.account))
    }

    fn again(&self, account: &Account, done: bool, at: Instant) {
        if let Some(one) = self.accounts.lock().get_mut(&account.name) {
            (one.at, one.done) = (at, done);
        }
    }

    fn wake(&self, now: Instant) -> Option<Instant> {
        let accounts = self.accounts.lock();
        let first = accounts.values().map(|one| one.at).min()?;
        Some(first.min(now + LOOK))
    }
}

impl Scheduler {
    /// Asks until the shutdown.
    pub(super) async fn ask_daily(self: Arc<Self>) {
        while !self.stop.is_cancelled() {
            let wake = self.daily.wake(Instant::now());
            let wait = async {
                match wake {
                    Some(wake) => sleep_until(wake).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = self.daily.changed.notified() => continue,
                () = wait => {}
            }
            let changed = |account: &Account| self.prober.wants_own_credential(account);
            while let Some(account) = self.daily.due(Instant::now(), changed) {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return,
                    () = self.ask_for_own_credential(&account) => {}
                }
            }
        }
    }

    async fn ask_for_own_credential(self: &Arc<Self>, account: &Arc<Account>) {
        let daily = &self.daily;
        let began = Instant::now();
        let key = Arc::new(account.gate_key(Service::Directory, None));
        let is_held = || {
            let admission = self.core.lock().admission(&key, Instant::now());
            if let Admission::Closed(until) = admission {
                daily.again(account, false, until + daily.random.jitter(FIRST, 0.9));
            }
            matches!(admission, Admission::Closed(_))
        };
        if is_held() {
            return;
        }
        let asking = self
            .prober
            .own_credential(Arc::clone(account), self.may_ask(&key));
        let report = asking.await;
        if report.is_none() && is_held() {
            return;
        }
        let now = self.clock.moment();
        let done = report
            .as_ref()
            .is_none_or(|report| report.verdict.reason().is_none());
        if let Some(report) = &report {
            self.core.lock().learn_of(&key, began, report, &now);
            if !done {
                tracing::debug!(
                    account = &*account.name,
                    detail = &*report.detail,
                    "the end of the account's own credential could not be read"
                );
            }
        }
        let wait = match done {
            true => daily.random.jitter(DAY, 0.1),
            false => daily.random.jitter(AGAIN, 0.3),
        };
        daily.again(account, done, now.monotonic + wait);
    }
}
