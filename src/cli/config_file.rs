//! `--config.file`, for every command that needs the configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use super::output;
use crate::config::{self, ConfigErrors, Loaded, ProcessEnvironment};

/// Which configuration.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ConfigFile {
    /// The configuration
    #[arg(
        long = "config.file",
        env = "M365MON_CONFIG_FILE",
        value_name = "PATH",
        default_value = "m365mon.yml",
        hide_env_values = true
    )]
    pub(crate) path: PathBuf,
}

impl ConfigFile {
    /// Reads and checks it.
    pub(crate) fn load(&self) -> Result<Loaded, ConfigErrors> {
        config::load(&self.path, &ProcessEnvironment)
    }

    /// Reads and checks it; shows every complaint on stderr and gives the exit
    /// code if it was refused. Warnings are left to the caller.
    pub(crate) fn load_or_complain(&self) -> Result<Loaded, ExitCode> {
        self.load().map_err(|errors| {
            output::complain(&errors.to_string());
            ExitCode::from(super::EXIT_USAGE)
        })
    }
}
