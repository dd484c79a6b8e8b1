//! A running exporter: every room wired to the next. `serve` runs it on a
//! configuration file, `demo` on one of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::changes::{Changed, Changes};
use super::flags::{Flags, Sockets};
use super::reload_status::{AppliedFiles, ReloadStatus};
use super::route::is_proxied;
use super::{operator_link, output};
use crate::entra::{Consent, TokenStore, Tokens};
use crate::http::{Network, NetworkError, ProbeClient, SimpleClient};
use crate::kinds::{Configuration, needed_rights};
use crate::metrics::{BuildInfo, Exposition};
use crate::model::{Clock, HttpSettings, ProxySetting, Random, Storage, SystemRandom};
use crate::probe::TenantProber;
use crate::scheduler::{ProbeThread, References, Scheduler};
use crate::state::State;
use crate::web::{
    Access, App, Bounds, Dependencies, ExternalUrl, InheritError, KeyFileError, ListenError,
    OperatorKeyFile, Reloads, Server, WebConfig, adopt, key_places, listen, listen_default,
    owns_localhost, router,
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
    /// The named operator key cannot be used.
    #[error(transparent)]
    OperatorKey(#[from] KeyFileError),
    /// The machine gives no thread, or no descriptor to wait with.
    #[error("no thread for the probes: {0}")]
    ProbeThread(#[source] std::io::Error),
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
    /// Removed when this is dropped.
    key_file: Option<OperatorKeyFile>,
    external_url: Option<ExternalUrl>,
    random: Arc<dyn Random>,
    clock: Clock,
    /// Where probes run; ends when this is dropped.
    _probes: ProbeThread,
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

/// The services that a configuration is applied to, in this order.
struct Services {
    app: Arc<App>,
    state: Arc<State>,
    tokens: Arc<Tokens>,
    scheduler: Arc<Scheduler>,
    references: Arc<References>,
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
            Sockets::Default => listen_default().await?,
            Sockets::At(addresses) => listen(&addresses).await?,
            Sockets::Inherited(sockets) => adopt(sockets)?,
        };
        let network = network(configuration.http.clone()).await?;
        let plain = SimpleClient::new(&network)?;
        let measured = ProbeClient::new(&network)?;

        let clock = Clock::system();
        let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
        let key_file = operator_key(flags.operator_file(), &configuration.storage, &*random)?;
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
        let references = References::new(Arc::new(measured.clone()), Arc::clone(&state));
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
                    is_proxied(&measured),
                ),
                reloads,
                access: access.clone(),
                operator_key: key_file.as_ref().map(|file| file.key().clone()),
                random: Arc::clone(&random),
            },
        );
        app.offer_sign_in(consent);
        let status = Arc::new(ReloadStatus::new(Arc::clone(&state)));
        let services = Services {
            app,
            state,
            tokens,
            scheduler,
            references,
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
        warn_of_strangers(server.addresses(), access.as_deref());
        let schedule = Arc::clone(&services.scheduler).run();
        let references = Arc::clone(&services.references).run();
        let probes = ProbeThread::start(async move {
            tokio::join!(schedule, references);
        })
        .map_err(StartError::ProbeThread)?;
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
            key_file,
            external_url: settings.external_url,
            random,
            clock,
            _probes: probes,
        })
    }

    /// Where a person on this machine finds the pages.
    pub(crate) fn url(&self) -> Option<String> {
        let address = self.server.addresses().first()?;
        let tls = self.access.as_ref().is_some_and(|access| access.has_tls());
        let scheme = if tls { "https" } else { "http" };
        Some(format!("{scheme}://{address}/"))
    }

    /// Tells whoever started this how to become an operator: with a link where a
    /// person sees it and nobody else, else with the command for a link. Nothing
    /// of it goes through the log.
    pub(crate) fn invite_operator(&self) {
        let Some(file) = &self.key_file else {
            tracing::info!(
                "no folder for the operator key can be written, so nobody can become an operator \
                 by a link; --web.operator-file names one"
            );
            return;
        };
        if !operator_link::is_seen_by_a_person() {
            let command = operator_link::command(file.path());
            tracing::info!("to become an operator: {command}");
            return;
        }
        let tls = self.access.as_ref().is_some_and(|access| access.has_tls());
        let base = match &self.external_url {
            Some(external) => Some(external.url().to_string()),
            None => owns_localhost(self.server.addresses()).map(|port| {
                let scheme = if tls { "https" } else { "http" };
                format!("{scheme}://localhost:{port}/")
            }),
        };
        let Some(base) = base else {
            tracing::warn!(
                "no link for operators is shown: another process listens on this port of \
                 localhost, or this one is not reached there; see `m365mon open --url`"
            );
            return;
        };
        let link = operator_link::link(&base, file.key(), self.clock.now(), &*self.random);
        output::complain(&format!(
            "To become an operator, open this within 5 minutes (and `{}` makes another):\n\n  {}\n",
            operator_link::command(file.path()),
            link.expose()
        ));
    }

    /// Who may come in, where a web configuration says so.
    pub(crate) fn access(&self) -> Option<&Arc<Access>> {
        self.access.as_ref()
    }

    /// False once the scheduler is dead.
    pub(crate) fn healthy(&self) -> bool {
        self.services.scheduler.healthy()
    }

    /// What taking over this configuration would change.
    pub(crate) fn changes(&self, configuration: &Configuration) -> Changes {
        let board = self.services.state.board();
        let resources = board.slots.iter().map(|slot| slot.resource());
        let accounts = board.accounts.iter().map(|slot| slot.account());
        Changes {
            resources: Changed::between(resources, &configuration.resources, |one| &one.name),
            accounts: Changed::between(accounts, &configuration.accounts, |one| &one.name),
        }
    }

    /// Takes over a checked configuration, the network of its `http` section and what the web
    /// configuration became; what did not change goes on. Touches no disk: whoever calls it
    /// read all of that where a hanging disk keeps nobody waiting.
    ///
    /// # Errors
    ///
    /// If what it names does not work; then nothing changed.
    pub(crate) fn configure(
        &self,
        configuration: &Configuration,
        network: Result<Network, NetworkError>,
        web: Option<WebConfig>,
    ) -> Result<(), StartError> {
        let mut running = self.running.lock();
        let (http, storage) = &mut *running;
        // A file of roots or of a proxy may hold others by now, under the same name.
        let is_file = |proxy: &ProxySetting| matches!(proxy, ProxySetting::File(_));
        let named = &configuration.http;
        let names_files = named.ca_file.is_some()
            || is_file(&named.proxy)
            || named.own_proxies.iter().any(|own| is_file(own));
        if *http != configuration.http || names_files {
            let network = network?;
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
        self.services.references.shutdown();
        tokio::join!(
            self.server.stop(grace),
            self.services.scheduler.shutdown(grace)
        );
    }
}

