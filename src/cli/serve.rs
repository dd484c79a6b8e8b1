//! `m365mon serve`: the exporter on a configuration file, until a signal ends it.

use std::process::ExitCode;
use std::time::Duration;

use tokio::time::Instant;

use super::config_file::ConfigFile;
use super::exporter::{Exporter, WebInputs};
use super::flags::Flags;
use super::last_reload::{self, LastReload};
use super::lifecycle::{SignalRequest, Signals};
use super::named_files::{self, FileFindings};
use super::systemd::Manager;
use super::watch::{self, Digests, Inputs, Watch};
use super::{EXIT_FAILED, EXIT_USAGE, output};
use crate::config::{ConfigErrors, Diagnostic, Loaded};
use crate::http::Network;
use crate::kinds::Configuration;
use crate::model::duration;
use crate::web::{Reloaded, WebConfig, reloads};

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
    /// How often to look whether the configuration or a file that it names changed; 0s: never
    #[arg(
        long = "config.auto-reload-interval",
        env = "M365MON_CONFIG_AUTO_RELOAD_INTERVAL",
        value_name = "TIME",
        default_value = "0s",
        value_parser = auto_reload,
        hide_env_values = true
    )]
    auto_reload: Duration,
}

/// `30s`, or `0s` for never.
fn auto_reload(text: &str) -> Result<Duration, String> {
    duration::parse(text)
        .filter(|every| every.is_zero() || *every >= Duration::from_secs(1))
        .ok_or_else(|| "it must be a time of at least 1s, like 30s, or 0s for never".into())
}

/// A disk that takes longer to hand out the configuration hangs.
const READING: Duration = Duration::from_secs(30);
/// From the first signal to the end.
const GRACE: Duration = Duration::from_secs(3);

impl Serve {
    /// Runs until SIGTERM, SIGINT or a second one of these.
    pub(crate) fn run(self) -> ExitCode {
        self.flags.start_logging();
        // Both, so that what is wrong with either is seen at once.
        match (self.load(), WebInputs::of(&self.flags)) {
            (Ok((digests, loaded)), Ok(inputs)) => {
                super::runtime::block_on(self.serve(digests, loaded, inputs))
            }
            (Err(code), _) | (_, Err(code)) => code,
        }
    }

    fn load(&self) -> Result<(Digests, Loaded), ExitCode> {
        if !self.config.is_stdin() && !self.config.path.exists() {
            let path = self.config.path.display();
            let demo = if cfg!(feature = "simulator") {
                "To look around without one:     m365mon demo\n"
            } else {
                ""
            };
            output::complain(&format!(
                "{path}: there is no configuration yet\n\n\
                 {demo}\
                 To begin with one of your own:  copy a file from examples/, see README.md\n\
                 To use one elsewhere:           m365mon --config.file PATH"
            ));
            return Err(ExitCode::from(EXIT_USAGE));
        }
        let loaded = self.config.load_or_complain_with(self.flags.labels())?;
        warn(&loaded.warnings);
        let found = named_files::check(&self.config.path, &loaded);
        if let Some(wrong) = &found.network {
            output::complain(&wrong.to_string());
            return Err(ExitCode::from(EXIT_USAGE));
        }
        tell(&found);
        let named = watch::digest_of_named(&loaded.configuration);
        Ok(((loaded.digest, named), loaded))
    }

