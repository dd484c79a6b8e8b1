//! What the YAML reader of Prometheus takes (`yaml.v2`, YAML 1.1), made into what
//! the rules here take: words for true and false where a key is one of the two,
//! and numbers and words where it is text.

use super::super::yaml::{MappingEntry, Node, Value};
use super::schema;
use crate::kinds::key::Role;

/// YAML 1.1 (yaml.org/type/bool.html), as `yaml.v2` resolves them.
const TRUE: [&str; 11] = [
    "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON",
];
const FALSE: [&str; 11] = [
    "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF",
];

/// The sections in which every other key is text or a list of texts.
const OF_TEXT: [&str; 3] = ["tls_server_config", "http_server_config", "headers"];

/// Changes the values of a whole file.
pub(super) fn resolve(root: &mut Node) {
    for entry in entries(root) {
        if entry
            .key
            .as_deref()
            .is_some_and(|key| OF_TEXT.contains(&key))
        {
            section(&mut entry.value);
        }
    }
}

fn section(node: &mut Node) {
    for MappingEntry { key, value, .. } in entries(node) {
        match key.as_deref() {
            Some("headers") => section(value),
            Some(key) if is_flag(key) => flag(value),
            _ => text(value),
        }
    }
}

fn is_flag(name: &str) -> bool {
    let mut keys = schema::tables().into_iter().flat_map(|table| table.keys);
    keys.any(|key| key.name() == name && matches!(key.role(), Role::Flag))
}

fn entries(node: &mut Node) -> impl Iterator<Item = &mut MappingEntry> {
    let entries = match &mut node.value {
        Value::Mapping(entries) => Some(entries),
        _ => None,
    };
    entries.into_iter().flatten()
}

fn flag(node: &mut Node) {
    if let Value::Text(word) = &node.value {
        if TRUE.contains(&&**word) {
            node.value = Value::Boolean(true);
        } else if FALSE.contains(&&**word) {
            node.value = Value::Boolean(false);
        }
    }
}

fn text(node: &mut Node) {
    match &mut node.value {
        Value::Boolean(value) => node.value = Value::Text(value.to_string()),
        Value::Integer(value) => node.value = Value::Text(value.to_string()),
        Value::Float(value) => node.value = Value::Text(value.to_string()),
        Value::List(items) => items.iter_mut().for_each(text),
        Value::Null | Value::Text(_) | Value::Mapping(_) | Value::Sealed(..) => {}
    }
}
