//! What is wrong with a configuration, and where. Diagnostics are collected
//! while the tree is checked and shown together, in the order of the file.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

pub(super) use crate::model::{one_of, quoted, quoted_url};

/// More diagnostics than this are counted, not shown.
const MOST_DIAGNOSTICS: usize = 1_000;

/// A place in the file, counted from 1 in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Position {
    /// 0 if unknown.
    pub(super) line: u32,
    /// 0 if unknown.
    pub(super) column: u32,
}

impl Position {
    /// The file as a whole.
    pub(super) const NONE: Self = Self { line: 0, column: 0 };
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
    pub fn whole(file: &std::path::Path) -> Self {
        Self {
            file: file.display().to_string().into(),
            at: Position::NONE,
        }
    }

    pub(super) const fn new(file: Arc<str>, at: Position) -> Self {
        Self { file, at }
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

    pub(super) fn one(file: &Arc<str>, at: Position, message: impl Into<String>) -> Self {
        Self {
            diagnostics: vec![diagnostic(file, at, message.into())],
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

/// Collects diagnostics and warnings of one file.
pub(super) struct Diagnostics {
    file: Arc<str>,
    errors: RefCell<Vec<Diagnostic>>,
    warnings: RefCell<Vec<Diagnostic>>,
    more: RefCell<usize>,
}

impl Diagnostics {
    pub(super) fn new(file: Arc<str>) -> Self {
        Self {
            file,
            errors: RefCell::default(),
            warnings: RefCell::default(),
            more: RefCell::default(),
        }
    }

    /// As the user named it.
    pub(super) fn file(&self) -> Arc<str> {
        self.file.clone()
    }

    /// Something that makes the file unusable.
    pub(super) fn refuse(&self, at: Position, message: impl Into<String>) {
        let mut errors = self.errors.borrow_mut();
        if errors.len() < MOST_DIAGNOSTICS {
            errors.push(diagnostic(&self.file, at, message.into()));
        } else {
            *self.more.borrow_mut() += 1;
        }
    }

    /// Something that works but is probably not meant.
    pub(super) fn warn(&self, at: Position, message: impl Into<String>) {
        let mut warnings = self.warnings.borrow_mut();
        if warnings.len() < MOST_DIAGNOSTICS {
            warnings.push(diagnostic(&self.file, at, message.into()));
        }
    }

    /// True while nothing was refused.
    pub(super) fn is_clean(&self) -> bool {
        self.errors.borrow().is_empty()
    }

    /// The warnings, or all errors.
    pub(super) fn finish(self) -> Result<Vec<Diagnostic>, ConfigErrors> {
        let by_place = |a: &Diagnostic, b: &Diagnostic| (a.line, a.column).cmp(&(b.line, b.column));
        let mut diagnostics = self.errors.into_inner();
        if diagnostics.is_empty() {
            let mut warnings = self.warnings.into_inner();
            warnings.sort_by(by_place);
            return Ok(warnings);
        }
        diagnostics.sort_by(by_place);
        let more = self.more.into_inner();
        if more > 0 {
            diagnostics.push(diagnostic(
                &self.file,
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
        let diagnostics = Diagnostics::new("f.yml".into());
        diagnostics.refuse(Position { line: 2, column: 1 }, "second");
        diagnostics.refuse(Position { line: 1, column: 9 }, "first");
        let errors = diagnostics.finish().unwrap_err();
        assert_eq!(errors.to_string(), "f.yml:1:9: first\nf.yml:2:1: second");
    }

    #[test]
    fn bounded() {
        let diagnostics = Diagnostics::new("f.yml".into());
        for line in 1..=1_500 {
            diagnostics.refuse(Position { line, column: 1 }, "no");
        }
        let errors = diagnostics.finish().unwrap_err();
        assert_eq!(errors.diagnostics().len(), 1_001);
        assert!(errors.to_string().ends_with("f.yml: and 500 more"));
    }
}
