//! What is wrong with a configuration, and where. Diagnostics are collected
//! while the tree is checked and shown together, in the order of the file.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) use crate::model::{one_of, quoted, quoted_url};

/// More diagnostics than this are counted, not shown.
const MOST_DIAGNOSTICS: usize = 1_000;

/// A place in one of the files, counted from 1 in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Position {
    /// Which file, in the order in which they were read; the configuration
    /// itself is 0.
    pub(super) file: u16,
    /// 0 if unknown.
    pub(super) line: u32,
    /// 0 if unknown.
    pub(super) column: u32,
}

impl Position {
    /// The configuration as a whole.
    pub(super) const NONE: Self = Self::whole(0);

    /// A file as a whole.
    pub(super) const fn whole(file: u16) -> Self {
        Self {
            file,
            line: 0,
            column: 0,
        }
    }
}

/// A place in a file, to say something about what is found there later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePlace {
    file: Arc<str>,
    at: Position,
}

impl SourcePlace {
    /// A file as a whole.
    #[must_use]
    pub fn whole(file: &Path) -> Self {
        Self {
            file: super::shown_name(file).into(),
            at: Position::NONE,
        }
    }

    /// Something to say about this place. The message must not hold a secret.
    #[must_use]
    pub fn diagnostic(&self, message: impl Into<String>) -> Diagnostic {
        diagnostic(&self.file, self.at, message.into())
    }
}

/// One thing that is wrong, or that deserves a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// As the user named it.
    pub file: Arc<str>,
    /// From 1; 0 where the file as a whole is meant.
    pub line: u32,
    /// From 1, in characters; 0 where the file as a whole is meant.
    pub column: u32,
    /// What is wrong, what is allowed, and what was perhaps meant. Never holds
    /// a secret.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
        } = self;
        if *line == 0 {
            write!(f, "{file}: {message}")
        } else {
            write!(f, "{file}:{line}:{column}: {message}")
        }
    }
}

/// Why a configuration was refused: at least one diagnostic, in the order of
/// the file. `Display` shows one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    diagnostics: Vec<Diagnostic>,
}

