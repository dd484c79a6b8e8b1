//! Every key that a configuration may hold: one table, from which unknown keys
//! are told and `docs/configuration.md` is written.

mod accounts;
mod process;
mod resources;

pub(super) use accounts::{
    ACCOUNT, CLIENT_CERTIFICATE, CLIENT_SECRET, CLOUD, DELEGATED, MANAGED_IDENTITY,
    WORKLOAD_IDENTITY,
};
pub(super) use process::{DEFAULTS, HTTP, LIMITS, METRICS, ROOT};
pub(super) use resources::{KINDS, RESOURCE};

/// One key of a mapping.
#[derive(Debug)]
pub(super) struct Key {
    /// As it is written.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) takes: &'static str,
    /// What holds without it; empty if it must be there or means nothing when absent.
    pub(super) default: &'static str,
    /// What it is for, in Markdown without line breaks.
    pub(super) help: &'static str,
}

/// The keys of one mapping.
#[derive(Debug)]
pub(super) struct Table {
    /// Where the mapping stands: `accounts[]`; empty for the file itself.
    pub(super) path: &'static str,
    /// What the mapping is for.
    pub(super) help: &'static str,
    /// In the order of the documentation.
    pub(super) keys: &'static [Key],
}

/// The keys that only one kind of resource has.
#[derive(Debug)]
pub(super) struct KindTable {
    /// The word for `kind`.
    pub(super) name: &'static str,
    /// What is asked.
    pub(super) help: &'static str,
    /// Besides those of every resource.
    pub(super) keys: &'static [Key],
}

impl Table {
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}

pub(super) const fn key(
    name: &'static str,
    takes: &'static str,
    default: &'static str,
    help: &'static str,
) -> Key {
    Key {
        name,
        takes,
        default,
        help,
    }
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
    let has = |keys: &[Key]| keys.iter().any(|key| key.name == name);
    let web = super::web::schema::TABLES;
    if web.iter().any(|table| std::ptr::eq(*table, beside)) {
        return home_in(web, name);
    }
    if let Some(kind) = KINDS.iter().find(|kind| has(kind.keys)) {
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
