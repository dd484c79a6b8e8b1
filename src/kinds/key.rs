//! A key of the configuration, stated once: its name, what its value must look
//! like, what holds without it, what it is for. The schema, the documentation,
//! the check and `/config` are made from that.
//!
//! Nothing here knows YAML or a place in a file: [`Keys`] is one mapping as a
//! kind sees it, and whoever implements it (`config`) complains with line and
//! column about what does not fit.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::model::{Account, duration, meant, quoted};

/// One mapping of the configuration, read key by key. Every reader complains
/// about a value that does not fit and then answers `None`; so does a key that
/// is absent, which [`Keys::is_given`] tells apart.
pub trait Keys {
    /// True if there is a value, fitting or not; `null` is none.
    fn is_given(&self, key: &str) -> bool;
    /// Text, not empty.
    fn text(&self, key: &str) -> Option<&str>;
    /// A duration within bounds, both included.
    fn duration(&self, key: &str, least: Duration, most: Duration) -> Option<Duration>;
    /// A whole number within bounds, both included.
    fn count(&self, key: &str, least: u32, most: u32) -> Option<u32>;
    /// `true` or `false`.
    fn flag(&self, key: &str) -> Option<bool>;
    /// The place of the word that is given.
    fn word(&self, key: &str, words: &[&'static str]) -> Option<usize>;
    /// Texts of a list, none of them empty; one text stands for a list of one.
    fn texts(&self, key: &str) -> Option<Vec<&str>>;
    /// Whole numbers within bounds, of a list; one stands for a list of one.
    fn counts(&self, key: &str, least: u32, most: u32) -> Option<Vec<u32>>;
    /// A mapping of names to texts.
    fn pairs(&self, key: &str) -> Option<Vec<(&str, &str)>>;
    /// What a file holds, without the line end at its end; relative paths begin
    /// at the folder of the configuration. Nothing of it is ever shown.
    fn file(&self, key: &str) -> Option<String>;
    /// An account of the configuration, by its name.
    fn account(&self, key: &str) -> Option<Arc<Account>>;
    /// Complains about the value of a key, or about its absence.
    fn refuse(&self, key: &str, message: String);
    /// Says what works but is probably not meant.
    fn warn(&self, key: &str, message: String);
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

/// A value as `/config` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// In quotes.
    Text(String),
    /// As it is: a word, a number, a duration.
    Plain(String),
    /// A list of settings.
    List(Vec<Setting>),
    /// A mapping of names to settings.
    Mapping(Vec<(String, Setting)>),
    /// Something that is never shown.
    Secret,
}

/// What the value of a key must look like.
pub trait Form: Sync {
    /// What it becomes.
    type Value;
    /// What it takes, for the documentation, in Markdown.
    fn takes(&self) -> Cow<'static, str>;
    /// Reads it; complains and answers `None` where it does not fit.
    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Self::Value>;
    /// As it is shown.
    fn show(&self, value: &Self::Value) -> Setting;
}

/// What holds without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// It must be there; the text says what it is, for the complaint.
    Missing(&'static str),
    /// It may be absent; the text says what holds then, in Markdown. Empty if
    /// absence means nothing by itself.
    Means(&'static str),
}

/// One key.
#[derive(Debug)]
pub struct Key<F> {
    /// As it is written.
    pub name: &'static str,
    /// What its value must look like.
    pub form: F,
    /// What holds without it.
    pub absent: Absent,
    /// What it is for, in Markdown without line breaks.
    pub help: &'static str,
}

impl<F> Key<F> {
    /// A key that must be there.
    pub const fn required(
        name: &'static str,
        form: F,
        such_as: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            form,
            absent: Absent::Missing(such_as),
            help,
        }
    }

    /// A key that may be absent.
    pub const fn optional(
        name: &'static str,
        form: F,
        means: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            form,
            absent: Absent::Means(means),
            help,
        }
    }
}

impl<F: Form> Key<F> {
    /// Reads this key. One that must be there and is not is complained about.
    pub fn take(&self, keys: &dyn Keys) -> Taken<F::Value> {
        if keys.is_given(self.name) {
            return match self.form.read(self.name, keys) {
                Some(value) => Taken::Given(value),
                None => Taken::Refused,
            };
        }
        match self.absent {
            Absent::Means(_) => Taken::Absent,
            Absent::Missing(such_as) => {
                keys.refuse(
                    self.name,
                    format!("\"{}\" is missing: {such_as}", self.name),
                );
                Taken::Refused
            }
        }
    }

