//! A key of the configuration, stated once: its name, what its value must look
//! like, what holds without it, what it is for. The schema, the documentation,
//! the check and `/config` are made from that.
//!
//! Nothing here knows YAML or a place in a file: [`Keys`] is one mapping as
//! whoever reads it sees it, and who implements it (`config`) complains with line
//! and column about what does not fit.

mod keys;
mod lists;
mod record;
mod secrets;
mod values;

use std::borrow::Cow;
use std::fmt;

pub use keys::{KeyPart, Keys, NamedText, Taken};
pub use lists::{NameList, Pairs, Statuses};
pub(crate) use record::record;
pub use record::{KeyRecord, Nested, Table};
pub use secrets::{FilePath, FileText, SecretText, VariableName};
pub use values::{
    AccountReference, Address, Count, Described, Flag, Lasting, OneOf, Optional, Parsed, Text,
};

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

impl Setting {
    /// As it is written in a sentence: on one line, without quotes.
    fn in_words(&self) -> String {
        match self {
            Self::Text(text) | Self::Plain(text) => text.clone(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::in_words).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Mapping(_) => "{…}".to_owned(),
            Self::Secret => "(not shown)".to_owned(),
        }
    }
}

/// What a value is to those who look at a whole file and know no key.
#[derive(Debug, Clone, Copy)]
pub enum Role {
    /// A setting.
    Setting,
    /// `true` or `false`.
    Flag,
    /// Names a file or a variable that somebody opens later.
    Source,
    /// A secret: closed before anybody looks at it, never shown.
    Secret,
    /// A mapping whose names the user chose.
    Names,
    /// A mapping, or a list of them, with keys of its own.
    Mapping(&'static Table),
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
    /// Whether it is shown at all.
    fn is_shown(&self, _: &Self::Value) -> bool {
        true
    }
    /// A value that holds without the key, as if it stood in the file.
    fn settle(&self, value: Self::Value, _: &dyn Keys) -> Self::Value {
        value
    }
    /// What the value is to others.
    fn role(&self) -> Role {
        Role::Setting
    }
}

/// What holds without a key.
#[derive(Debug, Clone, Copy)]
pub enum Absent<V> {
    /// It must be there; the text says what it is, for the complaint.
    Missing(&'static str),
    /// It may be absent; the text says what holds then, in Markdown. Empty if
    /// absence means nothing by itself.
    Means(&'static str),
    /// This value holds; the documentation shows it as `/config` does, or has
    /// words for it.
    Usually(fn() -> V, Option<&'static str>),
}

/// One key.
pub struct Key<F: Form> {
    /// As it is written.
    pub name: &'static str,
    /// What its value must look like.
    pub form: F,
    /// What holds without it.
    pub absent: Absent<F::Value>,
    /// What it is for, in Markdown without line breaks.
    pub help: &'static str,
}

impl<F: Form> Key<F> {
    const fn new(
        name: &'static str,
        form: F,
        absent: Absent<F::Value>,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            form,
            absent,
            help,
        }
    }

    /// A key that must be there.
    pub const fn required(
        name: &'static str,
        form: F,
        such_as: &'static str,
        help: &'static str,
    ) -> Self {
        Self::new(name, form, Absent::Missing(such_as), help)
    }

    /// A key that may be absent.
    pub const fn optional(
        name: &'static str,
        form: F,
        means: &'static str,
        help: &'static str,
    ) -> Self {
        Self::new(name, form, Absent::Means(means), help)
    }

    /// A key without which a value of our own holds.
    pub const fn usually(
        name: &'static str,
        form: F,
        usual: fn() -> F::Value,
        help: &'static str,
    ) -> Self {
        Self::new(name, form, Absent::Usually(usual, None), help)
    }

    /// The same with words for that value.
    pub const fn usually_told(
        name: &'static str,
        form: F,
        (usual, words): (fn() -> F::Value, &'static str),
        help: &'static str,
    ) -> Self {
        Self::new(name, form, Absent::Usually(usual, Some(words)), help)
    }

    /// Reads this key. One that must be there and is not is complained about.
    pub fn take(&self, keys: &dyn Keys) -> Taken<F::Value> {
        if keys.is_given(self.name) {
            return match self.form.read(self.name, keys) {
                Some(value) => Taken::Given(value),
                None => Taken::Refused,
            };
        }
        match self.absent {
            Absent::Means(_) | Absent::Usually(..) => Taken::Absent,
            Absent::Missing(such_as) => {
                keys.refuse(
                    self.name,
                    format!("\"{}\" is missing: {such_as}", self.name),
                );
                Taken::Refused
            }
        }
    }

    /// The value, else the usual one, also after a complaint; `None` if there is
    /// no usual one.
    pub fn value(&self, keys: &dyn Keys) -> Option<F::Value> {
        self.take(keys).given().or_else(|| self.usual(keys))
    }

    /// The value, else the usual one; `None` after a complaint.
    pub fn sound(&self, keys: &dyn Keys) -> Option<F::Value> {
        match self.take(keys) {
            Taken::Absent => self.usual(keys),
            taken => taken.given(),
        }
    }

    fn usual(&self, keys: &dyn Keys) -> Option<F::Value> {
        match self.absent {
            Absent::Usually(usual, _) => Some(self.form.settle(usual(), keys)),
            Absent::Missing(_) | Absent::Means(_) => None,
        }
    }

    /// The key and its value, for `/config`.
    pub fn show(&self, value: &F::Value) -> (&'static str, Setting) {
        (self.name, self.form.show(value))
    }

    /// The same unless the value means that the key is absent.
    pub fn shown(&self, value: &F::Value) -> Option<(&'static str, Setting)> {
        self.form.is_shown(value).then(|| self.show(value))
    }
}

impl<F: Form> Key<Optional<F>> {
    /// A key that may be absent, for a field that says so.
    pub const fn maybe(
        name: &'static str,
        form: F,
        means: &'static str,
        help: &'static str,
    ) -> Self {
        Self::new(
            name,
            Optional(form),
            Absent::Usually(|| None, Some(means)),
            help,
        )
    }
}

impl<F: Form> fmt::Debug for Key<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A key whatever its form, for tables.
pub trait AnyKey: Sync {
    /// As it is written.
    fn name(&self) -> &'static str;
    /// What it takes, in Markdown.
    fn takes(&self) -> Cow<'static, str>;
    /// What holds without it, in Markdown; empty if it must be there.
    fn default(&self) -> Cow<'static, str>;
    /// What it is for, in Markdown.
    fn help(&self) -> &'static str;
    /// What its value is to others.
    fn role(&self) -> Role;
}

impl<F: Form> AnyKey for Key<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn takes(&self) -> Cow<'static, str> {
        self.form.takes()
    }

    fn default(&self) -> Cow<'static, str> {
        match &self.absent {
            Absent::Missing(_) => "".into(),
            Absent::Means(what) | Absent::Usually(_, Some(what)) => (*what).into(),
            Absent::Usually(usual, None) => {
                format!("`{}`", self.form.show(&usual()).in_words()).into()
            }
        }
    }

    fn help(&self) -> &'static str {
        self.help
    }

    fn role(&self) -> Role {
        self.form.role()
    }
}

impl fmt::Debug for dyn AnyKey + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
