//! The checked configuration as a whole.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Labels, Resource, Windows};
use crate::model::{Account, HttpSettings, Limits, MetricsSettings, Reference, Storage};

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
    /// In the order of the file, then of the files that it names.
    pub resources: Vec<Arc<Resource>>,
    /// Which other files hold resources: paths and patterns, absolute or relative
    /// to the working folder.
    pub resource_files: Vec<PathBuf>,
    /// Files that hold the value of a key (`url_file`), in the order in which they
    /// were read, absolute or relative to the working folder.
    pub value_files: Vec<PathBuf>,
    /// What came from the environment.
    pub variables: Variables,
    /// Planned times, in the order of the file.
    pub windows: Arc<Windows>,
    /// Addresses outside Microsoft, in the order of the file.
    pub references: Vec<Arc<Reference>>,
}

/// Which values were `${NAME}`, by their path (`accounts[0].tenant`,
/// `resources[12].url`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(Arc<BTreeMap<String, Arc<str>>>);

impl Variables {
    /// From names of variables by the paths of values.
    #[must_use]
    pub fn new(by_path: BTreeMap<String, Arc<str>>) -> Self {
        Self(Arc::new(by_path))
    }

    /// The name of the variable that gave the value at this path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(|name| &**name)
    }

    /// The path of a key below another path.
    #[must_use]
    pub fn join(path: &str, key: &str) -> String {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    }
}
