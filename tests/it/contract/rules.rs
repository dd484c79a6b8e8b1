//! Rules, dashboards and Alertmanager's configuration, held by the programs
//! that read them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use m365mon::metrics::{Metric, Type, catalogue};

use crate::contract::queries::{self, Query};

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap_or_else(|error| {
            panic!("{program} is needed by the tests (scripts/test installs it): {error}")
        })
}

fn succeeds(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{program} {arguments:?}:\n{text}");
    text
}

fn files(folder: &str, ending: &str) -> Vec<String> {
    let mut found: Vec<String> =
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(ending))
            .map(|name| format!("{folder}/{name}"))
            .collect();
    found.sort();
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

#[test]
fn rules_are_valid() {
    for file in files("alerts", ".yml")
        .iter()
        .filter(|f| !f.ends_with("alertmanager.yml"))
    {
        succeeds("promtool", &["check", "rules", file]);
    }
    for example in ["prometheus", "sharding"] {
        let file = format!("examples/{example}/prometheus.yml");
        succeeds("promtool", &["check", "config", &file]);
    }
}

#[test]
fn alerts_fire_when_they_should_and_only_then() {
    succeeds(
        "promtool",
        &["test", "rules", "alerts/tests/alerts.test.yml"],
    );
}

#[test]
fn alerts_that_take_a_day() {
    succeeds("promtool", &["test", "rules", "alerts/tests/long.test.yml"]);
}

#[test]
fn thirty_days_are_summed() {
    succeeds(
        "promtool",
        &["test", "rules", "alerts/tests/month.test.yml"],
    );
}

#[test]
fn every_alert_is_tested_both_ways_and_has_its_runbook() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let alerts = std::fs::read_to_string(root.join("alerts/m365mon-alerts.yml")).unwrap();
    let tests: String = files("alerts/tests", ".test.yml")
        .iter()
        .map(|file| std::fs::read_to_string(root.join(file)).unwrap())
        .collect();
    let mut names = 0;
    for name in alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
    {
        names += 1;
        let cases: Vec<&str> = tests
            .split("- expr: ")
            .filter(|case| case.starts_with(&format!("'ALERTS{{alertname=\"{name}\",")))
            .collect();
        assert!(
            cases.iter().any(|c| c.contains("exp_samples: []")),
            "{name}: no case in which it is silent"
        );
        assert!(
            cases.iter().any(|c| c.contains("value: 1")),
            "{name}: no case in which it fires"
        );
        assert!(
            root.join(format!("docs/runbooks/{name}.md")).exists(),
            "{name} has no runbook"
        );
        assert!(
            alerts.contains(&format!("/runbooks/{name}'")),
            "{name} does not name its runbook"
        );
    }
    assert!(names > 20, "found only {names} alerts");
    for reason in m365mon::model::Reason::ALL {
        assert!(
            root.join(format!("docs/runbooks/reasons/{reason}.md"))
                .exists(),
            "{reason} has no page"
        );
    }
}

#[test]
fn alertmanager_takes_its_configuration_and_routes_by_severity() {
    succeeds("amtool", &["check-config", "alerts/alertmanager.yml"]);
    for (severity, receiver) in [("page", "pager"), ("ticket", "tickets"), ("info", "notes")] {
        succeeds(
            "amtool",
            &[
                "config",
                "routes",
                "test",
                "--config.file=alerts/alertmanager.yml",
                &format!("--verify.receivers={receiver}"),
                &format!("severity={severity}"),
                "account=contoso",
                "alertname=M365ResourceDown",
            ],
        );
    }
}

#[test]
fn dashboards_are_what_their_program_writes() {
    succeeds("python3", &["dashboards/generate.py", "--check"]);
}

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

/// What Prometheus itself knows of a target.
const PROMETHEUS_OWN: [&str; 3] = ["up", "scrape_duration_seconds", "scrape_samples_scraped"];

#[test]
fn queries_name_only_what_there_is_and_leave_nothing_out() {
    let queries: Vec<Query> = [queries::of_dashboards(), queries::of_rules()].concat();
    assert!(queries.len() > 100, "found only {} queries", queries.len());
    let mut known: BTreeMap<String, BTreeSet<&str>> = catalogue().iter().flat_map(series).collect();
    for name in PROMETHEUS_OWN {
        known.insert(name.to_owned(), ["job", "instance"].into());
    }
    for name in queries.iter().filter_map(|query| query.records.clone()) {
        let identity = ["account", "kind", "resource", "location", "tenant"];
        known.insert(name, identity.into());
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
        if !series(metric).iter().any(|(name, _)| used.contains(name)) {
            wrong.push(format!("{} is on no panel and in no rule", metric.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The documents that a person works by.
fn documents() -> Vec<String> {
    let mut found = vec!["README.md".to_owned()];
    for folder in [
        "alerts",
        "dashboards",
        "docs",
        "docs/runbooks",
        "docs/runbooks/reasons",
        "examples/report",
        "examples/sharding",
        "examples/stack",
        "packaging",
    ] {
        let Ok(entries) = std::fs::read_dir(queries::root().join(folder)) else {
            continue;
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        found.extend(
            names
                .filter(|name| name.ends_with(".md"))
                .map(|name| format!("{folder}/{name}")),
        );
    }
    found.sort();
    assert!(found.len() > 40, "{found:?}");
    found
}

#[test]
fn documents_name_commands_and_flags_that_there_are() {
    let help = |arguments: &[&str]| succeeds(env!("CARGO_BIN_EXE_m365mon"), arguments);
    let commands: BTreeMap<String, String> = help(&["--help"])
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(|name| (name.to_owned(), help(&[name, "--help"])))
        .collect();
    let (mut seen, mut wrong) = (0, Vec::new());
    for document in documents() {
        let text = std::fs::read_to_string(queries::root().join(&document)).unwrap();
        // A command goes on where its line ends with a backslash.
        for line in text.replace("\\\n", " ").lines() {
            let line = line.trim();
            let line = line.strip_prefix("$ ").unwrap_or(line);
            let Some(rest) = line.strip_prefix("m365mon ") else {
                continue;
            };
            let rest = rest.split(" #").next().unwrap();
            let mut words = rest.split_whitespace();
            let Some(its) = words.next().and_then(|name| commands.get(name)) else {
                // Prose may begin with the name.
                if !rest.ends_with(['.', ',']) && rest.split_whitespace().count() < 5 {
                    wrong.push(format!("{document}: there is no `m365mon {rest}`"));
                }
                continue;
            };
            seen += 1;
            for flag in words.filter(|word| word.starts_with("--")) {
                let flag = flag.split('=').next().unwrap();
                if !its.contains(flag) {
                    wrong.push(format!("{document}: {flag} in `m365mon {rest}`"));
                }
            }
        }
    }
    assert!(seen > 40, "found only {seen} commands");
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn runbooks_name_metrics_that_there_are() {
    let known: BTreeSet<String> = catalogue()
        .iter()
        .flat_map(series)
        .map(|(name, _)| name)
        .chain(catalogue().iter().map(|metric| metric.name.to_owned()))
        .collect();
    let mut wrong = Vec::new();
    for document in documents().iter().filter(|name| name.contains("runbooks")) {
        let text = std::fs::read_to_string(queries::root().join(document)).unwrap();
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            let ours = word.starts_with("m365_") || word.starts_with("m365mon_");
            if ours && !known.contains(word) {
                wrong.push(format!("{document}: there is no {word}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}
