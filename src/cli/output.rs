//! What commands say. A reader that went away (`| head`) is no error; a disk that is
//! full is one, told once, and the exit code tells it too.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use serde::Serialize;

use super::EXIT_FAILED;
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

/// Something of what was said is lost.
static INCOMPLETE: AtomicBool = AtomicBool::new(false);

/// Writes lines to stdout.
pub(crate) fn say(text: &str) {
    let Err(error) = write(io::stdout().lock(), text) else {
        return;
    };
    if error.kind() != io::ErrorKind::BrokenPipe && !INCOMPLETE.swap(true, Ordering::Relaxed) {
        complain(&format!("what is written to stdout is incomplete: {error}"));
    }
}

/// Writes lines to stderr.
pub(crate) fn complain(text: &str) {
    // There is nowhere left to tell of it.
    _ = write(io::stderr().lock(), text);
}

/// The exit code of a command that ended with `code`, if all of what it said was
/// written.
pub(crate) fn exit_code(code: ExitCode) -> ExitCode {
    if INCOMPLETE.load(Ordering::Relaxed) {
        ExitCode::from(EXIT_FAILED)
    } else {
        code
    }
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

fn write(mut out: impl Write, text: &str) -> io::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    write!(out, "{text}{end}")?;
    out.flush()
}
