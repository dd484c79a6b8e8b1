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
        // For programs in Go: a quarter of promtool's time goes into collecting
        // what a process so short need not collect.
        .env("GOGC", "800")
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
    for file in rule_files() {
        succeeds("promtool", &["check", "rules", &file]);
    }
    for example in [
        "prometheus/prometheus",
        "sharding/prometheus",
        "agent/prometheus-receiver",
    ] {
        let file = format!("examples/{example}.yml");
        let told = succeeds("promtool", &["check", "config", &file]);
        // A file that is left out is an alert that nobody gets.
        let all = format!("{} rule files found", rule_files().len());
        assert!(
            !example.starts_with("agent") || told.contains(&all),
            "{told}"
        );
    }
}

/// The matrix of situations, a file a test: each minute of each situation.
fn situations(file: &str) {
    let file = format!("alerts/tests/matrix-{file}.test.yml");
    succeeds("promtool", &["test", "rules", &file]);
}

#[test]
fn what_arrives_from_one_place() {
    situations("single");
}

#[test]
fn what_arrives_from_several_places_and_exporters() {
    situations("places");
}

#[test]
#[ignore = "minutes of a core: scripts/test-long runs it, with both promtools"]
fn what_arrives_within_hours() {
    situations("hours");
}

#[test]
fn what_arrives_of_housekeeping() {
    situations("housekeeping");
}

#[test]
fn the_matrix_is_what_its_program_writes() {
    succeeds("python3", &["alerts/tests/matrix.py", "--check"]);
}

/// Reason, since when, and the exporter that sees it, word by word.
#[test]
fn what_alerts_say() {
    succeeds(
        "promtool",
        &["test", "rules", "alerts/tests/texts.test.yml"],
    );
}

/// Of several exporters the first one may be one from which all is well.
#[test]
fn links_to_an_exporter_lead_to_the_place_of_the_alert() {
    let mut seen = 0;
    for rule in rules() {
        if let Some(link) = rule["annotations"]["status_url"].as_str() {
            assert!(link.contains("location%"), "{}: {link}", rule["alert"]);
            seen += 1;
        }
    }
    assert!(seen > 25, "found only {seen}");
}

#[test]
#[ignore = "minutes of a core: scripts/test-long runs it, with both promtools"]
fn what_takes_a_week() {
    succeeds("promtool", &["test", "rules", "alerts/tests/long.test.yml"]);
}

#[test]
#[ignore = "minutes of a core: scripts/test-long runs it, with both promtools"]
fn thirty_days_are_summed() {
    succeeds(
        "promtool",
        &["test", "rules", "alerts/tests/month.test.yml"],
    );
}

/// The files of rules.
fn rule_files() -> Vec<String> {
    files("alerts", ".yml")
        .into_iter()
        .filter(|file| !file.ends_with("alertmanager.yml"))
        .collect()
}

/// Every rule of every file.
fn rules() -> Vec<serde_json::Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    rule_files()
        .iter()
        .flat_map(|file| {
            let text = std::fs::read_to_string(root.join(file)).unwrap();
            let file: serde_json::Value = serde_yaml::from_str(&text).unwrap();
            file["groups"].as_array().unwrap().clone()
        })
        .flat_map(|group| group["rules"].as_array().unwrap().clone())
        .collect()
}

