//! Every metric there is, in one table: what the collector writes, what
//! `docs/metrics.md` says, and what dashboards and alerts may use.

use std::sync::LazyLock;

use crate::kinds::{Reading, ReadingUnit};

/// What kind of series a metric makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Goes up and down.
    Gauge,
    /// Only grows.
    Counter,
    /// Cumulative buckets, sum and count.
    Histogram,
}

impl Type {
    /// As the TYPE line spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// A base unit; the name ends with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// No unit, or none of those.
    None,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A ratio, 0 to 1.
    Ratio,
}

impl Unit {
    /// The end of the name; empty for [`Unit::None`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Ratio => "ratio",
        }
    }
}

/// What a metric is about, hence which labels it carries beside its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricSubject {
    /// A resource: `resource`, `kind`, `account`, labels of the configuration.
    Resource,
    /// An account: `account`, labels of the configuration for the process.
    Account,
    /// This process: labels of the configuration for the process.
    Exporter,
    /// This process as the operating system sees it: no labels.
    Process,
    /// One answer of `/probe`: no labels.
    Probe,
}

impl MetricSubject {
    /// The labels that every series of this subject carries.
    #[must_use]
    pub const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Resource => &["resource", "kind", "account"],
            Self::Account => &["account"],
            Self::Exporter | Self::Process | Self::Probe => &[],
        }
    }
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The name, of a counter with its `_total`.
    pub name: &'static str,
    /// The type.
    pub kind: Type,
    /// The unit.
    pub unit: Unit,
    /// What it is about.
    pub subject: MetricSubject,
    /// Its labels besides those of the subject.
    pub labels: &'static [&'static str],
    /// HELP: one line, without backslash or quote.
    pub help: &'static str,
}

impl Metric {
    /// The gauge of a reading.
    pub(super) const fn of_reading(reading: &Reading) -> Self {
        Self {
            name: reading.metric,
            kind: Type::Gauge,
            unit: match reading.unit {
                ReadingUnit::None => Unit::None,
                ReadingUnit::Seconds => Unit::Seconds,
                ReadingUnit::Bytes => Unit::Bytes,
            },
            subject: MetricSubject::Resource,
            labels: reading.labels,
            help: reading.help,
        }
    }

    /// The name as OpenMetrics' HELP and TYPE lines give it: without `_total`.
    #[must_use]
    pub fn family(&self) -> &'static str {
        self.name.strip_suffix("_total").unwrap_or(self.name)
    }

    /// The family name without its unit, as the encoder wants it.
    pub(super) fn stem(&self) -> &'static str {
        let family = self.family();
        match self.unit {
            Unit::None => family,
            unit => family
                .strip_suffix(unit.as_str())
                .and_then(|stem| stem.strip_suffix('_'))
                .unwrap_or(family),
        }
    }
}

/// Every metric, in the order of exposition: those of resources, the readings
/// that kinds declare, the rest.
pub fn catalogue() -> &'static [Metric] {
    static ALL: LazyLock<Vec<Metric>> = LazyLock::new(|| {
        let of_resource = |metric: &&Metric| metric.subject == MetricSubject::Resource;
        let readings = crate::kinds::ALL.iter().flat_map(|info| info.readings);
        let mut all: Vec<Metric> = FIXED.iter().filter(of_resource).copied().collect();
        for metric in readings.map(Metric::of_reading) {
            if !all.iter().any(|known| known.name == metric.name) {
                all.push(metric);
            }
        }
        all.extend(FIXED.iter().filter(|metric| !of_resource(metric)));
        all
    });
    &ALL
}

macro_rules! catalogue {
    ($($id:ident: $subject:ident $kind:ident $name:literal $unit:ident [$($label:literal)*] $help:literal;)*) => {
        $(pub(super) const $id: Metric = Metric {
            name: $name,
            kind: Type::$kind,
            unit: Unit::$unit,
            subject: MetricSubject::$subject,
            labels: &[$($label),*],
            help: $help,
        };)*

        /// The metrics that are there whatever the kinds.
        const FIXED: &[Metric] = &[$($id),*];
    };
}

