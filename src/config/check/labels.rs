//! Labels of the process and of resources.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Context;
use crate::config::diagnostic::quoted;
use crate::config::fields::{self, Fields};
use crate::config::yaml::{Shape, Value};
use crate::kinds::{self, Labels, Variables};

/// Most labels in one mapping.
const MOST_LABELS: usize = 10;
/// Longest value, in bytes.
const MOST_VALUE: usize = 128;
/// Longest name, in bytes.
const MOST_LABEL_NAME: usize = 64;

/// Prometheus' own, and those of the metrics themselves.
const TAKEN: &[&str] = &[
    "job",
    "instance",
    "le",
    "quantile",
    "resource",
    "kind",
    "account",
    "phase",
    "outcome",
    "reason",
    "tenant",
    "cloud",
    "credential",
    "audience",
    "code",
    "service",
    "version",
    "revision",
    "rustc_version",
    "cause",
    "handler",
    "request_id",
    "gate",
    "step",
    "mode",
    "connection",
    "via",
    "host",
    "impact",
    "window",
    "type",
    "reference",
    "result",
];

/// Labels of the numbers that kinds read beside the verdict.
fn is_of_a_reading(name: &str) -> bool {
    let readings = kinds::ALL.iter().flat_map(|info| info.readings);
    readings
        .flat_map(|reading| reading.labels)
        .any(|label| *label == name)
}

/// Labels by name.
pub(super) type LabelMap = BTreeMap<Arc<str>, Arc<str>>;

/// The labels of one mapping; what has a diagnostic is left out.
pub(super) fn labels(fields: &Fields<'_>, context: &Context<'_>) -> LabelMap {
    let mut labels = LabelMap::new();
    let diagnostics = context.diagnostics;
    let Some(node) = fields.get("labels") else {
        return labels;
    };
    let Value::Mapping(entries) = &node.value else {
        diagnostics.refuse(
            node.at,
            format!(
                "\"labels\" must be a mapping such as {{team: web}}, not {}",
                node.shape().as_str()
            ),
        );
        return labels;
    };
    if entries.len() > MOST_LABELS {
        diagnostics.refuse(
            node.at,
            format!(
                "{} labels are too many, at most {MOST_LABELS} are allowed",
                entries.len()
            ),
        );
        return labels;
    }
    for entry in entries {
        let Some(name) = entry.key.as_deref() else {
            diagnostics.refuse(entry.at, "a label's name must be a word");
            continue;
        };
        if let Some(wrong) = wrong_name(name) {
            diagnostics.refuse(entry.at, format!("the label name {} {wrong}", quoted(name)));
            continue;
        }
        if entry.value.shape() == Shape::Null {
            diagnostics.refuse(
                entry.value.at,
                format!("the label {} is empty", quoted(name)),
            );
            continue;
        }
        let Some(value) = fields::text(&entry.value, &format!("labels.{name}"), diagnostics) else {
            continue;
        };
        match wrong_value(value.value) {
            Some(wrong) => {
                diagnostics.refuse(value.at, format!("the label {} {wrong}", quoted(name)));
            }
            None => {
                labels.insert(name.into(), value.value.into());
            }
        }
    }
    labels
}

/// The labels of the process: those of the file, and those of the command line,
/// which win.
pub(super) fn of_process(root: &Fields<'_>, context: &Context<'_>) -> LabelMap {
    let mut all = labels(root, context);
    for (name, value) in context.labels {
        let path = Variables::join("labels", name);
        context.variables.borrow_mut().remove(&path);
        all.insert(Arc::clone(name), Arc::clone(value));
    }
    if all.len() > MOST_LABELS {
        context.diagnostics.refuse(
            root.place("labels"),
            format!(
                "{} labels, with those of --label, are too many; at most {MOST_LABELS} are allowed",
                all.len()
            ),
        );
    }
    all
}

/// A label of the process as the command line has it, `NAME=VALUE`.
///
/// # Errors
/// What is wrong with it.
pub fn label(text: &str) -> Result<(Arc<str>, Arc<str>), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("it must be NAME=VALUE, like location=amsterdam")?;
    if let Some(wrong) = wrong_name(name) {
        return Err(format!("the label name {} {wrong}", quoted(name)));
    }
    match wrong_value(value) {
        _ if value.is_empty() => Err(format!("the label {} is empty", quoted(name))),
        Some(wrong) => Err(format!("the label {} {wrong}", quoted(name))),
        None => Ok((name.into(), value.into())),
    }
}

fn wrong_value(value: &str) -> Option<String> {
    if value.len() > MOST_VALUE {
        let bytes = value.len();
        Some(format!(
            "has {bytes} bytes, at most {MOST_VALUE} are allowed"
        ))
    } else if value.chars().any(char::is_control) {
        Some("has a control character in it".to_owned())
    } else {
        None
    }
}

/// Sorted and shared.
pub(super) fn whole(labels: &LabelMap) -> Labels {
    labels
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Those of the process and those of the resource, which win.
pub(super) fn merged(process: &LabelMap, own: LabelMap) -> Labels {
    let mut all = process.clone();
    all.extend(own);
    all.into_iter().collect()
}

fn wrong_name(name: &str) -> Option<String> {
    let mut bytes = name.bytes();
    let first = bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let valid = first && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !valid {
        Some("must be letters, digits and \"_\", not beginning with a digit".to_owned())
    } else if name.starts_with("__") {
        Some("is refused: names that begin with \"__\" are Prometheus' own".to_owned())
    } else if TAKEN.contains(&name) || is_of_a_reading(name) {
        Some("is refused: Prometheus or the metrics use it themselves".to_owned())
    } else if name.len() > MOST_LABEL_NAME {
        Some(format!(
            "is too long, at most {MOST_LABEL_NAME} bytes are allowed"
        ))
    } else {
        None
    }
}
