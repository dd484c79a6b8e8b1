//! `m365mon check-config`: everything that is wrong with a configuration, or
//! what it asks for.

mod json;
mod planned;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::config_file::ConfigFile;
use super::output::OutputFormat;
use super::{EXIT_USAGE, named_files, output};
use crate::config::{Diagnostic, SourcePlace, quota, shown_name};
use crate::kinds::{Configuration, Grant};
use crate::model::duration;
use crate::model::{AppCredential, Clock, Timestamp};
use crate::web::WebConfig;

/// Check a configuration and say what it asks for
///
/// Opens the files that it names as the exporter would, and sends nothing. Shows
/// every complaint with its line and column on stderr and exits with 3; or says
/// what the file asks for and exits with 0, warnings on stderr.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckConfig {
    /// The configuration, in place of --config.file; - reads it from stdin
    #[arg(value_name = "FILE")]
    named: Option<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
    /// TLS and users to check as well
    #[arg(
        long = "web.config.file",
        env = "M365MON_WEB_CONFIG_FILE",
        value_name = "PATH",
        hide_env_values = true
    )]
    web: Option<PathBuf>,
    /// How to tell it; json tells everything in one document on stdout
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: OutputFormat,
}

impl CheckConfig {
    /// Sends nothing.
    pub(crate) fn run(mut self) -> ExitCode {
        if let Some(path) = self.named.take() {
            self.file.path = path;
        }
        if self.format == OutputFormat::Json {
            return self.tell_as_json();
        }
        // Both, so that what is wrong with either is seen at once.
        let (loaded, web) = (self.file.load_or_complain(), self.check_web());
        let loaded = match (loaded, web) {
            (Ok(loaded), Ok(())) => loaded,
            (Err(code), _) | (_, Err(code)) => return code,
        };
        let file = shown_name(&self.file.path);
        let found = named_files::check(&self.file.path, &loaded);
        output::warn(&loaded.warnings);
        output::warn(&found.warnings);
        let wrong: Vec<Diagnostic> = found.network.into_iter().chain(found.accounts).collect();
        if !wrong.is_empty() {
            output::complain_of(&wrong);
            return ExitCode::from(EXIT_USAGE);
        }
        let now = Clock::system().now();
        for name in ended(&loaded.configuration, now) {
            output::complain(&format!("{file}: warning: {}", secret_ended(name)));
        }
        let but = match found.absent {
            0 => String::new(),
            1 => ", but for a file that it names and that is not there yet".to_owned(),
            more => format!(", but for {more} files that it names and that are not there yet"),
        };
        output::say(&format!(
            "{file} is fine{but}\n{}",
            summary(&loaded.configuration, now)
        ));
        ExitCode::SUCCESS
    }

    /// The same as one document.
    fn tell_as_json(&self) -> ExitCode {
        let (mut complaints, mut warnings) = (Vec::new(), Vec::new());
        if let Some(path) = &self.web {
            match WebConfig::load(path, false) {
                Ok(web) => warnings.extend_from_slice(web.warnings()),
                Err(found) => complaints.extend(found),
            }
        }
        let loaded = self.file.load();
        match &loaded {
            Ok(loaded) => {
                let found = named_files::check(&self.file.path, loaded);
                warnings.extend_from_slice(&loaded.warnings);
                warnings.extend(found.warnings);
                complaints.extend(found.network.into_iter().chain(found.accounts));
                let whole = SourcePlace::whole(&self.file.path);
                let now = Clock::system().now();
                let over = ended(&loaded.configuration, now).into_iter();
                warnings.extend(over.map(|name| whole.diagnostic(secret_ended(name))));
            }
            Err(errors) => complaints.extend_from_slice(errors.diagnostics()),
        }
        let configuration = loaded.as_ref().ok().map(|loaded| &loaded.configuration);
        let now = Clock::system().now();
        let document = json::CheckDocument::of(
            Path::new(&shown_name(&self.file.path)),
            &complaints,
            &warnings,
            configuration,
            now,
        );
        output::say(&output::json(&document));
        if complaints.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(EXIT_USAGE)
        }
    }

    fn check_web(&self) -> Result<(), ExitCode> {
        let Some(path) = &self.web else {
            return Ok(());
        };
        match WebConfig::load(path, false) {
            Ok(web) => {
                output::warn(web.warnings());
                output::say(&format!("{} is fine", path.display()));
                Ok(())
            }
            Err(complaints) => {
                output::complain_of(&complaints);
                Err(ExitCode::from(EXIT_USAGE))
            }
        }
    }
}

