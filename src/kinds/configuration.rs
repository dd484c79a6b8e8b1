//! The checked configuration as a whole.

use std::sync::Arc;

use super::{Labels, Resource};
use crate::model::{Account, HttpSettings, Limits, MetricsSettings, Storage};

/// Everything a configuration file says, checked.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// On every `m365_` and `m365mon_` series of this process.
    pub labels: Labels,
    /// Where refresh tokens are kept.
    pub storage: Storage,
    /// Outgoing HTTP.
    pub http: HttpSettings,
    /// Bounds.
    pub limits: Limits,
    /// What is exposed.
    pub metrics: MetricsSettings,
    /// In the order of the file.
    pub accounts: Vec<Arc<Account>>,
    /// In the order of the file.
    pub resources: Vec<Arc<Resource>>,
}
