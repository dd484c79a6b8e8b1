//! YAML to checked types, with line and column in every diagnostic.
//!
//! A file is read into a tree that knows its places (`yaml`), checked as a
//! whole (`check`) and only then becomes a [`Configuration`]: whoever holds one
//! need not check again. A syntax error or a doubled key ends the list of
//! diagnostics; everything else is collected and shown together. No diagnostic
//! and no warning ever holds a secret: what may be one is sealed before it is
//! looked at. `cli` and the reload call [`load`].

mod check;
mod diagnostic;
pub mod digest;
mod document;
mod doubled;
mod environment;
mod fields;
mod glob;
mod places;
pub mod quota;
mod redacted;
mod schema;
mod suggest;
mod variables;
pub mod web;
mod yaml;

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

pub use check::label;
pub use diagnostic::{ConfigErrors, Diagnostic, SourcePlace};
pub use document::documentation;
pub use environment::{Environment, ProcessEnvironment};
pub use places::Places;
pub use redacted::redacted;
pub use suggest::suggest;

use crate::files::{self, FileError};
use crate::kinds::Configuration;
use check::Context;
use diagnostic::{Diagnostics, Position};
use digest::{DigestBuilder, FileDigest};

/// Most bytes of a configuration; once more of all files of resources together.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// The path that means standard input. What the file names is then relative to
/// the current folder.
pub const STDIN: &str = "-";
/// What diagnostics call it.
const STDIN_NAME: &str = "stdin";

/// How a configuration is named where something is said about it.
#[must_use]
pub fn shown_name(path: &Path) -> String {
    if path == Path::new(STDIN) {
        STDIN_NAME.to_owned()
    } else {
        path.display().to_string()
    }
}

/// A configuration and what to say about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Checked.
    pub configuration: Configuration,
    /// What works but is probably not meant, in the order of the file.
    pub warnings: Vec<Diagnostic>,
    /// Where it names files and secrets, to say there what is wrong with them.
    pub places: Places,
    /// What its files held, the configuration and those of resources.
    pub digest: FileDigest,
}

/// A label of the process: name and value.
pub type Label = (Arc<str>, Arc<str>);

/// Reads and checks a file. Blocks while it reads; also asks whether the files
/// that it names are there, and warns about those that are not. What they hold
/// is for those to look at who use it; [`Loaded::places`] tells where to say so.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn load(path: &Path, env: &dyn Environment) -> Result<Loaded, ConfigErrors> {
    load_with(path, &[], env)
}

/// The same with labels of the process that win over those of the file.
///
/// # Errors
/// As [`load`].
pub fn load_with(
    path: &Path,
    labels: &[Label],
    env: &dyn Environment,
) -> Result<Loaded, ConfigErrors> {
    if path == Path::new(STDIN) {
        let path = Path::new(STDIN_NAME);
        return assemble(&from_stdin()?, path, labels, env);
    }
    let bytes = files::read(path, MOST_BYTES).map_err(|error| {
        let message = if error.is_missing() {
            let demo = if cfg!(feature = "simulator") {
                ", or run \"m365mon demo\", which needs none"
            } else {
                ""
            };
            format!(
                "there is no such file; write one (see the folder \"examples\"), name another \
                 with --config.file or M365MON_CONFIG_FILE{demo}"
            )
        } else {
            unreadable(&error)
        };
        ConfigErrors::one(path, Position::NONE, message)
    })?;
    assemble(&bytes, path, labels, env)
}

/// All that standard input gives, within bounds.
fn from_stdin() -> Result<Zeroizing<Vec<u8>>, ConfigErrors> {
    let refuse = |message: String| {
        Err(ConfigErrors::one(
            Path::new(STDIN_NAME),
            Position::NONE,
            message,
        ))
    };
    let mut bytes = Zeroizing::new(Vec::new());
    let input = std::io::stdin().lock();
    if let Err(error) = input.take(MOST_BYTES + 1).read_to_end(&mut bytes) {
        return refuse(format!("it cannot be read: {error}"));
    }
    if bytes.len() as u64 > MOST_BYTES {
        let most = MOST_BYTES / (1024 * 1024);
        return refuse(format!("it is longer than {most} MiB"));
    }
    Ok(bytes)
}

/// Bytes as the text that YAML is: UTF-8, or UTF-16 as PowerShell's `>` writes
/// it.
fn text(bytes: &[u8], file: u16) -> Result<Zeroizing<String>, (Position, String)> {
    files::decode(bytes).map_err(|_| {
        let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        let before = bytes.get(..valid).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        let at = Position {
            file,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: 1,
        };
        (at, "the file is not UTF-8 here".to_owned())
    })
}

/// Checks a text as if it were the content of `path`.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, path: &Path, env: &dyn Environment) -> Result<Loaded, ConfigErrors> {
    assemble(text.as_bytes(), path, &[], env)
}

/// Checks what `path` holds, and the files of resources that it names.
fn assemble(
    bytes: &[u8],
    path: &Path,
    labels: &[Label],
    env: &dyn Environment,
) -> Result<Loaded, ConfigErrors> {
    let refuse = |(at, message): (Position, String)| ConfigErrors::one(path, at, message);
    let text = text(bytes, 0).map_err(refuse)?;
    let mut root = yaml::parse(&text, 0).map_err(refuse)?;
    if let Some(doubled) = doubled::doubled(&root) {
        return Err(refuse(doubled));
    }
    // What an interrupted write leaves; taken at its word on a reload, it would
    // end everything that is watched.
    if matches!(&root.value, yaml::Value::Mapping(entries) if entries.is_empty()) {
        let message =
            "the file is empty: name accounts and resources (see the folder \"examples\")";
        return Err(ConfigErrors::one(path, root.at, message));
    }
    let diagnostics = Diagnostics::new(path);
    let context = Context::new(&diagnostics, labels, env);
    context.digest.borrow_mut().add(path, Some(bytes));
    context.substitution().resolve(&mut root, "", 0);
    let configuration = check::configuration(&root, &context);
    let Context { places, digest, .. } = context;
    let warnings = diagnostics.finish()?;
    match configuration {
        Some(configuration) => Ok(Loaded {
            configuration,
            warnings,
            places,
            digest: DigestBuilder::finish(digest.into_inner()),
        }),
        None => Err(ConfigErrors::one(
            path,
            Position::NONE,
            "the file was refused without a reason; this is a bug",
        )),
    }
}

/// Why a file cannot be read, where its name stands before.
fn unreadable(error: &FileError) -> String {
    error.without_path()
}
