//! Reads one mapping of the tree by the names of its table. What has the wrong
//! type is complained about here, once, and then counts as absent.

use std::time::Duration;

use super::diagnostic::{Diagnostics, Position, one_of, quoted};
use super::doubled::shown_key;
use super::schema;
use super::suggest::{nearest, suggest};
use super::yaml::{MappingEntry, Node, Shape, Value};
use crate::kinds::AnyKey;
use crate::kinds::key::Table;
use crate::model::Secret;
use crate::model::duration;

/// A value and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spanned<T> {
    pub(super) value: T,
    pub(super) at: Position,
}

/// One mapping, all of whose keys are known and given once.
pub(super) struct Fields<'n> {
    /// Where the mapping begins.
    pub(super) at: Position,
    entries: &'n [MappingEntry],
    diagnostics: &'n Diagnostics,
}

impl<'n> Fields<'n> {
    /// Takes a mapping and complains about keys that are not in `table` or
    /// `more`; `None` (after a diagnostic) if it is something else.
    pub(super) fn open(
        node: &'n Node,
        table: &Table,
        more: &[&'static [&'static dyn AnyKey]],
        diagnostics: &'n Diagnostics,
    ) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            let of = match table.path.rsplit('.').next().unwrap_or_default() {
                "" => "the file".to_owned(),
                path => path
                    .strip_suffix("[]")
                    .map_or_else(|| quoted(path), |list| format!("every item of \"{list}\"")),
            };
            let like = table
                .keys
                .first()
                .map_or_else(|| "{}".to_owned(), |key| format!("{{{}: …}}", key.name()));
            // Not quoted: a secret in place of its mapping is a likely slip.
            diagnostics.refuse(
                node.at,
                format!(
                    "{of} must be a mapping such as {like}, not {}",
                    node.shape().as_str()
                ),
            );
            return None;
        };
        let fields = Self {
            at: node.at,
            entries,
            diagnostics,
        };
        for entry in entries {
            fields.check_key(entry, table, more);
        }
        Some(fields)
    }

    fn check_key(
        &self,
        entry: &MappingEntry,
        table: &Table,
        more: &[&'static [&'static dyn AnyKey]],
    ) {
        let Some(name) = entry.key.as_deref() else {
            self.diagnostics
                .refuse(entry.at, "a key must be a word, not a list or a mapping");
            return;
        };
        let all = || {
            table.names().chain(
                more.iter()
                    .flat_map(|keys| keys.iter())
                    .map(|key| key.name()),
            )
        };
        if all().any(|known| known == name) {
            return;
        }
        if let Some(near) = nearest(name, all()) {
            self.diagnostics.refuse(
                entry.at,
                format!("unknown key {}, did you mean \"{near}\"?", quoted(name)),
            );
            return;
        }
        let word = shown_key(entry, name, Some(table));
        let message = if name == "password" {
            "no password is ever asked for or stored; a person signs in with `m365mon login`"
                .to_owned()
        } else if let Some(home) = schema::home_of(table, name) {
            format!("unknown key {word} here; it belongs {home}")
        } else if table.keys.is_empty() {
            format!("unknown key {word}; nothing is allowed here")
        } else {
            format!("unknown key {word}; allowed are {}", one_of(all()))
        };
        self.diagnostics.refuse(entry.at, message);
    }

    /// The value of a key, `None` if it is absent or `null`.
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.given(name).filter(|node| !node.is_null())
    }

    /// The value of a key, also if it is `null`.
    pub(super) fn given(&self, name: &str) -> Option<&'n Node> {
        self.entry(name).map(|entry| &entry.value)
    }

    /// Where a key stands, else where the mapping begins.
    pub(super) fn place(&self, name: &str) -> Position {
        self.entry(name).map_or(self.at, |entry| entry.at)
    }

    fn entry(&self, name: &str) -> Option<&'n MappingEntry> {
        self.entries
            .iter()
            .find(|entry| entry.key.as_deref() == Some(name))
    }

    /// Complains that a key must be there.
    pub(super) fn missing(&self, name: &str, such_as: &str) {
        let at = self.given(name).map_or(self.at, |node| node.at);
        self.diagnostics
            .refuse(at, format!("\"{name}\" is missing: {such_as}"));
    }

    /// Text, not empty.
    pub(super) fn text(&self, name: &str) -> Option<Spanned<&'n str>> {
        let node = self.get(name)?;
        text(node, name, self.diagnostics)
    }

    /// A secret, not empty. Nothing about it is ever shown.
    pub(super) fn secret(&self, name: &str) -> Option<Secret> {
        let node = self.get(name)?;
        match &node.value {
            Value::Sealed(_, Some(secret)) if !secret.expose().trim().is_empty() => {
                Some(secret.clone())
            }
            Value::Sealed(Shape::Text, _) => {
                self.diagnostics
                    .refuse(node.at, format!("\"{name}\" is empty"));
                None
            }
            _ => {
                self.diagnostics.refuse(
                    node.at,
                    format!(
                        "\"{name}\" must be text, not {}; put it in quotes",
                        node.shape().as_str()
                    ),
                );
                None
            }
        }
    }

    /// A duration within bounds.
    pub(super) fn duration(&self, name: &str, least: Duration, most: Duration) -> Option<Duration> {
        let node = self.get(name)?;
        let value = match &node.value {
            Value::Text(text) => duration::parse(text),
            Value::Integer(0) => Some(Duration::ZERO),
            _ => None,
        };
        let Some(value) = value else {
            self.diagnostics.refuse(
                node.at,
                format!(
                    "\"{name}\" must be a duration such as \"60s\", \"1m30s\", \"2h\" or \"7d\", not {}{}",
                    node.found(),
                    meant_duration(node)
                ),
            );
            return None;
        };
        if value < least || value > most {
            self.diagnostics.refuse(
                node.at,
                format!(
                    "\"{name}\" must be from {} to {}, not {}",
                    duration::format(least),
                    duration::format(most),
                    node.found()
                ),
            );
            return None;
        }
        Some(value)
    }

    /// A whole number within bounds.
    pub(super) fn count(&self, name: &str, least: usize, most: usize) -> Option<usize> {
        let node = self.get(name)?;
        let value = match &node.value {
            Value::Integer(value) => usize::try_from(*value).ok(),
            Value::Text(text) if node.is_variable => text.parse().ok(),
            _ => None,
        };
        let value = value.filter(|value| (least..=most).contains(value));
        if value.is_none() {
            self.diagnostics.refuse(
                node.at,
                format!(
                    "\"{name}\" must be a whole number from {least} to {most}, not {}",
                    node.found()
                ),
            );
        }
        value
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        let node = self.get(name)?;
        match &node.value {
            Value::Boolean(value) => return Some(*value),
            Value::Text(text) if node.is_variable && text == "true" => return Some(true),
            Value::Text(text) if node.is_variable && text == "false" => return Some(false),
            _ => {}
        }
        self.diagnostics.refuse(
            node.at,
            format!("\"{name}\" must be true or false, not {}", node.found()),
        );
        None
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let node = self.get(name)?;
        let names = || words.iter().map(|(word, _)| *word);
        if let Value::Text(text) = &node.value
            && let Some((_, value)) = words.iter().find(|(word, _)| word == text)
        {
            return Some(*value);
        }
        let near = match &node.value {
            Value::Text(text) => suggest(text, names()),
            _ => String::new(),
        };
        let (allowed, found) = (one_of(names()), node.found());
        self.diagnostics.refuse(
            node.at,
            format!("\"{name}\" must be {allowed}, not {found}{near}"),
        );
        None
    }

    /// The items of a list; empty (perhaps after a diagnostic) if there is none.
    pub(super) fn list(&self, name: &str) -> &'n [Node] {
        let Some(node) = self.get(name) else {
            return &[];
        };
        if let Value::List(items) = &node.value {
            return items;
        }
        self.diagnostics.refuse(
            node.at,
            format!("\"{name}\" must be a list, not {}", node.shape().as_str()),
        );
        &[]
    }

    /// A section of the file; where it is absent, as if nothing stood in it.
    pub(super) fn section(&self, table: &Table) -> Self {
        self.mapping(table.path, table).unwrap_or(Self {
            at: self.place(table.path),
            entries: &[],
            diagnostics: self.diagnostics,
        })
    }

    /// A nested mapping.
    pub(super) fn mapping(&self, name: &str, table: &Table) -> Option<Fields<'n>> {
        Fields::open(self.get(name)?, table, &[], self.diagnostics)
    }
}

