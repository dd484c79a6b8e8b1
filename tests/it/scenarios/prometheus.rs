//! A real Prometheus scrapes the real exporter, which probes the simulated
//! tenant over TLS: outage, throttling, deadlines and recovery as Prometheus
//! sees them, in both formats.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use crate::support::stack::{Process, Prometheus, address_after, eventually, get, http};
use crate::support::tenant::{Pair, client_id, fault, mend, pair, tell};

/// Hands every scrape on to `exporter` with an `Accept` that asks for text
/// 0.0.4, which Prometheus itself never prefers.
fn text_only(exporter: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read(&mut byte).unwrap_or(0) == 0 {
                    break;
                }
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let Some(path) = head.split(' ').nth(1) else {
                continue;
            };
            let accept = [("Accept", "text/plain; version=0.0.4")];
            if let Some((status, head, body)) = http(exporter, "GET", path, &accept, "") {
                let kind = header(&head, "content-type").unwrap_or_default();
                assert!(kind.starts_with("text/plain; version=0.0.4"), "{head}");
                _ = write!(
                    stream,
                    "HTTP/1.0 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
            }
        }
    });
    address
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

fn prometheus(folder: &Path, exporter: SocketAddr) -> Prometheus {
    let jobs = [("openmetrics", exporter), ("text", text_only(exporter))];
    Prometheus::scraping(folder, &jobs)
}

/// What Prometheus counts as wrong with samples.
fn nothing_dropped(prometheus: &Prometheus) {
    let own = get(prometheus.address(), "/metrics");
    for name in [
        "prometheus_target_scrapes_sample_duplicate_timestamp_total",
        "prometheus_target_scrapes_sample_out_of_order_total",
        "prometheus_target_scrapes_sample_out_of_bounds_total",
        "prometheus_target_scrapes_exceeded_sample_limit_total",
        "prometheus_target_scrapes_exemplar_out_of_order_total",
    ] {
        let value = own
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        assert_eq!(value, Some("0"), "{name}");
    }
    let complaints = prometheus.complaints();
    assert!(
        !complaints.contains("level=error") && !complaints.contains("level=warn"),
        "{complaints}"
    );
}

