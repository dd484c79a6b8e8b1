//! The machine's clock is set by a day while the exporter runs: Debian's
//! `faketime` tells the process another civil time, and the monotonic clock
//! goes on as it does.

use std::path::Path;
use std::process::Command;

use m365mon::model::Clock;

use super::{FAST, probes, value};
use crate::rooms::doctor::stage::{Stage, selected, site, steve};
use crate::support::stack::{Process, eventually, get};

const DAY: i64 = 24 * 60 * 60;

/// The library that does it, wherever the system has it.
fn library() -> String {
    let output = Command::new("faketime")
        .args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"])
        .output()
        .expect("faketime is needed by the tests (scripts/test installs it)");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Sets the clock of whoever reads this file, in one step.
fn set(file: &Path, seconds: i64) {
    let new = file.with_extension("new");
    std::fs::write(&new, format!("{seconds:+}\n")).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// Nothing that a clock does calls anybody, and no tick is missed that was none.
fn nothing_happened(metrics: &str) {
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        let wrong = match name {
            "m365_resource_up" | "m365_account_up" => value != "1",
            "m365_resource_problem"
            | "m365_account_problem"
            | "m365_account_sign_in_required"
            | "m365_resource_consecutive_failures" => value != "0",
            "m365mon_probes_skipped_total" => value != "0",
            "m365_resource_probes_total" => !series.contains("outcome=\"success\"") && value != "0",
            _ => false,
        };
        assert!(!wrong, "{line}\n{metrics}");
    }
}

#[test]
fn a_clock_that_is_set_by_a_day_misses_nothing() {
    let stage = Stage::set();
    let accounts = [selected(), steve()].join("\n");
    let resources = [
        site("app", "sites/intranet", FAST),
        site("steve", "sites/intranet", FAST),
    ];
    stage.configure(&accounts, &resources.join("\n"));
    stage.sign_in("steve");
    let time = stage.path("time");
    set(&time, 0);
    let mut exporter = Process::start(
        "m365mon",
        Command::new(env!("CARGO_BIN_EXE_m365mon"))
            .args(["serve", "--web.listen-address=127.0.0.1:0", "--config.file"])
            .arg(stage.path("m365mon.yml"))
            .env("LD_PRELOAD", library())
            .env("FAKETIME_TIMESTAMP_FILE", &time)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1"),
    );
    let address = exporter.listening();
    let names = ["app-site", "steve-site"];
    let count = |metrics: &str| names.map(|name| probes(metrics, name, "success"));
    let three_more = |since: [f64; 2]| {
        eventually("three more probes of both", || {
            let metrics = get(address, "/metrics");
            nothing_happened(&metrics);
            let now = count(&metrics);
            let enough = now
                .iter()
                .zip(since)
                .all(|(now, since)| *now >= since + 3.0);
            enough.then_some(metrics)
        })
    };
    let mut before = three_more([0.0; 2]);
    for (number, seconds) in [DAY, 0, -DAY, 0].into_iter().enumerate() {
        set(&time, seconds);
        exporter.wait_for("jump", |log| {
            (log.matches("the clock jumped").count() > number).then_some(())
        });
        before = three_more(count(&before));
        // Shown with the new time, and all of it.
        for name in names {
            let last = "m365_resource_last_probe_timestamp_seconds{";
            let last = before
                .lines()
                .filter(|line| line.contains(&format!("resource=\"{name}\"")))
                .find_map(|line| value(line, last))
                .unwrap_or_else(|| panic!("{name}: {before}"));
            let now = Clock::system().now().as_second() + seconds;
            #[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
            let off = (now as f64 - last).abs();
            assert!(off < 60.0, "{name} is off by {off} s: {before}");
            let up = format!("resource=\"{name}\"");
            let up = |line: &&str| line.starts_with("m365_resource_up{") && line.contains(&up);
            assert!(before.lines().any(|line| up(&line)), "{name}: {before}");
        }
    }
    // Four steps, each told once.
    assert_eq!(exporter.output().matches("the clock jumped").count(), 4);
    exporter.signal("TERM");
    assert_eq!(exporter.exit_code(), 0);
}
