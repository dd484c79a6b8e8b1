//! On call: the rules in Debian's Prometheus, Alertmanager with its routes, and
//! a pager that counts. And every query of the dashboards against a Prometheus
//! that saw the demo.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use m365mon::model::Clock;
use serde_json::Value;

use crate::contract::queries::{self, Query, root};
use crate::support::pager::{Received, alertmanager};
use crate::support::quick_rules::quick_rules;
use crate::support::stack::{Process, Prometheus, address_after, eventually, get};
use crate::support::tenant::{Pair, client_id, fault, mend, pair, tell};

/// Prometheus with the quick rules; alerts go to `alertmanager` if there is one.
fn prometheus(folder: &Path, exporter: SocketAddr, alertmanager: Option<SocketAddr>) -> Prometheus {
    let alerting = alertmanager.map_or_else(String::new, |address| {
        format!("alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{address}']}}]}}]}}\n")
    });
    Prometheus::start(
        folder,
        &format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
             rule_files: [{}]\n{alerting}\
             scrape_configs:\n\
             - {{job_name: m365mon, static_configs: [{{targets: ['{exporter}']}}]}}\n\
             - job_name: m365mon-probes\n\
             \x20 metrics_path: /probe\n\
             \x20 params: {{resource: [intranet]}}\n\
             \x20 static_configs: [{{targets: ['{exporter}'], labels: {{instance: intranet}}}}]\n",
            quick_rules(folder)
        ),
    )
}

/// Only the account with the secret, which ends in two days as the
/// configuration knows it, and patient probes.
fn ends_in_two_days(file: &Path) {
    let text = std::fs::read_to_string(file).unwrap();
    let soon = Clock::system().now() + jiff::SignedDuration::from_hours(48);
    let mut steve = false;
    let changed: String = text
        .lines()
        .filter(|line| {
            steve = match line.trim() {
                "- name: contoso-steve" => true,
                "resources:" => false,
                _ => steve,
            };
            !steve && !line.contains("account: contoso-steve")
        })
        .map(|line| match line.split_once("expires: ") {
            Some((before, _)) => {
                format!("{before}expires: {}}}\n", soon.strftime("%Y-%m-%d"))
            }
            // A slow machine must not look like an outage.
            None if line.starts_with("defaults:") => {
                "defaults: {interval: 3s, timeout: 2900ms}\n".to_owned()
            }
            None => format!("{line}\n"),
        })
        .collect();
    assert_ne!(text, changed);
    std::fs::write(file, changed).unwrap();
}

/// Alerts that ever fired, by severity.
fn ever_fired(prometheus: &Prometheus, severity: &str) -> BTreeSet<String> {
    prometheus
        .query(&format!(
            "count by (alertname) (count_over_time(ALERTS{{alertstate=\"firing\", severity=\"{severity}\"}}[1h]))"
        ))
        .iter()
        .map(|(labels, _)| labels["alertname"].as_str().unwrap().to_owned())
        .collect()
}

/// What says that the machine of the test is slow, not that the tenant is.
const SLOW_MACHINE: [&str; 4] = [
    "M365ProbesLate",
    "M365ProbesSkipped",
    "M365ResourceSlow",
    "M365ResourceSlowerThanUsual",
];

