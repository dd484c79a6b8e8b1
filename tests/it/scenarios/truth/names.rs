//! Names as the operating system resolves them: one whose name server is silent,
//! and one with more addresses than anybody tries by chance.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use m365mon_simulator::directory::DOMAIN;

use super::{probes, wait_for};
use crate::support::name_server::{NameServer, Says};
use crate::support::stack::{Process, eventually, get};
use crate::support::tenant::client_id;

const SILENT: &str = "silent.contoso.com";
/// One of the healthy, with many addresses of which the last works.
const CROWDED: &str = "login.windows.net";
/// More than the threads that may wait for names, were each to wait for itself.
const MANY: usize = 150;
/// Hosts that each tell everybody about their sign-in.
const HEALTHY: [&str; 8] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
    "www.microsoft.com",
];

/// Many resources of the silent host, one of each healthy host, and a site for
/// each of these accounts, which needs a token.
fn configure(folder: &Path, accounts: &[&str]) {
    let id = client_id(folder).unwrap();
    let mut text = String::from(
        "http: {ca_file: tenant/ca.pem}\n\
         limits: {per_account: 512, probes_in_flight: 1024}\naccounts:\n",
    );
    for name in accounts {
        writeln!(
            text,
            "  - {{name: {name}, tenant: {DOMAIN}, client_id: {id}, \
             client_secret: {{secret_file: tenant/app-secret.txt, expires: 2099-01-01}}}}"
        )
        .unwrap();
    }
    text.push_str("resources:\n");
    for number in 0..MANY {
        writeln!(
            text,
            "  - {{name: silent-{number}, kind: http_endpoint, \
             url: \"https://{SILENT}/{number}\", interval: 2s, timeout: 1s}}"
        )
        .unwrap();
    }
    for host in HEALTHY {
        writeln!(
            text,
            "  - {{name: {host}, kind: http_endpoint, \
             url: \"https://{host}/common/v2.0/.well-known/openid-configuration\", \
             interval: 8s, timeout: 7s}}"
        )
        .unwrap();
    }
    for account in accounts {
        writeln!(
            text,
            "  - {{name: {account}-site, account: {account}, kind: sharepoint_site, \
             url: \"https://contoso.sharepoint.com/sites/intranet\", interval: 8s, timeout: 7s}}"
        )
        .unwrap();
    }
    std::fs::write(folder.join("m365mon.yml"), text).unwrap();
}

/// A tenant where its names lead, and a folder with what it wrote.
#[expect(
    clippy::print_stdout,
    reason = "a test that was not made says so, as the tests themselves may"
)]
fn stage() -> Option<(NameServer, tempfile::TempDir, Process)> {
    let says = Says {
        silent: SILENT,
        crowded: CROWDED,
    };
    let Some(names) = NameServer::start(says) else {
        println!("not tried: this user may make no mount namespace");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let tenant = Process::m365mon(&[
        "simulate",
        &format!("--listen={}:443", names.address),
        "--dir",
        folder.path().join("tenant").to_str().unwrap(),
    ]);
    tenant.wait_for("configuration", |text| {
        text.contains("configuration  ").then_some(())
    });
    Some((names, folder, tenant))
}

/// All addresses of a name are tried, not the first sixteen.
#[test]
fn the_last_of_many_addresses_answers() {
    let Some((names, folder, _tenant)) = stage() else {
        return;
    };
    let file = folder.path().join("m365mon.yml");
    let text = format!(
        "http: {{ca_file: tenant/ca.pem}}\nresources:\n  - {{name: crowded, kind: http_endpoint, \
         url: \"https://{CROWDED}/common/v2.0/.well-known/openid-configuration\"}}\n"
    );
    std::fs::write(&file, text).unwrap();
    let mut command = names.command(env!("CARGO_BIN_EXE_m365mon"));
    command
        .args(["probe", "crowded", "--config.file"])
        .arg(&file);
    let mut probe = Process::start("m365mon", &mut command);
    assert_eq!(probe.exit_code(), 0, "{}", probe.output());
    assert_eq!(names.asked(CROWDED), 1);
}

#[test]
fn a_silent_name_takes_nobody_else_down() {
    let Some((names, folder, _tenant)) = stage() else {
        return;
    };
    configure(folder.path(), &["early"]);
    let mut command = names.command(env!("CARGO_BIN_EXE_m365mon"));
    command
        .args(["serve", "--web.listen-address=127.0.0.1:0", "--config.file"])
        .arg(folder.path().join("m365mon.yml"));
    let began = Instant::now();
    let mut exporter = Process::start("m365mon", &mut command);
    let address = exporter.listening();

    eventually("all of the silent host fail", || {
        let metrics = get(address, "/metrics");
        let mut silent = (0..MANY).map(|number| format!("silent-{number}"));
        silent
            .all(|name| probes(&metrics, &name, "failure") >= 2.0)
            .then_some(())
    });
    // Two lookups at most wait for it, however many want it; each asks again
    // when half a minute has gone by.
    let few_are_asked = || {
        let asked = names.asked(SILENT);
        let rounds = usize::try_from(began.elapsed().as_secs() / 30).unwrap() + 1;
        assert!((1..=2 * rounds).contains(&asked), "{asked} in {rounds}");
    };
    few_are_asked();
    // A token that is asked for only now, while all those names are waited for.
    configure(folder.path(), &["early", "late"]);
    exporter.signal("HUP");
    wait_for(address, "m365_resource_up{resource=\"late-site\"", |up| {
        up == 1.0
    });
    let healthy = || HEALTHY.into_iter().chain(["early-site", "late-site"]);
    let metrics = eventually("probes of the healthy", || {
        let metrics = get(address, "/metrics");
        let enough = healthy().all(|name| probes(&metrics, name, "success") >= 2.0);
        enough.then_some(metrics)
    });
    for name in healthy() {
        for outcome in ["failure", "inconclusive"] {
            assert_eq!(probes(&metrics, name, outcome), 0.0, "{name}: {metrics}");
        }
    }
    for number in 0..MANY {
        let problem = metrics.lines().any(|line| {
            line.starts_with("m365_resource_problem{")
                && line.contains(&format!("resource=\"silent-{number}\""))
                && line.contains("reason=\"timeout\"")
        });
        assert!(problem, "silent-{number}: {metrics}");
    }
    // Also after the reload, which made a new network.
    few_are_asked();
    exporter.signal("TERM");
    assert_eq!(exporter.exit_code(), 0);
}