/// Text, not empty; complains under `name` otherwise.
pub(super) fn text<'n>(
    node: &'n Node,
    name: &str,
    diagnostics: &Diagnostics,
) -> Option<Spanned<&'n str>> {
    match &node.value {
        Value::Text(value) if !value.is_empty() => Some(Spanned { value, at: node.at }),
        Value::Text(_) => {
            diagnostics.refuse(node.at, format!("\"{name}\" is empty"));
            None
        }
        Value::Boolean(_) | Value::Integer(_) | Value::Float(_) => {
            diagnostics.refuse(
                node.at,
                format!(
                    "\"{name}\" must be text, not {}; put it in quotes",
                    node.found()
                ),
            );
            None
        }
        Value::Null | Value::List(_) | Value::Mapping(_) | Value::Sealed(..) => {
            diagnostics.refuse(
                node.at,
                format!("\"{name}\" must be text, not {}", node.found()),
            );
            None
        }
    }
}

/// Suggests the unit that was left out or spelled out.
fn meant_duration(node: &Node) -> String {
    let text = match &node.value {
        Value::Integer(number) if *number > 0 => format!("{number}s"),
        Value::Text(text) => {
            let plain = text.trim().to_lowercase().replace(' ', "");
            let end = plain
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(plain.len());
            let (number, unit) = plain.split_at(end);
            let unit = match unit {
                "" | "sec" | "secs" | "second" | "seconds" | "s" => "s",
                "min" | "mins" | "minute" | "minutes" | "m" => "m",
                "hour" | "hours" | "hr" | "hrs" | "h" => "h",
                "day" | "days" | "d" => "d",
                "msec" | "millis" | "milliseconds" | "ms" => "ms",
                _ => return String::new(),
            };
            format!("{number}{unit}")
        }
        _ => return String::new(),
    };
    if duration::parse(&text).is_some() && text != "0" {
        format!(", did you mean \"{text}\"?")
    } else {
        String::new()
    }
}
