//! The keys of one mapping together: the table from which unknown keys are told
//! and the documentation is written; with `record!` also how they become the
//! fields of a struct, and how `/config` shows them again.

use std::borrow::Cow;
use std::fmt;

use super::{AnyKey, Form, Key, Keys, Role, Setting};

/// The keys of one mapping.
#[derive(Debug)]
pub struct Table {
    /// Where the mapping stands: `accounts[]`; empty for the file itself.
    pub path: &'static str,
    /// What the mapping is for.
    pub help: &'static str,
    /// In the order of the documentation.
    pub keys: &'static [&'static dyn AnyKey],
}

impl Table {
    /// The names of the keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name())
    }

    /// This mapping and all below it, in the order of the documentation.
    pub fn with_all_below(&'static self) -> Vec<&'static Self> {
        let mut all = vec![self];
        for key in self.keys {
            if let Role::Mapping(table) = key.role() {
                all.extend(table.with_all_below());
            }
        }
        all
    }
}

/// A key and its value, if it is shown.
type ShownKey = Option<(&'static str, Setting)>;

/// A mapping whose keys are the fields of a `T`; `G` is what `T` has besides, read
/// elsewhere. Made by `record!`.
pub struct KeyRecord<T, G = ()> {
    /// Its keys.
    pub table: Table,
    /// Reads all of them; see [`KeyRecord::read`].
    pub from: fn(&dyn Keys, G) -> Option<T>,
    /// Shows those that are fields; see [`KeyRecord::show`].
    pub entries: fn(&T) -> Vec<ShownKey>,
}

impl<T, G> KeyRecord<T, G> {
    /// Reads all keys. `None` if one that must be there is not, or was refused.
    pub fn read(&self, keys: &dyn Keys, given: G) -> Option<T> {
        (self.from)(keys, given)
    }

    /// The keys that are fields, with their values, for `/config`.
    pub fn show(&self, value: &T) -> impl Iterator<Item = (&'static str, Setting)> {
        (self.entries)(value).into_iter().flatten()
    }
}

impl<T, G> fmt::Debug for KeyRecord<T, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table.fmt(f)
    }
}

/// States a [`KeyRecord`]: `field: key` for each field. In brackets before and after
/// them stand keys that are read elsewhere, behind `given` the fields that are.
macro_rules! record {
    (
        $(#[$about:meta])*
        $visible:vis $NAME:ident: $Type:ident, $path:expr, $help:expr,
        $([$($before:expr),+ $(,)?])?
        { $($field:ident: $key:expr),+ $(,)? }
        $([$($after:expr),+ $(,)?])?
        $(given { $($given:ident: $Given:ty),+ })?
    ) => {
        $(#[$about])*
        $visible static $NAME: $crate::kinds::key::KeyRecord<$Type, ($($($Given,)+)?)> =
            $crate::kinds::key::KeyRecord {
                table: $crate::kinds::key::Table {
                    path: $path,
                    help: $help,
                    keys: &[$($($before,)+)? $(&$key,)+ $($($after,)+)?],
                },
                from: |keys, ($($($given,)+)?)| {
                    // All of them, so that each slip is said.
                    $(let $field = $key.value(keys);)+
                    Some($Type { $($field: $field?,)+ $($($given,)+)? })
                },
                entries: |of| vec![$($key.shown(&of.$field)),+],
            };
    };
}
pub(crate) use record;

/// A mapping with keys of its own, or a list of such; opened elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct Nested {
    /// Its keys.
    pub table: &'static Table,
    /// What it takes, in Markdown.
    pub takes: &'static str,
}

impl Key<Nested> {
    /// A mapping at the top of the file that is named and described like its table.
    #[must_use]
    pub const fn mapping(table: &'static Table) -> Self {
        let takes = "mapping";
        Self::optional(table.path, Nested { table, takes }, "", table.help)
    }
}

impl Form for Nested {
    type Value = ();

    fn takes(&self) -> Cow<'static, str> {
        self.takes.into()
    }

    fn read(&self, _: &'static str, _: &dyn Keys) -> Option<()> {
        Some(())
    }

    fn show(&self, (): &()) -> Setting {
        Setting::Mapping(Vec::new())
    }

    fn role(&self) -> Role {
        Role::Mapping(self.table)
    }
}