#[test]
fn a_real_prometheus_follows_outage_throttling_and_recovery_of_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    let calm = folder.path().join("calm.yml");
    std::fs::write(&calm, "steps: []\n").unwrap();
    let mut demo = Process::m365mon(&[
        "demo",
        "--web.listen-address=127.0.0.1:0",
        "--interval=1s",
        "--scenario",
        calm.to_str().unwrap(),
    ]);
    let exporter = demo.wait_for("status page", |text| {
        address_after(text, "status page    http://")
    });
    let control = demo.wait_for("control endpoint", |text| {
        address_after(text, "\"for\": \"60s\"}' http://")
    });
    let prometheus = prometheus(folder.path(), exporter);

    // Everything is up, in both formats, and the people have signed in.
    for job in ["openmetrics", "text"] {
        prometheus.wait_for(&format!("up{{job=\"{job}\"}}"), |up| up == 1.0);
        prometheus.wait_for(
            &format!("sum(m365_resource_up{{job=\"{job}\"}}) == count(m365_resource_interval_seconds{{job=\"{job}\"}})"),
            |count| count >= 12.0,
        );
    }
    prometheus.wait_for(
        "count({__name__=~\"m365.*\", job=\"text\"}) - count({__name__=~\"m365.*\", job=\"openmetrics\"})",
        |difference| difference == 0.0,
    );
    prometheus.wait_for(
        "m365_resource_latency_seconds{resource=\"intranet\", job=\"openmetrics\"}",
        |latency| latency > 0.0 && latency < 5.0,
    );

    // Deadlines: the secret's as the configuration names it, the consent's 90 days.
    for (resource, days) in [("intranet", 10.0), ("intranet-as-steve", 85.0)] {
        prometheus.wait_for(
            &format!("(m365_resource_token_expiry_timestamp_seconds{{resource=\"{resource}\", job=\"text\"}} - time()) / 86400"),
            |left| left > days,
        );
    }

    // A site goes down: two failures, its own reason, and nobody else.
    fault(
        control,
        r#"{"scope": {"resource": "https://contoso.sharepoint.com/sites/hr"}, "kind": {"unavailable": {}}}"#,
    );
    for job in ["openmetrics", "text"] {
        prometheus.wait_for(
            &format!("m365_resource_up{{resource=\"hr\", job=\"{job}\"}}"),
            |up| up == 0.0,
        );
    }
    prometheus.wait_for(
        "m365_resource_problem{resource=\"hr\", outcome=\"failure\", reason=\"server_error\", job=\"openmetrics\"}",
        |one| one == 1.0,
    );
    prometheus.wait_for(
        "m365_resource_consecutive_failures{resource=\"hr\", job=\"openmetrics\"}",
        |n| n >= 2.0,
    );
    prometheus.wait_for(
        "m365_resource_http_status{resource=\"hr\", job=\"openmetrics\"}",
        |status| status == 503.0,
    );
    prometheus.wait_for_none("m365_resource_latency_seconds{resource=\"hr\"}");
    prometheus.wait_for("sum(m365_resource_up{job=\"openmetrics\", resource!=\"hr\"}) - count(m365_resource_up{job=\"openmetrics\", resource!=\"hr\"})", |d| d == 0.0);
    mend(control);
    prometheus.wait_for("m365_resource_up{resource=\"hr\", job=\"text\"}", |up| {
        up == 1.0
    });
    prometheus.wait_for_none("m365_resource_problem{resource=\"hr\"}");

    // A mailbox is throttled: it stays up, a gate closes, nobody is paged.
    fault(
        control,
        r#"{"scope": {"resource": "helpdesk@contoso.onmicrosoft.com"}, "kind": {"throttled": {"retry_after": {"seconds": 4}}}, "count": 2}"#,
    );
    prometheus.wait_for(
        "m365_resource_problem{resource=\"helpdesk-mailbox\", outcome=\"inconclusive\", reason=\"throttled\", job=\"openmetrics\"}",
        |one| one == 1.0,
    );
    prometheus.wait_for(
        "m365_resource_up{resource=\"helpdesk-mailbox\", job=\"openmetrics\"}",
        |up| up == 1.0,
    );
    prometheus.wait_for(
        "m365_throttled_until_timestamp_seconds{account=\"contoso-app\", gate=\"outlook\", job=\"text\"} - time()",
        |left| left <= 4.5,
    );
    prometheus.wait_for_none("m365_resource_problem{resource=\"helpdesk-mailbox\"}");
    prometheus.wait_for(
        "min_over_time(m365_resource_up{resource=\"helpdesk-mailbox\", job=\"openmetrics\"}[1m])",
        |up| up == 1.0,
    );
    prometheus.wait_for(
        "sum(m365_throttled_responses_total{gate=\"outlook\", job=\"openmetrics\"})",
        |n| n >= 2.0,
    );

    // Exemplars carry Microsoft's request id.
    let exemplars = get(
        prometheus.address(),
        "/api/v1/query_exemplars?query=m365_resource_probe_duration_seconds_bucket&start=0&end=9999999999",
    );
    assert!(exemplars.contains("request_id"), "{exemplars}");
    nothing_dropped(&prometheus);

    demo.signal("INT");
    assert_eq!(demo.exit_code(), 0, "{}", demo.output());
}

