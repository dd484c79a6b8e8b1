//! Where a configuration names files and secrets, so that what is found wrong
//! with them by those who open them is said with line and column.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::{Diagnostics, SourcePlace};
use super::fields::Fields;
use super::yaml::Value;

/// Of accounts: the mappings and the keys in them.
const OF_ACCOUNTS: [(&str, &[&str]); 3] = [
    ("client_secret", &["secret_file", "secret_env", "secret"]),
    (
        "client_certificate",
        &[
            "certificate_file",
            "key_file",
            "key_passphrase_file",
            "key_passphrase_env",
            "key_passphrase",
        ],
    ),
    ("workload_identity", &["token_file"]),
];
/// Of `http`.
const OF_HTTP: [&str; 3] = ["ca_file", "proxy_url", "proxy_url_file"];

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
}

impl Places {
    /// The place of the first of these keys that the file gives: of an account,
    /// or of `http`.
    #[must_use]
    pub fn find(&self, account: Option<&str>, keys: &[&str]) -> Option<SourcePlace> {
        let known = self.keys.borrow();
        keys.iter().find_map(|key| {
            known
                .iter()
                .find(|one| one.key == *key && one.account.as_deref() == account)
                .map(|one| one.place.clone())
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
        let mut add = |key, at| {
            known.push(Named {
                account: Some(Arc::clone(name)),
                key,
                place: diagnostics.place(at),
            });
        };
        add("name", fields.at);
        for (mapping, keys) in OF_ACCOUNTS {
            let Some(node) = fields.get(mapping) else {
                continue;
            };
            let Value::Mapping(entries) = &node.value else {
                continue;
            };
            for key in keys {
                let entry = entries
                    .iter()
                    .find(|entry| entry.key.as_deref() == Some(key));
                if let Some(entry) = entry.filter(|entry| !entry.value.is_null()) {
                    add(*key, entry.value.at);
                }
            }
        }
    }

    /// What `http` names.
    pub(super) fn note_http(&self, fields: &Fields<'_>, diagnostics: &Diagnostics) {
        let mut known = self.keys.borrow_mut();
        for key in OF_HTTP {
            if let Some(at) = fields.get(key).map(|node| node.at) {
                known.push(Named {
                    account: None,
                    key,
                    place: diagnostics.place(at),
                });
            }
        }
    }
}
