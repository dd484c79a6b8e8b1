//! Signing in on another device, with a code: at most one code waits for each
//! account, and Entra is asked for another at most once in a while.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::sessions::{Missing, SessionOutcome, SignInSessions, outcome};
use crate::entra::{DeviceCode, Wanted};
use crate::model::{Account, Audience, Secret, Timestamp};
use crate::web::operator::Actor;

/// Between two codes of one account.
const LEAST_BETWEEN_CODES: Duration = Duration::from_secs(5);

/// A code that somebody is to enter on another device.
#[derive(Debug, Clone)]
pub(in crate::web) struct Waiting {
    pub(in crate::web) user_code: Secret,
    pub(in crate::web) uri: String,
    pub(in crate::web) begun: Timestamp,
    pub(in crate::web) ends: Timestamp,
}

/// What is kept of one.
pub(super) struct Device {
    number: u64,
    account: Arc<Account>,
    asked: Option<Audience>,
    shown: Waiting,
    pub(super) task: Option<AbortHandle>,
}

impl SignInSessions {
    /// The code that waits for somebody, if one does.
    pub(super) fn waiting(&self, account: &str) -> Option<Waiting> {
        let records = self.records.lock();
        records
            .devices
            .get(account)
            .map(|device| device.shown.clone())
    }

    /// Begins a sign-in on another device. A code that waits already is the one
    /// to use: only for another account of that name, or another audience, it
    /// is given up for a new one. Entra is asked at most once in a while.
    pub(super) async fn begin_device(
        self: &Arc<Self>,
        account: &Arc<Account>,
        wanted: &Wanted,
        asked: Option<&Audience>,
        by: &Actor,
    ) {
        {
            let mut records = self.records.lock();
            let now = self.clock.now();
            let waits = records.devices.get(&account.name).is_some_and(|device| {
                device.account == *account
                    && device.asked.as_ref() == asked
                    && device.shown.ends > now
            });
            let just_now = records
                .codes_asked
                .get(&account.name)
                .is_some_and(|at| at.age(&self.clock) < LEAST_BETWEEN_CODES);
            if waits || just_now {
                return;
            }
            records
                .codes_asked
                .retain(|_, at| at.age(&self.clock) < LEAST_BETWEEN_CODES);
            let moment = self.clock.moment();
            records
                .codes_asked
                .insert(Arc::clone(&account.name), moment);
        }
        tracing::info!(account = &*account.name, %by, "a sign-in begins on another device");
        let others = self.others(account, asked);
        let code = match self.consent.device_code(account, wanted).await {
            Ok(code) => code,
            Err(error) => {
                self.record(&account.name, SessionOutcome::Failed(error), by);
                return;
            }
        };
        let mut records = self.records.lock();
        records.devices_so_far += 1;
        let number = records.devices_so_far;
        let device = Device {
            number,
            account: Arc::clone(account),
            asked: asked.cloned(),
            shown: Waiting {
                user_code: Secret::new(code.user_code().to_owned()),
                uri: code.verification_uri().to_owned(),
                begun: self.clock.now(),
                ends: ends(self.clock.now(), code.life()),
            },
            task: None,
        };
        records.outcomes.remove(&account.name);
        let older = records.devices.insert(Arc::clone(&account.name), device);
        if let Some(task) = older.and_then(|older| older.task) {
            task.abort();
        }
        let task = tokio::spawn(Arc::clone(self).wait_for_device(
            Arc::clone(account),
            others,
            code,
            number,
            by.clone(),
        ));
        if let Some(device) = records.devices.get_mut(&account.name) {
            device.task = Some(task.abort_handle());
        }
    }

    async fn wait_for_device(
        self: Arc<Self>,
        account: Arc<Account>,
        others: Missing,
        code: DeviceCode,
        number: u64,
        by: Actor,
    ) {
        let done = self.consent.finish_device(&account, code).await;
        {
            let mut records = self.records.lock();
            let current = records.devices.get(&account.name);
            if current.is_some_and(|device| device.number == number) {
                records.devices.remove(&account.name);
            }
        }
        let outcome = outcome(others, done);
        if outcome.is_whole() {
            self.consent.end_invitation(&account).await;
        }
        self.record(&account.name, outcome, &by);
    }
}

fn ends(now: Timestamp, life: Duration) -> Timestamp {
    now.checked_add(life).unwrap_or(now)
}
