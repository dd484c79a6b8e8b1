//! Six months made by hand, held against a calculation in another language: see
//! tests/data/report/months.py.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::report;
use crate::support::schema::Schema;
use crate::support::stack::Prometheus;

/// A Prometheus that has all of them.
fn filled(folder: &Path) -> (Prometheus, Vec<Value>) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/report/months.py");
    let made = Command::new("python3").arg(program).arg(folder).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{made:?}");
    let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|end| end != "txt") {
            continue;
        }
        let filled = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "--max-block-duration=800h"])
            .args(["openmetrics".as_ref(), file.as_os_str()])
            .arg(folder.join("data"))
            .output()
            .unwrap();
        assert!(filled.status.success(), "{filled:?}");
    }
    let prometheus = Prometheus::start_with(
        folder,
        "scrape_configs: []\n",
        &["--storage.tsdb.retention.time=100y"],
    );
    (prometheus, serde_json::from_str(&expected).unwrap())
}

/// A cell of CSV as JSON has it.
fn cell(text: &str, wanted: &Value) -> bool {
    match wanted {
        Value::Null => text.is_empty(),
        Value::String(wanted) => text == wanted,
        wanted => text.parse().ok() == wanted.as_f64(),
    }
}

/// Whether a table of CSV says of each row what was expected.
fn assert_csv(csv: &str, wanted: &[Value]) {
    let mut lines = csv.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), wanted.len(), "{csv}");
    for (row, wanted) in rows.iter().zip(wanted) {
        assert_eq!(row.len(), columns.len());
        for (column, text) in columns.iter().zip(row) {
            assert!(
                cell(text, &wanted[column]),
                "{column}: {text} in {row:?}, not {wanted}"
            );
        }
    }
}

#[test]
fn six_months_are_what_was_calculated_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (prometheus, expected) = filled(folder.path());
    let url = format!("http://{}", prometheus.address());
    assert_eq!(expected.len(), 7);
    for month in expected {
        let name = month["month"].as_str().unwrap();
        let told = |more: &[&str]| {
            let own = month["arguments"].as_array().unwrap().iter();
            let own: Vec<&str> = own.map(|argument| argument.as_str().unwrap()).collect();
            let first = ["--prometheus.url", &url, "--month", name];
            let output = report(&[&first, &own[..], more].concat());
            assert!(output.status.success(), "{output:?}");
            assert!(output.stderr.is_empty(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let json = Schema::of("report").read(&told(&["--format", "json"]));
        for border in ["from", "to"] {
            assert_eq!(json[border], month[border], "{name}");
        }
        for table in ["availability", "outages", "totals"] {
            assert_eq!(json[table], month[table], "{name} {table}");
            let csv = told(&["--format", "csv", "--table", table]);
            assert_csv(&csv, month[table].as_array().unwrap());
        }
        let (text, html) = (told(&[]), told(&["--format", "html"]));
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
        for row in month["availability"].as_array().unwrap() {
            for figure in [
                "availability_percent",
                "availability_without_planned_percent",
            ] {
                if let Some(percent) = row[figure].as_f64() {
                    let figure = format!("{percent:.4}");
                    assert!(
                        text.contains(&figure) && html.contains(&figure),
                        "{figure}:\n{text}"
                    );
                }
            }
        }
        for row in month["outages"].as_array().unwrap() {
            let began = row["start"].as_str().unwrap()[..16].replace('T', " ");
            let counts =
                row["view"] == "all" || !month["availability"].to_string().contains("\"all\"");
            if counts {
                assert!(
                    text.contains(&began) && html.contains(&began),
                    "{began}:\n{text}"
                );
            }
        }
        if let Some(keep) = std::env::var_os("M365MON_REPORTS") {
            let keep = Path::new(&keep);
            std::fs::write(keep.join(format!("{name}.html")), html).unwrap();
            std::fs::write(keep.join(format!("{name}.txt")), text).unwrap();
        }
    }

    // The same days by their dates, from another place on earth.
    let first = ["--prometheus.url", &url, "--format", "json"];
    let json = |more: &[&str]| -> Value {
        let output = report(&[&first, more].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    };
    let month = json(&["--month", "2024-09"]);
    let days = json(&["--from", "2024-09-01", "--to", "2024-10-01"]);
    assert_eq!(days["month"], "2024-09-01/2024-10-01");
    let figure = |report: &Value| report["availability"][0]["availability_percent"].clone();
    assert_eq!(
        (figure(&month), figure(&days)),
        (99.7083.into(), 99.7083.into())
    );
    let exact = [
        "--from",
        "2024-09-04T11:12:00+02:00",
        "--to",
        "2024-09-04T10:12:00Z",
    ];
    let hour = json(&exact);
    assert_eq!(hour["availability"][0]["down_minutes"], 60);
    assert_eq!(hour["from"], "2024-09-04T09:12:00Z");
    let berlin = json(&[&exact[..], &["--timezone", "Europe/Berlin"]].concat());
    assert_eq!(berlin["outages"][0]["start"], "2024-09-04T11:12:00+02:00");

    // A name that nothing had is told.
    let output = report(&[&first[..], &["--month", "2024-09", "--rename", "intanet=x"]].concat());
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("\"intanet\""),
        "{output:?}"
    );
}
