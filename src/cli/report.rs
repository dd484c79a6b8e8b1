//! `m365mon report`: a month as Prometheus recorded it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use url::Url;

use super::{EXIT_FAILED, EXIT_USAGE, output, runtime};
use crate::http::{Network, PlainClient};
use crate::model::{Clock, HttpSettings, ProxySetting};
use crate::report::{Month, Period, Prometheus, Report as Tables};

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
enum Table {
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
pub(crate) struct Report {
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
    #[arg(long = "prometheus.ca-file", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The month, in UTC, as 2026-10; the present one until now
    #[arg(long, value_name = "MONTH")]
    month: Month,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Which table, for csv
    #[arg(long, value_name = "TABLE", default_value = "availability")]
    table: Table,
}

impl Report {
    pub(crate) fn run(self) -> ExitCode {
        let Some(period) = self.month.until(Clock::system().now()) else {
            output::complain(&format!("{} has not begun", self.month));
            return ExitCode::from(EXIT_USAGE);
        };
        runtime::block_on(async {
            match Box::pin(self.tell(period)).await {
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

    async fn tell(self, period: Period) -> anyhow::Result<String> {
        let network = Network::new(&HttpSettings {
            proxy: ProxySetting::Environment,
            ca_file: self.ca_file,
            user_agent: concat!("m365mon/", env!("CARGO_PKG_VERSION")).into(),
            resolve: BTreeMap::new(),
        })?;
        let prometheus = Prometheus::new(PlainClient::new(&network)?, self.url)?;
        let courses = prometheus.courses(period).await?;
        let tables = Tables::new(self.month, period, &courses);
        Ok(match (self.format, self.table) {
            (Format::Text, _) => tables.text(),
            (Format::Json, _) => serde_json::to_string_pretty(&tables)?,
            (Format::Csv, Table::Availability) => tables.availability_csv(),
            (Format::Csv, Table::Outages) => tables.outages_csv(),
        })
    }
}
