//! `--config.file`, for every command that needs the configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::output;
use crate::config::{self, ConfigErrors, Label, Loaded, ProcessEnvironment, suggest};
use crate::kinds::Resource;
use crate::model::Account;

/// Which configuration.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ConfigFile {
    /// The configuration; - reads it from stdin
    #[arg(
        long = "config.file",
        env = "M365MON_CONFIG_FILE",
        value_name = "PATH",
        default_value = "m365mon.yml",
        hide_env_values = true
    )]
    pub(crate) path: PathBuf,
}

impl ConfigFile {
    /// True if it comes from stdin, and hence only once.
    pub(crate) fn is_stdin(&self) -> bool {
        self.path == Path::new(config::STDIN)
    }

    /// Reads and checks it.
    pub(crate) fn load(&self) -> Result<Loaded, ConfigErrors> {
        self.load_with(&[])
    }

    /// The same with labels of the process that win over those of the file.
    pub(crate) fn load_with(&self, labels: &[Label]) -> Result<Loaded, ConfigErrors> {
        config::load_with(&self.path, labels, &ProcessEnvironment)
    }

    /// Reads and checks it; shows every complaint on stderr and gives the exit
    /// code if it was refused. Warnings are left to the caller.
    pub(crate) fn load_or_complain(&self) -> Result<Loaded, ExitCode> {
        self.load_or_complain_with(&[])
    }

    /// The same with labels of the process that win over those of the file.
    pub(crate) fn load_or_complain_with(&self, labels: &[Label]) -> Result<Loaded, ExitCode> {
        self.load_with(labels).map_err(|errors| {
            output::complain(&errors.to_string());
            ExitCode::from(super::EXIT_USAGE)
        })
    }
}

/// The account of this name, or all of them; complains if there is none.
pub(crate) fn chosen<'a>(
    accounts: &'a [Arc<Account>],
    name: Option<&str>,
) -> Result<Vec<&'a Arc<Account>>, ExitCode> {
    name.map_or_else(
        || Ok(accounts.iter().collect()),
        |name| Ok(vec![account(accounts, name)?]),
    )
}

/// The account of this name; complains if there is none.
pub(crate) fn account<'a>(
    accounts: &'a [Arc<Account>],
    name: &str,
) -> Result<&'a Arc<Account>, ExitCode> {
    named(accounts, |account| &account.name, "account", name).map_err(|complaint| {
        output::complain(&complaint);
        ExitCode::from(super::EXIT_USAGE)
    })
}

/// The resource of this name; says what there is if there is none.
pub(crate) fn find_resource<'a>(
    resources: &'a [Arc<Resource>],
    name: &str,
) -> Result<&'a Arc<Resource>, String> {
    named(resources, |resource| &resource.name, "resource", name)
}

/// What has this name; says which names there are if nothing has.
fn named<'a, T>(
    all: &'a [Arc<T>],
    name_of: impl Fn(&T) -> &str,
    what: &str,
    name: &str,
) -> Result<&'a Arc<T>, String> {
    all.iter().find(|one| name_of(one) == name).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|one| name_of(one)).collect();
        unknown(what, name, &names)
    })
}

/// As many names as a person likes to read.
const MOST_NAMES: usize = 20;

fn unknown(what: &str, name: &str, names: &[&str]) -> String {
    let meant = suggest(name, names.iter().copied());
    let there_is = match names {
        _ if !meant.is_empty() => meant,
        [] => "; the configuration has none".to_owned(),
        _ if names.len() <= MOST_NAMES => format!("; there is: {}", names.join(", ")),
        _ => {
            let (some, more) = names.split_at(MOST_NAMES);
            format!("; there is: {} and {} more", some.join(", "), more.len())
        }
    };
    format!("there is no {what} \"{name}\"{there_is}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        assert_eq!(
            unknown("account", "contso", &["app", "contoso"]),
            "there is no account \"contso\", did you mean \"contoso\"?"
        );
        assert_eq!(
            unknown("account", "x", &["app", "contoso"]),
            "there is no account \"x\"; there is: app, contoso"
        );
        assert_eq!(
            unknown("account", "x", &[]),
            "there is no account \"x\"; the configuration has none"
        );
        let many = unknown("resource", "x", &["long"; 23]);
        assert!(many.ends_with(", long and 3 more"), "{many}");
    }
}
