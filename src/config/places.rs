//! Where a configuration names files and secrets, so that what is found wrong
//! with them by those who open them is said with line and column.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::{Diagnostics, SourcePlace};
use super::fields::Fields;
use super::schema;
use super::yaml::Value;
use crate::kinds::key::{Role, Table};

/// The places of files and secrets.
#[derive(Debug, Clone, Default)]
pub struct Places {
    keys: RefCell<Vec<Named>>,
    files: RefCell<Vec<(PathBuf, SourcePlace)>>,
}

#[derive(Debug, Clone)]
struct Named {
    account: Option<Arc<str>>,
    key: &'static str,
    place: SourcePlace,
    /// `${NAME}`: what it is stands elsewhere.
    is_variable: bool,
}

impl Places {
    /// The place of the first of these keys that the file gives: of an account,
    /// or of `http`.
    #[must_use]
    pub fn find(&self, account: Option<&str>, keys: &[&str]) -> Option<SourcePlace> {
        self.named(account, keys).map(|one| one.place)
    }

    /// True if the first of these keys that the file gives is `${NAME}`, so that the
    /// file does not hold what it means.
    #[must_use]
    pub fn is_variable(&self, account: Option<&str>, keys: &[&str]) -> bool {
        self.named(account, keys).is_some_and(|one| one.is_variable)
    }

    fn named(&self, account: Option<&str>, keys: &[&str]) -> Option<Named> {
        let known = self.keys.borrow();
        keys.iter().find_map(|key| {
            known
                .iter()
                .find(|one| one.key == *key && one.account.as_deref() == account)
                .cloned()
        })
    }

    /// The place where this file is named, for files that several parts of a
    /// configuration may name.
    #[must_use]
    pub fn find_file(&self, path: &Path) -> Option<SourcePlace> {
        let files = self.files.borrow();
        let mut named = files.iter();
        named
            .find(|(file, _)| file == path)
            .map(|(_, place)| place.clone())
    }

    pub(super) fn note_file(&self, path: &Path, place: SourcePlace) {
        self.files.borrow_mut().push((path.to_owned(), place));
    }

    /// What an account names; where it begins stands for what it leaves out.
    pub(super) fn note_account(
        &self,
        name: &Arc<str>,
        fields: &Fields<'_>,
        diagnostics: &Diagnostics,
    ) {
        let mut known = self.keys.borrow_mut();
        let mut add = |key, at, is_variable| {
            known.push(Named {
                account: Some(Arc::clone(name)),
                key,
                place: diagnostics.place(at),
                is_variable,
            });
        };
        add("name", fields.at, false);
        for key in schema::ACCOUNT.keys {
            let Role::Mapping(table) = key.role() else {
                continue;
            };
            let Some(Value::Mapping(entries)) = fields.get(key.name()).map(|node| &node.value)
            else {
                continue;
            };
            for key in sources(table) {
                let entry = entries
                    .iter()
                    .find(|entry| entry.key.as_deref() == Some(key));
                if let Some(entry) = entry.filter(|entry| !entry.value.is_null()) {
                    add(key, entry.value.at, entry.value.is_variable);
                }
            }
        }
    }

    /// What `http` names.
    pub(super) fn note_http(&self, fields: &Fields<'_>, diagnostics: &Diagnostics) {
        let mut known = self.keys.borrow_mut();
        for key in sources(&schema::HTTP.table) {
            if let Some(node) = fields.get(key) {
                known.push(Named {
                    account: None,
                    key,
                    place: diagnostics.place(node.at),
                    is_variable: node.is_variable,
                });
            }
        }
    }
}

/// The keys that name or are what is opened later.
fn sources(table: &'static Table) -> impl Iterator<Item = &'static str> {
    let keys = table.keys.iter();
    keys.filter(|key| matches!(key.role(), Role::Source | Role::Secret))
        .map(|key| key.name())
}
