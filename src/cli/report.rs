//! `m365mon report`: a month, or any other time, as Prometheus recorded it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use jiff::tz::TimeZone;
use url::Url;

use super::{EXIT_FAILED, EXIT_USAGE, output, runtime};
use crate::entra::read_secret;
use crate::http::{Network, SimpleClient};
use crate::kinds;
use crate::model::{Clock, HttpSettings, ProxySetting, Secret, SecretSource, time_zone};
use crate::report::{
    AvailabilityReport, Border, Courses, Month, MonthError, Period, Prometheus, PrometheusAccess,
    Renames, ReportTime, SourceError, Terms,
};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// All tables, for people at a terminal
    Text,
    /// One table, its first line the columns
    Csv,
    /// All tables, as docs/schemas/report.json describes them
    Json,
    /// One file that needs nothing else, with a calendar of days
    Html,
}

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportTable {
    /// One row for each resource and location, and for all locations together
    Availability,
    /// One row for each outage
    Outages,
    /// One row for all, for each kind and for each account
    Totals,
}

/// Tell what a month was like: availability and outages, from Prometheus
///
/// For each resource and location, and for all locations together: outages with
/// their reason, availability against Microsoft's commitment of 99.9 % with the
/// credit its agreement names, with and without planned downtime, and the time
/// that nobody watched. Needs a Prometheus that scrapes at least once a minute and
/// keeps that time.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportCommand {
    /// Where Prometheus is, with its path
    #[arg(
        long = "prometheus.url",
        env = "M365MON_PROMETHEUS_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:9090/",
        hide_env_values = true
    )]
    url: Url,
    /// PEM roots to trust for it instead of the system's
    #[arg(
        long = "prometheus.ca-file",
        env = "M365MON_PROMETHEUS_CA_FILE",
        value_name = "FILE",
        hide_env_values = true
    )]
    ca_file: Option<PathBuf>,
    /// Who asks, where Prometheus wants basic authentication
    #[arg(
        long = "prometheus.username",
        env = "M365MON_PROMETHEUS_USERNAME",
        value_name = "NAME",
        requires = "password_file",
        hide_env_values = true
    )]
    username: Option<String>,
    /// The password for it
    #[arg(
        long = "prometheus.password-file",
        env = "M365MON_PROMETHEUS_PASSWORD_FILE",
        value_name = "FILE",
        requires = "username",
        hide_env_values = true
    )]
    password_file: Option<PathBuf>,
    /// A bearer token instead
    #[arg(
        long = "prometheus.bearer-token-file",
        env = "M365MON_PROMETHEUS_BEARER_TOKEN_FILE",
        value_name = "FILE",
        conflicts_with = "username",
        hide_env_values = true
    )]
    bearer_token_file: Option<PathBuf>,
    /// The month as 2026-10, the present one until now; or "last"
    #[arg(long, value_name = "MONTH", value_parser = month, required_unless_present = "from", conflicts_with_all = ["from", "to"])]
    month: Option<ReportTime>,
    /// Instead of a month: from here on, as 2026-10-01 or 2026-10-01T08:30
    #[arg(long, value_name = "TIME")]
    from: Option<Border>,
    /// Until here, which is no part of it any more; else until now
    #[arg(long, value_name = "TIME", requires = "from")]
    to: Option<Border>,
    /// Where months and days begin and in which times are told, as Europe/Berlin
    #[arg(long, value_name = "ZONE", value_parser = zone, default_value = "UTC")]
    timezone: TimeZone,
    /// No percentage where less of the time is known
    #[arg(long, value_name = "PERCENT", default_value = "50", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: u8,
    /// A resource had another name before: both are one (may be repeated)
    #[arg(long, value_name = "OLD=NEW", value_parser = pair)]
    rename: Vec<(String, String)>,
    /// The same for an account
    #[arg(long, value_name = "OLD=NEW", value_parser = pair)]
    rename_account: Vec<(String, String)>,
    /// The same for a location
    #[arg(long, value_name = "OLD=NEW", value_parser = pair)]
    rename_location: Vec<(String, String)>,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Which table, for csv
    #[arg(long, value_name = "TABLE", default_value = "availability")]
    table: ReportTable,
    /// Begin csv with a byte order mark: spreadsheets then read it as UTF-8
    #[arg(long)]
    bom: bool,
}

/// A month or the last one.
fn month(text: &str) -> Result<ReportTime, MonthError> {
    if text == "last" {
        return Ok(ReportTime::LastMonth);
    }
    text.parse::<Month>().map(ReportTime::Month)
}

