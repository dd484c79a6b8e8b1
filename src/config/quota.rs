//! What a configuration asks of Microsoft, added up the way Microsoft counts:
//! per cloud, tenant and application.
//!
//! SharePoint and OneDrive count resource units, whether asked through Graph
//! or through SharePoint's own REST. By the fewest licences (up to 1,000) an
//! application may take 1,250 a minute and 1.2 million a day in one tenant; what
//! a probe costs its kind says. (Microsoft Learn, "Avoid getting throttled or blocked in
//! SharePoint Online".)

use std::collections::HashMap;
use std::sync::Arc;

use crate::kinds::{Configuration, Mode};
use crate::model::{AccountName, Service};

/// Resource units a minute by the fewest licences.
pub const UNITS_A_MINUTE: f64 = 1_250.0;
/// Resource units a day by the fewest licences.
pub const UNITS_A_DAY: f64 = 1_200_000.0;

const MINUTES_A_DAY: f64 = 1_440.0;

/// What one application asks in one tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The word for the cloud, `custom` for roots of its own.
    pub cloud: &'static str,
    /// The login root of the cloud.
    pub login_url: Arc<str>,
    /// Domain or GUID; `None` where the platform knows it.
    pub tenant: Option<Arc<str>>,
    /// The application; `None` for a system-assigned identity.
    pub client_id: Option<Arc<str>>,
    /// Who shares it, in the order of the file.
    pub accounts: Vec<AccountName>,
    /// Calls a minute, of every kind.
    pub calls_a_minute: f64,
    /// SharePoint's resource units a minute.
    pub units_a_minute: f64,
}

impl Share {
    /// Of the limit for a minute; 1 is all of it.
    #[must_use]
    pub fn of_minute(&self) -> f64 {
        self.units_a_minute / UNITS_A_MINUTE
    }

    /// Of the limit for a day; 1 is all of it.
    #[must_use]
    pub fn of_day(&self) -> f64 {
        self.units_a_minute * MINUTES_A_DAY / UNITS_A_DAY
    }

    /// More than half of either limit.
    #[must_use]
    pub fn is_high(&self) -> bool {
        self.of_minute() > 0.5 || self.of_day() > 0.5
    }

    /// `16 resource units a minute, 1.3 % of …`.
    #[must_use]
    pub fn describe(&self) -> String {
        format!(
            "{} resource units a minute: {:.1} % of the smallest quota for a minute (1,250), {:.1} % of that for a day (1.2 million)",
            short(self.units_a_minute),
            self.of_minute() * 100.0,
            self.of_day() * 100.0
        )
    }
}

/// A number for people: whole, or with one digit.
#[must_use]
pub fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Calls a minute of the whole configuration. What is probed on a scrape counts
/// by its interval, the expected distance of scrapes.
#[must_use]
pub fn calls_a_minute(configuration: &Configuration) -> f64 {
    configuration
        .resources
        .iter()
        .map(|resource| 60.0 / resource.interval.as_secs_f64())
        .sum()
}

/// How many probes of an account run at once if none of them gets an answer
/// and each takes its whole timeout.
#[must_use]
pub fn hanging_at_once(configuration: &Configuration, account: &str) -> f64 {
    configuration
        .resources
        .iter()
        .filter(|resource| resource.mode == Mode::Background && &*resource.account.name == account)
        .map(|resource| resource.timeout.as_secs_f64() / resource.interval.as_secs_f64())
        .sum()
}

/// How many probes of one account may run at once: `per_account`, and of
/// several accounts none gets more than half of `probes_in_flight`.
#[must_use]
pub fn at_once(configuration: &Configuration) -> usize {
    let limits = &configuration.limits;
    let most = match configuration.accounts.len() {
        0 | 1 => limits.probes_in_flight,
        _ => (limits.probes_in_flight / 2).max(1),
    };
    limits.per_account.min(most)
}

/// One share per cloud, tenant and application, in the order of the file.
#[must_use]
pub fn shares(configuration: &Configuration) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    let mut by_key = HashMap::new();
    let mut by_account = HashMap::new();
    for account in &configuration.accounts {
        let key = account.gate_key(Service::SharePoint, None);
        // An identity without a client id is this machine's, in one tenant.
        let index = *by_key.entry(key).or_insert_with(|| {
            shares.push(Share {
                cloud: account.cloud.as_str(),
                login_url: account.cloud.login_url().into(),
                tenant: account
                    .tenant
                    .as_ref()
                    .map(|tenant| tenant.shared().clone()),
                client_id: account.client_id.clone(),
                accounts: Vec::new(),
                calls_a_minute: 0.0,
                units_a_minute: 0.0,
            });
            shares.len() - 1
        });
        shares[index].accounts.push(account.name.clone());
        by_account.insert(account.name.clone(), index);
    }
    for resource in &configuration.resources {
        let Some(&index) = by_account.get(&resource.account.name) else {
            continue;
        };
        let calls = 60.0 / resource.interval.as_secs_f64();
        shares[index].calls_a_minute += calls;
        shares[index].units_a_minute += calls * f64::from(resource.kind.info().cost);
    }
    shares
}
