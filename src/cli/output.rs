//! What commands say. A reader that went away (`| head`) is no error.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;

use clap::ValueEnum;
use serde::Serialize;

use crate::config::Diagnostic;
use crate::kinds::Resource;

/// How a command tells what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    Text,
    /// One document; its schema is in docs/schemas
    Json,
}

/// Writes lines to stdout.
pub(crate) fn say(text: &str) {
    write(io::stdout().lock(), text);
}

/// Writes lines to stderr.
pub(crate) fn complain(text: &str) {
    write(io::stderr().lock(), text);
}

/// Writes each of them to stderr, a line or more each.
pub(crate) fn complain_of(all: &[impl Display]) {
    for one in all {
        complain(&one.to_string());
    }
}

/// A document as JSON, for people who look at it too.
pub(crate) fn json(document: &impl Serialize) -> String {
    // Nothing in ours can fail to be written: strings, numbers, lists.
    serde_json::to_string_pretty(document).unwrap_or_default()
}

/// Writes warnings about a file to stderr, each with its place.
pub(crate) fn warn(warnings: &[Diagnostic]) {
    for warning in warnings {
        let place = warning.to_string();
        let message = &warning.message;
        let place = place.strip_suffix(message.as_str()).unwrap_or_default();
        complain(&format!("{place}warning: {message}"));
    }
}

/// Says on stderr what is about to be written into the tenant, a line each.
pub(crate) fn announce_writes<'a>(resources: impl IntoIterator<Item = &'a Arc<Resource>>) {
    for resource in resources {
        let info = resource.kind.info();
        if info.writes {
            complain(&format!(
                "{} writes: {} ({})",
                resource.name,
                info.help,
                resource.kind.target()
            ));
        }
    }
}

fn write(mut out: impl Write, text: &str) {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    _ = write!(out, "{text}{end}").and_then(|()| out.flush());
}
