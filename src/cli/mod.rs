//! The command line: one file per subcommand, wiring only.
//!
//! Exit codes: 0 fine, 1 no, 2 inconclusive, 3 wrong usage or configuration.

mod changes;
mod check_config;
mod completions;
mod config_file;
#[cfg(feature = "simulator")]
mod demo;
mod discover;
mod doctor;
mod exporter;
mod flags;
mod hash_password;
mod last_reload;
mod lifecycle;
mod logging;
mod login;
mod loopback;
mod memory;
mod named_files;
mod open;
mod operator_link;
mod output;
mod probe;
mod reload_status;
mod report;
mod route;
mod runtime;
mod serve;
mod setup;
#[cfg(feature = "simulator")]
mod simulate;
mod systemd;
mod terminal;
mod tokens;
mod watch;

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
    Open(open::Open),
    /// Run a simulated tenant and the exporter together, with nothing to configure
    #[cfg(feature = "simulator")]
    Demo(demo::Demo),
    /// Run the simulated tenant alone
    #[cfg(feature = "simulator")]
    Simulate(simulate::Simulate),
    /// Check a configuration and say what it asks for
    CheckConfig(check_config::CheckConfig),
    Probe(probe::Probe),
    Report(report::ReportCommand),
    Discover(discover::Discover),
    Doctor(doctor::Examine),
    Setup(setup::Setup),
    /// Sign in to a delegated account
    Login(login::Login),
    /// Forget the sign-in of a delegated account
    Logout(login::Logout),
    Tokens(tokens::TokensCommand),
    HashPassword(hash_password::HashPassword),
    Completions(completions::Completions),
    #[command(hide = true)]
    Names(completions::NamesCommand),
    /// Print the version, as --version does
    Version,
}

/// The whole command line, for its manual page and its tests.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parses the command line and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    memory::protect();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout with 0, everything else is wrong usage.
            let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
            _ = error.print();
            return ExitCode::from(code);
        }
    };
    output::exit_code(match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(command) => command.run(),
        Command::Open(command) => command.run(),
        #[cfg(feature = "simulator")]
        Command::Demo(command) => command.run(),
        #[cfg(feature = "simulator")]
        Command::Simulate(command) => command.run(),
        Command::CheckConfig(command) => command.run(),
        Command::Probe(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Discover(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Setup(command) => command.run(),
        Command::Login(command) => command.run(),
        Command::Logout(command) => command.run(),
        Command::Tokens(command) => command.run(),
        Command::HashPassword(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Names(command) => command.run(),
        Command::Version => {
            output::say(&format!("m365mon {VERSION}"));
            ExitCode::SUCCESS
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Own flags of a command, without those that clap adds.
    fn flags(command: &clap::Command) -> impl Iterator<Item = &clap::Arg> {
        command
            .get_arguments()
            .filter(|flag| !matches!(flag.get_id().as_str(), "help" | "version"))
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_has_its_twin_in_the_environment() {
        let command = command();
        let serve = command.find_subcommand("serve").unwrap();
        let all = flags(&command).chain(flags(serve)).chain(
            // Of the others, what would be the same on every call.
            command
                .get_subcommands()
                .flat_map(flags)
                .filter(|flag| flag.get_long().is_some_and(|long| long.contains('.'))),
        );
        let mut seen = 0;
        for flag in all {
            let long = flag.get_long().unwrap();
            let twin = format!("M365MON_{}", long.replace(['.', '-'], "_").to_uppercase());
            let found = flag.get_env().and_then(|name| name.to_str());
            assert_eq!(found, Some(&*twin), "--{long}");
            assert!(
                flag.is_hide_env_values_set(),
                "--{long}: its value may be a secret"
            );
            seen += 1;
        }
        assert!(seen > 30);
    }

    /// The scripts of shells put it between quotes without a look at it.
    #[test]
    fn help_of_values_breaks_no_script_of_a_shell() {
        let command = command();
        let flags = command.get_subcommands().flat_map(flags);
        for flag in flags.chain(self::flags(&command)) {
            for value in flag.get_possible_values() {
                let help = value
                    .get_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert!(
                    !help.contains(['"', '`', '\'', '$']),
                    "{}: {help}",
                    flag.get_id()
                );
            }
        }
    }

    #[test]
    fn help_is_short_and_in_groups() {
        for flag in flags(command().find_subcommand("serve").unwrap()) {
            let long = flag.get_long().unwrap();
            let group = flag.get_help_heading().unwrap_or("Options");
            let expected = match long.split('.').next().unwrap() {
                "config" => "Options",
                "web" => "Web",
                "log" => "Log",
                _ => "Probes",
            };
            assert!(group.starts_with(expected), "--{long} is under {group}");
            let help = flag.get_help().unwrap().to_string();
            assert!(help.len() <= 110, "--{long}: {help}");
            assert!(!help.ends_with('.'), "--{long}: {help}");
        }
    }
}