#[test]
fn one_outage_is_one_page_and_an_ended_secret_is_a_ticket() {
    let folder = tempfile::tempdir().unwrap();
    let Pair {
        tenant: _tenant,
        exporter: _exporter,
        control,
        address,
    } = pair(folder.path(), &[], |control| {
        tell(control, "/organizations", r#"{"token_lifetime": "20s"}"#);
        ends_in_two_days(&folder.path().join("tenant/m365mon.yml"));
    });
    let (webhook, received) = Received::listen();
    let (_alertmanager, alertmanager) = alertmanager(folder.path(), webhook);
    let prometheus = prometheus(folder.path(), address, Some(alertmanager));
    prometheus.wait_for("m365:resource_up:max{resource=\"hr\"}", |up| up == 1.0);
    let sent = |path: &str, status: &str, name: &str| {
        let wanted = (status.to_owned(), name.to_owned(), "contoso-app".to_owned());
        eventually(&format!("{name} {status} at {path}"), || {
            received.at(path).contains(&wanted).then_some(())
        });
    };

    // The deadline that the configuration names: a ticket.
    sent("/ticket", "firing", "M365CredentialExpiresVerySoon");
    let ends = received.alert("M365CredentialExpiresVerySoon");
    assert_eq!(ends["labels"]["credential"], "client_secret", "{ends}");
    assert_eq!(ends["labels"]["severity"], "ticket", "{ends}");

    // Throttling: nobody hears of it.
    fault(
        control,
        r#"{"scope": {"resource": "helpdesk@contoso.onmicrosoft.com"}, "kind": {"throttled": {"retry_after": {"seconds": 3}}}, "count": 2}"#,
    );
    prometheus.wait_for(
        "m365_resource_problem{resource=\"helpdesk-mailbox\", reason=\"throttled\", job=\"m365mon\"}",
        |one| one == 1.0,
    );
    prometheus.wait_for_none("m365_resource_problem{job=\"m365mon\"}");

    // The secret is refused as ended, days before its date: a ticket that says so, which is
    // closed when there is a new one.
    let app = client_id(folder.path()).unwrap();
    let secret = |change: &str| {
        let change = format!(r#"{{"app": "{app}", "change": "{change}"}}"#);
        tell(control, "/secrets", &change);
    };
    secret("expire");
    sent("/ticket", "firing", "M365CredentialExpired");
    secret("new");
    sent("/ticket", "resolved", "M365CredentialExpired");
    prometheus.wait_for_none("m365_resource_problem{job=\"m365mon\"}");
    assert_eq!(received.at("/page"), [], "nothing of this wakes anybody");

    // An outage: one page, and its end.
    fault(
        control,
        r#"{"scope": {"resource": "https://contoso.sharepoint.com/sites/hr"}, "kind": {"unavailable": {}}}"#,
    );
    sent("/page", "firing", "M365ResourceDown");
    mend(control);
    sent("/page", "resolved", "M365ResourceDown");
    let down = received.alert("M365ResourceDown");
    for (label, value) in [
        ("resource", "hr"),
        ("kind", "sharepoint_site"),
        ("account", "contoso-app"),
        ("severity", "page"),
    ] {
        assert_eq!(down["labels"][label], value, "{down}");
    }
    assert_eq!(down["annotations"]["summary"], "hr is down");
    for link in ["runbook_url", "dashboard_url"] {
        let url = down["annotations"][link].as_str().unwrap();
        assert!(url.starts_with("https://"), "{down}");
    }
    prometheus.wait_for_none("ALERTS{severity=\"page\"}");

    // All that was ever sent, and all that ever wanted to be.
    let one =
        |status: &str, name: &str| (status.to_owned(), name.to_owned(), "contoso-app".to_owned());
    assert_eq!(
        received.at("/page"),
        [
            one("firing", "M365ResourceDown"),
            one("resolved", "M365ResourceDown")
        ]
    );
    assert_eq!(
        ever_fired(&prometheus, "page"),
        ["M365ResourceDown".to_owned()].into()
    );
    let mut tickets: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (status, name, _) in received.at("/ticket") {
        // The failures of the outage are a large part of a day that has lasted
        // for minutes only.
        if !SLOW_MACHINE.contains(&&*name) && name != "M365ErrorBudgetBurnSlow" {
            *tickets.entry((name, status)).or_default() += 1;
        }
    }
    let wanted = [
        ("M365CredentialExpired", "firing"),
        ("M365CredentialExpired", "resolved"),
        ("M365CredentialExpiresVerySoon", "firing"),
    ]
    .map(|(name, status)| ((name.to_owned(), status.to_owned()), 1));
    assert_eq!(tickets, wanted.into());
}

/// Queries that find nothing in the demo, and why that is right.
const RIGHTLY_EMPTY: &[(&str, &str)] = &[
    (
        "m365_rate_limit_remaining_ratio",
        "SharePoint tells it only when most of the limit is used",
    ),
    (
        "> 0 < m365:resource_locations:count",
        "the demo is watched from one place, which cannot disagree with itself",
    ),
    (
        "m365_account_sign_in_required",
        "the people of the demo sign in at its beginning, perhaps before the first scrape",
    ),
    ("m365mon_config_reloads_total", "nobody reloads"),
    (
        "m365:mail_late_since_timestamp_seconds:min",
        "mail takes a twentieth of its time",
    ),
    (
        "m365:resource_waits:bool",
        "nothing is probed less often than every five minutes",
    ),
    ("m365:resource_housekeeping:bool", "nothing of the kind"),
    ("m365:resource_planned:bool", "no windows"),
    ("m365:resource_removed:bool", "nothing is removed"),
    ("m365:location_offline:bool", "no references"),
    ("m365:location_blind:bool", "half an hour"),
    ("m365:kind_down:bool", "the demo has single faults"),
    ("m365:account_down:count", "the demo has single faults"),
    ("m365:sign_in_down:bool", "Entra works in the demo"),
    (
        "m365:resource_flapping:place",
        "no three failures in the time",
    ),
    (
        "m365:resource_unstable:bool",
        "no three failures in the time",
    ),
    ("m365:resource_burning:place", "no six hours"),
    ("m365:resource_latency_seconds:usual", "no yesterday"),
    ("m365:resource_connect_seconds", "needs m365_resource_info"),
    ("network:points", "needs m365_resource_info"),
    ("m365:application_credential", "nothing of the kind"),
    ("m365:mail_delivery_limit", "nothing of the kind"),
    ("m365:license_reserve", "nothing of the kind"),
    ("m365:directory_sync_limit", "nothing of the kind"),
];

#[test]
fn every_query_finds_something_in_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    // Twenty times as fast, and tokens with it: or a secret would be renewed
    // before anybody needs a token.
    let day = std::fs::read_to_string(root().join("examples/demo/scenario.yml")).unwrap();
    let quick = day.replace("token_lifetime: 4m", "token_lifetime: 12s");
    assert_ne!(day, quick);
    let scenario = folder.path().join("scenario.yml");
    std::fs::write(&scenario, quick).unwrap();
    let demo = Process::m365mon(&[
        "demo",
        "--web.listen-address=127.0.0.1:0",
        "--interval=1s",
        "--speed=20",
        "--scenario",
        scenario.to_str().unwrap(),
    ]);
    let exporter = demo.wait_for("status page", |text| {
        address_after(text, "status page    http://")
    });
    let began = Clock::system().now().as_second();
    let prometheus = prometheus(folder.path(), exporter, None);

    // Of an alert it is enough that it is read: it should find nothing.
    let mut open: Vec<Query> = queries::of_dashboards();
    for mut rule in queries::of_rules() {
        if let Some(name) = rule.records.take() {
            rule.expr = name;
            open.push(rule);
        } else {
            prometheus.query(&rule.expr);
        }
    }
    for query in open {
        if RIGHTLY_EMPTY
            .iter()
            .any(|(part, _)| query.expr.contains(part))
        {
            continue;
        }
        let mut expr = query
            .expr
            .replace("$__rate_interval", "30s")
            .replace("$__interval", "5s")
            .replace("$__range", "5m");
        for variable in ["job", "instance", "account", "kind", "resource", "location"] {
            expr = expr.replace(&format!("\"${variable}\""), "\".*\"");
        }
        assert!(!expr.contains('$'), "{}: {expr}", query.place);
        let encoded: String = url::form_urlencoded::byte_serialize(expr.as_bytes()).collect();
        eventually(&format!("{}: data for {expr}", query.place), || {
            let now = Clock::system().now().as_second();
            let path =
                format!("/api/v1/query_range?query={encoded}&start={began}&end={now}&step=1");
            let answer: Value = serde_json::from_str(&get(prometheus.address(), &path)).unwrap();
            assert_eq!(answer["status"], "success", "{expr}: {answer}");
            let found = answer["data"]["result"].as_array().unwrap();
            (!found.is_empty()).then_some(())
        });
    }
}
