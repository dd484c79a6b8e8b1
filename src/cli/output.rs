//! What commands say. A reader that went away (`| head`) is no error.

use std::fmt::Display;
use std::io::{self, Write};

use crate::config::Diagnostic;

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

/// Writes warnings about a file to stderr, each with its place.
pub(crate) fn warn(warnings: &[Diagnostic]) {
    for warning in warnings {
        let place = warning.to_string();
        let message = &warning.message;
        let place = place.strip_suffix(message.as_str()).unwrap_or_default();
        complain(&format!("{place}warning: {message}"));
    }
}

fn write(mut out: impl Write, text: &str) {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    _ = write!(out, "{text}{end}").and_then(|()| out.flush());
}