    async fn serve(self, digests: Digests, loaded: Loaded, inputs: WebInputs) -> ExitCode {
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => {
                output::complain(&format!("cannot listen for signals: {error}"));
                return ExitCode::from(EXIT_FAILED);
            }
        };
        let manager = Manager::from_environment();
        let (reloads, mut asked) = reloads();
        let ask = self.enable_lifecycle.then_some(reloads);
        let configuration = loaded.configuration;
        let started = Exporter::start(&configuration, &self.flags, ask, inputs).await;
        let exporter = match started {
            Ok(exporter) => exporter,
            Err(error) => {
                output::complain(&error.to_string());
                return ExitCode::from(EXIT_FAILED);
            }
        };
        if let Some(url) = exporter.url() {
            let (resources, accounts) = counts(&configuration);
            tracing::info!(resources, accounts, url, "ready");
        }
        exporter.invite_operator();
        let mut stands = status(&configuration);
        manager.ready(&stands);
        // What came from stdin came once.
        let every = if self.config.is_stdin() {
            Duration::ZERO
        } else {
            self.auto_reload
        };
        let mut watch = Watch::new(every, &self.config.path, digests, &configuration);
        drop(configuration);
        let mut heartbeat = manager.heartbeat().map(tokio::time::interval);
        let mut again = false;
        let mut last: Option<LastReload> = None;
        'serving: loop {
            let answer = tokio::select! {
                // Asked for while another reload was under way.
                () = std::future::ready(()), if again => None,
                request = signals.next() => match request {
                    SignalRequest::Reload => {
                        tracing::info!(by = "local", "asked to reload the configuration");
                        None
                    }
                    SignalRequest::Stop => break 'serving,
                },
                Some(answer) = asked.recv() => Some(answer),
                () = watch.changed() => None,
                () = beat(heartbeat.as_mut()) => {
                    // A dead scheduler is for the manager to bury.
                    if exporter.healthy() {
                        manager.alive();
                    }
                    continue;
                }
            };
            manager.reloading();
            again = false;
            let began = Instant::now();
            // Only over HTTP does it come without end.
            let look = answer
                .as_ref()
                .map(|_| watch.inputs(exporter.access().cloned()));
            let reloaded = {
                let mut reload = std::pin::pin!(async {
                    let inputs = match look {
                        Some(look) => last_reload::seen(look).await,
                        None => None,
                    };
                    let last = last.as_ref();
                    match last.and_then(|last| last.answer(inputs.as_ref())) {
                        Some(said) => Repeats::Last(said),
                        None => Repeats::New(inputs, Box::new(self.reload(&exporter).await)),
                    }
                });
                // Signals are heard and the manager is told that we live, however
                // long a disk takes.
                loop {
                    tokio::select! {
                        reloaded = &mut reload => break reloaded,
                        request = signals.next() => match request {
                            SignalRequest::Reload => again = true,
                            SignalRequest::Stop => break 'serving,
                        },
                        () = beat(heartbeat.as_mut()) => {
                            if exporter.healthy() {
                                manager.alive();
                            }
                        }
                    }
                }
            };
            let said = match reloaded {
                Repeats::Last(said) => said,
                Repeats::New(inputs, reloaded) => {
                    stands = match &*reloaded {
                        Ok((digests, configuration)) => {
                            watch.follow(*digests, configuration);
                            status(configuration)
                        }
                        Err(_) => {
                            "a broken configuration was refused, the one before goes on".to_owned()
                        }
                    };
                    let said = (*reloaded).map(|_| ());
                    last = Some(LastReload::new(began, inputs, said.clone()));
                    said
                }
            };
            manager.ready(&stands);
            if let Some(answer) = answer {
                // Whoever asked may be gone by now.
                _ = answer.send(said);
            }
        }
        drop(asked);
        manager.stopping();
        tracing::info!("stopping");
        let again = async { while signals.next().await != SignalRequest::Stop {} };
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

    async fn reload(&self, exporter: &Exporter) -> Result<(Digests, Configuration), Vec<String>> {
        if self.config.is_stdin() {
            let why = "the configuration came from stdin and cannot be read again; restart, or name a \
                       file with --config.file";
            tracing::error!("{why}");
            return Err(vec![why.to_owned()]);
        }
        let labels = self.flags.labels().to_vec();
        let config = self.config.clone();
        let access = exporter.access().cloned();
        let read = move || {
            let loaded = config.load_with(&labels).map(|loaded| {
                let named = watch::digest_of_named(&loaded.configuration);
                let found = named_files::check(&config.path, &loaded);
                let network = Network::new(&loaded.configuration.http);
                ((loaded.digest, named), loaded, found, network)
            });
            (loaded, access.map(|access| access.load()).transpose())
        };
        let mut web_is_fine = true;
        let read = tokio::time::timeout(READING, tokio::task::spawn_blocking(read)).await;
        let hangs = || {
            let path = self.config.path.display();
            let seconds = READING.as_secs();
            format!("{path}: it, or a file that it names, could not be read within {seconds} s")
        };
        let Ok(read) = read else {
            exporter.refused(true);
            tracing::error!("{}", hangs());
            tracing::error!("configuration not reloaded, the old one goes on");
            return Err(vec![hangs()]);
        };
        let taken = match read {
            Ok((Ok((digests, loaded, found, network)), Ok(web))) => {
                warn(&loaded.warnings);
                tell(&found);
                warn(web.as_ref().map_or(&[], WebConfig::warnings));
                let changes = exporter.changes(&loaded.configuration);
                exporter
                    .configure(&loaded.configuration, network, web)
                    .map(|()| (digests, loaded.configuration, changes))
                    .map_err(|error| vec![error.to_string()])
            }
            Ok((loaded, web)) => {
                web_is_fine = web.is_ok();
                let of_web = web.err().unwrap_or_default();
                let of_both = loaded
                    .as_ref()
                    .err()
                    .map_or(&[][..], ConfigErrors::diagnostics)
                    .iter()
                    .chain(&of_web);
                Err(of_both.map(ToString::to_string).collect())
            }
            Err(error) => Err(vec![error.to_string()]),
        };
        match &taken {
            Ok((_, configuration, changes)) => {
                let (resources, accounts) = counts(configuration);
                tracing::info!(
                    resources,
                    accounts,
                    changed_resources = %changes.resources,
                    changed_accounts = %changes.accounts,
                    "configuration reloaded"
                );
            }
            Err(complaints) => {
                exporter.refused(web_is_fine);
                for complaint in complaints {
                    tracing::error!("{complaint}");
                }
                tracing::error!("configuration not reloaded, the old one goes on");
            }
        }
        taken.map(|(digests, configuration, _)| (digests, configuration))
    }
}

/// What came of a request to reload.
enum Repeats {
    /// Nothing has changed since the last one a moment ago: what that said.
    Last(Reloaded),
    /// Of the files as they were then.
    New(
        Option<Inputs>,
        Box<Result<(Digests, Configuration), Vec<String>>>,
    ),
}

/// Resources and accounts.
fn counts(configuration: &Configuration) -> (usize, usize) {
    (configuration.resources.len(), configuration.accounts.len())
}

/// For `systemctl status`.
fn status(configuration: &Configuration) -> String {
    let (resources, accounts) = counts(configuration);
    format!("resources: {resources}, accounts: {accounts}")
}

/// The next sign of life, if any is wanted.
async fn beat(heartbeat: Option<&mut tokio::time::Interval>) {
    match heartbeat {
        Some(heartbeat) => _ = heartbeat.tick().await,
        None => std::future::pending().await,
    }
}

/// An account that cannot work keeps nobody from watching the others.
fn tell(found: &FileFindings) {
    warn(&found.warnings);
    for wrong in &found.accounts {
        tracing::error!("{wrong}");
    }
}

fn warn(warnings: &[Diagnostic]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}
