//! From the tree to the types: every rule of the configuration, one file a
//! part. Each complains where it finds something wrong and goes on, so that
//! all diagnostics are shown at once; a value with a diagnostic is left out.

mod accounts;
mod audiences;
mod credentials;
mod labels;
mod names;
mod paths;
mod resource_keys;
mod resources;
mod settings;
mod times;
mod usage;

use std::path::Path;
use std::sync::Arc;

use super::diagnostic::Diagnostics;
use super::environment::Environment;
use super::fields::Fields;
use super::places::Places;
use super::schema;
use super::yaml::Node;
use crate::kinds::Configuration;
use crate::model::Storage;

/// What every rule may ask.
pub(super) struct Context<'a> {
    /// Where diagnostics go.
    pub(super) diagnostics: &'a Diagnostics,
    /// The folder of the file; relative paths begin here.
    pub(super) folder: &'a Path,
    /// For twins of keys.
    pub(super) env: &'a dyn Environment,
    /// Where files and secrets are named.
    pub(super) places: Places,
}

/// Checks the whole file. `None` after at least one diagnostic.
pub(super) fn configuration(root: &Node, context: &Context<'_>) -> Option<Configuration> {
    let diagnostics = context.diagnostics;
    let root = Fields::open(root, &schema::ROOT, &[], diagnostics)?;
    let labels = labels::labels(&root, context);
    let storage = Storage {
        file: paths::path_or(&root, "storage", "m365mon.tokens", context),
        key_file: paths::path_or(&root, "storage_key_file", "m365mon.key", context),
    };
    let http = settings::http(&root, context);
    let limits = settings::limits(&root);
    let metrics = settings::metrics(&root, context);
    let accounts = accounts::accounts(&root, context);
    let defaults = resources::Defaults::read(&root, &accounts, context);
    let resources = resources::resources(&root, &defaults, &labels, limits, &accounts, context);
    if !diagnostics.is_clean() {
        return None;
    }
    let configuration = Configuration {
        labels: labels::whole(&labels),
        storage,
        http,
        limits,
        metrics,
        accounts: accounts.sound(),
        resources: resources.into_iter().map(Arc::new).collect(),
    };
    usage::warn(&configuration, &accounts, &root, context);
    Some(configuration)
}
