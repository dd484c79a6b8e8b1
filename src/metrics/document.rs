//! Writes `docs/metrics.md` from the catalogue; a test holds the file against it.

use super::catalogue::{Metric, MetricSubject, Type, catalogue};

const BEFORE: &str = "\
# Metrics

<!-- Written by the test `metrics::the_documentation_is_current`; change `src/metrics/catalogue.rs` or `document.rs`. -->

`/metrics` shows the resources whose `mode` is `background` or `on_scrape`, the accounts and m365mon itself;
`/probe?resource=NAME` answers for one resource. Both come as OpenMetrics 1.0 or as Prometheus text 0.0.4, by
content negotiation, gzipped when asked. The samples are the same; exemplars are in OpenMetrics only.

**Labels.** Series of a resource carry `resource`, `kind`, `account` and the `labels` of the configuration: those of
the process, and the resource's own, which win. All other `m365_` and `m365mon_` series carry the labels of the
process. Names of people never become labels: `resource` and `account` are names from the configuration.

**Fresh or absent.** What a report says is shown as long as the report speaks for its resource: three intervals, at
least five minutes. `m365_resource_up` and `m365_resource_consecutive_failures` follow the last conclusive report
(success or failure). Latency, phases, server latency and health score follow the last success; an inconclusive
report leaves them alone, a failure takes them away. `m365_resource_http_status` and `m365_resource_problem` follow
the last report of any outcome; a throttled resource stays so while its gate is closed. A service that answers with
server errors and says when to come back is left alone from the second in a row, three intervals or ten minutes at
most; what was known stays shown until it is asked again. Counters, histograms, `m365_resource_interval_seconds` and
the timestamps are always there once they began. A resource that was removed from the configuration is gone at the
next scrape.

**What a resource is.** `m365_resource_info` says how it is probed: join on it with
`* on (instance, resource) group_left (host, service) m365_resource_info`. `via` is what the configuration and the
environment say of the way to its host: `proxy` where requests go through one, else `direct`.

**Planned times.** `m365_resource_planned_downtime` has one series for each window of the configuration that is about a
resource: 1 inside a maintenance window, and outside all service hours of the resource, else 0. It is judged when it is
shown. A downtime is planned where `max without (window, type) (m365_resource_planned_downtime) == 1`.

**References.** `m365mon_reference_up` follows the last look at each address, which is every minute, as long as that is
not older than five minutes. References change no outcome.

**Certificates.** `m365_resource_certificate_expiry_timestamp_seconds` and `m365_resource_tls_intercepted` follow the
last chain of certificates that was shown, whatever came of the handshake and after it, as long as a report speaks for
its resource. The second is there for hosts of Microsoft's clouds only; a probe works through such a box on the way,
and measures it too.

**Counting from zero.** Every outcome, every cause of a skipped probe and every service in use start at 0, so that
`increase()` sees the first event. A reason appears with its first occurrence. A reload keeps the counters of every
resource whose name, account and kind stay the same.

**Exemplars.** `m365_resource_probe_duration_seconds` and `m365_resource_probe_problems_total` carry the `request_id`
of a request that Microsoft's support can look up: the service's own id, else the one that we sent.

A join that brings the interval to every resource:
`time() - m365_resource_last_probe_timestamp_seconds > 3 * m365_resource_interval_seconds`.
";

/// The page about every metric, in Markdown.
#[must_use]
pub fn documentation() -> String {
    let mut page = BEFORE.to_owned();
    for (subject, title) in [
        (MetricSubject::Resource, "Resources"),
        (MetricSubject::Account, "Accounts and tokens"),
        (MetricSubject::Exporter, "m365mon itself"),
        (
            MetricSubject::Process,
            "The process, as the operating system sees it",
        ),
        (MetricSubject::Probe, "The answer of `/probe`"),
    ] {
        page.push_str(&format!("\n## {title}\n\n"));
        if subject == MetricSubject::Probe {
            page.push_str(
                "The names that dashboards for the blackbox exporter know, without labels of their own. A resource \
                 whose `mode` is\n`on_probe` brings its metrics from the first table along. The status is 200 whatever \
                 the outcome.\n\n",
            );
        }
        page.push_str("| metric | type | labels besides | meaning |\n|---|---|---|---|\n");
        for metric in catalogue()
            .iter()
            .filter(|metric| metric.subject == subject)
        {
            page.push_str(&row(metric));
        }
    }
    page
}

fn row(metric: &Metric) -> String {
    let names: Vec<String> = metric
        .labels
        .iter()
        .map(|label| format!("`{label}`"))
        .collect();
    let kind = match metric.kind {
        Type::Counter | Type::Gauge => metric.kind.as_str().to_owned(),
        Type::Histogram => "histogram, `le`".to_owned(),
    };
    let (name, labels, help) = (metric.name, names.join(", "), metric.help);
    format!("| `{name}` | {kind} | {labels} | {help} |\n")
}
