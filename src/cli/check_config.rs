//! `m365mon check-config`.

/// Not built yet.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckConfig {}

impl CheckConfig {
    /// Not built yet.
    pub(crate) fn run(self) -> std::process::ExitCode {
        std::process::ExitCode::from(super::EXIT_USAGE)
    }
}
