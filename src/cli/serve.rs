//! `m365mon serve`: the exporter on a configuration file, until a signal ends it.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::config_file::ConfigFile;
use super::exporter::Exporter;
use super::flags::Flags;
use super::lifecycle::{Request, Signals};
use super::{EXIT_FAILED, EXIT_USAGE, output};
use crate::config::{Complaint, ConfigErrors, Loaded};
use crate::web::{Door, Reloaded, WebConfig, reloads};

/// Run the exporter (the default)
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    flags: Flags,
    /// Answer POST /-/reload: read the configuration again
    #[arg(
        long = "web.enable-lifecycle",
        env = "M365MON_WEB_ENABLE_LIFECYCLE",
        hide_env_values = true,
        help_heading = "Web"
    )]
    enable_lifecycle: bool,
}

/// From the first signal to the end.
const GRACE: Duration = Duration::from_secs(3);

impl Serve {
    /// Runs until SIGTERM, SIGINT or a second one of these.
    pub(crate) fn run(self) -> ExitCode {
        self.flags.start_logging();
        // Both, so that what is wrong with either is seen at once.
        match (self.load(), self.flags.door()) {
            (Ok(loaded), Ok(door)) => super::runtime::block_on(self.serve(loaded, door)),
            (Err(code), _) | (_, Err(code)) => code,
        }
    }

    fn load(&self) -> Result<Loaded, ExitCode> {
        if !self.config.path.exists() {
            let path = self.config.path.display();
            output::complain(&format!(
                "{path}: there is no configuration yet\n\n\
                 To look around without one:     m365mon demo\n\
                 To begin with one of your own:  copy a file from examples/, see README.md\n\
                 To use one elsewhere:           m365mon --config.file PATH"
            ));
            return Err(ExitCode::from(EXIT_USAGE));
        }
        let loaded = self.config.load_or_complain()?;
        warn(&loaded.warnings);
        Ok(loaded)
    }

    async fn serve(self, loaded: Loaded, door: Option<Arc<Door>>) -> ExitCode {
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => {
                output::complain(&format!("cannot listen for signals: {error}"));
                return ExitCode::from(EXIT_FAILED);
            }
        };
        let (reloads, mut asked) = reloads();
        let ask = self.enable_lifecycle.then_some(reloads);
        let exporter = match Exporter::start(&loaded.configuration, &self.flags, ask, door).await {
            Ok(exporter) => exporter,
            Err(error) => {
                output::complain(&error.to_string());
                return ExitCode::from(EXIT_FAILED);
            }
        };
        if let Some(url) = exporter.url() {
            tracing::info!(
                resources = loaded.configuration.resources.len(),
                accounts = loaded.configuration.accounts.len(),
                url,
                "ready"
            );
        }
        drop(loaded);
        loop {
            tokio::select! {
                request = signals.next() => match request {
                    Request::Reload => _ = self.reload(&exporter).await,
                    Request::Stop => break,
                },
                Some(answer) = asked.recv() => {
                    // Whoever asked may be gone by now.
                    _ = answer.send(self.reload(&exporter).await);
                }
            }
        }
        drop(asked);
        tracing::info!("stopping");
        let again = async { while signals.next().await != Request::Stop {} };
        tokio::select! {
            () = exporter.stop(GRACE) => {
                tracing::info!("stopped");
                ExitCode::SUCCESS
            }
            () = again => {
                tracing::warn!("stopped at once");
                ExitCode::from(EXIT_FAILED)
            }
        }
    }

    async fn reload(&self, exporter: &Exporter) -> Reloaded {
        let config = self.config.clone();
        let door = exporter.door().cloned();
        let read = move || (config.load(), door.map(|door| door.load()).transpose());
        let mut web_is_fine = true;
        let taken = match tokio::task::spawn_blocking(read).await {
            Ok((Ok(loaded), Ok(web))) => {
                warn(&loaded.warnings);
                warn(web.as_ref().map_or(&[], WebConfig::warnings));
                let configuration = &loaded.configuration;
                exporter
                    .configure(configuration, web)
                    .map(|()| (configuration.resources.len(), configuration.accounts.len()))
                    .map_err(|error| vec![error.to_string()])
            }
            Ok((loaded, web)) => {
                web_is_fine = web.is_ok();
                let of_web = web.err().unwrap_or_default();
                let of_both = loaded
                    .as_ref()
                    .err()
                    .map_or(&[][..], ConfigErrors::complaints)
                    .iter()
                    .chain(&of_web);
                Err(of_both.map(ToString::to_string).collect())
            }
            Err(error) => Err(vec![error.to_string()]),
        };
        match &taken {
            Ok((resources, accounts)) => {
                tracing::info!(resources, accounts, "configuration reloaded");
            }
            Err(complaints) => {
                exporter.refused(web_is_fine);
                for complaint in complaints {
                    tracing::error!("{complaint}");
                }
                tracing::error!("configuration not reloaded, the old one goes on");
            }
        }
        taken.map(|_| ())
    }
}

fn warn(warnings: &[Complaint]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}