fn zone(name: &str) -> Result<TimeZone, String> {
    if ["UTC", "Etc/UTC"]
        .iter()
        .any(|utc| utc.eq_ignore_ascii_case(name))
    {
        return Ok(TimeZone::UTC);
    }
    time_zone(name).ok_or_else(|| {
        "no time zone: it must be a name of the IANA database, such as Europe/Berlin".to_owned()
    })
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() && old != new => {
            Ok((old.to_owned(), new.to_owned()))
        }
        _ => Err("it must be two names, OLD=NEW".to_owned()),
    }
}

/// Whether Microsoft's service level covers a kind; one that is not known any more
/// earns nothing.
fn covers(kind: &str) -> bool {
    (kinds::ALL.iter()).any(|info| info.name == kind && info.in_service_level)
}

impl ReportCommand {
    pub(crate) fn run(self) -> ExitCode {
        let wanted = match (self.month, self.from) {
            (_, Some(from)) => ReportTime::Between(from, self.to),
            (wanted, None) => wanted.unwrap_or(ReportTime::LastMonth),
        };
        let period = match Period::new(wanted, self.timezone.clone(), Clock::system().now()) {
            Ok(period) => period,
            Err(error) => {
                output::complain(&error.to_string());
                return ExitCode::from(EXIT_USAGE);
            }
        };
        let prometheus = match self.prometheus() {
            Ok(prometheus) => prometheus,
            Err(error) => {
                output::complain(&format!("{error:#}"));
                return ExitCode::from(EXIT_USAGE);
            }
        };
        runtime::block_on(async {
            let courses = match Box::pin(prometheus.courses(&period)).await {
                Ok(courses) => courses,
                Err(error) => {
                    // A table has its columns even when nothing is in it.
                    if matches!(error, SourceError::Nothing { .. }) && self.format == Format::Csv {
                        output::say(&self.table(&AvailabilityReport::new(
                            &period,
                            BTreeMap::new(),
                            &self.terms(),
                        )));
                    }
                    output::complain(&error.to_string());
                    return ExitCode::from(EXIT_FAILED);
                }
            };
            match self.tell(&period, courses) {
                Ok(text) => {
                    output::say(&text);
                    ExitCode::SUCCESS
                }
                Err(error) => {
                    output::complain(&format!("{error:#}"));
                    ExitCode::from(EXIT_FAILED)
                }
            }
        })
    }

    /// Where the record is, and how to get at it.
    fn prometheus(&self) -> anyhow::Result<Prometheus> {
        let access = match (&self.username, &self.password_file, &self.bearer_token_file) {
            (Some(username), Some(file), _) => PrometheusAccess::Basic {
                username: username.clone(),
                password: secret(file)?,
            },
            (_, _, Some(file)) => PrometheusAccess::Bearer(secret(file)?),
            _ => PrometheusAccess::Open,
        };
        let network = Network::new(&HttpSettings {
            proxy: ProxySetting::Environment,
            own_proxies: Vec::new(),
            ca_file: self.ca_file.clone(),
            user_agent: concat!("m365mon/", env!("CARGO_PKG_VERSION")).into(),
            resolve: BTreeMap::new(),
        })?;
        Ok(Prometheus::new(
            SimpleClient::new(&network)?,
            self.url.clone(),
            &access,
        )?)
    }

    const fn terms(&self) -> Terms {
        Terms {
            min_coverage: self.min_coverage,
            covers,
        }
    }

    fn tell(&self, period: &Period, mut courses: Courses) -> anyhow::Result<String> {
        let renames = Renames {
            resources: self.rename.clone(),
            accounts: self.rename_account.clone(),
            locations: self.rename_location.clone(),
        };
        for old in renames.apply(&mut courses) {
            output::complain(&format!(
                "warning: nothing was recorded under the old name \"{old}\""
            ));
        }
        let report = AvailabilityReport::new(period, courses, &self.terms());
        Ok(match self.format {
            Format::Text => report.text(),
            Format::Json => serde_json::to_string_pretty(&report)?,
            Format::Html => report.html(),
            Format::Csv => self.table(&report),
        })
    }

    /// One table as CSV.
    fn table(&self, report: &AvailabilityReport) -> String {
        let table = match self.table {
            ReportTable::Availability => report.availability_csv(),
            ReportTable::Outages => report.outages_csv(),
            ReportTable::Totals => report.totals_csv(),
        };
        let mark = if self.bom { "\u{feff}" } else { "" };
        format!("{mark}{table}")
    }
}

fn secret(file: &Path) -> anyhow::Result<Secret> {
    read_secret(&SecretSource::File(file.to_owned())).map_err(anyhow::Error::msg)
}
