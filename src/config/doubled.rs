//! Keys that are given twice, and how much of a key may be shown at all.

use std::collections::HashMap;

use super::diagnostic::{Position, quoted};
use super::schema;
use super::yaml::{MappingEntry, Node, Value};
use crate::kinds::key::{Role, Table};

/// The first key that is given twice anywhere, with both places.
pub(super) fn doubled(node: &Node) -> Option<(Position, String)> {
    doubled_below(node, "")
}

/// `under`: the key whose value this is.
fn doubled_below(node: &Node, under: &str) -> Option<(Position, String)> {
    match &node.value {
        Value::List(items) => items
            .iter()
            .filter_map(|item| doubled_below(item, ""))
            .min(),
        Value::Mapping(entries) => {
            let mut seen = HashMap::with_capacity(entries.len());
            let here = entries.iter().find_map(|entry| {
                let name = entry.key.as_deref()?;
                let first: Position = seen.insert(name, entry.at)?;
                let word = match schema::role_of(under) {
                    Some(Role::Names) => quoted(name),
                    Some(Role::Mapping(table)) => shown_key(entry, name, Some(table)),
                    _ => shown_key(entry, name, None),
                };
                Some((
                    entry.at,
                    format!("key {word} is given twice, first at line {}", first.line),
                ))
            });
            entries
                .iter()
                .filter_map(|entry| {
                    doubled_below(&entry.value, entry.key.as_deref().unwrap_or_default())
                })
                .chain(here)
                .min()
        }
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Sealed(..) => None,
    }
}

/// How much of an unknown key may be shown. Part of a secret can end up as a
/// key: in the mapping of the secret itself, or after a comma in `{…}`, where
/// it has no value.
pub(super) fn shown_key(entry: &MappingEntry, name: &str, table: Option<&Table>) -> String {
    let in_secret = table.is_some_and(schema::holds_secret);
    let table = table.unwrap_or(&schema::ROOT.table);
    if schema::home_of(table, name).is_some() {
        return quoted(name);
    }
    if in_secret || entry.value.is_null() {
        return "(not shown)".to_owned();
    }
    let word = name
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'))
        .map_or(name, |end| &name[..end]);
    if word.len() == name.len() {
        quoted(name)
    } else {
        format!("\"{word}…\"")
    }
}