/// Reads the roots and what else `http` names, beside the runtime.
async fn network(http: HttpSettings) -> Result<Network, NetworkError> {
    let again = http.clone();
    let read = tokio::task::spawn_blocking(move || Network::new(&http));
    // It ends otherwise only by a panic, which then happens where it is seen.
    read.await.unwrap_or_else(|_| Network::new(&again))
}

/// The key that makes operators, and its file; `None` where no place for it can
/// be written.
fn operator_key(
    named: Option<&Path>,
    storage: &Storage,
    random: &dyn Random,
) -> Result<Option<OperatorKeyFile>, KeyFileError> {
    match named {
        Some(path) => OperatorKeyFile::named(path, random).map(Some),
        None => {
            let places = key_places(&storage.file, |name| std::env::var_os(name));
            Ok(OperatorKeyFile::anywhere(&places, random))
        }
    }
}

/// Whoever reaches us reads names of resources and accounts.
fn warn_of_strangers(addresses: &[SocketAddr], access: Option<&Access>) {
    let beyond = addresses.iter().find(|address| !address.ip().is_loopback());
    if let Some(address) = beyond
        && !access.is_some_and(Access::asks_everybody)
    {
        tracing::warn!(
            addr = %address,
            "whoever reaches this address can read metrics and pages: there are no users; see \
             --web.config.file"
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
        self.references.configured();
        self.app.set_configuration(configuration);
    }
}
