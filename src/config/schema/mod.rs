//! Every key that a configuration may hold: one table, from which unknown keys
//! are told and `docs/configuration.md` is written.

mod accounts;
mod credentials;
mod http;
mod process;
mod resources;
mod windows;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::kinds::key::{Described, Key, Nested, Role, Table};
use crate::kinds::{self, Info};

pub(super) use accounts::{ACCOUNT, AUDIENCES, CLIENT_ID, CLOUD, GRAPH_URL, LOGIN_URL, TENANT};
pub(super) use credentials::{
    CERTIFICATE_FILE, CLIENT_CERTIFICATE, CLIENT_SECRET, DELEGATED, EXPIRES, KEY_FILE,
    MANAGED_IDENTITY, PASSPHRASE, SECRET, TOKEN_FILE, WORKLOAD_IDENTITY,
};
pub(super) use http::{ACCOUNT_PROXY_URL, HTTP, PROXY_URL, PROXY_URL_FILE, RESOURCE_PROXY_URL};
pub(super) use process::{LIMITS, METRICS, ROOT};
pub(super) use resources::{
    CONNECTION, DEFAULT_ACCOUNT, DEFAULT_KIND, DEFAULTS, IMPACT, INTERVAL, MIN_AGE, MODE, RESOURCE,
    TIMEOUT, UsualTiming,
};
pub(super) use windows::{DAYS_OF_WEEK, END, FROM, START, TIMEZONE, TO, TYPE, WINDOW, zone_name};

/// A key that is read where it is needed; only described here.
pub(super) const fn key(
    name: &'static str,
    takes: &'static str,
    default: &'static str,
    help: &'static str,
) -> Key<Described> {
    Key::optional(name, Described(takes, Role::Setting), default, help)
}

/// `labels`, which are read where they are needed.
const fn labels(help: &'static str) -> Key<Described> {
    let takes = Described("mapping of label names to text", Role::Names);
    Key::optional("labels", takes, "none", help)
}

/// A mapping with keys of its own.
const fn mapping(
    name: &'static str,
    table: &'static Table,
    takes: &'static str,
    help: &'static str,
) -> Key<Nested> {
    Key::optional(name, Nested { table, takes }, "", help)
}

/// A list of mappings with keys of their own.
const fn list_of(name: &'static str, table: &'static Table, help: &'static str) -> Key<Nested> {
    let takes = "list of mappings";
    Key::optional(name, Nested { table, takes }, "none", help)
}

/// All mappings, in the order of the documentation.
pub(super) fn tables() -> Vec<&'static Table> {
    ROOT.table.with_all_below()
}

/// What the values of a key with this name are, wherever it stands; a secret where
/// it is one anywhere.
pub(super) fn role_of(name: &str) -> Option<Role> {
    static ROLES: LazyLock<HashMap<&'static str, Role>> = LazyLock::new(|| {
        let of_tables = tables().into_iter().flat_map(|table| table.keys);
        let of_kinds = kinds::ALL.iter().flat_map(|info| info.keys);
        let mut roles = HashMap::new();
        for key in of_tables.chain(of_kinds) {
            let known = roles.entry(key.name()).or_insert(Role::Setting);
            if !matches!(known, Role::Secret) && !matches!(key.role(), Role::Setting | Role::Flag) {
                *known = key.role();
            }
        }
        roles
    });
    ROLES.get(name).copied()
}

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
    let web = super::web::schema::tables();
    if web.iter().any(|table| std::ptr::eq(*table, beside)) {
        return home_in(&web, name);
    }
    let has = |info: &&&Info| info.keys.iter().any(|key| key.name() == name);
    if let Some(kind) = kinds::ALL.iter().find(has) {
        return Some(format!("to resources of the kind \"{}\"", kind.name));
    }
    home_in(&tables(), name)
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
