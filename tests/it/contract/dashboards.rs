//! What dashboards show where there is little to show: after an exporter died,
//! before there is any, beside other processes.

use std::process::Command;

use serde_json::Value;

use crate::contract::queries::{files, root};

/// Grafana's name of the grey of "nothing is known".
const GREY: &str = "#808080";

#[test]
fn dashboards_are_what_their_program_writes() {
    let output = Command::new("python3")
        .args(["dashboards/generate.py", "--check"])
        .current_dir(root())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
}

/// Every panel with the place where it stands, those of collapsed rows too.
fn panels() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for path in files("dashboards", ".json") {
        let board: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let mut next = board["panels"].as_array().unwrap().clone();
        while let Some(panel) = next.pop() {
            next.extend(panel["panels"].as_array().into_iter().flatten().cloned());
            let place = format!("{}: {}", board["title"], panel["title"]);
            found.push((place, panel));
        }
    }
    assert!(found.len() > 60, "found only {} panels", found.len());
    found
}

fn is_grey(defaults: &Value) -> bool {
    let mappings = defaults["mappings"].as_array().unwrap();
    let mapped = mappings.iter().any(|mapping| {
        mapping["type"] == "special"
            && mapping["options"]["match"] == "null+nan"
            && mapping["options"]["result"]["color"] == GREY
    });
    mapped || defaults["thresholds"]["steps"][0]["color"] == GREY
}

#[test]
fn a_figure_is_that_of_now_and_grey_where_nothing_is_known() {
    for (place, panel) in panels() {
        if panel["type"] != "stat" {
            continue;
        }
        for target in panel["targets"].as_array().unwrap() {
            let is_now = target["instant"] == true && target["range"] == false;
            assert!(is_now, "{place}: the last word of what may be dead");
        }
        let defaults = &panel["fieldConfig"]["defaults"];
        assert!(is_grey(defaults), "{place}: coloured without data");
    }
}

#[test]
fn an_empty_cell_does_not_say_what_an_empty_table_says() {
    for (place, panel) in panels() {
        let field = &panel["fieldConfig"];
        if panel["type"] != "table" || field["defaults"]["noValue"].is_null() {
            continue;
        }
        let first = &field["overrides"][0];
        assert_eq!(first["matcher"]["options"], "/.*/", "{place}");
        assert_eq!(first["properties"][0]["id"], "noValue", "{place}");
    }
}

/// An exporter that died says nothing either: who reads "none" goes back to bed.
#[test]
fn what_is_not_told_is_not_said_to_be_none() {
    for (place, panel) in panels() {
        let defaults = &panel["fieldConfig"]["defaults"];
        if panel["type"] == "row" {
            continue;
        }
        let says = match defaults["noValue"].as_str() {
            Some(says) => says,
            None if panel["type"] == "stat" => "",
            None => panic!("{place}: \"No data\", as if a panel were broken"),
        };
        for claim in [
            "all places agree",
            "no gate is",
            "no problem",
            "no resource of",
        ] {
            assert!(!says.starts_with(claim), "{place}: {says}");
        }
        assert!(!["none", "not synchronised"].contains(&says), "{place}");
    }
}

/// A resource that is named `2024` is not "2.02 K", and no text is not 0.
#[test]
fn names_in_tables_are_no_numbers() {
    for (place, panel) in panels() {
        if panel["type"] != "table" {
            continue;
        }
        let names = &panel["fieldConfig"]["overrides"][1];
        assert_eq!(names["matcher"]["id"], "byType", "{place}");
        assert_eq!(names["matcher"]["options"], "string", "{place}");
        let unit = serde_json::json!([{"id": "unit", "value": "string"}]);
        assert_eq!(names["properties"], unit, "{place}");
    }
}

/// Yellow with the ticket, red with the urgent one: not green beside a ticket.
#[test]
fn the_ends_of_credentials_are_coloured_as_they_are_alarmed() {
    let rules = std::fs::read_to_string(root().join("alerts/m365mon-objectives.yml")).unwrap();
    let days = |record: &str| {
        let (_, rule) = rules.split_once(&format!("record: {record}\n")).unwrap();
        let (_, rest) = rule.split_once("* 0 + ").unwrap();
        rest.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let soon = days("m365:credential_ends_soon:seconds") * 86400;
    let very_soon = days("m365:credential_ends_very_soon:seconds") * 86400;
    let mut seen = 0;
    for (place, panel) in panels() {
        if !panel["targets"]
            .to_string()
            .contains("m365_credential_expiry")
        {
            continue;
        }
        let config = panel["fieldConfig"].to_string();
        for (color, value) in [("#EAB839", very_soon), ("green", soon)] {
            let step = format!(r#"{{"color":"{color}","value":{value}}}"#);
            assert!(config.contains(&step), "{place}: {step} in {config}");
        }
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[test]
fn processes_are_those_of_exporters() {
    let mut seen = 0;
    for (place, panel) in panels() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expr = target["expr"].as_str().unwrap();
            let processes = expr.matches("process_").count();
            let ours = expr
                .matches("on (job, instance) m365mon_build_info")
                .count();
            assert!(ours >= processes, "{place}: {expr}");
            seen += processes;
        }
    }
    assert!(seen > 5, "found only {seen}");
}