impl ConfigErrors {
    /// All of them.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// One about a configuration whose first file is `path`.
    pub(super) fn one(path: &Path, at: Position, message: impl Into<String>) -> Self {
        let file = path.display().to_string().into();
        Self {
            diagnostics: vec![diagnostic(&file, at, message.into())],
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.diagnostics.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

fn diagnostic(file: &Arc<str>, at: Position, message: String) -> Diagnostic {
    Diagnostic {
        file: file.clone(),
        line: at.line,
        column: at.column,
        message,
    }
}

/// One of the files that make a configuration.
struct SourceFile {
    /// As the user named it, or as a pattern found it.
    name: Arc<str>,
    /// Where paths in it begin.
    folder: PathBuf,
}

/// A value that came from the environment.
struct Variable {
    /// `${NAME}`.
    reference: String,
    /// How a message would quote the value.
    quoted: [String; 2],
}

/// Collects diagnostics and warnings of all files of a configuration.
#[derive(Default)]
pub(super) struct Diagnostics {
    files: RefCell<Vec<SourceFile>>,
    errors: RefCell<Vec<(Position, String)>>,
    warnings: RefCell<Vec<(Position, String)>>,
    more: RefCell<usize>,
    /// Places about which everything is said.
    settled: RefCell<HashSet<Position>>,
    /// By the place of the value.
    variables: RefCell<HashMap<Position, Variable>>,
    /// By the place of the list or mapping that holds them.
    variables_within: RefCell<HashMap<Position, Vec<Variable>>>,
}

impl Variable {
    fn new(reference: &str, value: &str) -> Self {
        Self {
            reference: reference.to_owned(),
            quoted: [quoted(value), quoted_url(value)],
        }
    }

    fn hide_in(&self, message: &str) -> String {
        let [plain, as_url] = &self.quoted;
        let hidden = message.replace(plain, &self.reference);
        hidden.replace(as_url, &self.reference)
    }
}

impl Diagnostics {
    /// For a configuration that begins with this file.
    pub(super) fn new(path: &Path) -> Self {
        let diagnostics = Self::default();
        diagnostics.add_file(path);
        diagnostics
    }

    /// One more file; its number for [`Position::file`].
    pub(super) fn add_file(&self, path: &Path) -> u16 {
        let mut files = self.files.borrow_mut();
        let number = u16::try_from(files.len()).unwrap_or(u16::MAX);
        files.push(SourceFile {
            name: path.display().to_string().into(),
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
        });
        number
    }

    /// The name of a file.
    pub(super) fn name_of(&self, file: u16) -> Arc<str> {
        let files = self.files.borrow();
        files
            .get(usize::from(file))
            .map_or_else(|| "".into(), |file| Arc::clone(&file.name))
    }

    /// A path that stands at this place, made absolute or relative to the
    /// working folder.
    pub(super) fn path_at(&self, at: Position, path: impl AsRef<Path>) -> PathBuf {
        let files = self.files.borrow();
        let folder = files.get(usize::from(at.file));
        folder.map_or_else(|| path.as_ref().to_owned(), |file| file.folder.join(&path))
    }

    /// A place, for those who look later at what is named there.
    pub(super) fn place(&self, at: Position) -> SourcePlace {
        SourcePlace {
            file: self.name_of(at.file),
            at,
        }
    }

    /// How one place is named where another is complained about: `line 3`, or
    /// `sites/a.yml:3` in another file.
    pub(super) fn told_from(&self, place: Position, here: Position) -> String {
        if place.file == here.file {
            format!("line {}", place.line)
        } else {
            format!("{}:{}", self.name_of(place.file), place.line)
        }
    }

    /// What stands there came from the environment: no message shows it.
    pub(super) fn hide(&self, at: Position, reference: &str, value: &str) {
        let variable = Variable::new(reference, value);
        self.variables.borrow_mut().insert(at, variable);
    }

    /// The same for what is said about a list or mapping that holds it.
    pub(super) fn hide_within(&self, at: Position, reference: &str, value: &str) {
        let variable = Variable::new(reference, value);
        let mut within = self.variables_within.borrow_mut();
        within.entry(at).or_default().push(variable);
    }

    /// Something that makes the configuration unusable, after which nothing
    /// more is to be said about this place.
    pub(super) fn refuse_once(&self, at: Position, message: impl Into<String>) {
        self.refuse(at, message);
        self.settled.borrow_mut().insert(at);
    }

    /// Something that makes the configuration unusable.
    pub(super) fn refuse(&self, at: Position, message: impl Into<String>) {
        if self.settled.borrow().contains(&at) {
            return;
        }
        let mut errors = self.errors.borrow_mut();
        if errors.len() < MOST_DIAGNOSTICS {
            errors.push((at, self.without_values(at, message.into())));
        } else {
            *self.more.borrow_mut() += 1;
        }
    }

    /// Something that works but is probably not meant.
    pub(super) fn warn(&self, at: Position, message: impl Into<String>) {
        let mut warnings = self.warnings.borrow_mut();
        if warnings.len() < MOST_DIAGNOSTICS {
            warnings.push((at, self.without_values(at, message.into())));
        }
    }

    /// The message with the name of a variable in place of its value, and
    /// without a question that is made from it.
    fn without_values(&self, at: Position, mut message: String) -> String {
        for variable in self
            .variables_within
            .borrow()
            .get(&at)
            .into_iter()
            .flatten()
        {
            message = variable.hide_in(&message);
        }
        let variables = self.variables.borrow();
        let Some(variable) = variables.get(&at) else {
            return message;
        };
        message = variable.hide_in(&message);
        if let Some(question) = message.find(", did you mean") {
            message.truncate(question);
        }
        message
    }

    fn shown(&self, mut found: Vec<(Position, String)>) -> Vec<Diagnostic> {
        found.sort_by_key(|(at, _)| *at);
        found
            .into_iter()
            .map(|(at, message)| diagnostic(&self.name_of(at.file), at, message))
            .collect()
    }

    /// True while nothing was refused.
    pub(super) fn is_clean(&self) -> bool {
        self.errors.borrow().is_empty()
    }

    /// The warnings, or all errors.
    pub(super) fn finish(self) -> Result<Vec<Diagnostic>, ConfigErrors> {
        let mut diagnostics = self.shown(self.errors.take());
        if diagnostics.is_empty() {
            return Ok(self.shown(self.warnings.take()));
        }
        let more = self.more.take();
        if more > 0 {
            diagnostics.push(diagnostic(
                &self.name_of(0),
                Position::NONE,
                format!("and {more} more"),
            ));
        }
        Err(ConfigErrors { diagnostics })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_order_of_the_file() {
        let diagnostics = Diagnostics::new(Path::new("f.yml"));
        let file = diagnostics.add_file(Path::new("g.yml"));
        let at = |file, line, column| Position { file, line, column };
        diagnostics.refuse(at(file, 1, 1), "third");
        diagnostics.refuse(at(0, 2, 1), "second");
        diagnostics.refuse(at(0, 1, 9), "first");
        let errors = diagnostics.finish().unwrap_err();
        assert_eq!(
            errors.to_string(),
            "f.yml:1:9: first\nf.yml:2:1: second\ng.yml:1:1: third"
        );
    }

    #[test]
    fn bounded() {
        let diagnostics = Diagnostics::new(Path::new("f.yml"));
        for line in 1..=1_500 {
            let at = Position {
                file: 0,
                line,
                column: 1,
            };
            diagnostics.refuse(at, "no");
        }
        let errors = diagnostics.finish().unwrap_err();
        assert_eq!(errors.diagnostics().len(), 1_001);
        assert!(errors.to_string().ends_with("f.yml: and 500 more"));
    }
}
