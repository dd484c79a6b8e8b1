//! `m365mon open`: the link that makes a browser an operator's.

use std::path::PathBuf;
use std::process::ExitCode;

use super::config_file::ConfigFile;
use super::flags::{OperatorFile, ReachedAt};
use super::{EXIT_FAILED, operator_link, output};
use crate::model::{Clock, SystemRandom};
use crate::web::{DEFAULT_PORT, ExternalUrl, KeyFileError, OperatorKey, key_places, read_key};

/// Print a link that makes a browser an operator's, for 12 hours
///
/// Reads the operator key of the running exporter, so it must run where that
/// runs and as its user. The link is good for five minutes, once.
#[derive(Debug, clap::Args)]
pub(crate) struct Open {
    /// Where the browser reaches the exporter; else its external URL or localhost
    #[arg(long, value_name = "URL")]
    url: Option<ExternalUrl>,
    #[command(flatten)]
    operator_key: OperatorFile,
    #[command(flatten)]
    reached: ReachedAt,
    /// Where the exporter listens; its port counts
    #[arg(
        long = "web.listen-address",
        env = "M365MON_WEB_LISTEN_ADDRESS",
        value_name = "ADDR",
        value_delimiter = ',',
        hide_env_values = true,
        help_heading = "Web"
    )]
    listen_address: Vec<String>,
    /// The web configuration of the exporter; whether it has TLS counts
    #[arg(
        long = "web.config.file",
        env = "M365MON_WEB_CONFIG_FILE",
        value_name = "PATH",
        hide_env_values = true,
        help_heading = "Web"
    )]
    web_config: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

impl Open {
    /// Prints the link, and nothing else, to stdout.
    pub(crate) fn run(self) -> ExitCode {
        match self.key() {
            Ok(key) => {
                let link = operator_link::link(
                    &self.base(),
                    &key,
                    Clock::system().now(),
                    &SystemRandom::new(),
                );
                output::say(link.expose());
                ExitCode::SUCCESS
            }
            Err(complaints) => {
                output::complain_of(&complaints);
                ExitCode::from(EXIT_FAILED)
            }
        }
    }

    fn key(&self) -> Result<OperatorKey, Vec<String>> {
        if let Some(path) = &self.operator_key.operator_file {
            return read_key(path).map_err(|error| vec![error.to_string()]);
        }
        let store = match self.config.load() {
            Ok(loaded) => loaded.configuration.storage.file,
            // It is beside the configuration, unless that says otherwise.
            Err(_) => self.config.path.clone(),
        };
        let mut complaints = Vec::new();
        for path in key_places(&store, |name| std::env::var_os(name)) {
            match read_key(&path) {
                Ok(key) => return Ok(key),
                Err(KeyFileError::Io { source, .. }) if is_absent(&source) => {
                    complaints.push(format!("no operator key at {}", path.display()));
                }
                Err(error) => complaints.push(error.to_string()),
            }
        }
        complaints.push(
            "is m365mon running, here and as this user? Where it runs with other folders, name \
             its key with --web.operator-file; with the package: m365mon-run open"
                .to_owned(),
        );
        Err(complaints)
    }

    fn base(&self) -> String {
        if let Some(url) = self.url.as_ref().or(self.reached.external_url.as_ref()) {
            return url.url().to_string();
        }
        let port = self
            .listen_address
            .first()
            .and_then(|address| address.rsplit_once(':')?.1.parse().ok())
            .unwrap_or(DEFAULT_PORT);
        let scheme = if self.has_tls() { "https" } else { "http" };
        format!("{scheme}://localhost:{port}/")
    }

    fn has_tls(&self) -> bool {
        let path = self.web_config.as_deref();
        let read = path.and_then(|path| crate::config::web::read(path).ok());
        read.zip(path)
            .and_then(|(bytes, path)| crate::config::web::check_bytes(&bytes, path).ok())
            .is_some_and(|web| web.tls.is_some())
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    )
}
