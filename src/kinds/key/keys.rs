//! One mapping of the configuration as a key sees it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Account, Secret};

/// One mapping of the configuration, read key by key. Every reader complains
/// about a value that does not fit and then answers `None`; so does a key that
/// is absent, which [`Keys::is_given`] tells apart.
pub trait Keys {
    /// True if there is a value, fitting or not; `null` is none.
    fn is_given(&self, key: &str) -> bool;
    /// Text, not empty.
    fn text(&self, key: &str) -> Option<&str>;
    /// A secret, not empty.
    fn secret(&self, key: &str) -> Option<Secret>;
    /// A duration within bounds, both included.
    fn duration(&self, key: &str, least: Duration, most: Duration) -> Option<Duration>;
    /// A whole number within bounds, both included.
    fn count(&self, key: &str, least: usize, most: usize) -> Option<usize>;
    /// `true` or `false`.
    fn flag(&self, key: &str) -> Option<bool>;
    /// The place of the word that is given.
    fn word(&self, key: &str, words: &[&'static str]) -> Option<usize>;
    /// Texts of a list, none of them empty; one text stands for a list of one.
    fn texts(&self, key: &str) -> Option<Vec<&str>>;
    /// Whole numbers within bounds, of a list; one stands for a list of one.
    fn counts(&self, key: &str, least: usize, most: usize) -> Option<Vec<usize>>;
    /// Numbers of a list, `None` for what is none, without a complaint. `like` says
    /// what the list is, as `a list of seconds such as [0.1, 1, 10]`.
    fn numbers(&self, key: &str, like: &str) -> Option<Vec<Option<f64>>>;
    /// A mapping of names to texts; an entry that is none is complained about and
    /// left out. `like` says what it is, as `a mapping of names to texts`.
    fn pairs(&self, key: &str, like: &str) -> Option<Vec<NamedText<'_>>>;
    /// A path, relative to the folder of the file that names it. A warning where
    /// it should be there and is not.
    fn path(&self, key: &str, should_be_there: bool) -> Option<PathBuf>;
    /// A path that no file names, as if this one did.
    fn beside(&self, path: &Path) -> PathBuf;
    /// What a file holds, without the line end at its end; relative paths begin
    /// at the folder of the configuration. Nothing of it is ever shown.
    fn file(&self, key: &str) -> Option<String>;
    /// True if this environment variable is set here.
    fn is_set(&self, variable: &str) -> bool;
    /// An account of the configuration, by its name.
    fn account(&self, key: &str) -> Option<Arc<Account>>;
    /// What stands in a part, for a complaint.
    fn found(&self, key: &str, part: KeyPart) -> String;
    /// Complains about a part.
    fn refuse_part(&self, key: &str, part: KeyPart, message: String);
    /// Complains about the value of a key, or about its absence.
    fn refuse(&self, key: &str, message: String);
    /// Says what works but is probably not meant.
    fn warn(&self, key: &str, message: String);
}

/// A part of what stands under a key, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPart {
    /// The key itself.
    Key,
    /// An item, or the value of an entry.
    Item(usize),
    /// The name of an entry.
    Name(usize),
}

/// An entry of a mapping of names to texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedText<'k> {
    /// Which entry of the mapping, from 0.
    pub number: usize,
    /// What the user calls it.
    pub name: &'k str,
    /// Not empty.
    pub text: &'k str,
}

/// What was found under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken<T> {
    /// The key is absent, or `null`.
    Absent,
    /// Something that does not fit; the complaint is made.
    Refused,
    /// A value that fits.
    Given(T),
}

impl<T> Taken<T> {
    /// The value, or `other` where the key is absent; `None` if it was refused.
    pub fn or(self, other: T) -> Option<T> {
        match self {
            Self::Absent => Some(other),
            Self::Refused => None,
            Self::Given(value) => Some(value),
        }
    }

    /// This, or what stands for it where the key is absent.
    pub fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Absent => other(),
            Self::Refused | Self::Given(_) => self,
        }
    }

    /// The value or its absence; `None` if it was refused.
    pub fn optional(self) -> Option<Option<T>> {
        match self {
            Self::Absent => Some(None),
            Self::Refused => None,
            Self::Given(value) => Some(Some(value)),
        }
    }

    /// The value, where there is a fitting one.
    pub fn given(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Refused => None,
        }
    }
}
