//! One mapping as typed keys see it: a resource's, the defaults', a section's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::accounts::CheckedAccounts;
use super::{Context, paths};
use crate::config::diagnostic::{Position, quoted};
use crate::config::fields::{self, Fields};
use crate::config::suggest::suggest;
use crate::config::yaml::{Node, Value};
use crate::files;
use crate::kinds::Keys;
use crate::kinds::key::{KeyPart, NamedText};
use crate::model::{Account, Secret};

/// Of a file that holds the value of one key, in bytes.
const MOST_FILE: u64 = 64 * 1024;

/// The mapping, and what its values may refer to.
pub(in crate::config) struct MappingKeys<'a> {
    pub(super) fields: &'a Fields<'a>,
    accounts: Option<&'a CheckedAccounts>,
    pub(super) context: &'a Context<'a>,
}

impl<'a> MappingKeys<'a> {
    /// One that cannot name an account.
    pub(in crate::config) const fn new(fields: &'a Fields<'a>, context: &'a Context<'a>) -> Self {
        Self {
            fields,
            accounts: None,
            context,
        }
    }

    /// One that may name these accounts.
    pub(super) const fn naming(
        accounts: &'a CheckedAccounts,
        fields: &'a Fields<'a>,
        context: &'a Context<'a>,
    ) -> Self {
        Self {
            fields,
            accounts: Some(accounts),
            context,
        }
    }

    /// The value of a key, else the mapping: where to complain.
    fn place(&self, key: &str) -> Position {
        let value = self.fields.given(key);
        value.map_or(self.fields.at, |node| node.at)
    }

    /// The value of an item or an entry; the place of a part.
    fn part(&self, key: &str, part: KeyPart) -> Option<(&Node, Position)> {
        let value = &self.fields.get(key)?.value;
        match (part, value) {
            (KeyPart::Item(index), Value::List(items)) => {
                items.get(index).map(|item| (item, item.at))
            }
            (KeyPart::Item(index), Value::Mapping(entries)) => {
                let entry = entries.get(index)?;
                Some((&entry.value, entry.value.at))
            }
            (KeyPart::Name(index), Value::Mapping(entries)) => {
                let entry = entries.get(index)?;
                Some((&entry.value, entry.at))
            }
            _ => None,
        }
    }

    /// The items of a list, or the one value that stands for a list of one.
    fn items(&self, key: &str) -> Option<&[Node]> {
        let node = self.fields.get(key)?;
        match &node.value {
            Value::List(items) => Some(items),
            _ => Some(std::slice::from_ref(node)),
        }
    }
}

