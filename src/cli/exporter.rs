//! A running exporter: every room wired to the next. `serve` runs it on a
//! configuration file, `demo` on one of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::flags::Flags;
use crate::entra::{TokenStore, Tokens};
use crate::http::{Network, NetworkError, PlainClient, ProbeClient};
use crate::metrics::{BuildInfo, Exposition};
use crate::model::{Clock, Configuration, HttpSettings, Random, Storage, SystemRandom};
use crate::probe::TenantProber;
use crate::scheduler::Scheduler;
use crate::state::State;
use crate::web::{App, Bounds, ListenError, Server, listen};

/// Why an exporter did not start, or did not take a configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// An address is taken or not ours.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The `http` section names something that does not work.
    #[error("http: {0}")]
    Network(#[from] NetworkError),
}

/// Everything that runs.
pub(crate) struct Exporter {
    state: Arc<State>,
    tokens: Arc<Tokens>,
    scheduler: Arc<Scheduler>,
    server: Server,
    /// For the token endpoint.
    plain: PlainClient,
    /// For what is measured.
    measured: ProbeClient,
    /// What only a new network or a restart can change.
    running: Mutex<(HttpSettings, Storage)>,
}

impl Exporter {
    /// Starts everything. The configuration is checked already; what can still
    /// fail is what it names: addresses, files. Must be called inside a tokio
    /// runtime.
    pub(crate) async fn start(
        configuration: &Configuration,
        flags: &Flags,
    ) -> Result<Self, StartError> {
        // First, so that a second exporter on the same port sends no probe.
        let listeners = listen(&flags.listen_address).await?;
        let network = Network::new(&configuration.http)?;
        let plain = PlainClient::new(&network)?;
        let measured = ProbeClient::new(&network)?;

        let clock = Clock::system();
        let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
        let state = State::new(clock.clone(), flags.history_limit());
        let tokens = Tokens::new(
            plain.clone(),
            TokenStore::from_environment(&configuration.storage),
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
        let scheduler = Scheduler::new(Arc::new(prober), Arc::clone(&state), clock.clone(), random);
        let settings = flags.settings();
        let app = App::new(
            settings.clone(),
            Arc::clone(&state),
            Arc::clone(&scheduler),
            Exposition::new(Arc::clone(&state), BuildInfo::THIS),
        );
        take_over(configuration, &state, &tokens, &scheduler);
        app.set_ready();
        // Only now: whoever comes early shall not find an empty house.
        let server = Server::start(
            listeners,
            &app.router(),
            settings.external_url.as_ref(),
            Bounds::default(),
        );
        for address in server.addresses() {
            tracing::info!(addr = %address, "listening");
        }
        tokio::spawn(Arc::clone(&scheduler).run());
        Ok(Self {
            state,
            tokens,
            scheduler,
            server,
            plain,
            measured,
            running: Mutex::new((configuration.http.clone(), configuration.storage.clone())),
        })
    }

    /// The first address that is listened on.
    pub(crate) fn addr(&self) -> Option<SocketAddr> {
        self.server.addresses().first().copied()
    }

    /// Takes over a checked configuration; what did not change goes on.
    ///
    /// # Errors
    ///
    /// If what it names does not work; then nothing changed.
    pub(crate) fn configure(&self, configuration: &Configuration) -> Result<(), StartError> {
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
        take_over(configuration, &self.state, &self.tokens, &self.scheduler);
        Ok(())
    }

    /// A configuration was refused: nothing changes, and the metrics say so.
    pub(crate) fn refused(&self) {
        self.state
            .process()
            .reloaded(false, self.state.clock().now());
    }

    /// Ends everything within `grace`: nothing new begins, what runs may end,
    /// the rest is cut off.
    pub(crate) async fn stop(&self, grace: Duration) {
        tokio::join!(self.server.stop(grace), self.scheduler.shutdown(grace));
    }
}

fn take_over(
    configuration: &Configuration,
    state: &State,
    tokens: &Tokens,
    scheduler: &Arc<Scheduler>,
) {
    // The state first: the others tell it what they find.
    state.configure(configuration);
    tokens.configure(&configuration.accounts);
    scheduler.configure(configuration);
    state.process().reloaded(true, state.clock().now());
}
