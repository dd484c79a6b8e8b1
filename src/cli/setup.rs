//! `m365mon setup`: the PowerShell for a least-privileged application.

use std::process::ExitCode;

use super::config_file::{ConfigFile, chosen};
use super::logging::{self, LogFormat, LogLevel};
use super::output;
use crate::setup::script;

/// Print the PowerShell that sets up a least-privileged application
///
/// For each account: the registration, its redirect URIs and certificate, the
/// consent of one person or the application permissions, the grant on each
/// site, and the role on each mailbox, for what is configured and nothing
/// else. Nothing is sent and nothing is run. The script holds no secret.
#[derive(Debug, clap::Args)]
pub(crate) struct Setup {
    /// Only this account, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    account: Option<String>,

    /// Where the exporter's pages are reached, for the redirect URI of its sign-in page
    #[arg(
        long = "web.external-url",
        env = "M365MON_WEB_EXTERNAL_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    external_url: Option<url::Url>,

    #[command(flatten)]
    file: ConfigFile,
}

impl Setup {
    pub(crate) fn run(self) -> ExitCode {
        logging::start(LogLevel::Warn, LogFormat::Logfmt);
        let loaded = match self.file.load_or_complain() {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        let configuration = loaded.configuration;
        let accounts = match chosen(&configuration.accounts, self.account.as_deref()) {
            Ok(accounts) => accounts,
            Err(code) => return code,
        };
        let scripts: Vec<String> = accounts
            .iter()
            .map(|account| {
                script(
                    account,
                    &configuration.resources,
                    self.external_url.as_ref(),
                )
            })
            .collect();
        output::say(&scripts.join("\n\n"));
        ExitCode::SUCCESS
    }
}
