//! `m365mon serve`.

/// Not built yet.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {}

impl Serve {
    /// Not built yet.
    pub(crate) fn run(self) -> std::process::ExitCode {
        std::process::ExitCode::from(super::EXIT_USAGE)
    }
}