catalogue! {
    RESOURCE_UP: Resource Gauge "m365_resource_up" None []
        "Whether the last conclusive probe succeeded (1) or failed (0); absent when that is too long ago.";
    RESOURCE_LATENCY: Resource Gauge "m365_resource_latency_seconds" Seconds []
        "Duration of the request of the last successful probe, token time excluded; absent after a failure.";
    RESOURCE_PHASE_LATENCY: Resource Gauge "m365_resource_phase_latency_seconds" Seconds ["phase"]
        "The same request in phases, which sum to it; 0 for what a reused connection did not need.";
    RESOURCE_TOKEN_EXPIRY: Resource Gauge "m365_resource_token_expiry_timestamp_seconds" Seconds []
        "The earliest moment from which this resource cannot be probed unless a person acts; absent if there is none.";
    RESOURCE_LAST_PROBE: Resource Gauge "m365_resource_last_probe_timestamp_seconds" Seconds []
        "When the last probe ended; absent before the first.";
    RESOURCE_LAST_SUCCESS: Resource Gauge "m365_resource_last_success_timestamp_seconds" Seconds []
        "When the last successful probe ended; absent before the first.";
    RESOURCE_INTERVAL: Resource Gauge "m365_resource_interval_seconds" Seconds []
        "The configured interval; one series per configured resource, to join on.";
    RESOURCE_TIMEOUT: Resource Gauge "m365_resource_timeout_seconds" Seconds []
        "The configured timeout of the request.";
    RESOURCE_CONSECUTIVE_FAILURES: Resource Gauge "m365_resource_consecutive_failures" None []
        "Failures since the last success; inconclusive probes do not count.";
    RESOURCE_HTTP_STATUS: Resource Gauge "m365_resource_http_status" None []
        "HTTP status of the last probe's answer; absent when there was none.";
    RESOURCE_PROBLEM: Resource Gauge "m365_resource_problem" None ["outcome" "reason"]
        "1, present only while the last probe did not succeed.";
    RESOURCE_PROBES: Resource Counter "m365_resource_probes_total" None ["outcome"]
        "Probes by outcome.";
    RESOURCE_PROBE_PROBLEMS: Resource Counter "m365_resource_probe_problems_total" None ["outcome" "reason"]
        "Probes that did not succeed, by reason; a reason appears with its first occurrence.";
    RESOURCE_PROBE_DURATION: Resource Histogram "m365_resource_probe_duration_seconds" Seconds []
        "Duration of the requests of successful probes, token time excluded.";
    RESOURCE_SERVER_LATENCY: Resource Gauge "m365_resource_server_latency_seconds" Seconds []
        "The service's own figure for the request of the last successful probe, where it gives one.";
    RESOURCE_INFO: Resource Gauge "m365_resource_info" None ["mode" "connection" "via" "host" "service" "impact"]
        "Always 1: how a resource is probed, which host answers, as which of Microsoft's services, and who feels its failure.";
    RESOURCE_PLANNED_DOWNTIME: Resource Gauge "m365_resource_planned_downtime" None ["window" "type"]
        "Whether downtime of now is planned (1): inside a maintenance window, or outside all service hours of the resource; one series per window that is about it.";
    RESOURCE_CERTIFICATE_EXPIRY: Resource Gauge "m365_resource_certificate_expiry_timestamp_seconds" Seconds []
        "The first end in the last chain of certificates that was shown, failed handshakes included.";
    RESOURCE_TLS_INTERCEPTED: Resource Gauge "m365_resource_tls_intercepted" None []
        "Whether the last chain of certificates that a host of Microsoft's showed is trusted here and by no public root (1): somebody on the way opens TLS.";
    RESOURCE_STEP_LATENCY: Resource Gauge "m365_resource_step_latency_seconds" Seconds ["step"]
        "Duration of the last request of each step of the last successful probe, for kinds of several steps; sums to the latency.";
    ACCOUNT_UP: Account Gauge "m365_account_up" None []
        "Whether the last token request succeeded; absent before the first.";
    ACCOUNT_PROBLEM: Account Gauge "m365_account_problem" None ["outcome" "reason"]
        "1, present only while the last token request did not succeed.";
    ACCOUNT_INFO: Account Gauge "m365_account_info" None ["tenant" "cloud" "credential"]
        "Always 1: what an account is.";
    ACCOUNT_SIGN_IN_REQUIRED: Account Gauge "m365_account_sign_in_required" None []
        "Whether only a person can mend the account (1).";
    ACCOUNT_EXCESS_PERMISSIONS: Account Gauge "m365_account_excess_permissions" None []
        "Rights granted beyond need; absent while unknown.";
    ACCOUNT_TENANT_WIDE_PERMISSIONS: Account Gauge "m365_account_tenant_wide_permissions" None []
        "Rights granted that open a whole tenant where a narrower one exists; absent while unknown.";
    ACCESS_TOKEN_EXPIRY: Account Gauge "m365_access_token_expiry_timestamp_seconds" Seconds ["audience"]
        "When the access token now held ends; renewed long before, for debugging.";
    CREDENTIAL_EXPIRY: Account Gauge "m365_credential_expiry_timestamp_seconds" Seconds ["credential"]
        "When a credential ends that only a person can replace; stays once passed.";
    TOKEN_REQUESTS: Account Counter "m365_token_requests_total" None ["outcome"]
        "Token requests by outcome.";
    TOKEN_REQUEST_PROBLEMS: Account Counter "m365_token_request_problems_total" None ["reason" "code"]
        "Token requests that did not succeed, by reason and Entra error number.";
    TOKEN_REQUEST_DURATION: Account Histogram "m365_token_request_duration_seconds" Seconds []
        "Duration of token requests.";
    THROTTLED_RESPONSES: Account Counter "m365_throttled_responses_total" None ["gate"]
        "Answers that asked us to slow down.";
    THROTTLED_UNTIL: Account Gauge "m365_throttled_until_timestamp_seconds" Seconds ["gate"]
        "Until when probes are held back because the service asked for it; present only then.";
    RATE_LIMIT_REMAINING: Account Gauge "m365_rate_limit_remaining_ratio" Ratio ["gate"]
        "What is left of the service's rate limit, where it tells.";
    REFERENCE_UP: Exporter Gauge "m365mon_reference_up" None ["reference"]
        "Whether an address outside Microsoft could be reached when it was last looked at (1); absent before the first look.";
    BUILD_INFO: Exporter Gauge "m365mon_build_info" None ["version" "revision" "rustc_version"]
        "Always 1: what this build is.";
    RELOAD_SUCCESSFUL: Exporter Gauge "m365mon_config_last_reload_successful" None []
        "Whether the configuration was taken when it was last read.";
    RELOAD_SUCCESS_TIMESTAMP: Exporter Gauge "m365mon_config_last_reload_success_timestamp_seconds" Seconds []
        "When a configuration was last taken.";
    CONFIG_RELOADS: Exporter Counter "m365mon_config_reloads_total" None ["result"]
        "Reloads of the configuration or of the web configuration, by what became of them.";
    STORAGE_WRITABLE: Exporter Gauge "m365mon_storage_writable" None []
        "Whether the token store can be written; while it cannot, a sign-in would be lost at the next start. Absent without accounts that a person signs in to.";
    PROBES_IN_FLIGHT: Exporter Gauge "m365mon_probes_in_flight" None []
        "Probes under way.";
    PROBE_START_DELAY: Exporter Histogram "m365mon_probe_start_delay_seconds" Seconds []
        "How late probes start against their schedule.";
    PROBES_SKIPPED: Exporter Counter "m365mon_probes_skipped_total" None ["cause"]
        "Due probes that left no report, by cause.";
    HTTP_REQUESTS: Exporter Counter "m365mon_http_requests_total" None ["handler" "code"]
        "HTTP requests answered, by handler and status code.";
    HTTP_REQUEST_DURATION: Exporter Histogram "m365mon_http_request_duration_seconds" Seconds ["handler"]
        "How long own answers took, from the head of the request to the last byte of the body, by handler.";
    PROCESS_CPU: Process Counter "process_cpu_seconds_total" Seconds []
        "Total user and system CPU time spent in seconds.";
    PROCESS_OPEN_FDS: Process Gauge "process_open_fds" None []
        "Number of open file descriptors.";
    PROCESS_MAX_FDS: Process Gauge "process_max_fds" None []
        "Maximum number of open file descriptors.";
    PROCESS_VIRTUAL_MEMORY: Process Gauge "process_virtual_memory_bytes" Bytes []
        "Virtual memory size in bytes.";
    PROCESS_RESIDENT_MEMORY: Process Gauge "process_resident_memory_bytes" Bytes []
        "Resident memory size in bytes.";
    PROCESS_START_TIME: Process Gauge "process_start_time_seconds" Seconds []
        "Start time of the process since unix epoch in seconds.";
    PROCESS_THREADS: Process Gauge "process_threads" None []
        "Number of threads.";
    PROBE_SUCCESS: Probe Gauge "probe_success" None []
        "Whether the probe succeeded (1) or failed (0); left out when it was inconclusive.";
    PROBE_DURATION: Probe Gauge "probe_duration_seconds" Seconds []
        "How long the probe took, token time included.";
    PROBE_TIMEOUT: Probe Gauge "probe_timeout_seconds" Seconds []
        "How long the probe might have taken.";
    PROBE_HTTP_STATUS_CODE: Probe Gauge "probe_http_status_code" None []
        "HTTP status of the answer; 0 without one.";
    PROBE_HTTP_VERSION: Probe Gauge "probe_http_version" None []
        "Version of HTTP of the answer; 0 without one.";
    PROBE_HTTP_SSL: Probe Gauge "probe_http_ssl" None []
        "Whether the request went over TLS.";
    PROBE_IP_PROTOCOL: Probe Gauge "probe_ip_protocol" None []
        "IP version of the connection, 4 or 6; 0 without one.";
    PROBE_DNS_LOOKUP_TIME: Probe Gauge "probe_dns_lookup_time_seconds" Seconds []
        "Duration of the name resolution.";
    PROBE_HTTP_DURATION: Probe Gauge "probe_http_duration_seconds" Seconds ["phase"]
        "Duration of the request by phase.";
    PROBE_SSL_EARLIEST_CERT_EXPIRY: Probe Gauge "probe_ssl_earliest_cert_expiry" None []
        "When the first of the certificates ends, seconds since 1970.";
    PROBE_TLS_VERSION_INFO: Probe Gauge "probe_tls_version_info" None ["version"]
        "Always 1: the version of TLS.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_help_are_fit_to_print() {
        let mut names = HashSet::new();
        for metric in catalogue() {
            assert!(names.insert(metric.family()), "{} twice", metric.name);
            let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            assert!(metric.name.bytes().all(legal), "{}", metric.name);
            // The encoder does not escape HELP.
            assert!(
                metric
                    .help
                    .bytes()
                    .all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'\\' | b'"')),
                "{}",
                metric.help
            );
            assert!(metric.help.ends_with('.'), "{}", metric.name);
            assert_eq!(
                metric.kind == Type::Counter,
                metric.name.ends_with("_total")
            );
            assert!(
                metric.family().ends_with(metric.unit.as_str()),
                "{}",
                metric.name
            );
            for reserved in ["_sum", "_count", "_bucket", "_created"] {
                assert!(!metric.family().ends_with(reserved), "{}", metric.name);
            }
        }
        assert_eq!(PROCESS_CPU.stem(), "process_cpu");
        assert_eq!(RESOURCE_UP.stem(), "m365_resource_up");
    }
}
