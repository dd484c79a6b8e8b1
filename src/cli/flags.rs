//! The flags of an exporter, shared by `serve` and `demo`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::logging::{LogFormat, LogLevel};
use super::{EXIT_USAGE, output};
use crate::config::{Label, label};
use crate::model::SystemRandom;
use crate::model::duration;
use crate::scheduler::Shard;
use crate::web::{Access, ExternalUrl, OperatorName, Settings, WebConfig, inherit, is_taken};

/// How the exporter listens and behaves.
#[derive(Debug, Clone, Args)]
pub(crate) struct Flags {
    /// Where to listen; may be repeated (a comma between) [default: port 10365 of 127.0.0.1 and ::1]
    #[arg(
        long = "web.listen-address",
        env = "M365MON_WEB_LISTEN_ADDRESS",
        value_name = "ADDR",
        value_delimiter = ',',
        value_parser = listen_address,
        hide_env_values = true,
        help_heading = "Web"
    )]
    listen_address: Vec<String>,

    /// Listen on the sockets that systemd opened, not on addresses
    #[arg(
        long = "web.systemd-socket",
        env = "M365MON_WEB_SYSTEMD_SOCKET",
        hide_env_values = true,
        help_heading = "Web"
    )]
    systemd_socket: bool,

    #[command(flatten)]
    reached: ReachedAt,

    /// The path of the metrics
    #[arg(
        long = "web.telemetry-path",
        env = "M365MON_WEB_TELEMETRY_PATH",
        value_name = "PATH",
        default_value = "/metrics",
        value_parser = telemetry_path,
        hide_env_values = true,
        help_heading = "Web"
    )]
    telemetry_path: String,

    /// TLS, users and more, as other exporters have it; see docs/web-config.md
    #[arg(
        long = "web.config.file",
        env = "M365MON_WEB_CONFIG_FILE",
        value_name = "PATH",
        hide_env_values = true,
        help_heading = "Web"
    )]
    web_config: Option<PathBuf>,

    /// Answer /-/healthy and /-/ready without asking for a password or a certificate
    #[arg(
        long = "web.health-without-auth",
        env = "M365MON_WEB_HEALTH_WITHOUT_AUTH",
        hide_env_values = true,
        help_heading = "Web"
    )]
    health_without_auth: bool,

    /// Operators: user:NAME or cert:SAN of the web configuration; may be repeated
    #[arg(
        long = "web.operators",
        env = "M365MON_WEB_OPERATORS",
        value_name = "WHO",
        value_delimiter = ',',
        hide_env_values = true,
        help_heading = "Web"
    )]
    operators: Vec<OperatorName>,

    #[command(flatten)]
    operator_key: OperatorFile,

    /// Reports kept for each resource, and problems kept beyond those
    #[arg(
        long = "history.limit",
        env = "M365MON_HISTORY_LIMIT",
        value_name = "N",
        default_value_t = 20,
        value_parser = clap::value_parser!(u16).range(..=1000),
        hide_env_values = true,
        help_heading = "Probes"
    )]
    history_limit: u16,

    /// Time taken off Prometheus' scrape timeout, so that the answer is there in time
    #[arg(
        long = "timeout-offset",
        env = "M365MON_TIMEOUT_OFFSET",
        value_name = "TIME",
        default_value = "500ms",
        value_parser = offset,
        hide_env_values = true,
        help_heading = "Probes"
    )]
    timeout_offset: Duration,

    /// Probe and show only share I of N of the resources: one flag a replica, 1/3 2/3 3/3
    #[arg(
        long = "shard",
        env = "M365MON_SHARD",
        value_name = "I/N",
        default_value = "1/1",
        hide_env_values = true,
        help_heading = "Probes"
    )]
    shard: Shard,

    /// A label for every series of this process, over the file's; may be repeated (a comma between)
    #[arg(
        long = "label",
        env = "M365MON_LABEL",
        value_name = "NAME=VALUE",
        value_delimiter = ',',
        value_parser = label,
        hide_env_values = true,
        help_heading = "Probes"
    )]
    labels: Vec<Label>,

    /// The least important log lines to write
    #[arg(
        long = "log.level",
        env = "M365MON_LOG_LEVEL",
        value_name = "LEVEL",
        default_value = "info",
        hide_env_values = true,
        hide_possible_values = true,
        help_heading = "Log (error, warn, info, debug, trace; to stderr)"
    )]
    log_level: LogLevel,

    /// logfmt or json
    #[arg(
        long = "log.format",
        env = "M365MON_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "logfmt",
        hide_env_values = true,
        hide_possible_values = true,
        help_heading = "Log (error, warn, info, debug, trace; to stderr)"
    )]
    log_format: LogFormat,
}

/// Where the world reaches the exporter; for whoever serves there and for who makes
/// links to it.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReachedAt {
    /// The URL under which the world reaches the exporter; its path is served as well
    #[arg(
        long = "web.external-url",
        env = "M365MON_WEB_EXTERNAL_URL",
        value_name = "URL",
        hide_env_values = true,
        help_heading = "Web"
    )]
    pub(crate) external_url: Option<ExternalUrl>,
}

