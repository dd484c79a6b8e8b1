//! All kinds through `serve`, against `simulate` in a process of its own: success
//! with readings that are fresh or absent, each gate on its own, recovery, and
//! nothing of the tenant's content in anything that comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use m365mon::config;
use m365mon::kinds::{self, Info, Resource};
use m365mon::model::Clock;
use m365mon::scheduler;
use m365mon_simulator::directory::DOMAIN;

use super::gates;
use crate::support::fixtures;
use crate::support::stack::{Process, Prometheus, eventually, get, http};
use crate::support::tenant::{JSON, simulate, tell};

/// So soon after a start everything was probed once.
const SOON: Duration = Duration::from_secs(30);

/// It stands in every subject, title, name, text and address of the tenant.
const CANARY: &str = "kanarienvogel-7f3a";

/// A tenant with resources of all kinds, and the exporter that watches them.
pub(super) struct Served {
    pub(super) exporter: Process,
    _tenant: Process,
    pub(super) control: SocketAddr,
    pub(super) address: SocketAddr,
    pub(super) config: PathBuf,
}

impl Served {
    /// `simulate` with these flags; its configuration without the usual sites and
    /// mailboxes, and with these lines of resources.
    pub(super) fn start(
        folder: &Path,
        flags: &[&str],
        serve: &[&str],
        canary: bool,
        resources: &str,
    ) -> Self {
        let (tenant, control) = simulate(folder, flags);
        if canary {
            tell(control, "/canary", &format!("\"{CANARY}\""));
        }
        tell(control, "/mail", r#"{"delay": "1s"}"#);
        let config = folder.join("tenant/m365mon.yml");
        let text = std::fs::read_to_string(&config).unwrap();
        // The usual sites and mailboxes are in other tests.
        let text: String = text
            .lines()
            .filter(|line| !line.contains("- {name:") || line.contains("-0"))
            .flat_map(|line| [line, "\n"])
            .collect();
        std::fs::write(&config, text + resources).unwrap();
        soon(&config);
        let (exporter, address) = Process::serve(&config, serve);
        Self {
            exporter,
            _tenant: tenant,
            control,
            address,
            config,
        }
    }

    pub(super) fn metrics(&self) -> String {
        get(self.address, "/metrics")
    }

    /// The value of the only series that begins so and has this in it.
    fn value(&self, name: &str, part: &str) -> Option<f64> {
        let text = self.metrics();
        let mut lines = text
            .lines()
            .filter(|line| line.starts_with(&format!("{name}{{")) && line.contains(part));
        let line = lines.next()?;
        line.rsplit_once(' ')?.1.parse().ok()
    }

    /// How many probes of a resource succeeded.
    pub(super) fn successes(&self, resource: &str) -> f64 {
        let text = self.metrics();
        let of_it = format!("resource=\"{resource}\"");
        let lines = text.lines().filter(|line| {
            line.starts_with("m365_resource_probes_total{")
                && line.contains(&of_it)
                && line.contains("outcome=\"success\"")
        });
        lines
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }

    /// The gates that are closed.
    pub(super) fn closed(&self) -> BTreeSet<String> {
        let text = self.metrics();
        let lines = text
            .lines()
            .filter(|line| line.starts_with("m365_throttled_until_timestamp_seconds{"));
        let gate = |line: &str| {
            let rest = line.split_once("gate=\"")?.1;
            Some(rest.split_once('"')?.0.to_owned())
        };
        lines.filter_map(gate).collect()
    }

    /// Signs steve in, whom only the presence waits for.
    fn sign_in(&self) {
        let quick = r#"{"device_interval": 1}"#;
        let (status, ..) = http(self.control, "PUT", "/entra", &JSON, quick).unwrap();
        assert!((200..300).contains(&status));
        let mut login = Process::m365mon(&[
            "login",
            "contoso-steve",
            "--device-code",
            "--config.file",
            self.config.to_str().unwrap(),
        ]);
        login.wait_for("code", |text| {
            text.contains("enter the code ").then_some(())
        });
        let order = format!(r#"{{"user": "steve@{DOMAIN}"}}"#);
        eventually("the device is known", || {
            let answer = http(self.control, "POST", "/devices", &JSON, &order)?;
            (200..300).contains(&answer.0).then_some(())
        });
        assert_eq!(login.exit_code(), 0, "{}", login.output());
    }

    /// Resources that are up; those that nobody has signed in for are not.
    fn ups(&self) -> usize {
        let text = self.metrics();
        text.lines()
            .filter(|line| line.starts_with("m365_resource_up{") && line.ends_with(" 1"))
            .count()
    }
}

/// Gives what waits for its phase after a start a phase that comes soon, by a label:
/// some come once an hour.
fn soon(config: &Path) {
    let loaded = config::load(config, &BTreeMap::<String, String>::new()).unwrap();
    let mut text = std::fs::read_to_string(config).unwrap();
    let now = Clock::system().now().as_duration();
    for resource in &loaded.configuration.resources {
        if !resource.kind.info().background_only() || resource.interval <= SOON {
            continue;
        }
        let comes_soon = |turn: &u32| {
            let labelled = Resource {
                labels: fixtures::labels(&[("turn", &turn.to_string())]),
                ..(**resource).clone()
            };
            let interval = resource.interval.as_nanos().cast_signed();
            let wait = scheduler::phase(&labelled).as_nanos().cast_signed() - now.as_nanos();
            let wait = wait.rem_euclid(interval);
            (SOON.as_nanos() / 3..SOON.as_nanos()).contains(&wait.cast_unsigned())
        };
        let turn = (0..).find(comes_soon).unwrap();
        let name = format!("{{name: {},", resource.name);
        text = text
            .lines()
            .map(|line| match line.strip_suffix('}') {
                Some(rest) if line.contains(&name) => {
                    format!("{rest}, labels: {{turn: \"{turn}\"}}}}\n")
                }
                _ => format!("{line}\n"),
            })
            .collect();
    }
    std::fs::write(config, text).unwrap();
}

/// The series of a kind's reading.
fn series(text: &str, metric: &str, resource: &str) -> usize {
    let of_it = format!("resource=\"{resource}\"");
    let begin = format!("{metric}{{");
    text.lines()
        .filter(|line| line.starts_with(&begin) && line.contains(&of_it))
        .count()
}

fn resource_of(info: &Info) -> String {
    format!("{}-00001", info.name.replace('_', "-"))
}

/// Absent in what `simulate` configures: nothing is named, or another API tells.
const NOT_HERE: [&str; 2] = [
    "m365_application_credential_expiry_timestamp_seconds",
    "m365_sharepoint_health_score",
];

#[test]
fn all_kinds_each_gate_and_nothing_of_the_content() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(
        folder.path(),
        &["--kinds=1", "--interval=4s"],
        &["--log.level=trace"],
        true,
        &gates::by_path(),
    );
    // All but the mailbox, which is in other tests, and the presence of a person
    // who has not signed in.
    let kinds = kinds::ALL.len() - 2;
    let expected = kinds + 2;
    eventually("all are up", || (served.ups() == expected).then_some(()));
    let text = served.metrics();
    assert!(
        text.contains("m365_resource_problem{resource=\"presence-00001\"")
            && text.contains("reason=\"token\""),
        "{text}"
    );
    served.sign_in();
    for info in kinds::ALL {
        for reading in info.readings {
            let count = series(&text, reading.metric, &resource_of(info));
            assert!(count <= reading.most, "{}: {count}", reading.metric);
            let absent = NOT_HERE.contains(&reading.metric);
            let elsewhere = info.name == "exchange_mailbox";
            assert!(
                absent || elsewhere || count > 0,
                "{} is absent",
                reading.metric
            );
        }
    }

    // As a real Prometheus sees it.
    let address = served.address;
    let prometheus = Prometheus::scraping(folder.path(), &[("m365mon", address)]);
    // With the presence, which is there now.
    for (query, all) in [
        ("count(m365_resource_up == 1)", expected + 1),
        ("count(count by (kind) (m365_resource_up))", kinds + 1),
    ] {
        let all = f64::from(u32::try_from(all).unwrap());
        prometheus.wait_for(query, |count| count == all);
    }
    gates::each(&served);
    freshness(&served);
    refusals(&served);
    recovery(&served, expected + 1);
    canary(&served, reported(&prometheus));
}

/// What `report` makes of all that Prometheus has seen, in each of its forms.
fn reported(prometheus: &Prometheus) -> Vec<(String, String)> {
    let url = format!("http://{}", prometheus.address());
    let from = Clock::system().now() - jiff::SignedDuration::from_hours(2);
    let from = from.strftime("%Y-%m-%dT%H:%M").to_string();
    let run = |words: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_m365mon"))
            .args(["report", "--prometheus.url", &url, "--from", &from])
            .args(words)
            .output()
            .unwrap()
    };
    let forms: [&[&str]; 6] = [
        &["--format", "text"],
        &["--format", "json"],
        &["--format", "html"],
        &["--format", "csv"],
        &["--format", "csv", "--table", "outages"],
        &["--format", "csv", "--table", "totals"],
    ];
    // It tells whole minutes.
    eventually("a minute is on record", || {
        run(forms[0]).status.success().then_some(())
    });
    let mut seen = Vec::new();
    for words in forms {
        let output = run(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let told = words.contains(&"--table") || text.contains("mail-round-trip-00001");
        assert!(told, "{words:?}: {text}");
        let place = format!("report {}", words.join(" "));
        seen.push((place.clone(), text));
        seen.push((place, String::from_utf8(output.stderr).unwrap()));
    }
    seen
}

/// A number is absent once an answer says it no more. (An old one is absent after
/// five minutes, which tests of the state look at.)
fn freshness(served: &Served) {
    let metric = "m365_apple_push_certificate_expiry_timestamp_seconds";
    assert!(served.value(metric, "").is_some());
    tell(
        served.control,
        "/organizations",
        r#"{"no_apple_push": true}"#,
    );
    eventually("no certificate, no end of it", || {
        served.value(metric, "").is_none().then_some(())
    });
    tell(
        served.control,
        "/organizations",
        r#"{"apple_push_days": 120}"#,
    );
}

/// Refusals whose texts hold the word as well.
fn refusals(served: &Served) {
    let app = m365mon_simulator::directory::SERVICES_CLIENT_ID;
    let change = |change: &str| {
        tell(
            served.control,
            "/apps",
            &format!(
                r#"{{"app": "{app}", "{change}": ["LicenseAssignment.Read.All", "Organization.Read.All", "Calendars.ReadBasic"]}}"#
            ),
        );
        tell(served.control, "/revoke", &format!(r#"{{"app": "{app}"}}"#));
    };
    change("revoke");
    eventually("licences are forbidden", || {
        served
            .value("m365_resource_problem", "resource=\"licenses-00001\"")
            .map(|_| ())
    });
    change("grant");
}

fn recovery(served: &Served, expected: usize) {
    eventually("all have recovered", || {
        let text = served.metrics();
        let troubled = text
            .lines()
            .any(|line| line.starts_with("m365_resource_problem{"));
        (!troubled && served.ups() == expected).then_some(())
    });
}

/// Everything that comes out, searched for the word, for tokens and addresses
/// of downloads.
fn canary(served: &Served, mut seen: Vec<(String, String)>) {
    for path in [
        "/",
        "/metrics",
        "/api/v1/resources",
        "/api/v1/accounts",
        "/config",
        "/sd",
        "/-/ready",
    ] {
        if let Some((200, _, body)) = http(served.address, "GET", path, &[], "") {
            seen.push((path.to_owned(), body));
        }
    }
    for info in kinds::ALL {
        let path = format!("/resources/{}", resource_of(info));
        if let Some((_, _, body)) = http(served.address, "GET", &path, &[], "") {
            seen.push((path, body));
        }
        let path = format!("/probe?resource={}&debug=true", resource_of(info));
        if let Some((_, _, body)) = http(served.address, "GET", &path, &[], "") {
            seen.push((path, body));
        }
    }
    let config = served.config.to_str().unwrap();
    let writing = ["mail-round-trip-00001", "file-round-trip-00001"];
    let mut commands: Vec<Vec<&str>> = ["text", "json", "openmetrics", "nagios"]
        .map(|format| vec!["probe", "--all", "--format", format])
        .into();
    commands.push([&["probe"], &writing[..]].concat());
    commands.push(vec!["doctor"]);
    commands.push(vec!["doctor", "--json"]);
    commands.push(vec!["setup", "--account", "contoso-services"]);
    commands.push(vec!["check-config"]);
    for words in commands {
        let output = Command::new(env!("CARGO_BIN_EXE_m365mon"))
            .args(&words)
            .args(["--config.file", config])
            .output()
            .unwrap();
        assert_ne!(output.status.code(), None);
        for out in [output.stdout, output.stderr] {
            seen.push((words.join(" "), String::from_utf8_lossy(&out).into_owned()));
        }
    }
    seen.push(("log".to_owned(), served.exporter.output()));
    let log = &seen[seen.len() - 1].1;
    assert!(log.contains("level=trace"), "the log is at trace level");
    // The tenant does say it.
    for (place, text) in &seen {
        for word in [CANARY, "eyJ", "tempauth="] {
            assert!(!text.contains(word), "{word} is in {place}: {text}");
        }
    }
}
