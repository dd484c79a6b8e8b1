//! `m365mon report`: a month as Prometheus recorded it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use url::Url;

use super::{EXIT_FAILED, EXIT_USAGE, output, runtime};
use crate::entra::read_secret;
use crate::http::{Network, SimpleClient};
use crate::model::{Clock, HttpSettings, ProxySetting, Secret, SecretSource};
use crate::report::{Access, Month, Period, Prometheus, Report};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Both tables, for people
    Text,
    /// One table, its first line the columns
    Csv,
    /// Both tables
    Json,
}

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportTable {
    /// One row for each resource and location
    Availability,
    /// One row for each outage
    Outages,
}

/// Tell what a month was like: availability and outages, from Prometheus
///
/// For each resource and location: outages with their reason, availability
/// against Microsoft's commitment of 99.9 % with the credit its agreement names,
/// and the minutes that nobody watched. Needs a Prometheus that scrapes at least
/// once a minute and keeps the month.
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
    /// The month, in UTC, as 2026-10; the present one until now
    #[arg(long, value_name = "MONTH")]
    month: Month,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Which table, for csv
    #[arg(long, value_name = "TABLE", default_value = "availability")]
    table: ReportTable,
}

impl ReportCommand {
    pub(crate) fn run(self) -> ExitCode {
        let Some(period) = self.month.until(Clock::system().now()) else {
            output::complain(&format!("{} has not begun", self.month));
            return ExitCode::from(EXIT_USAGE);
        };
        let prometheus = match self.prometheus() {
            Ok(prometheus) => prometheus,
            Err(error) => {
                output::complain(&format!("{error:#}"));
                return ExitCode::from(EXIT_USAGE);
            }
        };
        runtime::block_on(async {
            match Box::pin(self.tell(period, &prometheus)).await {
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
            (Some(username), Some(file), _) => Access::Basic {
                username: username.clone(),
                password: secret(file)?,
            },
            (_, _, Some(file)) => Access::Bearer(secret(file)?),
            _ => Access::Open,
        };
        let network = Network::new(&HttpSettings {
            proxy: ProxySetting::Environment,
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

    async fn tell(self, period: Period, prometheus: &Prometheus) -> anyhow::Result<String> {
        let courses = prometheus.courses(period).await?;
        let tables = Report::new(self.month, period, &courses);
        Ok(match (self.format, self.table) {
            (Format::Text, _) => tables.text(),
            (Format::Json, _) => serde_json::to_string_pretty(&tables)?,
            (Format::Csv, ReportTable::Availability) => tables.availability_csv(),
            (Format::Csv, ReportTable::Outages) => tables.outages_csv(),
        })
    }
}

fn secret(file: &Path) -> anyhow::Result<Secret> {
    read_secret(&SecretSource::File(file.to_owned())).map_err(anyhow::Error::msg)
}