    /// The key and its value, for `/config`.
    pub fn show(&self, value: &F::Value) -> (&'static str, Setting) {
        (self.name, self.form.show(value))
    }
}

/// A key whatever its form, for tables.
pub trait AnyKey: Sync {
    /// As it is written.
    fn name(&self) -> &'static str;
    /// What it takes, in Markdown.
    fn takes(&self) -> Cow<'static, str>;
    /// What holds without it, in Markdown; empty if it must be there.
    fn default(&self) -> &'static str;
    /// What it is for, in Markdown.
    fn help(&self) -> &'static str;
}

impl<F: Form> AnyKey for Key<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn takes(&self) -> Cow<'static, str> {
        self.form.takes()
    }

    fn default(&self) -> &'static str {
        match self.absent {
            Absent::Missing(_) => "",
            Absent::Means(what) => what,
        }
    }

    fn help(&self) -> &'static str {
        self.help
    }
}

impl fmt::Debug for dyn AnyKey + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One of a few words, each with what it stands for.
#[derive(Debug, Clone, Copy)]
pub struct OneOf<T: 'static>(pub &'static [(&'static str, T)]);

impl<T: Copy + PartialEq + Sync> Form for OneOf<T> {
    type Value = T;

    fn takes(&self) -> Cow<'static, str> {
        let words: Vec<String> = self.0.iter().map(|(word, _)| format!("`{word}`")).collect();
        match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => {
                format!("{} or {last}", rest.join(", ")).into()
            }
            _ => words.concat().into(),
        }
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<T> {
        let words: Vec<&'static str> = self.0.iter().map(|(word, _)| *word).collect();
        let place = keys.word(key, &words)?;
        self.0.get(place).map(|(_, value)| *value)
    }

    fn show(&self, value: &T) -> Setting {
        let word = self.0.iter().find(|(_, known)| known == value);
        Setting::Plain(word.map_or_else(String::new, |(word, _)| (*word).to_owned()))
    }
}

/// A duration, both bounds included.
#[derive(Debug, Clone, Copy)]
pub struct Lasting {
    /// Not shorter.
    pub least: Duration,
    /// Not longer.
    pub most: Duration,
    /// What it takes, where the bounds are not all that is to say.
    pub takes: Option<&'static str>,
}

impl Lasting {
    /// From so many seconds to so many.
    #[must_use]
    pub const fn seconds(least: u64, most: u64) -> Self {
        Self {
            least: Duration::from_secs(least),
            most: Duration::from_secs(most),
            takes: None,
        }
    }

    /// With words of its own for the documentation.
    #[must_use]
    pub const fn takes(self, takes: &'static str) -> Self {
        Self {
            takes: Some(takes),
            ..self
        }
    }
}

impl Form for Lasting {
    type Value = Duration;

    fn takes(&self) -> Cow<'static, str> {
        match self.takes {
            Some(takes) => takes.into(),
            None => format!(
                "duration, {} to {}",
                duration::format(self.least),
                duration::format(self.most)
            )
            .into(),
        }
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Duration> {
        keys.duration(key, self.least, self.most)
    }

    fn show(&self, value: &Duration) -> Setting {
        Setting::Plain(duration::format(*value))
    }
}

/// A whole number, both bounds included.
#[derive(Debug, Clone, Copy)]
pub struct Count(pub u32, pub u32);

impl Form for Count {
    type Value = u32;

    fn takes(&self) -> Cow<'static, str> {
        format!("whole number, {} to {}", self.0, self.1).into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<u32> {
        keys.count(key, self.0, self.1)
    }

    fn show(&self, value: &u32) -> Setting {
        Setting::Plain(value.to_string())
    }
}

/// `true` or `false`.
#[derive(Debug, Clone, Copy)]
pub struct Flag;

impl Form for Flag {
    type Value = bool;

    fn takes(&self) -> Cow<'static, str> {
        "`true` or `false`".into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<bool> {
        keys.flag(key)
    }

    fn show(&self, value: &bool) -> Setting {
        Setting::Plain(value.to_string())
    }
}

/// Text that obeys a rule.
#[derive(Clone, Copy)]
pub struct Text {
    /// What it takes, in Markdown.
    pub takes: &'static str,
    /// Says what is wrong with it, as the end of the sentence `"key" …`.
    pub check: fn(&str) -> Result<(), String>,
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.takes)
    }
}

impl Form for Text {
    type Value = Arc<str>;

    fn takes(&self) -> Cow<'static, str> {
        self.takes.into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Arc<str>> {
        let text = keys.text(key)?;
        match (self.check)(text) {
            Ok(()) => Some(text.into()),
            Err(wrong) => {
                let question = asks(&wrong, text, |other| (self.check)(other).is_ok());
                keys.refuse(key, format!("\"{key}\" {wrong}{question}"));
                None
            }
        }
    }

    fn show(&self, value: &Arc<str>) -> Setting {
        Setting::Text(value.to_string())
    }
}

