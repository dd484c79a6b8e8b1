//! `${NAME}`: a value that the environment gives, wherever the file has one.
//!
//! The whole scalar is the reference, or none of it: what is put together from
//! pieces cannot be searched for, and a secret that happens to hold `${` must
//! not change. Which values came so is kept, because `/config` shows the name
//! and never the value, and so does every complaint.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::diagnostic::{Diagnostics, Position};
use super::environment::Environment;
use super::yaml::{Node, Shape, Value};
use crate::kinds::Variables;
use crate::model::Secret;

/// What begins a reference.
const MARK: &str = "${";

/// Puts values in place of their names, and notes where.
pub(super) struct Substitution<'a> {
    pub(super) env: &'a dyn Environment,
    pub(super) diagnostics: &'a Diagnostics,
    /// By the path of the value, as `accounts[0].tenant`.
    pub(super) found: &'a RefCell<BTreeMap<String, Arc<str>>>,
}

impl Substitution<'_> {
    /// Everything below `node`, which stands at `path`. `first` is the number of
    /// its first item where it is a list that continues another.
    pub(super) fn resolve(&self, node: &mut Node, path: &str, first: usize) {
        self.resolve_in(node, node.at, path, first);
    }

    /// `within`: where the list or mapping stands that holds it.
    fn resolve_in(&self, node: &mut Node, within: Position, path: &str, first: usize) {
        let at = node.at;
        match &mut node.value {
            Value::List(items) => {
                for (number, item) in items.iter_mut().enumerate() {
                    if mentions(item) {
                        let path = format!("{path}[{}]", first + number);
                        self.resolve_in(item, at, &path, 0);
                    }
                }
            }
            Value::Mapping(entries) => {
                for entry in entries {
                    let key = entry.key.as_deref().unwrap_or_default();
                    if key.contains(MARK) {
                        let message = "a key cannot come from the environment; only a value can";
                        self.diagnostics.refuse_once(entry.at, message);
                    }
                    if mentions(&entry.value) {
                        let below = Variables::join(path, key);
                        self.resolve_in(&mut entry.value, at, &below, 0);
                    }
                }
            }
            Value::Text(text) if text.contains(MARK) => {
                if let Some(value) = self.value_of(text, [at, within], path) {
                    node.is_variable = true;
                    node.value = Value::Text(value);
                } else {
                    node.value = Value::Text(String::new());
                }
            }
            Value::Sealed(Shape::Text, Some(secret)) if secret.expose().contains(MARK) => {
                let value = self.value_of(secret.expose(), [at, within], path);
                let secret = Secret::new(value.unwrap_or_default());
                node.value = Value::Sealed(Shape::Text, Some(secret));
                node.is_variable = true;
            }
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Sealed(..) => {}
        }
    }

    /// The value of the variable that `text` refers to; a complaint, which
    /// quotes nothing, if there is none.
    fn value_of(&self, text: &str, [at, within]: [Position; 2], path: &str) -> Option<String> {
        let Some(name) = referred(text) else {
            let message = "\"${\" stands inside of other text: a value is taken from the environment \
                           as a whole, as \"${NAME}\" with letters, digits and \"_\", or not at all";
            self.diagnostics.refuse_once(at, message);
            return None;
        };
        let Some(value) = self.env.var(name) else {
            let message = format!(
                "the environment variable {name} is not set, or empty; set it, or write the value here"
            );
            self.diagnostics.refuse_once(at, message);
            return None;
        };
        self.diagnostics.hide(at, text, &value);
        self.diagnostics.hide_within(within, text, &value);
        let mut found = self.found.borrow_mut();
        found.insert(path.to_owned(), name.into());
        Some(value)
    }
}

/// The name in `${NAME}`.
fn referred(text: &str) -> Option<&str> {
    let name = text.strip_prefix(MARK)?.strip_suffix('}')?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let valid = !name.is_empty()
        && name.len() <= 128
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(plain);
    valid.then_some(name)
}

/// True if there may be a reference somewhere below; most files have none, and
/// need no paths.
fn mentions(node: &Node) -> bool {
    match &node.value {
        Value::List(items) => items.iter().any(mentions),
        Value::Mapping(entries) => entries.iter().any(|entry| {
            entry.key.as_deref().is_some_and(|key| key.contains(MARK)) || mentions(&entry.value)
        }),
        Value::Text(text) => text.contains(MARK),
        Value::Sealed(_, Some(secret)) => secret.expose().contains(MARK),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Sealed(_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::referred;

    #[test]
    fn only_a_whole_value_is_a_reference() {
        assert_eq!(referred("${A_1}"), Some("A_1"));
        assert_eq!(referred("${_a}"), Some("_a"));
        for other in [
            "${}", "${1A}", "${A-B}", "${A", "a${A}", "${A} ", "${A}${B}", "$${A}", "${ A }",
            "${A:-b}",
        ] {
            assert_eq!(referred(other), None, "{other}");
        }
    }
}
