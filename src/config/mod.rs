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
mod environment;
mod fields;
mod places;
pub mod quota;
mod redacted;
mod schema;
mod suggest;
pub mod web;
mod yaml;

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

pub use diagnostic::{ConfigErrors, Diagnostic, SourcePlace};
pub use document::documentation;
pub use environment::{Environment, ProcessEnvironment};
pub use places::Places;
pub use redacted::redacted;
pub use suggest::suggest;

use crate::kinds::Configuration;
use check::Context;
use diagnostic::{Diagnostics, Position};

/// Largest file, in bytes.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// The path that means standard input. What the file names is then relative to
/// the current folder.
const STDIN: &str = "-";
/// What diagnostics call it.
const STDIN_NAME: &str = "stdin";

/// A configuration and what to say about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Checked.
    pub configuration: Configuration,
    /// What works but is probably not meant, in the order of the file.
    pub warnings: Vec<Diagnostic>,
    /// Where it names files and secrets, to say there what is wrong with them.
    pub places: Places,
}

/// Reads and checks a file. Blocks while it reads; also asks whether the files
/// that it names are there, and warns about those that are not. What they hold
/// is for those to look at who use it; [`Loaded::places`] tells where to say so.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn load(path: &Path, env: &dyn Environment) -> Result<Loaded, ConfigErrors> {
    if path == Path::new(STDIN) {
        let name: Arc<str> = STDIN_NAME.into();
        let bytes = bounded(std::io::stdin().lock(), &name, MOST_BYTES, unreadable)?;
        return parse(text(&bytes, &name)?, Path::new(STDIN_NAME), env);
    }
    let bytes = read(path, MOST_BYTES, |error| match error.kind() {
        ErrorKind::NotFound => {
            let demo = if cfg!(feature = "simulator") {
                ", or run \"m365mon demo\", which needs none"
            } else {
                ""
            };
            format!(
                "there is no such file; write one (see the folder \"examples\"), name another \
                 with --config.file or M365MON_CONFIG_FILE{demo}"
            )
        }
        _ => unreadable(error),
    })?;
    let file: Arc<str> = path.display().to_string().into();
    parse(text(&bytes, &file)?, path, env)
}

/// The content of a file, at most `most` bytes.
fn read(
    path: &Path,
    most: u64,
    say: impl Fn(&std::io::Error) -> String,
) -> Result<Zeroizing<Vec<u8>>, ConfigErrors> {
    let file: Arc<str> = path.display().to_string().into();
    let opened =
        File::open(path).map_err(|error| ConfigErrors::one(&file, Position::NONE, say(&error)))?;
    bounded(opened, &file, most, say)
}

/// All that is read from there, at most `most` bytes.
fn bounded(
    from: impl Read,
    file: &Arc<str>,
    most: u64,
    say: impl Fn(&std::io::Error) -> String,
) -> Result<Zeroizing<Vec<u8>>, ConfigErrors> {
    let refuse = |message: String| ConfigErrors::one(file, Position::NONE, message);
    let mut bytes = Zeroizing::new(Vec::new());
    from.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| refuse(say(&error)))?;
    if bytes.len() as u64 > most {
        return Err(refuse(format!(
            "the file is too large, at most {} MiB are allowed",
            most / (1024 * 1024)
        )));
    }
    Ok(bytes)
}

/// Bytes as the text that YAML is.
fn text<'b>(bytes: &'b [u8], file: &Arc<str>) -> Result<&'b str, ConfigErrors> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        let message = "the file is not UTF-8 here";
        let at = Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: 1,
        };
        ConfigErrors::one(file, at, message)
    })
}

/// Checks a text as if it were the content of `path`.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, path: &Path, env: &dyn Environment) -> Result<Loaded, ConfigErrors> {
    let file: Arc<str> = path.display().to_string().into();
    let root = yaml::parse(text).map_err(|(at, message)| ConfigErrors::one(&file, at, message))?;
    if let Some((at, message)) = fields::doubled(&root) {
        return Err(ConfigErrors::one(&file, at, message));
    }
    // What an interrupted write leaves; taken at its word on a reload, it would
    // end everything that is watched.
    if matches!(&root.value, yaml::Value::Mapping(entries) if entries.is_empty()) {
        let message =
            "the file is empty: name accounts and resources (see the folder \"examples\")";
        return Err(ConfigErrors::one(&file, root.at, message));
    }
    let diagnostics = Diagnostics::new(file);
    let context = Context {
        diagnostics: &diagnostics,
        folder: path.parent().unwrap_or(Path::new("")),
        env,
        places: Places::default(),
    };
    let configuration = check::configuration(&root, &context);
    let Context { places, .. } = context;
    let file = diagnostics.file();
    let warnings = diagnostics.finish()?;
    match configuration {
        Some(configuration) => Ok(Loaded {
            configuration,
            warnings,
            places,
        }),
        None => Err(ConfigErrors::one(
            &file,
            Position::NONE,
            "the file was refused without a reason; this is a bug",
        )),
    }
}

fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => {
            "the file may not be read by the user that runs m365mon".to_owned()
        }
        ErrorKind::IsADirectory => "this is a folder; name the file in it".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    }
}
