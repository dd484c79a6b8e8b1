//! The command line: one file per subcommand, wiring only.
//!
//! Exit codes: 0 fine, 1 no, 2 inconclusive, 3 wrong usage or configuration.

mod check_config;
mod completions;
mod config_file;
mod demo;
mod doctor;
mod exporter;
mod flags;
mod hash_password;
mod lifecycle;
mod logging;
mod login;
mod loopback;
mod output;
mod probe;
mod report;
mod runtime;
mod serve;
mod setup;
mod simulate;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

/// The answer is no, or it did not work.
const EXIT_FAILED: u8 = 1;
/// Could not be found out.
const EXIT_INCONCLUSIVE: u8 = 2;
/// Wrong usage or configuration.
const EXIT_USAGE: u8 = 3;

/// `0.1.0 (revision 0123456789ab, rustc 1.95.0)`.
const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (revision ",
    env!("M365MON_BUILD_REVISION"),
    ", rustc ",
    env!("M365MON_RUSTC_VERSION"),
    ")"
);

/// Tells whether Microsoft 365 works from here, how fast, and when access to it runs out
#[derive(Debug, Parser)]
#[command(
    name = "m365mon",
    version = VERSION,
    propagate_version = true,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    /// Run a simulated tenant and the exporter together, with nothing to configure
    Demo(demo::Demo),
    /// Run the simulated tenant alone
    Simulate(simulate::Simulate),
    /// Check a configuration and say what it asks for
    CheckConfig(check_config::CheckConfig),
    /// Probe one resource once and tell the story
    Probe(probe::Probe),
    Report(report::Report),
    Doctor(doctor::Examine),
    Setup(setup::Setup),
    /// Sign in to a delegated account
    Login(login::Login),
    /// Forget the sign-in of a delegated account
    Logout(login::Logout),
    /// List the accounts and what they hold, one line each
    Tokens(login::Tokens),
    HashPassword(hash_password::HashPassword),
    Completions(completions::Completions),
}

/// The whole command line, for its manual page and its tests.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parses the command line and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout with 0, everything else is wrong usage.
            let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
            _ = error.print();
            return ExitCode::from(code);
        }
    };
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Simulate(command) => command.run(),
        Command::CheckConfig(command) => command.run(),
        Command::Probe(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Setup(command) => command.run(),
        Command::Login(command) => command.run(),
        Command::Logout(command) => command.run(),
        Command::Tokens(command) => command.run(),
        Command::HashPassword(command) => command.run(),
        Command::Completions(command) => command.run(),
    }
}
