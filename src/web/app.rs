//! What every handler looks into, and nothing of what they do: the routes
//! stand in [`routes`](super::routes).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::http::request::Parts;

use super::access::Access;
use super::external::ExternalUrl;
use super::operator::{OperatorKey, OperatorName, Operators};
use super::pages::{Frame, Notice, SeenPieces};
use super::reload_requests::Reloads;
use super::sign_in::sessions::SignInSessions;
use super::stories::Stories;
use super::streaming::Renderings;
use super::view::Reader;
use super::visitor::Visitor;
use crate::entra::Consent;
use crate::kinds::Configuration;
use crate::metrics::Exposition;
use crate::model::Random;
use crate::scheduler::Scheduler;
use crate::state::State;

/// What the command line says about the pages.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the metrics are; begins with a slash.
    pub telemetry_path: String,
    /// How the world reaches this exporter.
    pub external_url: Option<ExternalUrl>,
    /// Taken off the scraper's timeout.
    pub timeout_offset: Duration,
    /// Whether the listeners speak TLS.
    pub tls: bool,
    /// Who of the web configuration's users and certificates is an operator.
    pub operators: Vec<OperatorName>,
}

/// What the pages look into.
pub struct Dependencies {
    /// What is shown.
    pub state: Arc<State>,
    /// Who probes.
    pub scheduler: Arc<Scheduler>,
    /// How metrics are written.
    pub exposition: Exposition,
    /// Who reads the configuration again, if that may be asked for.
    pub reloads: Option<Reloads>,
    /// Who may come in; without it everybody.
    pub access: Option<Arc<Access>>,
    /// Makes whoever holds it an operator.
    pub operator_key: Option<OperatorKey>,
    /// For cookies, states and form tokens.
    pub random: Arc<dyn Random>,
}

/// Everything that the handlers need.
pub struct App {
    pub(super) settings: Settings,
    pub(super) state: Arc<State>,
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) exposition: Arc<Exposition>,
    pub(super) reloads: Option<Reloads>,
    pub(super) renderings: Renderings,
    pub(super) stories: Stories,
    sign_ins: OnceLock<Arc<SignInSessions>>,
    pub(super) access: Option<Arc<Access>>,
    pub(super) operators: Operators,
    random: Arc<dyn Random>,
    configuration: ArcSwapOption<Configuration>,
    ready: AtomicBool,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(settings: Settings, dependencies: Dependencies) -> Arc<Self> {
        let operators = Operators::new(
            settings.operators.clone(),
            dependencies.operator_key,
            dependencies.state.clock().clone(),
            Arc::clone(&dependencies.random),
        );
        Arc::new(Self {
            settings,
            state: dependencies.state,
            scheduler: dependencies.scheduler,
            exposition: Arc::new(dependencies.exposition),
            reloads: dependencies.reloads,
            renderings: Renderings::new(),
            stories: Stories::default(),
            sign_ins: OnceLock::new(),
            access: dependencies.access,
            operators,
            random: dependencies.random,
            configuration: ArcSwapOption::empty(),
            ready: AtomicBool::new(false),
        })
    }

    /// The configuration that runs now, for `/config`.
    pub fn set_configuration(&self, configuration: &Configuration) {
        self.configuration
            .store(Some(Arc::new(configuration.clone())));
    }

    pub(super) fn configuration(&self) -> Option<Arc<Configuration>> {
        self.configuration.load_full()
    }

    /// From now on the pages sign people in, with `consent`.
    pub fn offer_sign_in(&self, consent: Consent) {
        let sessions = SignInSessions::new(
            consent,
            self.state.clock().clone(),
            Arc::clone(&self.random),
        );
        // A second one would forget what is under way with the first.
        _ = self.sign_ins.set(Arc::new(sessions));
    }

    pub(super) fn sign_ins(&self) -> Option<Arc<SignInSessions>> {
        self.sign_ins.get().cloned()
    }

    /// The first schedule is built.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub(super) fn visitor<'a>(&'a self, parts: &'a Parts) -> Visitor<'a> {
        Visitor::new(parts, &self.operators, self.settings.external_url.as_ref())
    }

    /// How much of what is known the request may see.
    pub(super) fn reader(&self, parts: &Parts) -> Reader {
        match self.visitor(parts).operator() {
            Some(_) => Reader::Operator,
            None => Reader::Everyone,
        }
    }

    /// What stands around the page that answers a request.
    pub(super) fn frame(&self, parts: &Parts) -> Frame<'_> {
        Frame {
            prefix: self.prefix(),
            telemetry_path: &self.settings.telemetry_path,
            reader: self.reader(parts),
            now: self.state.clock().now(),
            seen: SeenPieces::of(&parts.headers),
            notices: self.notices(),
        }
    }

    /// What is wrong with the exporter itself.
    fn notices(&self) -> Vec<Notice> {
        let process = self.state.process().snapshot();
        let reload = process.reload.is_some_and(|reload| !reload.successful);
        [
            (!self.scheduler.healthy(), Notice::SchedulerDead),
            (reload, Notice::ReloadFailed),
            (
                process.storage_writable == Some(false),
                Notice::StorageUnwritable,
            ),
        ]
        .into_iter()
        .filter_map(|(is_so, notice)| is_so.then_some(notice))
        .collect()
    }

    pub(super) fn prefix(&self) -> &str {
        self.settings
            .external_url
            .as_ref()
            .map_or("", ExternalUrl::prefix)
    }
}
