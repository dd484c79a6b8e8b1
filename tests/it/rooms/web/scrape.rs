//! Metrics, probes and discovery.

use std::io::Read as _;
use std::sync::atomic::Ordering;

use m365mon::model::{Reason, Verdict};
use m365mon::web::Bounds;

use super::Stage;
use crate::support::operator::EVERYONE;
use crate::support::raw::request;

#[tokio::test]
async fn a_scrape_in_both_formats_plain_and_compressed() {
    let stage = Stage::new().await;
    let plain = stage.get("/metrics").await;
    assert_eq!(plain.status, 200);
    assert_eq!(
        plain.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert_eq!(plain.header("content-encoding"), None);
    assert!(
        plain.text().contains("m365mon_build_info{"),
        "{}",
        plain.text()
    );

    let headers = [
        "accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1",
        "accept-encoding: gzip",
    ];
    let packed = request(stage.addr, "GET /metrics", &headers).await;
    assert_eq!(
        packed.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*packed.body)
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");

    let head = request(stage.addr, "HEAD /metrics", &headers).await;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-type"), packed.header("content-type"));
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn a_scrape_probes_what_is_at_home_there() {
    let stage = Stage::new().await;
    let text = stage.get("/metrics").await;
    let text = text.text();
    let up = text
        .lines()
        .find(|line| line.starts_with("m365_resource_up{") && line.contains("scraped"));
    assert!(
        up.is_some_and(|line| line.ends_with(" 1") || line.ends_with(" 1.0")),
        "{text}"
    );
    assert!(!text.contains("\"probed\""), "at home in /probe: {text}");
}

#[tokio::test]
async fn a_scrape_waits_for_its_budget_only() {
    let stage = Stage::new().await;
    stage.fake.turns.forget_permits(1000);
    let headers = ["x-prometheus-scrape-timeout-seconds: 0.4"];
    let answer = request(stage.addr, "GET /metrics", &headers).await;
    assert_eq!(answer.status, 200);
    assert!(
        !answer.text().contains("m365_resource_up{"),
        "{}",
        answer.text()
    );
    // Nobody waits any more, but the probe goes on and is recorded.
    stage.fake.turns.add_permits(1000);
    stage
        .shows("m365mon_probes_in_flight{location=\"amsterdam\"} 0")
        .await;
    let answer = stage.get("/metrics").await;
    assert!(
        answer.text().contains("m365_resource_up{"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn bad_timeout_headers_are_refused() {
    let stage = Stage::new().await;
    for path in ["GET /metrics", "GET /probe?resource=probed"] {
        for value in ["ten", "-1", "NaN"] {
            let header = format!("x-prometheus-scrape-timeout-seconds: {value}");
            let answer = request(stage.addr, path, &[&header]).await;
            assert_eq!(answer.status, 400, "{path} {value}");
        }
    }
}

#[tokio::test]
async fn probe_answers_200_whatever_the_outcome() {
    let stage = Stage::new().await;
    for (verdict, success) in [
        (Verdict::Success, Some("probe_success 1")),
        (
            Verdict::Problem(Reason::ServerError),
            Some("probe_success 0"),
        ),
        (Verdict::Problem(Reason::Forbidden), None),
    ] {
        let stage = Stage::new().await;
        stage.fake.say(verdict, "");
        for path in ["/probe?resource=probed", "/probe?target=intranet&x=y"] {
            let answer = stage.get(path).await;
            assert_eq!(answer.status, 200);
            let text = answer.text();
            let line = text.lines().find(|line| line.starts_with("probe_success"));
            let line = line.map(|line| {
                line.replace("{location=\"amsterdam\"}", "")
                    .replace(".0", "")
            });
            assert_eq!(line.as_deref(), success, "{text}");
            assert_eq!(
                text.contains("m365_resource_interval_seconds"),
                path.contains("probed"),
                "{text}"
            );
        }
    }
    assert_eq!(stage.get("/probe").await.status, 400);
    assert_eq!(stage.get("/probe?resource=").await.status, 400);
    let unknown = stage.get("/probe?resource=intranett").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.text(),
        "unknown resource \"intranett\", did you mean \"intranet\"?\n"
    );
    let long = stage
        .get(&format!("/probe?resource={}", "x".repeat(4000)))
        .await;
    assert_eq!(long.status, 404);
    assert!(long.body.len() < 300);
}

#[tokio::test]
async fn debug_tells_the_story_to_an_operator() {
    let stage = Stage::new().await;
    stage
        .fake
        .say(Verdict::Problem(Reason::Locked), "the site is locked");
    let answer = stage.get("/probe?resource=intranet&debug=true").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let text = answer.text();
    for part in ["asking for intranet", "probe_success", "probe_success"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for (header, status) in [
        ("host: exporter.contoso.com:10365", 421),
        (EVERYONE, 403),
        ("sec-fetch-site: cross-site", 403),
        ("origin: https://evil.example", 403),
    ] {
        let line = "GET /probe?resource=intranet&debug=true";
        let answer = request(stage.addr, line, &[header]).await;
        assert_eq!(answer.status, status, "{header}");
        assert!(!answer.text().contains("asking for"), "{header}");
    }
    // The rest of five seconds get the last story.
    for _ in 0..20 {
        let answer = stage.get("/probe?resource=intranet&debug=true").await;
        assert!(answer.text().contains("asking for intranet"));
        assert!(answer.text().starts_with("(told "), "{}", answer.text());
    }
    assert_eq!(stage.fake.began.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn discovery_lists_what_probe_is_the_home_of() {
    let stage = Stage::new().await;
    let answer = stage.get("/sd").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let list: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        list,
        serde_json::json!([{
            "targets": [stage.addr.to_string()],
            "labels": {
                "__metrics_path__": "/probe", "__scheme__": "http",
                "__param_resource": "probed", "instance": "probed",
                "__meta_m365_account": "contoso", "__meta_m365_kind": "exchange_mailbox",
            },
        }])
    );
    let host = ["host: exporter:10365"];
    let answer = request(stage.addr, "GET /sd", &host).await;
    assert!(answer.text().contains("\"targets\":[\"exporter:10365\"]"));
    let answer = request(stage.addr, "GET /sd", &["host: a\"b"]).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn everything_is_served_under_the_external_path_as_well() {
    let url = "https://monitor.contoso.com/m365/";
    let stage = Stage::with(Some(url), Bounds::default()).await;
    let answer = stage.get("/m365/sd").await;
    let list: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(list[0]["targets"][0], "monitor.contoso.com");
    assert_eq!(list[0]["labels"]["__scheme__"], "https");
    assert_eq!(list[0]["labels"]["__metrics_path__"], "/m365/probe");
    for path in [
        "/m365",
        "/m365/",
        "/m365/metrics",
        "/metrics",
        "/m365/-/healthy",
    ] {
        assert_eq!(stage.get(path).await.status, 200, "{path}");
    }
    assert_eq!(stage.get("/m365x/metrics").await.status, 404);
    let page = stage.get("/").await;
    assert!(
        page.text().contains("href=\"/m365/metrics\""),
        "{}",
        page.text()
    );
}
