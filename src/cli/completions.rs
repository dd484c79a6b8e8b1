//! `m365mon completions SHELL`: completes the command line, with the names of
//! accounts and resources that the configuration has.
//!
//! The shells ask this program for names (`m365mon names`), so that the script
//! need not be made again when the configuration changes.

use std::process::ExitCode;

use clap::ValueEnum;
use clap_complete::Shell;

use super::config_file::ConfigFile;
use super::output;

/// Print a script that completes m365mon's command line
///
/// In bash, zsh and fish it offers the names of accounts and resources as well,
/// from the configuration that --config.file or M365MON_CONFIG_FILE names, else
/// from m365mon.yml in the present folder.
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
        let script = String::from_utf8_lossy(&script);
        output::say(&match self.shell {
            Shell::Bash => script.replace(BASH_REGISTERED, BASH_REGISTERS) + BASH,
            Shell::Zsh => zsh(&script),
            Shell::Fish => script.into_owned() + FISH,
            _ => script.into_owned(),
        });
        ExitCode::SUCCESS
    }
}

/// The names in a configuration, one a line, for the shells.
#[derive(Debug, clap::Args)]
pub(crate) struct NamesCommand {
    /// Of what
    of: NameKind,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum NameKind {
    Accounts,
    Resources,
}

impl NamesCommand {
    /// Prints them.
    pub(crate) fn run(self) -> ExitCode {
        let configuration = match self.file.load_or_complain() {
            Ok(loaded) => loaded.configuration,
            Err(code) => return code,
        };
        let names: Vec<&str> = match self.of {
            NameKind::Accounts => configuration
                .accounts
                .iter()
                .map(|one| &*one.name)
                .collect(),
            NameKind::Resources => configuration
                .resources
                .iter()
                .map(|one| &*one.name)
                .collect(),
        };
        if !names.is_empty() {
            output::say(&names.join("\n"));
        }
        ExitCode::SUCCESS
    }
}

/// The function that the generated script registers, and the one that calls it
/// and then adds names.
const BASH_REGISTERED: &str = "complete -F _m365mon ";
const BASH_REGISTERS: &str = "complete -F _m365mon_with_names ";
const BASH: &str = r#"
_m365mon_with_names() {
    _m365mon "$@"
    local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
    local command="" what="" given=0 place name
    local -a arguments=()
    for ((place = 1; place < COMP_CWORD; place++)); do
        case "${COMP_WORDS[place]}" in
            --config.file)
                [[ ${COMP_WORDS[place+1]} == "=" ]] && ((place++))
                ((place++))
                arguments=(--config.file "${COMP_WORDS[place]}")
                ;;
            -*) ;;
            *) if [[ -z $command ]]; then command="${COMP_WORDS[place]}"; else ((given++)); fi ;;
        esac
    done
    [[ $before == "=" ]] && before="${COMP_WORDS[COMP_CWORD-2]}"
    case "$command:$before" in
        *:--account) what=accounts ;;
        *:--config.file | *:--format | *:--output | *:--slow) ;;
        probe:*) what=resources ;;
        login:* | logout:* | discover:*) ((given)) || what=accounts ;;
    esac
    [[ -z $what || $current == -* ]] && return
    COMPREPLY=()
    while IFS= read -r name; do
        [[ $name == "$current"* ]] && COMPREPLY+=("$(printf %q "$name")")
    done < <("${COMP_WORDS[0]}" names "$what" "${arguments[@]}" 2>/dev/null)
}
"#;

const FISH: &str = r#"
function __fish_m365mon_names
    set -l words (commandline -opc)
    set -l arguments
    if set -l place (contains -i -- --config.file $words)
        set arguments --config.file $words[(math $place + 1)]
    end
    $words[1] names $argv $arguments 2>/dev/null
end
complete -c m365mon -n "__fish_seen_subcommand_from probe" -f -a "(__fish_m365mon_names resources)"
complete -c m365mon -n "__fish_seen_subcommand_from login logout discover" -f -a "(__fish_m365mon_names accounts)"
complete -c m365mon -n "__fish_seen_subcommand_from doctor setup" -l account -x -a "(__fish_m365mon_names accounts)"
"#;

const ZSH: &str = r#"
_m365mon_names() {
    local -a arguments found
    local place=${words[(I)--config.file]}
    (( place > 0 )) && arguments=(--config.file ${words[place+1]})
    found=(${(f)"$(${service:-m365mon} names $1 $arguments 2>/dev/null)"})
    compadd -a found
}
_m365mon_accounts() { _m365mon_names accounts }
_m365mon_resources() { _m365mon_names resources }
"#;

/// Arguments that take names get the functions that know them. The generated
/// script describes an argument as `'…--account=[help]:NAME:_default'` and
/// `':account -- help:_default'`.
fn zsh(script: &str) -> String {
    let mut out = String::with_capacity(script.len() + ZSH.len());
    for (place, line) in script.lines().enumerate() {
        let takes = |marks: &[&str]| marks.iter().any(|mark| line.contains(mark));
        if takes(&["--account=[", "':account -- "]) {
            out.push_str(&line.replace(":_default'", ":_m365mon_accounts'"));
        } else if takes(&["::resources -- "]) {
            out.push_str(&line.replace(":_default'", ":_m365mon_resources'"));
        } else {
            out.push_str(line);
        }
        out.push('\n');
        // Behind `#compdef m365mon`, which must stand first.
        if place == 0 {
            out.push_str(ZSH);
        }
    }
    out
}
