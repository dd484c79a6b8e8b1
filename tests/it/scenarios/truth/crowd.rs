//! More resources than may be probed at once if none of them answers: it is said
//! before it happens, and what is said is what happens.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use super::wait_for;
use crate::support::stack::{Process, eventually, get};

const ACCOUNT: &str = "accounts:\n  - {name: contoso, tenant: contoso.onmicrosoft.com, \
     client_id: 11111111-2222-3333-4444-555555555555, \
     client_secret: {secret_file: secret.txt, expires: 2099-01-01}}\n";

fn configure(file: &Path, rest: &str, resources: usize, one: &str) {
    let mut text = format!("{rest}resources:\n");
    for number in 0..resources {
        writeln!(text, "  - {{name: r{number}, {one}{number}\"}}").unwrap();
    }
    std::fs::write(file, text).unwrap();
}

/// What `check-config` says about places.
fn warned(file: &Path) -> Vec<String> {
    let checked = Command::new(env!("CARGO_BIN_EXE_m365mon"))
        .arg("check-config")
        .arg(file)
        .output()
        .unwrap();
    let said = String::from_utf8(checked.stderr).unwrap();
    assert_eq!(checked.status.code(), Some(0), "{said}");
    let lines = said.lines().filter(|line| line.contains("at once"));
    lines.map(str::to_owned).collect()
}

/// A thousand resources at ten seconds, with an account and without.
#[test]
fn a_thousand_that_may_hang_are_told_of() {
    const SITE: &str =
        "account: contoso, kind: sharepoint_site, url: \"https://contoso.sharepoint.com/sites/";
    const ENDPOINT: &str = "kind: http_endpoint, url: \"https://contoso.com/";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m365mon.yml");
    std::fs::write(folder.path().join("secret.txt"), "canary-1").unwrap();
    for (accounts, one, whose) in [
        (ACCOUNT, SITE, "of \"contoso\""),
        ("", ENDPOINT, "without an account"),
    ] {
        let defaults = "defaults: {interval: 10s, timeout: 9s}\n";
        let with = |limits: &str| {
            configure(&file, &format!("{limits}{defaults}{accounts}"), 1_000, one);
            warned(&file)
        };
        let told = with("");
        assert_eq!(told.len(), 1, "{told:?}");
        let parts = [
            "none of the 1000 resources",
            whose,
            "900 probes",
            "64 may (limits.per_account)",
        ];
        assert!(parts.iter().all(|part| told[0].contains(part)), "{told:?}");
        // Whoever raises the limit that was named is told of the next one.
        let told = with("limits: {per_account: 900}\n");
        assert!(
            told[0].contains("512 may (limits.probes_in_flight)"),
            "{told:?}"
        );
        let told = with("limits: {per_account: 900, probes_in_flight: 900}\n");
        assert_eq!(told, [""; 0]);
    }
}

/// Two hundred that hang for one second of every two want a hundred places.
#[test]
fn what_is_said_about_places_is_what_happens() {
    // Connections are taken, and nobody says anything.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m365mon.yml");
    let with = |limits: &str| {
        let rest = format!(
            "http: {{resolve: {{contoso.com: \"{}\"}}}}\n{limits}",
            silent.local_addr().unwrap()
        );
        let one = "interval: 2s, timeout: 1s, kind: http_endpoint, url: \"https://contoso.com/";
        configure(&file, &rest, 200, one);
        warned(&file)
    };
    let told = with("");
    assert!(
        told[0].contains("100 probes") && told[0].contains("64 may"),
        "{told:?}"
    );
    let (exporter, address) = Process::serve(&file, &[]);
    let in_flight = "m365mon_probes_in_flight ";
    let missed = |metrics: &str| {
        let line = "m365mon_probes_skipped_total{cause=\"missed\"}";
        super::value(metrics, line).unwrap_or_default()
    };
    eventually("ticks are missed", || {
        let metrics = get(address, "/metrics");
        let running = super::value(&metrics, in_flight).unwrap();
        assert!(running <= 64.0, "{running}");
        (missed(&metrics) > 0.0).then_some(())
    });
    assert_eq!(with("limits: {per_account: 100}\n"), [""; 0]);
    exporter.signal("HUP");
    wait_for(address, in_flight, |running| running > 64.0);
}
