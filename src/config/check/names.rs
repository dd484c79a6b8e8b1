//! Names of accounts and resources.

use std::collections::HashMap;
use std::sync::Arc;

use super::Context;
use crate::config::diagnostic::{Position, quoted};
use crate::config::fields::{Fields, Spanned};
use crate::model::meant;

/// Longest name, in bytes.
const MOST_NAME: usize = 128;

/// The names of one list, each once.
pub(super) struct UniqueNames {
    what: &'static str,
    seen: HashMap<Arc<str>, Position>,
}

impl UniqueNames {
    /// `what` is `account` or `resource`.
    pub(super) fn new(what: &'static str, most: usize) -> Self {
        Self {
            what,
            seen: HashMap::with_capacity(most),
        }
    }

    /// The name of one item; complains if it is missing, malformed or taken.
    pub(super) fn take(&mut self, fields: &Fields<'_>, context: &Context<'_>) -> Option<Arc<str>> {
        if fields.get("name").is_none() {
            fields.missing("name", &format!("every {} has one", self.what));
            return None;
        }
        let name = fields.text("name")?;
        check(&name, context)?;
        let shared: Arc<str> = name.value.into();
        if let Some(first) = self.seen.get(&shared) {
            context.diagnostics.refuse(
                name.at,
                format!(
                    "{} {} is there twice, first at {}",
                    self.what,
                    quoted(name.value),
                    context.diagnostics.told_from(*first, name.at)
                ),
            );
            return None;
        }
        self.seen.insert(shared.clone(), name.at);
        Some(shared)
    }
}

fn check(name: &Spanned<&str>, context: &Context<'_>) -> Option<()> {
    let Spanned { value, at } = *name;
    let wrong = if value.len() > MOST_NAME {
        format!("has {} bytes, at most {MOST_NAME} are allowed", value.len())
    } else if value.chars().any(char::is_control) {
        "has a control character in it".to_owned()
    } else if value.contains(['/', '\\']) {
        "has a slash in it; it is part of addresses".to_owned()
    } else if value == "." || value == ".." {
        "cannot be part of an address".to_owned()
    } else if value.trim() != value {
        let question = meant(value, |other| !other.is_empty());
        format!("begins or ends with a space{question}")
    } else {
        return Some(());
    };
    context
        .diagnostics
        .refuse(at, format!("the name {} {wrong}", quoted(value)));
    None
}
