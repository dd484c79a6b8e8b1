//! Addresses outside Microsoft.

use std::sync::Arc;

use super::Context;
use super::labels::LabelMap;
use crate::config::fields::{self, Fields};
use crate::config::yaml::Node;
use crate::model::Reference;

/// Each is asked every minute.
const MOST_REFERENCES: usize = 20;

/// `references`.
pub(super) fn references(
    root: &Fields<'_>,
    labels: &LabelMap,
    context: &Context<'_>,
) -> Vec<Arc<Reference>> {
    let items = root.list("references");
    let diagnostics = context.diagnostics;
    if items.len() > MOST_REFERENCES {
        diagnostics.refuse(
            root.place("references"),
            format!(
                "{} references are too many, at most {MOST_REFERENCES} are allowed",
                items.len()
            ),
        );
        return Vec::new();
    }
    if !items.is_empty() && !labels.contains_key("location") {
        diagnostics.refuse(
            root.place("references"),
            "\"references\" tell of one place, and which one is missing: add \"location\" to \"labels\", as {location: amsterdam}",
        );
    }
    let mut found: Vec<Arc<Reference>> = Vec::with_capacity(items.len());
    let mut read = |item: &Node| {
        let Some(text) = fields::text(item, "references", diagnostics) else {
            return;
        };
        match Reference::parse(text.value) {
            Err(wrong) => diagnostics.refuse(text.at, format!("the reference {wrong}")),
            Ok(reference) if found.iter().any(|one| one.name == reference.name) => {
                let name = &reference.name;
                diagnostics.refuse(
                    text.at,
                    format!("the reference \"{name}\" is there twice; its query does not count"),
                );
            }
            Ok(reference) => found.push(Arc::new(reference)),
        }
    };
    items.iter().for_each(&mut read);
    found
}
