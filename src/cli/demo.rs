//! `m365mon demo`.

/// Not built yet.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {}

impl Demo {
    /// Not built yet.
    pub(crate) fn run(self) -> std::process::ExitCode {
        std::process::ExitCode::from(super::EXIT_USAGE)
    }
}
