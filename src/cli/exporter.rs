//! A running exporter: every room wired to the next. `serve` runs it on a
//! configuration file, `demo` on one of its own.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::flags::{Flags, Sockets};
use crate::entra::{Consent, TokenStore, Tokens};
use crate::http::{Network, NetworkError, ProbeClient, SimpleClient};
use crate::kinds::{Configuration, needed_rights};
use crate::metrics::{BuildInfo, Exposition};
use crate::model::{Clock, HttpSettings, Random, Storage, SystemRandom};
use crate::probe::TenantProber;
use crate::scheduler::Scheduler;
use crate::state::State;
use crate::web::{
    Access, App, Bounds, Dependencies, InheritError, ListenError, Reloads, Server, WebConfig,
    adopt, listen, router,
};

/// Why an exporter did not start, or did not take a configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// An address is taken or not ours.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Nothing to take over.
    #[error(transparent)]
    Inherit(#[from] InheritError),
    /// The `http` section names something that does not work.
    #[error("http: {0}")]
    Network(#[from] NetworkError),
}

/// Everything that runs.
pub(crate) struct Exporter {
    services: Services,
    server: Server,
    /// For the token endpoint.
    plain: SimpleClient,
    /// For what is measured.
    measured: ProbeClient,
    /// What only a new network or a restart can change.
    running: Mutex<(HttpSettings, Storage)>,
    /// Who may come in.
    access: Option<Arc<Access>>,
    status: Arc<ReloadStatus>,
}

/// Where and how people come in.
pub(crate) struct WebInputs {
    sockets: Sockets,
    access: Option<Arc<Access>>,
}

impl WebInputs {
    /// As the flags say; complaints go to stderr. Must be called before there
    /// are threads.
    pub(crate) fn of(flags: &Flags) -> Result<Self, ExitCode> {
        // Both, so that what is wrong with either is seen at once.
        let (access, sockets) = (flags.access(), flags.sockets());
        Ok(Self {
            sockets: sockets?,
            access: access?,
        })
    }
}

/// What came of the last look at each file; one metric speaks for both.
struct ReloadStatus {
    state: Arc<State>,
    applied: Mutex<AppliedFiles>,
}

/// Which files run as they are on the disk.
struct AppliedFiles {
    configuration: bool,
    web: bool,
}

impl AppliedFiles {
    const ALL: Self = Self {
        configuration: true,
        web: true,
    };
}

impl ReloadStatus {
    fn note(&self, note: impl FnOnce(&mut AppliedFiles)) {
        let mut applied = self.applied.lock();
        note(&mut applied);
        let state = &self.state;
        state
            .process()
            .reloaded(applied.configuration && applied.web, state.clock().now());
    }
}

/// The services that a configuration is applied to, in this order.
struct Services {
    app: Arc<App>,
    state: Arc<State>,
    tokens: Arc<Tokens>,
    scheduler: Arc<Scheduler>,
}

impl Exporter {
    /// Starts everything. The configuration is checked already; what can still
    /// fail is what it names: addresses, files. `reloads` is who reads the
    /// configuration again when that is asked for over HTTP. Must be called
    /// inside a tokio runtime.
    pub(crate) async fn start(
        configuration: &Configuration,
        flags: &Flags,
        reloads: Option<Reloads>,
        inputs: WebInputs,
    ) -> Result<Self, StartError> {
        let WebInputs { sockets, access } = inputs;
        // First, so that a second exporter on the same port sends no probe.
        let listeners = match sockets {
            Sockets::At(addresses) => listen(&addresses).await?,
            Sockets::Inherited(sockets) => adopt(sockets)?,
        };
        let network = Network::new(&configuration.http)?;
        let plain = SimpleClient::new(&network)?;
        let measured = ProbeClient::new(&network)?;

        let clock = Clock::system();
        let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
        let state = State::new(clock.clone(), flags.history_limit());
        let store = TokenStore::from_environment(&configuration.storage);
        let consent = Consent::new(
            plain.clone(),
            store.clone(),
            clock.clone(),
            Arc::clone(&random),
        );
        let tokens = Tokens::new(
            plain.clone(),
            store,
            clock.clone(),
            Arc::clone(&random),
            Arc::clone(&state) as _,
        );
        let prober = TenantProber::new(
            measured.clone(),
            Arc::clone(&tokens) as _,
            clock.clone(),
            Arc::clone(&random),
        );
        let shard = flags.shard();
        let scheduler = Scheduler::sharded(
            Arc::new(prober),
            Arc::clone(&state),
            clock.clone(),
            Arc::clone(&random),
            shard,
        );
        let settings = flags.settings(access.as_ref().is_some_and(|access| access.has_tls()));
        let app = App::new(
            settings.clone(),
            Dependencies {
                state: Arc::clone(&state),
                scheduler: Arc::clone(&scheduler),
                exposition: Exposition::showing(
                    Arc::clone(&state),
                    BuildInfo::THIS,
                    move |resource| shard.has(resource),
                ),
                reloads,
                access: access.clone(),
            },
        );
        app.offer_sign_in(consent, random);
        let status = Arc::new(ReloadStatus {
            state: Arc::clone(&state),
            applied: Mutex::new(AppliedFiles::ALL),
        });
        let services = Services {
            app,
            state,
            tokens,
            scheduler,
        };
        services.apply(configuration);
        status.note(|applied| applied.configuration = true);
        services.app.set_ready();
        // Only now: whoever comes early shall not find an empty exporter.
        let server = Server::start(
            listeners,
            &router(&services.app),
            settings.external_url.as_ref(),
            Bounds::default(),
            access.clone(),
        );
        for address in server.addresses() {
            tracing::info!(addr = %address, "listening");
        }
        tokio::spawn(Arc::clone(&services.scheduler).run());
        if let Some(access) = access.clone() {
            let status = Arc::clone(&status);
            tokio::spawn(access.watch(move |fine| status.note(|applied| applied.web = fine)));
        }
        Ok(Self {
            services,
            server,
            plain,
            measured,
            running: Mutex::new((configuration.http.clone(), configuration.storage.clone())),
            access,
            status,
        })
    }

    /// Where a person on this machine finds the pages.
    pub(crate) fn url(&self) -> Option<String> {
        let address = self.server.addresses().first()?;
        let tls = self.access.as_ref().is_some_and(|access| access.has_tls());
        let scheme = if tls { "https" } else { "http" };
        Some(format!("{scheme}://{address}/"))
    }

    /// Who may come in, where a web configuration says so.
    pub(crate) fn access(&self) -> Option<&Arc<Access>> {
        self.access.as_ref()
    }

    /// False once the scheduler is dead.
    pub(crate) fn healthy(&self) -> bool {
        self.services.scheduler.healthy()
    }

    /// Takes over a checked configuration and what the web configuration became; what did not
    /// change goes on.
    ///
    /// # Errors
    ///
    /// If what it names does not work; then nothing changed.
    pub(crate) fn configure(
        &self,
        configuration: &Configuration,
        web: Option<WebConfig>,
    ) -> Result<(), StartError> {
        let mut running = self.running.lock();
        let (http, storage) = &mut *running;
        // A file of roots may hold others by now, under the same name.
        if *http != configuration.http || configuration.http.ca_file.is_some() {
            let network = Network::new(&configuration.http)?;
            self.plain.replace(&network)?;
            self.measured.replace(&network)?;
            http.clone_from(&configuration.http);
        }
        if *storage != configuration.storage {
            tracing::warn!("another storage is used from the next start on, not before");
        }
        drop(running);
        self.services.apply(configuration);
        if let (Some(access), Some(web)) = (&self.access, web) {
            access.take(web);
        }
        self.status.note(|applied| *applied = AppliedFiles::ALL);
        Ok(())
    }

    /// A configuration was refused: nothing changes, and the metrics say so.
    /// `web_is_fine`: it was not for the web configuration.
    pub(crate) fn refused(&self, web_is_fine: bool) {
        self.status.note(|applied| {
            *applied = AppliedFiles {
                configuration: false,
                web: web_is_fine,
            };
        });
    }

    /// Ends everything within `grace`: nothing new begins, what runs may end,
    /// the rest is cut off.
    pub(crate) async fn stop(&self, grace: Duration) {
        tokio::join!(
            self.server.stop(grace),
            self.services.scheduler.shutdown(grace)
        );
    }
}

impl Services {
    fn apply(&self, configuration: &Configuration) {
        // The state first: the others tell it what they find.
        self.state.configure(configuration);
        self.tokens.need(needed_rights(configuration));
        self.tokens.configure(&configuration.accounts);
        self.scheduler.configure(configuration);
        self.app.set_configuration(configuration);
    }
}
