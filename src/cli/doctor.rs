//! `m365mon doctor`: step by step, what works and what mends the rest.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use super::config_file::{ConfigFile, chosen};
use super::logging::{self, LogFormat, LogLevel};
use super::{EXIT_FAILED, EXIT_INCONCLUSIVE, EXIT_USAGE, output, runtime};
use crate::doctor::{Doctor, Finding, json, text};
use crate::entra::TokenStore;
use crate::model::{Clock, Random, SystemRandom};

/// Examine every account and resource step by step and say what mends it
///
/// Each step is proved, refuted, or cannot be seen from here. Exits with 0 if
/// all is proved, 1 if something is refuted, 2 if something only cannot be
/// seen. Sends what a probe would send and changes nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Examine {
    /// Only this account, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    account: Option<String>,

    /// As JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    file: ConfigFile,
}

impl Examine {
    pub(crate) fn run(self) -> ExitCode {
        logging::start(LogLevel::Error, LogFormat::Logfmt);
        let loaded = match self.file.load_or_complain() {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        output::warn(&loaded.warnings);
        let configuration = loaded.configuration;
        let accounts = match chosen(&configuration.accounts, self.account.as_deref()) {
            Ok(accounts) => accounts,
            Err(code) => return code,
        };
        runtime::block_on(async {
            let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
            let store = TokenStore::from_environment(&configuration.storage);
            let doctor = match Doctor::new(&configuration, &store, &Clock::system(), &random) {
                Ok(doctor) => doctor,
                Err(error) => {
                    output::complain(&format!("http: {error}"));
                    return ExitCode::from(EXIT_USAGE);
                }
            };
            let examination = doctor.examine_all(&accounts).await;
            if self.json {
                output::say(&json(&examination));
            } else {
                let terminal = std::io::stdout().is_terminal();
                let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                output::say(&text(&examination, terminal && !plain));
            }
            match examination.finding {
                Finding::Proved => ExitCode::SUCCESS,
                Finding::Refuted => ExitCode::from(EXIT_FAILED),
                Finding::CannotBeSeen => ExitCode::from(EXIT_INCONCLUSIVE),
            }
        })
    }
}
