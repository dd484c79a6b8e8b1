//! The rules, held by the programs that read them: that they are valid, that each
//! alert is owned, tested and has its runbook.

mod alertmanager;
mod situations;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

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

pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> String {
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

/// The files of rules.
fn rule_files() -> Vec<String> {
    files("alerts", ".yml")
        .into_iter()
        .filter(|file| !file.ends_with("alertmanager.yml"))
        .collect()
}

/// Every rule of every file.
pub(crate) fn rules() -> Vec<serde_json::Value> {
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
            "M365AllDown",
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
