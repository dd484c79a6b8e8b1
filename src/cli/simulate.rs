//! `m365mon simulate`.

/// Not built yet.
#[derive(Debug, clap::Args)]
pub(crate) struct Simulate {}

impl Simulate {
    /// Not built yet.
    pub(crate) fn run(self) -> std::process::ExitCode {
        std::process::ExitCode::from(super::EXIT_USAGE)
    }
}