#[test]
fn every_alert_is_tested_owned_and_has_its_runbook() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests: String = files("alerts/tests", ".test.yml")
        .iter()
        .map(|file| std::fs::read_to_string(root.join(file)).unwrap())
        .collect();
    let rules = rules();
    let alerts: Vec<&serde_json::Value> = (rules.iter())
        .filter(|rule| rule["alert"].is_string())
        .collect();
    assert!(alerts.len() > 40, "found only {} alerts", alerts.len());
    let mut seen = BTreeSet::new();
    for alert in alerts {
        let name = alert["alert"].as_str().unwrap();
        assert!(seen.insert(name), "{name}: two alerts of this name");
        // Each minute of the matrix names all that arrives; so it is silent elsewhere.
        assert!(
            name == "M365Watchdog" || tests.contains(&format!("alertname=\"{name}\"")),
            "{name}: no situation in which it arrives"
        );
        let runbook = format!("docs/runbooks/{name}.md");
        assert!(root.join(&runbook).exists(), "{name} has no runbook");
        let url = alert["annotations"]["runbook_url"].as_str().unwrap();
        assert!(url.ends_with(&format!("/runbooks/{name}")), "{name}: {url}");
        // Its own, or that of the reason.
        let owner = alert["labels"]["owner"].as_str();
        let of_the_reason = [
            "M365ResourceDown",
            "M365ResourceUnstable",
            "M365HousekeepingDown",
            "M365KindAllDown",
            "M365AccountAllDown",
            "M365ErrorBudgetBurn",
            "M365ErrorBudgetBurnSlow",
            "M365ResourceSlow",
            "M365ResourceSlowerThanUsual",
        ];
        assert!(
            owner.map_or(of_the_reason.contains(&name), |owner| [
                "Microsoft",
                "network",
                "us"
            ]
            .contains(&owner)),
            "{name}: owner {owner:?}"
        );
        let held = alert["keep_firing_for"].as_str().unwrap_or("0m");
        assert!(["0m", "2m"].contains(&held), "{name}: held for {held}");
    }
    for reason in m365mon::model::Reason::ALL {
        assert!(
            root.join(format!("docs/runbooks/reasons/{reason}.md"))
                .exists(),
            "{reason} has no page"
        );
    }
}

/// What a person at night finds on each page of an alert or a reason.
#[test]
fn every_runbook_has_what_a_person_needs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules = rules();
    let names = (rules.iter()).filter_map(|rule| rule["alert"].as_str());
    let names: BTreeSet<&str> = names.collect();
    let reasons = m365mon::model::Reason::ALL.iter();
    let pages: Vec<String> = (names.iter().map(|name| (*name).to_owned()))
        .chain(reasons.map(|reason| format!("reasons/{reason}")))
        .collect();
    let mut wrong = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(root.join(format!("docs/runbooks/{page}.md"))).unwrap();
        let section = |title: &str| {
            let after = text.split_once(&format!("\n## {title}\n"));
            after.map(|(_, rest)| rest.split("\n## ").next().unwrap().trim())
        };
        for title in [
            "What it means",
            "How bad it is",
            "What users feel",
            "How to check",
            "How to mend",
            "When to call Microsoft",
            "To be left in peace while you work",
        ] {
            if section(title).is_none_or(str::is_empty) {
                wrong.push(format!("{page}: nothing under \"{title}\""));
            }
        }
        let check = section("How to check").unwrap_or_default();
        for (place, commands) in [
            ("Debian", &["m365mon-run ", "journalctl ", "systemctl "][..]),
            ("container", &["docker "]),
            ("Kubernetes", &["kubectl "]),
        ] {
            if !commands.iter().any(|command| check.contains(command)) {
                wrong.push(format!("{page}: no command for {place}"));
            }
        }
        let bad = section("How bad it is").unwrap_or_default();
        if !["Microsoft", "network", "us", "owner"]
            .iter()
            .any(|owner| bad.contains(owner))
        {
            wrong.push(format!("{page}: not whom to call"));
        }
        let silence = section("To be left in peace while you work").unwrap_or_default();
        let silenced = (silence.split_once("amtool silence add alertname="))
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .unwrap_or_default();
        let fits = silenced == page || page.starts_with("reasons/") && names.contains(silenced);
        if !fits || !silence.contains("--duration=") || !silence.contains("--comment=") {
            wrong.push(format!("{page}: silences {silenced:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The generator writes the rules with addresses of one's own, so that a page leads
/// to the exporter that serves the runbooks.
#[test]
fn links_lead_where_they_should() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().to_str().unwrap();
    succeeds(
        "python3",
        &[
            "alerts/generate.py",
            "--runbooks=https://m365mon.contoso.com/runbooks/",
            "--dashboards=https://grafana.contoso.com",
            "--into",
            into,
        ],
    );
    let mut links = 0;
    for file in rule_files().iter().map(String::as_str).chain([
        "alerts/kubernetes/prometheusrules.yaml",
        "alerts/azure/rule-groups.json",
        "alerts/mixin/config.libsonnet",
        "alerts/sloth/m365mon.yml",
    ]) {
        let name = file.strip_prefix("alerts/").unwrap();
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(!text.contains(".example/"), "{name}");
        links += text
            .matches("https://m365mon.contoso.com/runbooks/M365")
            .count();
        assert!(!text.contains("runbooks//"), "{name}");
        if name.starts_with("m365mon-") {
            let written = folder.path().join(name);
            succeeds("promtool", &["check", "rules", written.to_str().unwrap()]);
        }
    }
    assert!(links > 80, "{links} links");
}

#[test]
fn one_table_says_whose_a_reason_is() {
    let rules = rules();
    let tables: Vec<&str> = rules
        .iter()
        .filter(|rule| rule["record"] == "m365:problem:owner")
        .map(|rule| rule["expr"].as_str().unwrap())
        .collect();
    let [table] = tables[..] else {
        panic!("{} tables", tables.len())
    };
    let listed: Vec<&str> = table
        .split('"')
        .filter(|text| text.contains('|'))
        .flat_map(|text| text.split('|'))
        .collect();
    for reason in m365mon::model::Reason::ALL {
        let times = (listed.iter())
            .filter(|name| **name == reason.as_str())
            .count();
        assert_eq!(times, 1, "{reason} in the table of owners");
    }
}

#[test]
fn nothing_is_muted_by_what_it_has_nothing_to_do_with() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("alerts/alertmanager.yml")).unwrap();
    let file: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    let inhibitions = file["inhibit_rules"].as_array().unwrap();
    assert!(inhibitions.len() > 5);
    for inhibition in inhibitions {
        let equal = inhibition["equal"].as_array();
        assert!(
            equal.is_some_and(|labels| !labels.is_empty()),
            "{inhibition}"
        );
    }
    for rule in rules() {
        let expr = rule["expr"].as_str().unwrap();
        assert!(
            !expr.contains("without (instance)") && !expr.contains("without (location)\n"),
            "{expr}"
        );
    }
}

