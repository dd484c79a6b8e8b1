//! Lists, and mappings whose names the user chose.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Form, Keys, Role, Setting};
use crate::model::quoted;

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
        let pairs = keys.pairs(key, "a mapping of names to texts")?.into_iter();
        Some(
            pairs
                .map(|pair| (pair.name.into(), pair.text.into()))
                .collect(),
        )
    }

    fn show(&self, value: &Self::Value) -> Setting {
        let pairs = value.iter();
        let shown = pairs.map(|(name, text)| (name.to_string(), Setting::Text(text.to_string())));
        Setting::Mapping(shown.collect())
    }

    fn role(&self) -> Role {
        Role::Names
    }
}