fn secret_ended(name: &str) -> String {
    format!("the client secret of \"{name}\" has ended, if \"expires\" is right")
}

/// Accounts whose secret was over before `now`.
fn ended(configuration: &Configuration, now: Timestamp) -> Vec<&str> {
    configuration
        .accounts
        .iter()
        .filter(|account| {
            let app = account.app_credential();
            matches!(app, Some(AppCredential::ClientSecret { expires: Some(end), .. }) if *end <= now)
        })
        .map(|account| &*account.name)
        .collect()
}

/// What was found, for people.
fn summary(configuration: &Configuration, now: Timestamp) -> String {
    let mut text = String::new();
    _ = writeln!(text, "{}", count(configuration.accounts.len(), "account"));
    for account in &configuration.accounts {
        let tenant = account
            .tenant
            .as_ref()
            .map_or("the tenant of this machine", |tenant| tenant.as_str());
        _ = writeln!(
            text,
            "  {}: {}, {tenant}, cloud {}",
            account.name,
            account.credential_label(),
            account.cloud.as_str()
        );
    }
    _ = writeln!(text, "{}", count(configuration.resources.len(), "resource"));
    let mut groups: BTreeMap<(&str, &str), (usize, f64)> = BTreeMap::new();
    for resource in &configuration.resources {
        let key = (resource.kind.as_str(), resource.mode.as_str());
        let (number, calls) = groups.entry(key).or_default();
        *number += 1;
        *calls += quota::calls_of(resource);
    }
    for ((kind, mode), (number, calls)) in groups {
        _ = writeln!(
            text,
            "  {number} {kind}, {mode}: {} a minute",
            count_calls(calls)
        );
    }
    if let (Some(shortest), Some(longest)) = (
        configuration.resources.iter().map(|r| r.interval).min(),
        configuration.resources.iter().map(|r| r.interval).max(),
    ) {
        let intervals = if shortest == longest {
            format!("every {}", duration::format(shortest))
        } else {
            format!(
                "every {} to {}",
                duration::format(shortest),
                duration::format(longest)
            )
        };
        let calls = count_calls(quota::calls_a_minute(configuration));
        _ = writeln!(text, "{calls} a minute, {intervals}");
    }
    shares(&mut text, configuration);
    for mails in quota::mails(configuration) {
        _ = writeln!(text, "{}", mails.describe());
    }
    for needed in left_behind(configuration) {
        _ = writeln!(text, "{needed}");
    }
    text.push_str(&planned::told(configuration, now));
    text
}

/// What clears away what probes leave where they may not remove it themselves.
fn left_behind(configuration: &Configuration) -> BTreeSet<String> {
    let writing = configuration
        .resources
        .iter()
        .filter(|resource| resource.kind.info().writes);
    writing
        .flat_map(|resource| resource.kind.grants(&resource.account))
        .filter_map(|grant| match grant {
            Grant::ByHand(what) => Some(what.into_owned()),
            _ => None,
        })
        .collect()
}

/// What each application takes of Microsoft's quota.
fn shares(text: &mut String, configuration: &Configuration) {
    let shares = quota::shares(configuration);
    let mut shares = shares
        .iter()
        .filter(|share| share.calls_a_minute > 0.0)
        .peekable();
    if shares.peek().is_none() {
        return;
    }
    text.push_str("share of Microsoft's SharePoint quota, by the smallest (up to 1,000 licences; a list call takes 2 units)\n");
    for share in shares {
        _ = writeln!(
            text,
            "  {} {} {} ({}): {} a minute, {}",
            share.cloud,
            share.tenant.as_deref().unwrap_or("this machine's tenant"),
            share
                .client_id
                .as_deref()
                .unwrap_or("this machine's identity"),
            share.accounts.join(", "),
            count_calls(share.calls_a_minute),
            if share.units_a_minute > 0.0 {
                share.describe()
            } else {
                "none of it for SharePoint".to_owned()
            }
        );
    }
}

fn count(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}

fn count_calls(calls: f64) -> String {
    let number = quota::short(calls);
    let s = if number == "1" { "" } else { "s" };
    format!("{number} call{s}")
}