#[test]
fn a_page_reads_as_a_person_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.json");
    let page = serde_json::json!({
        "receiver": "chat", "status": "firing",
        "groupLabels": {}, "commonLabels": {"severity": "page"}, "commonAnnotations": {},
        "externalURL": "https://alertmanager.contoso.com",
        "alerts": [{
            "status": "firing",
            "labels": {"alertname": "M365ResourceDown", "severity": "page", "owner": "Microsoft"},
            "annotations": {
                "summary": "intranet as seen from ams is down",
                "description": "Two probes in a row failed.",
                "reason": "server_error (ams), HTTP 503",
                "since": "2026-03-01 02:58 UTC",
                "status_url": "http://ams:10365/resources/intranet",
                "runbook_url": "https://m365mon.example/runbooks/M365ResourceDown",
            },
            "startsAt": "2026-03-01T03:00:30Z", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://prometheus.contoso.com", "fingerprint": "1"
        }]
    });
    std::fs::write(&file, page.to_string()).unwrap();
    let render = |name: &str| {
        succeeds(
            "amtool",
            &[
                "template",
                "render",
                "--template.glob=alerts/m365mon.tmpl",
                &format!("--template.data={}", file.display()),
                &format!("--template.text={{{{ template \"{name}\" . }}}}"),
            ],
        )
    };
    assert_eq!(
        render("m365mon.title").trim(),
        "PAGE: intranet as seen from ams is down"
    );
    assert_eq!(
        render("m365mon.link").trim(),
        "https://m365mon.example/runbooks/M365ResourceDown"
    );
    let wanted = "intranet as seen from ams is down
  Two probes in a row failed.
  Reason: server_error (ams), HTTP 503
  Worked last: 2026-03-01 02:58 UTC
  Alert since: 2026-03-01 03:00 UTC
  Whose it is: Microsoft
  What to do: https://m365mon.example/runbooks/M365ResourceDown
  Exporter: http://ams:10365/resources/intranet";
    assert_eq!(render("m365mon.text").trim(), wanted);
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
    succeeds(
        "amtool",
        &[
            "config",
            "routes",
            "test",
            "--config.file=alerts/alertmanager.yml",
            "--verify.receivers=watchdog",
            "severity=info",
            "alertname=M365Watchdog",
        ],
    );
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
    ("prometheus_notifications_sent_total", &["alertmanager"]),
];

/// The one metric that nobody should look at: below 4 SharePoint draws it by lot.
const BY_LOT: &str = "m365_sharepoint_health_score";

/// Every series by name, with its labels: of the catalogue and Prometheus' own.
fn known_series() -> BTreeMap<String, BTreeSet<&'static str>> {
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
    let known: BTreeSet<String> = (known_series().into_keys())
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