/// Where the operator key lies; for whoever makes it and for who reads it.
#[derive(Debug, Clone, Args)]
pub(crate) struct OperatorFile {
    /// The operator key; kept if it exists, else made and removed at the end
    #[arg(
        long = "web.operator-file",
        env = "M365MON_WEB_OPERATOR_FILE",
        value_name = "PATH",
        hide_env_values = true,
        help_heading = "Web"
    )]
    pub(crate) operator_file: Option<PathBuf>,
}

/// Where to listen.
#[derive(Debug)]
pub(crate) enum Sockets {
    /// On port 10365 of both addresses that `localhost` may mean.
    Default,
    /// On addresses of our choice.
    At(Vec<String>),
    /// On what a service manager opened.
    Inherited(Vec<std::net::TcpListener>),
}

impl Flags {
    /// Begins to write logs as asked.
    pub(crate) fn start_logging(&self) {
        super::logging::start(self.log_level, self.log_format);
        super::memory::tell();
    }

    /// Reads the web configuration, if there is one; complaints go to stderr.
    /// Blocks for a moment.
    pub(crate) fn access(&self) -> Result<Option<Arc<Access>>, ExitCode> {
        let Some(path) = &self.web_config else {
            return Ok(None);
        };
        let config = WebConfig::load(path, self.health_without_auth).map_err(|complaints| {
            output::complain_of(&complaints);
            ExitCode::from(EXIT_USAGE)
        })?;
        for warning in config.warnings() {
            tracing::warn!("{warning}");
        }
        let random = SystemRandom::new();
        Ok(Some(Access::new(
            path,
            self.health_without_auth,
            config,
            &random,
        )))
    }

    /// Where to listen. Sockets that were passed on are taken over; must then be
    /// called before there are threads.
    pub(crate) fn sockets(&self) -> Result<Sockets, ExitCode> {
        if !self.systemd_socket && self.listen_address.is_empty() {
            return Ok(Sockets::Default);
        }
        if !self.systemd_socket {
            return Ok(Sockets::At(self.listen_address.clone()));
        }
        inherit().map(Sockets::Inherited).map_err(|error| {
            output::complain(&error.to_string());
            ExitCode::from(EXIT_USAGE)
        })
    }

    /// What the pages need of the flags.
    pub(crate) fn settings(&self, tls: bool) -> Settings {
        Settings {
            telemetry_path: self.telemetry_path.clone(),
            external_url: self.reached.external_url.clone(),
            timeout_offset: self.timeout_offset,
            tls,
            operators: self.operators.clone(),
        }
    }

    /// The file that was named for the operator key.
    pub(crate) fn operator_file(&self) -> Option<&Path> {
        self.operator_key.operator_file.as_deref()
    }

    /// Labels of the process beside those of the configuration, over which they win.
    pub(crate) fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// The share of the resources that this process probes.
    pub(crate) fn shard(&self) -> Shard {
        self.shard
    }

    /// The path of the metrics.
    #[cfg(feature = "simulator")]
    pub(crate) fn telemetry_path(&self) -> &str {
        &self.telemetry_path
    }

    /// Entries in each of a resource's two rings.
    pub(crate) fn history_limit(&self) -> usize {
        self.history_limit.into()
    }
}

fn listen_address(text: &str) -> Result<String, String> {
    let (_, port) = text
        .rsplit_once(':')
        .ok_or("it must be HOST:PORT, or :PORT for every address of this machine")?;
    port.parse::<u16>()
        .map_err(|_| format!("\"{port}\" is no port"))?;
    Ok(text.to_owned())
}

fn telemetry_path(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b);
    if !text.starts_with('/') || text.len() < 2 || text.ends_with('/') || !text.bytes().all(plain) {
        return Err("it must be a path like /metrics".into());
    }
    if is_taken(text) {
        return Err("something else is there already".into());
    }
    Ok(text.to_owned())
}

/// `500ms`, or seconds as a decimal number, as other exporters have it.
fn offset(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(60);
    let seconds = || {
        let seconds: f64 = text.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    };
    duration::parse(text)
        .or_else(seconds)
        .filter(|offset| *offset <= LONGEST)
        .ok_or_else(|| "it must be a time of at most a minute, like 500ms or 0.5".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        assert_eq!(offset("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(offset("2"), Ok(Duration::from_secs(2)));
        assert_eq!(offset("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(offset("0"), Ok(Duration::ZERO));
        for bad in ["", "-1", "x", "NaN", "1h", "inf"] {
            assert!(offset(bad).is_err(), "{bad}");
        }
        for good in ["/metrics", "/m365/metrics", "/a"] {
            assert!(telemetry_path(good).is_ok(), "{good}");
        }
        for bad in [
            "metrics",
            "/",
            "/a/",
            "/{x}",
            "/*x",
            "/a?b",
            "/sd",
            "/runbooks",
            "/runbooks/x",
            "/-/healthy",
            "/ä",
        ] {
            assert!(telemetry_path(bad).is_err(), "{bad}");
        }
        for good in ["127.0.0.1:0", "[::1]:10365", ":10365", "localhost:80"] {
            assert!(listen_address(good).is_ok(), "{good}");
        }
        for bad in ["127.0.0.1", "10365", "a:b", "a:99999", ""] {
            assert!(listen_address(bad).is_err(), "{bad}");
        }
    }
}
