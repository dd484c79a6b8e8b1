//! A running exporter: every room wired to the next. `serve` runs it on a
//! configuration file, `demo` on one of its own.

use std::sync::Arc;
use std::time::Duration;

use super::flags::Flags;
use crate::model::{Clock, Configuration};
use crate::state::State;
use crate::web::{App, Bounds, ListenError, Server, listen};

/// Why an exporter did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// An address is taken or not ours.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// Everything that runs.
pub(crate) struct Exporter {
    clock: Clock,
    state: Arc<State>,
    server: Server,
}

impl Exporter {
    /// Starts everything. The configuration is checked already; what can still
    /// fail is what it names: addresses, files.
    pub(crate) async fn start(
        configuration: &Configuration,
        flags: &Flags,
    ) -> Result<Self, StartError> {
        // First, so that a second exporter on the same port sends no probe.
        let listeners = listen(&flags.listen_address).await?;
        let clock = Clock::system();
        let state = State::new(clock.clone(), flags.history_limit());
        let app = App::new(flags.settings(), Arc::clone(&state));
        let server = Server::start(
            listeners,
            &app.router(),
            flags.settings().external_url.as_ref(),
            Bounds::default(),
        );
        for address in server.addresses() {
            tracing::info!(addr = %address, "listening");
        }
        let exporter = Self {
            clock,
            state,
            server,
        };
        exporter.configure(configuration);
        app.set_ready();
        Ok(exporter)
    }

    /// Takes over a checked configuration; what did not change goes on.
    pub(crate) fn configure(&self, configuration: &Configuration) {
        self.state.configure(configuration);
        self.state.process().reloaded(true, self.clock.now());
    }

    /// A configuration was refused: nothing changes, and the metrics say so.
    pub(crate) fn refused(&self) {
        self.state.process().reloaded(false, self.clock.now());
    }

    /// Ends everything within `grace`.
    pub(crate) async fn stop(&self, grace: Duration) {
        self.server.stop(grace).await;
    }
}
