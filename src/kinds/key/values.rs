//! One value: a word, a number, a time, a text.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::{Form, Keys, Role, Setting};
use crate::model::{Account, duration, meant};

/// A value that may be absent.
#[derive(Debug, Clone, Copy)]
pub struct Optional<F>(pub F);

impl<F: Form> Form for Optional<F> {
    type Value = Option<F::Value>;

    fn takes(&self) -> Cow<'static, str> {
        self.0.takes()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Self::Value> {
        self.0.read(key, keys).map(Some)
    }

    fn show(&self, value: &Self::Value) -> Setting {
        match value {
            Some(value) => self.0.show(value),
            None => Setting::Plain("null".to_owned()),
        }
    }

    fn is_shown(&self, value: &Self::Value) -> bool {
        value.is_some()
    }

    fn role(&self) -> Role {
        self.0.role()
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
pub struct Count(pub usize, pub usize);

impl Form for Count {
    type Value = usize;

    fn takes(&self) -> Cow<'static, str> {
        format!("whole number, {} to {}", self.0, self.1).into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<usize> {
        keys.count(key, self.0, self.1)
    }

    fn show(&self, value: &usize) -> Setting {
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

    fn role(&self) -> Role {
        Role::Flag
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
        fitting(text, key, keys, self.check).map(|()| text.into())
    }

    fn show(&self, value: &Arc<str>) -> Setting {
        Setting::Text(value.to_string())
    }
}

/// What a text is read as; complains if it does not fit, and asks what was meant
/// unless the complaint does so itself.
fn fitting<T>(
    text: &str,
    key: &str,
    keys: &dyn Keys,
    parse: fn(&str) -> Result<T, String>,
) -> Option<T> {
    let wrong = match parse(text) {
        Ok(value) => return Some(value),
        Err(wrong) => wrong,
    };
    let question = if wrong.contains("did you mean") {
        String::new()
    } else {
        meant(text, |other| parse(other).is_ok())
    };
    keys.refuse(key, format!("\"{key}\" {wrong}{question}"));
    None
}

/// Text that is read as something else, and shown as that writes itself.
pub struct Parsed<T: 'static> {
    /// What it takes, in Markdown.
    pub takes: &'static str,
    /// What it becomes, or what is wrong as the end of the sentence `"key" …`.
    pub parse: fn(&str) -> Result<T, String>,
}

/// An address that obeys a rule, made fit by it.
pub type Address = Parsed<Url>;

impl<T> fmt::Debug for Parsed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.takes)
    }
}

impl<T: fmt::Display> Form for Parsed<T> {
    type Value = T;

    fn takes(&self) -> Cow<'static, str> {
        self.takes.into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<T> {
        fitting(keys.text(key)?, key, keys, self.parse)
    }

    fn show(&self, value: &T) -> Setting {
        Setting::Text(value.to_string())
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
pub struct Described(pub &'static str, pub Role);

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

    fn role(&self) -> Role {
        self.1
    }
}
