//! `m365mon probe`: one probe, told step by step.

use std::process::ExitCode;
use std::sync::Arc;

use super::config_file::{ConfigFile, resource};
use super::logging::{self, LogFormat, LogLevel};
use super::{EXIT_FAILED, EXIT_INCONCLUSIVE, EXIT_USAGE, output, runtime};
use crate::entra::{TokenStore, Tokens};
use crate::http::{Network, NetworkError, ProbeClient, SimpleClient};
use crate::model::{
    Account, AccountObserver, AccountStatus, Clock, Configuration, Outcome, Resource, Story,
    SystemRandom, TokenReport,
};
use crate::probe::{Prober, TenantProber};

/// Probe one resource once and tell the story
///
/// Asks for a token and for the resource as the exporter would, and says what
/// happened. Exits with 0 for success, 1 for failure, 2 if it could not be
/// found out.
#[derive(Debug, clap::Args)]
pub(crate) struct Probe {
    /// The resource, by its name in the configuration
    resource: String,

    #[command(flatten)]
    file: ConfigFile,
}

impl Probe {
    pub(crate) fn run(self) -> ExitCode {
        logging::start(LogLevel::Warn, LogFormat::Logfmt);
        let loaded = match self.file.load_or_complain() {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        let configuration = loaded.configuration;
        let resource = match resource(&configuration.resources, &self.resource) {
            Ok(resource) => Arc::clone(resource),
            Err(code) => return code,
        };
        runtime::block_on(async {
            let story = Story::begin();
            let prober = match prober(&configuration, &resource, &story) {
                Ok(prober) => prober,
                Err(error) => {
                    output::complain(&error.to_string());
                    return ExitCode::from(EXIT_USAGE);
                }
            };
            let report = prober.probe(resource, story.clone()).await;
            output::say(&story.lines().join("\n"));
            match report.verdict.outcome() {
                Outcome::Success => ExitCode::SUCCESS,
                Outcome::Failure => ExitCode::from(EXIT_FAILED),
                Outcome::Inconclusive => ExitCode::from(EXIT_INCONCLUSIVE),
            }
        })
    }
}

/// The exporter's own prober, for the account of one resource.
fn prober(
    configuration: &Configuration,
    resource: &Resource,
    story: &Story,
) -> Result<TenantProber, NetworkError> {
    let network = Network::new(&configuration.http)?;
    let clock = Clock::system();
    let random = Arc::new(SystemRandom::new());
    let tokens = Tokens::new(
        SimpleClient::new(&network)?,
        TokenStore::from_environment(&configuration.storage),
        clock.clone(),
        random.clone(),
        Arc::new(TokenRequests(story.clone())),
    );
    tokens.configure(std::slice::from_ref(&resource.account));
    Ok(TenantProber::new(
        ProbeClient::new(&network)?,
        tokens,
        clock,
        random,
    ))
}

/// Tells what support asks for about every token request.
struct TokenRequests(Story);

impl AccountObserver for TokenRequests {
    fn token_request(&self, _: &Account, report: &TokenReport) {
        self.0.tell(|| {
            let outcome = if report.result.is_ok() {
                "answered"
            } else {
                "refused"
            };
            let id = report
                .request_id
                .as_ref()
                .map_or_else(String::new, |id| format!(", trace id {id}"));
            format!("token request {outcome} at {:.3}{id}", report.at)
        });
    }

    fn status(&self, _: &Account, _: &AccountStatus) {}
}
