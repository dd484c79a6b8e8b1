//! `m365mon demo`: a simulated tenant and the exporter that watches it, in one
//! process, with nothing to configure and nothing left behind.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::exporter::{Exporter, WebInputs};
use super::flags::Flags;
use super::lifecycle::{SignalRequest, Signals};
use super::{EXIT_FAILED, EXIT_USAGE, login, output, runtime, simulate};
use crate::config::{self, Environment, Label};
use crate::kinds::Configuration;
use crate::model::Account;
use m365mon_simulator::directory::{DOMAIN, Size};
use m365mon_simulator::scenario::Scenario;
use m365mon_simulator::{self as simulator, Options, Running, entra, files};

/// What happens within ten minutes, and again.
const SCENARIO: &str = include_str!("../../examples/demo/scenario.yml");
/// From the first signal to the end.
const GRACE: Duration = Duration::from_secs(4);

/// Run a simulated tenant and the exporter together, with nothing to configure
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// What happens to the tenant, as a YAML file; a site that goes down and more without
    #[arg(long, value_name = "FILE", help_heading = "Demo")]
    scenario: Option<PathBuf>,
    /// How many times as fast it happens
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = simulate::speed, help_heading = "Demo")]
    speed: f64,
    /// How often each resource is probed
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = simulate::interval, help_heading = "Demo")]
    interval: Duration,
    #[command(flatten)]
    flags: Flags,
}

/// The demo reads nothing of the environment: it must work the same everywhere.
struct NoEnvironment;

impl Environment for NoEnvironment {
    fn var(&self, _name: &str) -> Option<String> {
        None
    }
}

impl Demo {
    /// Runs until SIGINT or SIGTERM.
    pub(crate) fn run(self) -> ExitCode {
        self.flags.start_logging();
        let inputs = match WebInputs::of(&self.flags) {
            Ok(inputs) => inputs,
            Err(code) => return code,
        };
        // What the command line names is read before anything begins.
        let scenario = match self.scenario() {
            Ok(scenario) => scenario,
            Err(error) => {
                output::complain(&format!("{error:#}"));
                return ExitCode::from(EXIT_USAGE);
            }
        };
        runtime::block_on(async {
            // Boxed: it holds everything that runs.
            match Box::pin(self.play(inputs, scenario)).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    output::complain(&format!("{error:#}"));
                    ExitCode::from(EXIT_FAILED)
                }
            }
        })
    }

    async fn play(self, inputs: WebInputs, scenario: Scenario) -> anyhow::Result<()> {
        let mut signals = Signals::listen().context("cannot listen for signals")?;
        let folder = tempfile::Builder::new()
            .prefix("m365mon-demo-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        let tenant = simulator::start(Options::default()).await?;
        simulator::demo::prepare(&tenant);
        files::write(&tenant, folder.path(), Size::default(), self.interval)
            .context("cannot write the configuration")?;
        let configuration = self.configuration(&tenant, folder.path())?;
        let started = Exporter::start(&configuration, &self.flags, None, inputs).await;
        // It names its cause itself.
        let exporter = started.map_err(|error| anyhow::anyhow!("{error}"))?;
        self.tell(&exporter, &tenant);
        exporter.invite_operator();

        let (sim, speed) = (Arc::clone(&tenant.tenant), self.speed);
        let story = tokio::spawn(async move { scenario.run(sim, speed).await });
        let people = tokio::spawn(sign_in_everybody(configuration, Arc::clone(&tenant.tenant)));
        while signals.next().await != SignalRequest::Stop {}
        story.abort();
        people.abort();
        let again = async { while signals.next().await != SignalRequest::Stop {} };
        tokio::select! {
            () = async { exporter.stop(GRACE).await; tenant.shutdown().await; } => {}
            () = again => {}
        }
        Ok(())
    }

    /// Sites and mailboxes as `simulate` has them, and the other services at a
    /// pace of their own: limits that keep Microsoft's services from being asked too
    /// often need not hold for a simulated tenant in the same process.
    fn configuration(&self, tenant: &Running, folder: &Path) -> anyhow::Result<Configuration> {
        let file = folder.join(files::CONFIGURATION_FILE);
        let usual = std::fs::read_to_string(&file).context("the configuration of the demo")?;
        let all = simulator::demo::configuration(tenant, &usual, self.interval);
        std::fs::write(&file, all).context("cannot write the configuration")?;
        let mut configuration = load(folder, self.flags.labels())?;
        for resource in &mut configuration.resources {
            if let Some(pace) = simulator::demo::pace(&resource.name, self.interval) {
                Arc::make_mut(resource).interval = pace;
            }
        }
        Ok(configuration)
    }

    fn scenario(&self) -> anyhow::Result<Scenario> {
        match &self.scenario {
            Some(file) => simulate::read_scenario(file),
            None => Scenario::parse(SCENARIO).context("the scenario of the demo"),
        }
    }

    fn tell(&self, exporter: &Exporter, tenant: &Running) {
        if let Some(url) = exporter.url() {
            let metrics = self.flags.telemetry_path().trim_start_matches('/');
            let address = url.split('/').nth(2).unwrap_or_default();
            output::say(&format!(
                "A simulated Microsoft 365 tenant, and the exporter that watches it.\n\
                 \n\
                 \x20 status page    {url}\n\
                 \x20 metrics        {url}{metrics}\n\
                 \x20 one probe      {url}probe?resource=intranet\n\
                 \x20 make trouble   curl -d '{{\"kind\": \"hang\", \"scope\": {{\"resource\": \"https://contoso.sharepoint.com/sites/hr\"}}, \"for\": \"60s\"}}' http://{control}/faults\n\
                 \n\
                 Within ten minutes a site goes down, Teams fails and Microsoft says so later, mail\n\
                 is late one way, licences run short, a secret ends, and everything recovers. Let Prometheus scrape {address} to see it\n\
                 (examples/prometheus/prometheus.yml). Ctrl-C ends it; nothing is left behind.",
                control = tenant.control_addr,
            ));
        }
    }
}

fn load(folder: &Path, labels: &[Label]) -> anyhow::Result<Configuration> {
    let path = folder.join(files::CONFIGURATION_FILE);
    let loaded = config::load_with(&path, labels, &NoEnvironment)
        .context("the configuration of the demo")?;
    Ok(loaded.configuration)
}

/// What the people of the simulated tenant do: they sign in by device code,
/// as `m365mon login ACCOUNT --device-code` would have them do.
async fn sign_in_everybody(configuration: Configuration, tenant: Arc<simulator::Tenant>) {
    for account in configuration
        .accounts
        .iter()
        .filter(|account| account.person().is_some())
    {
        if let Err(error) = sign_in(&configuration, account, &tenant).await {
            tracing::error!(account = &*account.name, "{error:#}");
        }
    }
}

async fn sign_in(
    configuration: &Configuration,
    account: &Account,
    tenant: &simulator::Tenant,
) -> anyhow::Result<()> {
    let consent = login::consent(configuration)
        .map_err(|_| anyhow::anyhow!("the network of the demo cannot be set up"))?;
    let (wanted, _) = login::wanted(configuration, account);
    // Entra takes the scopes of one audience at a time.
    for one in wanted {
        let code = consent.device_code(account, &[one].into()).await?;
        entra::approve_device(tenant, code.user_code(), &format!("steve@{DOMAIN}"))
            .map_err(|_| anyhow::anyhow!("the simulated person could not sign in"))?;
        consent.finish_device(account, code).await?;
    }
    Ok(())
}
