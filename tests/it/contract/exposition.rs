//! What comes out is what the golden files, the catalogue, the documentation,
//! the configuration and promtool say.

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use m365mon::config::{self, ProcessEnvironment};
use m365mon::metrics::{Format, MetricSubject, Type, catalogue, documentation};

use crate::support::exposition::eventful::{connected, eventful, without_process};

#[tokio::test(start_paused = true)]
async fn golden() {
    let stage = eventful().await;
    let report = connected(&stage);
    insta::with_settings!({
        snapshot_path => "../../data",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!("metrics_openmetrics", without_process(&stage.text(Format::OpenMetrics)));
        insta::assert_snapshot!("metrics_text", without_process(&stage.text(Format::Text)));
        insta::assert_snapshot!("probe_text", stage.probe_text("rarely", Some(&report), Format::Text));
    });
}

#[tokio::test(start_paused = true)]
async fn catalogue_and_exposition_agree() {
    let stage = eventful().await;
    let report = connected(&stage);
    let pages = [stage.scrape(), stage.probe("rarely", Some(&report))];
    let by_family: HashMap<&str, _> = catalogue().iter().map(|m| (m.family(), m)).collect();
    let mut seen = BTreeSet::new();
    for page in &pages {
        for (family, (kind, help)) in &page.families {
            let metric = by_family[family.as_str()];
            assert_eq!(
                (kind.as_str(), help.as_str()),
                (metric.kind.as_str(), metric.help)
            );
        }
        for sample in &page.samples {
            let stem = ["_bucket", "_sum", "_count", "_total"]
                .iter()
                .find_map(|suffix| sample.name.strip_suffix(suffix))
                .filter(|stem| by_family.contains_key(stem));
            let metric = by_family[stem.unwrap_or(&sample.name)];
            seen.insert(metric.name);
            let mut expected: BTreeSet<&str> = metric
                .subject
                .labels()
                .iter()
                .chain(metric.labels)
                .copied()
                .collect();
            match metric.subject {
                MetricSubject::Resource => expected.extend(["location", "team"]),
                MetricSubject::Account | MetricSubject::Exporter => {
                    expected.insert("location");
                }
                MetricSubject::Process | MetricSubject::Probe => {}
            }
            if metric.kind == Type::Histogram && sample.name.ends_with("_bucket") {
                expected.insert("le");
            }
            let labels: BTreeSet<&str> = sample.labels.keys().map(String::as_str).collect();
            assert_eq!(labels, expected, "{}", sample.name);
        }
    }
    let missing: Vec<_> = catalogue()
        .iter()
        .map(|m| m.name)
        .filter(|name| !seen.contains(name))
        .collect();
    assert!(
        missing.is_empty(),
        "in the catalogue but never shown: {missing:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn promtool_finds_nothing() {
    let stage = eventful().await;
    let report = connected(&stage);
    for page in [
        stage.text(Format::Text),
        stage.probe_text("rarely", Some(&report), Format::Text),
    ] {
        let mut promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool is needed for this test; it comes with Debian's package prometheus");
        promtool
            .stdin
            .take()
            .unwrap()
            .write_all(page.as_bytes())
            .unwrap();
        let output = promtool.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}

#[test]
fn the_documentation_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let page = documentation();
    if std::fs::read_to_string(&path).ok().as_deref() != Some(&page) {
        std::fs::write(&path, page).unwrap();
        panic!(
            "{} was not current and has been written anew",
            path.display()
        );
    }
}

/// A label of the configuration must never stand twice in a series.
#[test]
fn the_configuration_refuses_every_label_of_the_catalogue() {
    let own = catalogue()
        .iter()
        .flat_map(|m| m.subject.labels().iter().chain(m.labels));
    let names: BTreeSet<&str> = own.copied().chain(["le"]).collect();
    for name in names {
        let text = format!("labels: {{{name}: x}}\naccounts: []\nresources: []\n");
        let errors = config::parse(&text, Path::new("m365mon.yml"), &ProcessEnvironment)
            .expect_err("a label of the metrics is refused")
            .to_string();
        assert!(errors.contains(&format!("\"{name}\"")), "{name}: {errors}");
    }
}
