//! `m365mon doctor`: step by step, what works and what mends the rest.

use std::process::ExitCode;
use std::sync::Arc;

use super::config_file::{ConfigFile, chosen};
use super::logging::{self, LogFormat, LogLevel};
use super::output::{self, OutputFormat};
use super::terminal::{self, Screen};
use super::{EXIT_FAILED, EXIT_INCONCLUSIVE, EXIT_USAGE, runtime};
use crate::doctor::{Doctor, Finding, TextStyle, json, text};
use crate::entra::TokenStore;
use crate::model::{Clock, Random, SignIn, SystemRandom};

/// Examine every account and resource step by step and say what mends it
///
/// Each step is proved, refuted, or cannot be seen from here. Exits with 0 if
/// all is proved, 1 if something is refuted, 2 if something only cannot be
/// seen, 3 for a wrong usage or configuration. Sends what a probe would send;
/// what writes is named before it does. On a terminal it says meanwhile how far
/// it is.
#[derive(Debug, clap::Args)]
pub(crate) struct Examine {
    /// Only this account, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    account: Option<String>,

    /// How to tell it
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: OutputFormat,

    /// The same as --format json
    #[arg(long, hide = true, conflicts_with = "format")]
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
        let mut accounts = match chosen(&configuration.accounts, self.account.as_deref()) {
            Ok(accounts) => accounts,
            Err(code) => return code,
        };
        if self.account.is_none() {
            // What needs no account is examined, too.
            let all = configuration.resources.iter().map(|one| &one.account);
            let nobody = all
                .into_iter()
                .find(|one| matches!(one.sign_in, SignIn::Nobody));
            accounts.extend(nobody);
        }
        let examined = configuration.resources.iter().filter(|resource| {
            let mut these = accounts.iter();
            these.any(|account| account.name == resource.account.name)
        });
        output::announce_writes(examined);
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
            let watcher = terminal::watcher();
            let examination = doctor.examine_all(&accounts, &*watcher).await;
            drop(watcher);
            if self.json || self.format == OutputFormat::Json {
                output::say(&json(&examination));
            } else {
                let Screen { colours, width } = Screen::of_stdout();
                output::say(&text(&examination, TextStyle { colours, width }));
            }
            match examination.finding {
                Finding::Proved => ExitCode::SUCCESS,
                Finding::Refuted => ExitCode::from(EXIT_FAILED),
                Finding::CannotBeSeen => ExitCode::from(EXIT_INCONCLUSIVE),
            }
        })
    }
}
