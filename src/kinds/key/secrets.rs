//! Files, variables and secrets: what a value leads to is opened later, and what is
//! secret is never shown.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Form, Keys, Role, Setting};
use crate::model::Secret;

/// A path, relative to the folder of the file that names it.
#[derive(Debug, Clone, Copy)]
pub struct FilePath {
    /// One that is not there yet is worth a warning.
    pub should_be_there: bool,
}

impl FilePath {
    /// Of a file that is written here.
    pub const OURS: Self = Self {
        should_be_there: false,
    };
    /// Of a file that somebody else writes, perhaps later than the configuration.
    pub const THEIRS: Self = Self {
        should_be_there: true,
    };
}

impl Form for FilePath {
    type Value = PathBuf;

    fn takes(&self) -> Cow<'static, str> {
        "path".into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<PathBuf> {
        keys.path(key, self.should_be_there)
    }

    fn show(&self, value: &PathBuf) -> Setting {
        Setting::Text(value.display().to_string())
    }

    fn settle(&self, value: PathBuf, keys: &dyn Keys) -> PathBuf {
        keys.beside(&value)
    }

    fn role(&self) -> Role {
        Role::Source
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

    fn role(&self) -> Role {
        Role::Source
    }
}

/// A secret that stands in the configuration itself.
#[derive(Clone, Copy)]
pub struct SecretText {
    /// What it takes, in Markdown.
    pub takes: &'static str,
    /// Says what is wrong with it, as the end of the sentence `"key" (not shown) …`.
    pub check: fn(&str) -> Result<(), &'static str>,
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.takes)
    }
}

impl Form for SecretText {
    type Value = Secret;

    fn takes(&self) -> Cow<'static, str> {
        self.takes.into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Secret> {
        let secret = keys.secret(key)?;
        if let Err(wrong) = (self.check)(secret.expose()) {
            keys.refuse(key, format!("\"{key}\" (not shown) {wrong}"));
            return None;
        }
        Some(secret)
    }

    fn show(&self, _: &Secret) -> Setting {
        Setting::Secret
    }

    fn role(&self) -> Role {
        Role::Secret
    }
}

/// The name of an environment variable that holds a secret.
#[derive(Debug, Clone, Copy)]
pub struct VariableName;

impl Form for VariableName {
    type Value = Arc<str>;

    fn takes(&self) -> Cow<'static, str> {
        "name of an environment variable".into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Arc<str>> {
        let name = keys.text(key)?;
        let valid = name.len() <= 128
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !valid {
            // Perhaps the secret itself.
            let what = "the name of an environment variable: letters, digits and \"_\"";
            keys.refuse(key, format!("\"{key}\" must be {what} (not shown)"));
            return None;
        }
        if !keys.is_set(name) {
            let message = format!("\"{key}\": the environment variable it names is not set here");
            keys.warn(key, message);
        }
        Some(name.into())
    }

    fn show(&self, value: &Arc<str>) -> Setting {
        Setting::Text(value.to_string())
    }

    fn role(&self) -> Role {
        Role::Source
    }
}
