//! Paths, relative to the folder of the file that names them.

use std::path::PathBuf;

use super::Context;
use crate::config::fields::{Fields, Spanned};
use crate::files;

/// A path that must lead to a file by the time it is needed: one that is not
/// there yet is worth a warning, for secrets often come later than the file
/// that names them.
pub(super) fn existing(fields: &Fields<'_>, name: &str, context: &Context<'_>) -> Option<PathBuf> {
    let path = path(fields, name, context)?;
    warn_if_missing(&path, name, context);
    Some(path.value)
}

/// Warns about a file that is not there. What else is wrong with one is found
/// by who opens it.
pub(super) fn warn_if_missing(path: &Spanned<PathBuf>, name: &str, context: &Context<'_>) {
    if let Some(error) = files::missing(&path.value) {
        context
            .diagnostics
            .warn(path.at, format!("\"{name}\": {error}"));
    }
}

/// A path, made absolute or relative to the working folder.
pub(super) fn path(
    fields: &Fields<'_>,
    name: &str,
    context: &Context<'_>,
) -> Option<Spanned<PathBuf>> {
    let text = fields.text(name)?;
    if text.value.contains(char::is_control) {
        context.diagnostics.refuse(
            text.at,
            format!(
                "\"{name}\" is no path, there is a tab, a line end or the like in it; in double \
                 quotes \"\\t\" and \"\\n\" are such, so write a Windows path in single quotes"
            ),
        );
        return None;
    }
    Some(Spanned {
        value: context.diagnostics.path_at(text.at, text.value),
        at: text.at,
    })
}
