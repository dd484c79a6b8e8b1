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

use crate::kinds::{Configuration, Mode, Resource};
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

/// Recipients a day that Exchange lets one mailbox write to (Microsoft: "Exchange
/// Online limits", sending limits).
pub const MAILS_A_DAY: f64 = 10_000.0;
/// Messages a minute that Exchange takes from one mailbox.
pub const MAILS_A_MINUTE: f64 = 30.0;
/// Recipients outside of a tenant that its addresses under `onmicrosoft.com` may
/// write to in a day, all together.
pub const OUTSIDE_A_DAY: f64 = 100.0;

/// What one mailbox sends for probes.
#[derive(Debug, Clone, PartialEq)]
pub struct SentMails {
    /// Address or object id.
    pub from: Arc<str>,
    /// The account of the first resource that sends from it.
    pub account: AccountName,
    /// Messages a day.
    pub a_day: f64,
    /// Those of them that leave the tenant.
    pub outside_a_day: f64,
}

impl SentMails {
    /// True if the address is one of `onmicrosoft.com`.
    #[must_use]
    pub fn is_of_the_first_domain(&self) -> bool {
        self.from.to_ascii_lowercase().ends_with(".onmicrosoft.com")
    }

    /// More than half of what Exchange takes.
    #[must_use]
    pub fn is_high(&self) -> bool {
        self.a_day > MAILS_A_DAY / 2.0
            || self.a_day / MINUTES_A_DAY > MAILS_A_MINUTE / 2.0
            || (self.is_of_the_first_domain() && self.outside_a_day > OUTSIDE_A_DAY / 2.0)
    }

    /// `monitoring@contoso.com sends 288 messages a day, …`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!(
            "{} sends {} messages a day: {:.1} % of what Exchange takes from one mailbox (10,000 recipients a day, 30 messages a minute)",
            self.from,
            short(self.a_day),
            self.a_day / MAILS_A_DAY * 100.0
        );
        if self.is_of_the_first_domain() && self.outside_a_day > 0.0 {
            text.push_str(&format!(
                "; {} of them leave the tenant, and all its addresses under onmicrosoft.com together may write to 100 recipients outside a day",
                short(self.outside_a_day)
            ));
        }
        text
    }
}

/// What is sent for probes, by mailbox, in the order of the file.
#[must_use]
pub fn mails(configuration: &Configuration) -> Vec<SentMails> {
    let mut all: Vec<SentMails> = Vec::new();
    for resource in &configuration.resources {
        let Some(mail) = resource.kind.mail(&resource.account) else {
            continue;
        };
        let a_day = MINUTES_A_DAY * 60.0 / resource.interval.as_secs_f64();
        let outside_a_day = if mail.goes_outside { a_day } else { 0.0 };
        let known = all
            .iter_mut()
            .find(|one| one.from.eq_ignore_ascii_case(&mail.from));
        match known {
            Some(one) => {
                one.a_day += a_day;
                one.outside_a_day += outside_a_day;
            }
            None => all.push(SentMails {
                from: mail.from,
                account: resource.account.name.clone(),
                a_day,
                outside_a_day,
            }),
        }
    }
    all
}

/// Calls a minute of one resource, each step of a probe counted.
#[must_use]
pub fn calls_of(resource: &Resource) -> f64 {
    probes_of(resource) * f64::from(resource.kind.info().calls())
}

/// Probes a minute.
fn probes_of(resource: &Resource) -> f64 {
    60.0 / resource.interval.as_secs_f64()
}

/// Calls a minute of the whole configuration. What is probed on a scrape counts
/// by its interval, the expected distance of scrapes.
#[must_use]
pub fn calls_a_minute(configuration: &Configuration) -> f64 {
    configuration
        .resources
        .iter()
        .map(|resource| calls_of(resource))
        .sum()
}

/// Resources that wait for places together: those of one account, or those
/// that need none.
pub struct Crowd<'a> {
    /// Empty for those that need none.
    pub account: &'a str,
    /// How many resources.
    pub resources: usize,
    /// Probes of them at once if none gets an answer and each takes as long as
    /// it may.
    pub hanging: f64,
    /// Probes of them that may run at once.
    pub most: usize,
    /// What says so, for people.
    pub limit: &'static str,
}

/// What is probed in the background, by who waits with whom, in the order of the
/// file. Of several crowds none gets more than half of `probes_in_flight`.
#[must_use]
pub fn crowds(configuration: &Configuration) -> Vec<Crowd<'_>> {
    let mut crowds: Vec<Crowd<'_>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for resource in &configuration.resources {
        let account = &*resource.account.name;
        let index = *known.entry(account).or_insert_with(|| {
            crowds.push(Crowd {
                account,
                resources: 0,
                hanging: 0.0,
                most: 0,
                limit: "",
            });
            crowds.len() - 1
        });
        if resource.mode == Mode::Background {
            // The first request that gets no answer ends a probe; what writes
            // may have to wait and to clean up all the same.
            let takes = match resource.kind.info().writes {
                true => resource.longest(),
                false => resource.timeout,
            };
            crowds[index].resources += 1;
            crowds[index].hanging += takes.as_secs_f64() / resource.interval.as_secs_f64();
        }
    }
    let limits = &configuration.limits;
    let (share, shared) = match crowds.len() {
        0 | 1 => (limits.probes_in_flight, "limits.probes_in_flight"),
        _ => (
            (limits.probes_in_flight / 2).max(1),
            "half of limits.probes_in_flight, since there are others",
        ),
    };
    for crowd in &mut crowds {
        (crowd.most, crowd.limit) = match limits.per_account <= share {
            true => (limits.per_account, "limits.per_account"),
            false => (share, shared),
        };
    }
    crowds
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
        shares[index].calls_a_minute += calls_of(resource);
        shares[index].units_a_minute += probes_of(resource) * f64::from(resource.kind.info().cost);
    }
    shares
}
