//! `m365mon probe`.

/// Not built yet.
#[derive(Debug, clap::Args)]
pub(crate) struct Probe {}

impl Probe {
    /// Not built yet.
    pub(crate) fn run(self) -> std::process::ExitCode {
        std::process::ExitCode::from(super::EXIT_USAGE)
    }
}
