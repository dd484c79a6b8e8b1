//! One resource's mapping as its kind sees it.

use std::sync::Arc;
use std::time::Duration;

use super::accounts::CheckedAccounts;
use super::{Context, paths};
use crate::config::diagnostic::quoted;
use crate::config::fields::{self, Fields};
use crate::config::suggest::suggest;
use crate::config::yaml::{Node, Value};
use crate::files;
use crate::kinds::Keys;
use crate::model::Account;

/// Of a file that holds the value of one key, in bytes.
const MOST_FILE: u64 = 64 * 1024;

/// The mapping, and what its values may refer to.
pub(super) struct ResourceKeys<'a> {
    pub(super) fields: &'a Fields<'a>,
    pub(super) accounts: &'a CheckedAccounts,
    pub(super) context: &'a Context<'a>,
}

impl ResourceKeys<'_> {
    /// The items of a list, or the one value that stands for a list of one.
    fn items(&self, key: &str) -> Option<&[Node]> {
        let node = self.fields.get(key)?;
        match &node.value {
            Value::List(items) => Some(items),
            _ => Some(std::slice::from_ref(node)),
        }
    }
}

impl Keys for ResourceKeys<'_> {
    fn is_given(&self, key: &str) -> bool {
        self.fields.get(key).is_some()
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.fields.text(key).map(|text| text.value)
    }

    fn duration(&self, key: &str, least: Duration, most: Duration) -> Option<Duration> {
        self.fields.duration(key, least, most).map(|at| at.value)
    }

    fn count(&self, key: &str, least: u32, most: u32) -> Option<u32> {
        let count = self.fields.count(key, least as usize, most as usize)?;
        u32::try_from(count).ok()
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.fields.flag(key)
    }

    fn word(&self, key: &str, words: &[&'static str]) -> Option<usize> {
        let places: Vec<(&str, usize)> = words.iter().copied().zip(0..).collect();
        self.fields.word(key, &places).map(|place| place.value)
    }

    fn texts(&self, key: &str) -> Option<Vec<&str>> {
        self.items(key)?
            .iter()
            .map(|item| fields::text(item, key, self.context.diagnostics).map(|text| text.value))
            .collect()
    }

    fn counts(&self, key: &str, least: u32, most: u32) -> Option<Vec<u32>> {
        let items = self.items(key)?;
        let count = |item: &Node| {
            let value = match item.value {
                Value::Integer(value) => u32::try_from(value).ok(),
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
        let counts: Vec<Option<u32>> = items.iter().map(count).collect();
        counts.into_iter().collect()
    }

    fn pairs(&self, key: &str) -> Option<Vec<(&str, &str)>> {
        let node = self.fields.get(key)?;
        let Value::Mapping(entries) = &node.value else {
            self.refuse(
                key,
                format!(
                    "\"{key}\" must be a mapping of names to texts, not {}",
                    node.shape().as_str()
                ),
            );
            return None;
        };
        entries
            .iter()
            .map(|entry| {
                let name = entry.key.as_deref()?;
                let text = fields::text(&entry.value, name, self.context.diagnostics)?;
                Some((name, text.value))
            })
            .collect()
    }

    fn file(&self, key: &str) -> Option<String> {
        let path = paths::path(self.fields, key, self.context)?.value;
        match files::read_text(&path, MOST_FILE) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) => {
                self.refuse(key, format!("\"{key}\": {error}"));
                None
            }
        }
    }

    fn account(&self, key: &str) -> Option<Arc<Account>> {
        let name = self.text(key)?;
        let known = self.accounts.find(name);
        if known.is_none() {
            self.refuse(
                key,
                format!(
                    "unknown account {}{}",
                    quoted(name),
                    suggest(name, self.accounts.names())
                ),
            );
        }
        known?.account.clone()
    }

    fn refuse(&self, key: &str, message: String) {
        let at = self
            .fields
            .given(key)
            .map_or(self.fields.at, |node| node.at);
        self.context.diagnostics.refuse(at, message);
    }

    fn warn(&self, key: &str, message: String) {
        let at = self
            .fields
            .given(key)
            .map_or(self.fields.at, |node| node.at);
        self.context.diagnostics.warn(at, message);
    }
}