/// The question what was meant, unless the complaint asks one itself.
fn asks(wrong: &str, text: &str, fits: impl Fn(&str) -> bool) -> String {
    if wrong.contains("did you mean") {
        String::new()
    } else {
        meant(text, fits)
    }
}

/// An address that obeys a rule, made fit by it.
#[derive(Clone, Copy)]
pub struct Address {
    /// What it takes, in Markdown.
    pub takes: &'static str,
    /// The address, or what is wrong as the end of the sentence `"key" …`.
    pub parse: fn(&str) -> Result<Url, String>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.takes)
    }
}

impl Form for Address {
    type Value = Url;

    fn takes(&self) -> Cow<'static, str> {
        self.takes.into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Url> {
        let text = keys.text(key)?;
        match (self.parse)(text) {
            Ok(url) => Some(url),
            Err(wrong) => {
                let question = asks(&wrong, text, |other| (self.parse)(other).is_ok());
                keys.refuse(key, format!("\"{key}\" {wrong}{question}"));
                None
            }
        }
    }

    fn show(&self, value: &Url) -> Setting {
        Setting::Text(value.to_string())
    }
}

/// A list of texts, each once; one text stands for a list of one.
#[derive(Debug, Clone, Copy)]
pub struct NameList {
    /// What it takes, in Markdown.
    pub takes: &'static str,
}

impl Form for NameList {
    type Value = Vec<Arc<str>>;

    fn takes(&self) -> Cow<'static, str> {
        self.takes.into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Vec<Arc<str>>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for name in keys.texts(key)? {
            if names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                keys.refuse(key, format!("\"{key}\" names {} twice", quoted(name)));
                return None;
            }
            names.push(name.into());
        }
        Some(names)
    }

    fn show(&self, value: &Vec<Arc<str>>) -> Setting {
        let texts = value.iter().map(|name| Setting::Text(name.to_string()));
        Setting::List(texts.collect())
    }
}

/// A file, by its path, with what it holds. `/config` shows the path.
#[derive(Debug, Clone, Copy)]
pub struct FileText;

impl Form for FileText {
    type Value = (Arc<str>, String);

    fn takes(&self) -> Cow<'static, str> {
        "path".into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<(Arc<str>, String)> {
        let path = keys.text(key)?.into();
        Some((path, keys.file(key)?))
    }

    fn show(&self, (path, _): &(Arc<str>, String)) -> Setting {
        Setting::Text(path.to_string())
    }
}

/// Status codes of HTTP; one stands for a list of one.
#[derive(Debug, Clone, Copy)]
pub struct Statuses;

impl Form for Statuses {
    type Value = Vec<u16>;

    fn takes(&self) -> Cow<'static, str> {
        "list of status codes, 200 to 599".into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Vec<u16>> {
        let counts = keys.counts(key, 200, 599)?;
        counts
            .into_iter()
            .map(|one| u16::try_from(one).ok())
            .collect()
    }

    fn show(&self, value: &Vec<u16>) -> Setting {
        Setting::List(
            value
                .iter()
                .map(|one| Setting::Plain(one.to_string()))
                .collect(),
        )
    }
}

/// A mapping of names to texts.
#[derive(Debug, Clone, Copy)]
pub struct Pairs {
    /// What it takes, in Markdown.
    pub takes: &'static str,
}

impl Form for Pairs {
    type Value = Vec<(Arc<str>, Arc<str>)>;

    fn takes(&self) -> Cow<'static, str> {
        self.takes.into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Self::Value> {
        let pairs = keys.pairs(key)?.into_iter();
        Some(
            pairs
                .map(|(name, text)| (name.into(), text.into()))
                .collect(),
        )
    }

    fn show(&self, value: &Self::Value) -> Setting {
        let pairs = value.iter();
        let shown = pairs.map(|(name, text)| (name.to_string(), Setting::Text(text.to_string())));
        Setting::Mapping(shown.collect())
    }
}

/// Another account of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct AccountReference;

impl Form for AccountReference {
    type Value = Arc<Account>;

    fn takes(&self) -> Cow<'static, str> {
        "name of an account".into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Arc<Account>> {
        keys.account(key)
    }

    fn show(&self, value: &Arc<Account>) -> Setting {
        Setting::Text(value.name.to_string())
    }
}

/// A value that is read elsewhere; only described here.
#[derive(Debug, Clone, Copy)]
pub struct Described(pub &'static str);

impl Form for Described {
    type Value = ();

    fn takes(&self) -> Cow<'static, str> {
        self.0.into()
    }

    fn read(&self, _: &'static str, _: &dyn Keys) -> Option<()> {
        Some(())
    }

    fn show(&self, (): &()) -> Setting {
        Setting::Plain(String::new())
    }
}
