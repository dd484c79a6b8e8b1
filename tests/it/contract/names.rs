//! Which series there are, and that dashboards and rules name these and no
//! others, and leave none out.

use std::collections::{BTreeMap, BTreeSet};

use m365mon::metrics::{Metric, Type, catalogue};

use super::queries::{self, Query};

/// A metric of the catalogue and the series that it makes.
fn series(metric: &Metric) -> Vec<(String, BTreeSet<&'static str>)> {
    // Every target has these; `location` is the label that our examples give a
    // place in the configuration.
    let mut labels: BTreeSet<&str> = ["job", "instance", "location"].into();
    labels.extend(metric.subject.labels());
    labels.extend(metric.labels);
    if metric.kind == Type::Histogram {
        let mut buckets = labels.clone();
        buckets.insert("le");
        vec![
            (format!("{}_bucket", metric.name), buckets),
            (format!("{}_sum", metric.name), labels.clone()),
            (format!("{}_count", metric.name), labels),
        ]
    } else {
        vec![(metric.name.to_owned(), labels)]
    }
}

/// What Prometheus itself knows of a target, of its rules and of its alerts.
const PROMETHEUS_OWN: [(&str, &[&str]); 9] = [
    ("up", &[]),
    ("scrape_duration_seconds", &[]),
    ("scrape_samples_scraped", &[]),
    ("ALERTS", &["alertname", "alertstate", "severity"]),
    ("ALERTS_FOR_STATE", &["alertname", "severity"]),
    ("prometheus_rule_evaluation_failures_total", &["rule_group"]),
    (
        "prometheus_rule_group_iterations_missed_total",
        &["rule_group"],
    ),
    ("prometheus_notifications_errors_total", &["alertmanager"]),
    ("prometheus_notifications_dropped_total", &["alertmanager"]),
];

/// The one metric that nobody should look at: below 4 SharePoint draws it by lot.
const BY_LOT: &str = "m365_sharepoint_health_score";

/// Every series by name, with its labels: of the catalogue and Prometheus' own.
pub(crate) fn known_series() -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut known: BTreeMap<String, BTreeSet<&str>> = catalogue().iter().flat_map(series).collect();
    for (name, labels) in PROMETHEUS_OWN {
        let own = known.entry(name.to_owned()).or_default();
        own.extend(["job", "instance"].iter().chain(labels));
    }
    known
}

#[test]
fn queries_name_only_what_there_is_and_leave_nothing_out() {
    let queries: Vec<Query> = [queries::of_dashboards(), queries::of_rules()].concat();
    assert!(queries.len() > 100, "found only {} queries", queries.len());
    let mut known = known_series();
    let records: Vec<String> = (queries.iter())
        .filter_map(|query| query.records.clone())
        .collect();
    let any: BTreeSet<&str> = known.values().flatten().copied().collect();
    for name in records {
        // A record keeps what its expression does not aggregate away; `owner` is made there.
        let mut labels = any.clone();
        labels.insert("owner");
        known.insert(name, labels);
    }
    let any: BTreeSet<&str> = known.values().flatten().copied().collect();
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for query in &queries {
        let names = queries::names(&query.expr);
        // What is shown must come out of one of the metrics of the query.
        let mut possible: BTreeSet<&str> = BTreeSet::new();
        for (metric, labels) in &names.metrics {
            let Some(its) = known.get(metric) else {
                wrong.push(format!("{}: there is no {metric}", query.place));
                continue;
            };
            possible.extend(its);
            for label in labels.iter().filter(|label| !its.contains(&***label)) {
                wrong.push(format!("{}: {metric} has no label {label}", query.place));
            }
        }
        for label in &names.labels {
            if !any.contains(&**label) {
                wrong.push(format!("{}: there is no label {label}", query.place));
            }
        }
        for label in query
            .shown
            .iter()
            .filter(|label| !possible.contains(&***label))
        {
            wrong.push(format!("{} shows {label}, which it has not", query.place));
        }
        used.extend(names.metrics.into_keys());
    }
    for metric in catalogue() {
        let shown = series(metric).iter().any(|(name, _)| used.contains(name));
        if shown == (metric.name == BY_LOT) {
            wrong.push(format!("{} is on no panel and in no rule", metric.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
