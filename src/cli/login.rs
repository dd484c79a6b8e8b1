//! `m365mon login`.

/// Not built yet.
#[derive(Debug, clap::Args)]
pub(crate) struct Login {}

impl Login {
    /// Not built yet.
    pub(crate) fn run(self) -> std::process::ExitCode {
        std::process::ExitCode::from(super::EXIT_USAGE)
    }
}

/// Not built yet.
#[derive(Debug, clap::Args)]
pub(crate) struct Logout {}

impl Logout {
    /// Not built yet.
    pub(crate) fn run(self) -> std::process::ExitCode {
        std::process::ExitCode::from(super::EXIT_USAGE)
    }
}

/// Not built yet.
#[derive(Debug, clap::Args)]
pub(crate) struct Tokens {}

impl Tokens {
    /// Not built yet.
    pub(crate) fn run(self) -> std::process::ExitCode {
        std::process::ExitCode::from(super::EXIT_USAGE)
    }
}
