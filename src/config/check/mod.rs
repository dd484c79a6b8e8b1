//! From the tree to the types: every rule of the configuration, one file a
//! part. Each complains where it finds something wrong and goes on, so that
//! all diagnostics are shown at once; a value with a diagnostic is left out.

mod accounts;
mod credentials;
mod labels;
mod mapping_keys;
mod names;
mod paths;
mod proxy;
mod references;
mod resource_files;
mod resources;
mod times;
mod usage;
mod windows;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::diagnostic::Diagnostics;
use super::digest::DigestBuilder;
use super::environment::Environment;
use super::fields::Fields;
use super::places::Places;
use super::variables::Substitution;
use super::yaml::Node;
use super::{Label, schema};
use crate::kinds::key::KeyRecord;
use crate::kinds::{Configuration, Resource, Variables, Windows};
use crate::model::{HttpSettings, ProxySetting};

pub(super) use mapping_keys::MappingKeys;

pub use labels::label;

/// What every rule may ask.
pub(super) struct Context<'a> {
    /// Where diagnostics go.
    pub(super) diagnostics: &'a Diagnostics,
    /// Labels of the process that win over those of the file.
    pub(super) labels: &'a [Label],
    /// For twins of keys.
    pub(super) env: &'a dyn Environment,
    /// Where files and secrets are named.
    pub(super) places: Places,
    /// Which values came from the environment, by their path.
    pub(super) variables: RefCell<BTreeMap<String, Arc<str>>>,
    /// What accounts and resources say of proxies, each once.
    pub(super) proxies: RefCell<Vec<Arc<ProxySetting>>>,
    /// Files that hold the value of a key, as they were read.
    pub(super) value_files: RefCell<Vec<PathBuf>>,
    /// What was read.
    pub(super) digest: RefCell<DigestBuilder>,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        diagnostics: &'a Diagnostics,
        labels: &'a [Label],
        env: &'a dyn Environment,
    ) -> Self {
        Self {
            diagnostics,
            labels,
            env,
            places: Places::default(),
            variables: RefCell::default(),
            proxies: RefCell::default(),
            value_files: RefCell::default(),
            digest: RefCell::default(),
        }
    }

    /// Puts values of the environment in place of their names.
    pub(super) fn substitution(&self) -> Substitution<'_> {
        Substitution {
            env: self.env,
            diagnostics: self.diagnostics,
            found: &self.variables,
        }
    }
}

/// Checks the whole file. `None` after at least one diagnostic.
pub(super) fn configuration(root: &Node, context: &Context<'_>) -> Option<Configuration> {
    let diagnostics = context.diagnostics;
    let root = Fields::open(root, &schema::ROOT.table, &[], diagnostics)?;
    let labels = labels::of_process(&root, context);
    let storage = schema::ROOT.read(&MappingKeys::new(&root, context), ())?;
    let place = diagnostics.place(
        root.given("storage_key_file")
            .map_or(root.at, |node| node.at),
    );
    context.places.note_file(&storage.key_file, place);
    let mut http = http(&root, context)?;
    let limits = section(&root, &schema::LIMITS, context)?;
    let metrics = section(&root, &schema::METRICS, context)?;
    let accounts = accounts::accounts(&root, context);
    let defaults = resources::Defaults::read(&root, &accounts, context)?;
    let own = root.list("resources");
    let files = resource_files::ResourceFiles::read(&root, own.len(), context);
    let items: Vec<&Node> = own.iter().chain(files.items()).collect();
    let resources = resources::resources(&items, &defaults, &labels, limits, &accounts, context);
    http.own_proxies = context.proxies.take();
    let resources: Vec<Arc<Resource>> = resources.into_iter().map(Arc::new).collect();
    let windows = windows::windows(&root, &accounts, context);
    let references = references::references(&root, &labels, context);
    // What was refused above may be what a window is about.
    if diagnostics.is_clean() {
        windows::about_something(&windows, &resources, context);
    }
    if !diagnostics.is_clean() {
        return None;
    }
    let windows = windows.into_iter().map(|one| one.planned).collect();
    let configuration = Configuration {
        labels: labels::whole(&labels),
        storage,
        http,
        limits,
        metrics,
        accounts: accounts.sound(),
        windows: Arc::new(Windows::new(windows, &resources)),
        references,
        resources,
        resource_files: files.patterns,
        value_files: context.value_files.take(),
        variables: Variables::new(context.variables.take()),
    };
    usage::warn(&configuration, &accounts, &root, context);
    Some(configuration)
}

/// A section of the file.
fn section<T>(root: &Fields<'_>, section: &KeyRecord<T>, context: &Context<'_>) -> Option<T> {
    let fields = root.section(&section.table);
    section.read(&MappingKeys::new(&fields, context), ())
}

/// `http`; what accounts and resources say of proxies is not known yet.
fn http(root: &Fields<'_>, context: &Context<'_>) -> Option<HttpSettings> {
    let fields = root.section(&schema::HTTP.table);
    context.places.note_http(&fields, context.diagnostics);
    let keys = MappingKeys::new(&fields, context);
    let proxy = proxy::for_all(&keys).unwrap_or(ProxySetting::Environment);
    schema::HTTP.read(&keys, (proxy, Vec::new()))
}
