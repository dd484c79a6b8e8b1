//! The documents that people work by: what each runbook must hold, and that the
//! commands, flags and metrics in them exist.

use std::collections::{BTreeMap, BTreeSet};

use m365mon::metrics::catalogue;

use super::names::known_series;
use super::queries::root;
use super::rules::{rules, succeeds};

/// What a person at night finds on each page of an alert or a reason.
#[test]
fn every_runbook_has_what_a_person_needs() {
    let rules = rules();
    let names = (rules.iter()).filter_map(|rule| rule["alert"].as_str());
    let names: BTreeSet<&str> = names.collect();
    let reasons = m365mon::model::Reason::ALL.iter();
    let pages: Vec<String> = (names.iter().map(|name| (*name).to_owned()))
        .chain(reasons.map(|reason| format!("reasons/{reason}")))
        .collect();
    let mut wrong = Vec::new();
    for page in pages {
        let text =
            std::fs::read_to_string(root().join(format!("docs/runbooks/{page}.md"))).unwrap();
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

/// What the page says of whom to call is what the alert says.
#[test]
fn a_runbook_calls_whom_the_alert_calls() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for alert in rules().iter().filter(|rule| rule["alert"].is_string()) {
        let name = alert["alert"].as_str().unwrap();
        let whose = match alert["labels"]["owner"].as_str() {
            Some("Microsoft") => "Whom to call: Microsoft.",
            Some("network") => "Whom to call: the network's people.",
            Some("us") => "Whom to call: us.",
            _ => "(label `owner`)",
        };
        let page =
            std::fs::read_to_string(root().join(format!("docs/runbooks/{name}.md"))).unwrap();
        let told = page.lines().find(|line| line.contains("Whom to call:"));
        seen += 1;
        if !told.is_some_and(|line| line.contains(whose)) {
            wrong.push(format!("{name}: {whose}"));
        }
    }
    assert!(seen > 40, "found only {seen} alerts");
    assert_eq!(wrong, [""; 0]);
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
        let Ok(entries) = std::fs::read_dir(root().join(folder)) else {
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
        let text = std::fs::read_to_string(root().join(&document)).unwrap();
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
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            let ours = word.starts_with("m365_") || word.starts_with("m365mon_");
            if ours && !known.contains(word) {
                wrong.push(format!("{document}: there is no {word}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}