#[test]
fn every_trouble_has_its_reason_within_an_interval() {
    let folder = tempfile::tempdir().unwrap();
    let Pair {
        mut tenant,
        mut exporter,
        control,
        address,
    } = pair(folder.path(), &[], |_| {});
    let prometheus = prometheus(folder.path(), address);
    let of = |resource: &str, what: &str| {
        format!("{what}{{resource=\"{resource}\", job=\"openmetrics\"}}")
    };
    prometheus.wait_for(&of("finance", "m365_resource_up"), |up| up == 1.0);

    let troubles = [
        (r#""refuse""#, "connect"),
        (r#""reset_before""#, "connect"),
        (r#""tls_wrong_host""#, "tls"),
        (r#""tls_expired""#, "tls"),
        (r#""hang""#, "timeout"),
        (r#""truncated""#, "bad_response"),
        (r#""html""#, "bad_response"),
        (r#""gzip_bomb""#, "bad_response"),
        (r#""endless""#, "bad_response"),
        (r#""empty_body""#, "bad_response"),
        (r#""server_error""#, "server_error"),
        (r#""bad_gateway""#, "server_error"),
        (
            // Nothing says that it is Microsoft who sends us elsewhere.
            r#"{"redirect": {"to": "https://login.contoso.com/"}}"#,
            "bad_response",
        ),
    ];
    for (kind, reason) in troubles {
        fault(
            control,
            &format!(r#"{{"scope": {{"host": "graph.microsoft.com"}}, "kind": {kind}}}"#),
        );
        prometheus.wait_for(
            &format!("m365_resource_problem{{resource=\"finance\", outcome=\"failure\", reason=\"{reason}\", job=\"openmetrics\"}}"),
            |one| one == 1.0,
        );
        prometheus.wait_for(&of("finance", "m365_resource_up"), |up| up == 0.0);
        mend(control);
        prometheus.wait_for(&of("finance", "m365_resource_up"), |up| up == 1.0);
    }

    // The tenant is killed altogether.
    tenant.signal("KILL");
    tenant.exit_code();
    prometheus.wait_for(
        "m365_resource_problem{resource=\"finance\", reason=\"connect\", job=\"openmetrics\"}",
        |one| one == 1.0,
    );
    let log = exporter.output();
    assert!(!log.contains("panicked"), "{log}");
    nothing_dropped(&prometheus);
    exporter.signal("TERM");
    assert_eq!(exporter.exit_code(), 0, "{}", exporter.output());
}

#[test]
fn an_expired_secret_is_not_an_outage_and_a_new_one_needs_no_restart() {
    let folder = tempfile::tempdir().unwrap();
    let Pair {
        tenant: _tenant,
        exporter: _exporter,
        control,
        address,
    } = pair(folder.path(), &[], |control| {
        tell(control, "/organizations", r#"{"token_lifetime": "20s"}"#);
    });
    let prometheus = prometheus(folder.path(), address);
    let up = "m365_resource_up{resource=\"intranet\", job=\"openmetrics\"}";
    prometheus.wait_for(up, |up| up == 1.0);
    prometheus.wait_for(
        "m365_account_up{account=\"contoso-app\", job=\"openmetrics\"}",
        |up| up == 1.0,
    );

    let app = client_id(folder.path()).unwrap();
    tell(
        control,
        "/secrets",
        &format!(r#"{{"app": "{app}", "change": "expire"}}"#),
    );
    prometheus.wait_for(
        "m365_account_problem{account=\"contoso-app\", outcome=\"inconclusive\", reason=\"refused\", job=\"openmetrics\"}",
        |one| one == 1.0,
    );
    prometheus.wait_for(
        "m365_token_request_problems_total{account=\"contoso-app\", code=\"7000222\", job=\"openmetrics\"}",
        |n| n >= 1.0,
    );
    prometheus.wait_for(
        "m365_resource_problem{resource=\"intranet\", outcome=\"inconclusive\", reason=\"token\", job=\"openmetrics\"}",
        |one| one == 1.0,
    );
    prometheus.wait_for(&format!("min_over_time({up}[2m])"), |up| up == 1.0);
    // Whatever is written down of its end, it has ended.
    let left = "m365_credential_expiry_timestamp_seconds{account=\"contoso-app\", credential=\"client_secret\", job=\"openmetrics\"} - time()";
    prometheus.wait_for(left, |left| left <= 0.0);

    // The tenant writes the new secret into the file; nobody restarts anything.
    tell(
        control,
        "/secrets",
        &format!(r#"{{"app": "{app}", "change": "new"}}"#),
    );
    prometheus.wait_for(
        "m365_account_up{account=\"contoso-app\", job=\"openmetrics\"}",
        |up| up == 1.0,
    );
    prometheus.wait_for_none("m365_resource_problem{resource=\"intranet\"}");
    nothing_dropped(&prometheus);
}

#[test]
fn the_scenario_of_the_demo_goes_down_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Process::m365mon(&[
        "demo",
        "--web.listen-address=127.0.0.1:0",
        "--interval=1s",
        "--speed=20",
    ]);
    let exporter = demo.wait_for("status page", |text| {
        address_after(text, "status page    http://")
    });
    let prometheus = prometheus(folder.path(), exporter);
    let seen = |what: &str| format!("max(max_over_time({what}[5m]))");
    prometheus.wait_for(
        &seen("m365_resource_problem{reason=\"server_error\"}"),
        |one| one == 1.0,
    );
    prometheus.wait_for(
        &seen("m365_resource_problem{reason=\"throttled\"}"),
        |one| one == 1.0,
    );
    eventually("everything has recovered", || {
        let down = prometheus.query("count(m365_resource_problem{job=\"openmetrics\"})");
        let up = prometheus.query("sum(m365_resource_up{job=\"openmetrics\"})");
        (down.is_empty() && up.first().is_some_and(|(_, n)| *n >= 12.0)).then_some(())
    });
    nothing_dropped(&prometheus);
}
