//! OneDrives, and the forms in which Microsoft says that there is none.

use serde::{Deserialize, Serialize};

use crate::chance::guid_of;
use m365mon_base::Timestamp;

/// How a drive answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriveState {
    /// It works.
    #[default]
    Ready,
    /// 404 `ResourceNotFound`: never made. A person's own first look makes it.
    NeverMade,
    /// 404 `itemNotFound`, as newer fronts say the same.
    FileNotFound,
    /// 400 `BadRequest`: no licence, no service.
    NoMySite,
    /// 400: the tenant has no SharePoint.
    NoSharePoint,
    /// 403 `accessDenied`.
    Denied,
    /// 423: read-only or archived after its owner lost the licence.
    Locked,
}

/// What is said about how full it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaForm {
    /// All of it.
    #[default]
    Whole,
    /// Zero and no state, as to callers who do not own it.
    Zero,
    /// Nothing.
    Absent,
    /// More left than there is, and less than nothing in use.
    Impossible,
}

/// A OneDrive.
#[derive(Debug, Clone)]
pub struct Drive {
    /// `b!…`.
    pub id: String,
    /// Bytes in use.
    pub used: u64,
    /// Bytes allowed.
    pub total: u64,
    /// Bytes in the recycle bin.
    pub deleted: u64,
    /// Names of the files and (ending in `/`) folders in its root.
    pub children: Vec<String>,
    /// How it answers.
    pub state: DriveState,
    /// What it says of its quota.
    pub quota: QuotaForm,
    /// It is being made, and not there before.
    pub ready_from: Option<Timestamp>,
}

impl Drive {
    /// One that works, of whoever `owner` names.
    #[must_use]
    pub fn new(owner: &str) -> Self {
        Self {
            id: format!("b!{}", guid_of(&format!("drive {owner}"))),
            used: 0,
            total: 1_099_511_627_776,
            deleted: 0,
            children: Vec::new(),
            state: DriveState::Ready,
            quota: QuotaForm::Whole,
            ready_from: None,
        }
    }
}
