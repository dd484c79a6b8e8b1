//! `m365mon completions SHELL`: completes the command line.

use std::process::ExitCode;

use clap_complete::Shell;

use super::output;

/// Print a script that completes m365mon's command line
#[derive(Debug, clap::Args)]
#[command(after_help = "\
bash:  m365mon completions bash > /etc/bash_completion.d/m365mon
zsh:   m365mon completions zsh > /usr/local/share/zsh/site-functions/_m365mon
fish:  m365mon completions fish > ~/.config/fish/completions/m365mon.fish")]
pub(crate) struct Completions {
    /// bash, zsh, fish, elvish or powershell
    #[arg(hide_possible_values = true)]
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub(crate) fn run(self) -> ExitCode {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "m365mon", &mut script);
        output::say(&String::from_utf8_lossy(&script));
        ExitCode::SUCCESS
    }
}
