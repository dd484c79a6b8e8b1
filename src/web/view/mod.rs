//! What pages and API say, read from the state at one moment: the pages show
//! it, `/api/v1` gives it as JSON. A name that is here is a name of the API.
//!
//! What somebody may see is decided here, by [`Reader`]: what is absent from a
//! view cannot be shown by a page.

mod account;
mod reference;
mod resource;

use serde::Serialize;

pub(super) use account::AccountView;
pub(super) use reference::ReferenceView;
pub(super) use resource::{EntryView, ReadingView, ResourceView, up_state};

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Everyone who may read the metrics, and sees what they show. Not names
    /// and addresses of people, client ids, names of permissions, addresses
    /// that are probed, and sentences, which may hold any of these.
    Everyone,
    /// All of it.
    Operator,
}

impl Reader {
    /// What only an operator may see.
    fn secluded<T>(self, what: impl FnOnce() -> T) -> Option<T> {
        match self {
            Self::Everyone => None,
            Self::Operator => Some(what()),
        }
    }
}

/// What a person wants to know first. The worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum UpState {
    /// It does not work.
    Down,
    /// Nobody knows.
    Unknown,
    /// It works.
    Up,
}
