//! Every key that a configuration may hold: one table, from which unknown keys
//! are told and `docs/configuration.md` is written.

mod accounts;
mod process;
mod resources;
mod windows;

use crate::kinds::key::{AnyKey, Described, Key};
use crate::kinds::{self, Info};

pub(super) use accounts::{
    ACCOUNT, CLIENT_CERTIFICATE, CLIENT_SECRET, CLOUD, DELEGATED, MANAGED_IDENTITY,
    WORKLOAD_IDENTITY,
};
pub(super) use process::{HTTP, LIMITS, METRICS, ROOT};
pub(super) use resources::{
    CONNECTION, DEFAULT_ACCOUNT, DEFAULT_CONNECTION, DEFAULT_INTERVAL, DEFAULT_KIND,
    DEFAULT_MIN_AGE, DEFAULT_MODE, DEFAULT_TIMEOUT, DEFAULTS, IMPACT, INTERVAL, MIN_AGE, MODE,
    RESOURCE, TIMEOUT,
};
pub(super) use windows::{DAYS_OF_WEEK, END, FROM, START, TIMEZONE, TO, TYPE, WINDOW, zone_name};

/// The keys of one mapping.
#[derive(Debug)]
pub(super) struct Table {
    /// Where the mapping stands: `accounts[]`; empty for the file itself.
    pub(super) path: &'static str,
    /// What the mapping is for.
    pub(super) help: &'static str,
    /// In the order of the documentation.
    pub(super) keys: &'static [&'static dyn AnyKey],
}

impl Table {
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name())
    }
}

/// A key that is read where it is needed; only described here.
pub(super) const fn key(
    name: &'static str,
    takes: &'static str,
    default: &'static str,
    help: &'static str,
) -> Key<Described> {
    Key::optional(name, Described(takes), default, help)
}

/// All mappings, in the order of the documentation.
pub(super) static TABLES: &[&Table] = &[
    &ROOT,
    &HTTP,
    &LIMITS,
    &METRICS,
    &DEFAULTS,
    &ACCOUNT,
    &CLOUD,
    &DELEGATED,
    &CLIENT_SECRET,
    &CLIENT_CERTIFICATE,
    &WORKLOAD_IDENTITY,
    &MANAGED_IDENTITY,
    &RESOURCE,
    &WINDOW,
];

/// True if the keys of this mapping stand beside a secret.
pub(super) fn holds_secret(table: &Table) -> bool {
    [
        &CLIENT_SECRET,
        &CLIENT_CERTIFICATE,
        &super::web::schema::TLS,
    ]
    .iter()
    .any(|holder| holder.path == table.path)
}

/// Where a key belongs that stands in the wrong place: `to "accounts[]"`.
/// `beside` is where it was found.
pub(super) fn home_of(beside: &Table, name: &str) -> Option<String> {
    let web = super::web::schema::TABLES;
    if web.iter().any(|table| std::ptr::eq(*table, beside)) {
        return home_in(web, name);
    }
    let has = |info: &&&Info| info.keys.iter().any(|key| key.name() == name);
    if let Some(kind) = kinds::ALL.iter().find(has) {
        return Some(format!("to resources of the kind \"{}\"", kind.name));
    }
    home_in(TABLES, name)
}

fn home_in(tables: &[&Table], name: &str) -> Option<String> {
    let table = tables
        .iter()
        .find(|table| table.names().any(|known| known == name))?;
    Some(match table.path {
        "" => "to the top of the file".to_owned(),
        path => format!("to \"{path}\""),
    })
}