impl Keys for MappingKeys<'_> {
    fn is_given(&self, key: &str) -> bool {
        self.fields.get(key).is_some()
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.fields.text(key).map(|text| text.value)
    }

    fn secret(&self, key: &str) -> Option<Secret> {
        self.fields.secret(key)
    }

    fn duration(&self, key: &str, least: Duration, most: Duration) -> Option<Duration> {
        self.fields.duration(key, least, most)
    }

    fn count(&self, key: &str, least: usize, most: usize) -> Option<usize> {
        self.fields.count(key, least, most)
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.fields.flag(key)
    }

    fn word(&self, key: &str, words: &[&'static str]) -> Option<usize> {
        let places: Vec<(&str, usize)> = words.iter().copied().zip(0..).collect();
        self.fields.word(key, &places)
    }

    fn texts(&self, key: &str) -> Option<Vec<&str>> {
        self.items(key)?
            .iter()
            .map(|item| fields::text(item, key, self.context.diagnostics).map(|text| text.value))
            .collect()
    }

    fn counts(&self, key: &str, least: usize, most: usize) -> Option<Vec<usize>> {
        let items = self.items(key)?;
        let count = |item: &Node| {
            let value = match item.value {
                Value::Integer(value) => usize::try_from(value).ok(),
                Value::Text(ref text) if item.is_variable => text.parse().ok(),
                _ => None,
            };
            let value = value.filter(|value| (least..=most).contains(value));
            if value.is_none() {
                self.context.diagnostics.refuse(
                    item.at,
                    format!(
                        "\"{key}\" must be whole numbers from {least} to {most}, not {}",
                        item.found()
                    ),
                );
            }
            value
        };
        // All of them, so that each slip is said.
        let counts: Vec<Option<usize>> = items.iter().map(count).collect();
        counts.into_iter().collect()
    }

    fn numbers(&self, key: &str, like: &str) -> Option<Vec<Option<f64>>> {
        let node = self.fields.get(key)?;
        let Value::List(items) = &node.value else {
            let found = node.shape().as_str();
            self.refuse(key, format!("\"{key}\" must be {like}, not {found}"));
            return None;
        };
        let number = |item: &Node| match item.value {
            #[expect(
                clippy::cast_precision_loss,
                reason = "no setting is a whole number beyond 2^53"
            )]
            Value::Integer(value) => Some(value as f64),
            Value::Float(value) => Some(value),
            Value::Text(ref text) if item.is_variable => Some(text.parse().unwrap_or(f64::NAN)),
            _ => None,
        };
        Some(items.iter().map(number).collect())
    }

    fn pairs(&self, key: &str, like: &str) -> Option<Vec<NamedText<'_>>> {
        let node = self.fields.get(key)?;
        let Value::Mapping(entries) = &node.value else {
            let found = node.shape().as_str();
            self.refuse(key, format!("\"{key}\" must be {like}, not {found}"));
            return None;
        };
        let diagnostics = self.context.diagnostics;
        let mut pairs = Vec::with_capacity(entries.len());
        for (number, entry) in entries.iter().enumerate() {
            let Some(name) = entry.key.as_deref() else {
                let message = format!("a name in \"{key}\" must be a word");
                diagnostics.refuse(entry.at, message);
                continue;
            };
            if let Some(text) = fields::text(&entry.value, name, diagnostics) {
                let text = text.value;
                pairs.push(NamedText { number, name, text });
            }
        }
        Some(pairs)
    }

    fn path(&self, key: &str, should_be_there: bool) -> Option<PathBuf> {
        if should_be_there {
            paths::existing(self.fields, key, self.context)
        } else {
            paths::path(self.fields, key, self.context).map(|path| path.value)
        }
    }

    fn beside(&self, path: &Path) -> PathBuf {
        self.context.diagnostics.path_at(self.fields.at, path)
    }

    fn is_set(&self, variable: &str) -> bool {
        self.context.env.var(variable).is_some()
    }

    fn file(&self, key: &str) -> Option<String> {
        let path = paths::path(self.fields, key, self.context)?.value;
        let read = files::read(&path, MOST_FILE).and_then(|bytes| {
            let text = files::text_of(&path, &bytes)?;
            self.context.digest.borrow_mut().add(&path, Some(&bytes));
            Ok(text.trim().to_owned())
        });
        self.context.value_files.borrow_mut().push(path);
        read.inspect_err(|error| self.refuse(key, format!("\"{key}\": {error}")))
            .ok()
    }

    fn account(&self, key: &str) -> Option<Arc<Account>> {
        let name = self.text(key)?;
        let known = self.accounts.and_then(|accounts| accounts.find(name));
        if known.is_none() {
            let names = self.accounts.into_iter().flat_map(CheckedAccounts::names);
            let message = format!("unknown account {}{}", quoted(name), suggest(name, names));
            self.refuse(key, message);
        }
        known?.account.clone()
    }

    fn found(&self, key: &str, part: KeyPart) -> String {
        self.part(key, part)
            .map_or_else(String::new, |(node, _)| node.found())
    }

    fn refuse_part(&self, key: &str, part: KeyPart, message: String) {
        let at = match part {
            KeyPart::Key => self.fields.place(key),
            KeyPart::Item(_) | KeyPart::Name(_) => {
                self.part(key, part).map_or(self.place(key), |(_, at)| at)
            }
        };
        self.context.diagnostics.refuse(at, message);
    }

    fn refuse(&self, key: &str, message: String) {
        self.context.diagnostics.refuse(self.place(key), message);
    }

    fn warn(&self, key: &str, message: String) {
        self.context.diagnostics.warn(self.place(key), message);
    }
}
