//! What pages and API say, read from the state at one moment: the pages show
//! it, `/api/v1` gives it as JSON. A name that is here is a name of the API.

mod account;
mod resource;

use serde::Serialize;

pub(super) use account::AccountView;
pub(super) use resource::{EntryView, PermissionView, ResourceView};

/// What a person wants to know first. The worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Standing {
    /// It does not work.
    Down,
    /// Nobody knows.
    Unknown,
    /// It works.
    Up,
}

impl Standing {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}
