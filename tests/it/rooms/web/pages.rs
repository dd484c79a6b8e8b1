//! Pages for people, health, and what is counted.

use std::sync::Arc;
use std::time::Duration;

use m365mon::model::{Reason, Verdict};

use super::Stage;
use crate::support::operator::EVERYONE;
use crate::support::raw::{PATIENCE, request};

#[tokio::test]
async fn everyone_sees_states_and_operators_see_sentences() {
    let stage = Stage::new().await;
    stage.fake.say(
        Verdict::Problem(Reason::BadResponse),
        "<script>alert('x')</script>",
    );
    stage.get("/metrics").await;
    let page = stage.get("/").await;
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let (text, words) = (page.text(), page.words());
    for part in [
        "1 resource is down",
        "1 down",
        "0 up",
        "2 not probed yet",
        "The answer cannot be used bad_response",
        "scraped SharePoint site, contoso",
        "What users feel",
        "What to do",
        "<script>alert('x')</script>",
    ] {
        assert!(words.contains(part), "{part} in {words}");
    }
    for link in [
        "/resources/intranet",
        "/resources/probed",
        "/accounts/contoso",
    ] {
        assert!(
            text.contains(&format!("href=\"{link}\"")),
            "{link} in {text}"
        );
    }
    assert!(text.contains("/runbooks/bad_response"), "{text}");
    assert!(!text.contains("<script>"), "{text}");
    assert!(text.contains("<title>1 down · m365mon</title>"), "{text}");

    // The key counts only at a name that is ours.
    let rebound = ["host: exporter.contoso.com"];
    for headers in [&[EVERYONE][..], &rebound, &[EVERYONE, rebound[0]]] {
        let page = request(stage.addr, "GET /", headers).await;
        assert_eq!(page.status, 200);
        for part in ["intranet", "bad_response", "1 down", "Become an operator"] {
            assert!(page.words().contains(part), "{headers:?} {part}");
        }
        assert!(!page.text().contains("alert("), "{headers:?}");
    }
    let style = stage.get("/assets/style.css").await;
    assert_eq!(
        style.header("content-type"),
        Some("text/css; charset=utf-8")
    );
}

#[tokio::test]
async fn pages_and_json_of_one_and_of_all() {
    let stage = Stage::new().await;
    stage
        .fake
        .say(Verdict::Problem(Reason::Locked), "<b>locked</b>");
    stage.get("/metrics").await;

    let page = stage.get("/resources/scraped").await;
    assert_eq!(page.status, 200);
    let words = page.words();
    for part in [
        "scraped down",
        "It is locked locked",
        "Down since at least",
        "failure: It is locked",
        "<b>locked",
        "Sites.Selected",
        "through contoso",
        "Probe now, step by step",
        "location amsterdam",
    ] {
        assert!(words.contains(part), "{part} in {words}");
    }
    assert!(
        page.text()
            .contains("<title>scraped: down · m365mon</title>")
    );
    let page = stage.get("/accounts/contoso").await;
    assert_eq!(page.status, 200);
    let words = page.words();
    for part in [
        "contoso not used yet",
        "client secret client_secret",
        "down scraped",
        "not probed yet probed",
        "Mail.ReadBasic",
    ] {
        assert!(words.contains(part), "{part} in {words}");
    }
    assert_eq!(stage.get("/resources/scrapedd").await.status, 404);
    assert_eq!(stage.get("/resources/%3Cb%3E").await.status, 404);
    assert_eq!(stage.get("/accounts/nobody").await.status, 404);
    let found = stage.get("/?state=down&q=SCRAPED").await;
    assert!(found.text().contains("/resources/scraped"));
    assert!(!found.text().contains("/resources/intranet"));

    let all: serde_json::Value =
        serde_json::from_slice(&stage.get("/api/v1/resources").await.body).unwrap();
    let all = all["resources"].as_array().unwrap();
    assert_eq!(all.len(), 3);
    let scraped = &all[1];
    assert_eq!(scraped["name"], "scraped");
    assert_eq!(scraped["state"], "down");
    assert_eq!(scraped["problem"]["reason"], "locked");
    assert_eq!(scraped["probes"]["failure"], 1);
    assert_eq!(scraped["labels"]["location"], "amsterdam");
    assert!(scraped.get("history").is_none());
    let ticks = &scraped["ticks"];
    assert_eq!(ticks["due"], ticks["reported"], "{ticks}");
    assert_eq!(ticks["skipped"], 0);
    let one = stage.get("/api/v1/resources?resource=scraped").await;
    let one: serde_json::Value = serde_json::from_slice(&one.body).unwrap();
    assert_eq!(one["resources"][0]["history"][0]["outcome"], "failure");
    assert_eq!(
        one["resources"][0]["permissions"][0]["name"],
        "Sites.Selected"
    );
    assert_eq!(stage.get("/api/v1/resources?resource=x").await.status, 404);
    let accounts = stage.get("/api/v1/accounts").await;
    let accounts: serde_json::Value = serde_json::from_slice(&accounts.body).unwrap();
    assert_eq!(accounts["accounts"][0]["credential"], "client_secret");
    assert_eq!(accounts["accounts"][0]["resources"][2], "probed");

    let config = stage.get("/config").await;
    assert!(config.text().contains("<secret>"), "{}", config.text());
    assert!(!config.text().contains("canary-secret"));

    // What everyone may read has nothing of people, permissions and addresses.
    for path in [
        "/",
        "/resources/scraped",
        "/resources/probed",
        "/accounts/contoso",
        "/api/v1/resources",
        "/api/v1/resources?resource=probed",
        "/api/v1/accounts",
    ] {
        let answer = request(stage.addr, &format!("GET {path}"), &[EVERYONE]).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text().contains("contoso"), "{path}");
        for secluded in [
            "steve",
            "11111111-2222",
            "sharepoint.com/sites",
            "Sites.Selected",
            "Mail.ReadBasic",
            "locked</b>",
            "locked&#60;",
            "debug=true",
        ] {
            let text = answer.text();
            assert!(!text.contains(secluded), "{path} {secluded}: {text}");
        }
    }
    for (headers, status) in [
        (&[EVERYONE][..], 403),
        (&["host: exporter.contoso.com"], 421),
        (&[EVERYONE, "host: exporter.contoso.com"], 421),
        (&["host: localhost"], 200),
    ] {
        let answer = request(stage.addr, "GET /config", headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
        assert_eq!(answer.text().contains("accounts:"), status == 200);
    }
}

#[tokio::test]
async fn reloading_is_off_unless_asked_for() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/-/reload").await.status, 405);
    let answer = request(stage.addr, "POST /-/reload", &[]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("--web.enable-lifecycle"));
}

#[tokio::test]
async fn health_and_readiness() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/-/ready").await.status, 503);
    stage.app.set_ready();
    assert_eq!(stage.get("/-/ready").await.status, 200);
    assert_eq!(stage.get("/-/healthy").await.status, 200);
    tokio::spawn(Arc::clone(&stage.scheduler).run());
    stage.scheduler.shutdown(Duration::ZERO).await;
    let ended = async {
        while stage.get("/-/healthy").await.status != 503 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
}

#[tokio::test]
async fn requests_are_counted_by_a_bounded_name() {
    let stage = Stage::new().await;
    for path in ["/x", "/y?z", "/-/nothing", "/metrics/"] {
        assert_eq!(stage.get(path).await.status, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let answer = request(stage.addr, &format!("{method} /sd"), &[]).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    }
    stage.get("/metrics").await;
    let answer = stage.get("/metrics").await;
    let lines: Vec<&str> = answer
        .text()
        .lines()
        .filter(|line| line.starts_with("m365mon_http_requests_total{"))
        .collect();
    let counted = |handler: &str, code: &str, count: &str| {
        let handler = format!("handler=\"{handler}\"");
        let code = format!("code=\"{code}\"");
        lines
            .iter()
            .any(|l| l.contains(&handler) && l.contains(&code) && l.ends_with(&format!(" {count}")))
    };
    assert!(counted("other", "404", "4"), "{lines:#?}");
    assert!(counted("/sd", "405", "5"), "{lines:#?}");
    assert!(counted("/metrics", "200", "1"), "{lines:#?}");
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for (handler, count) in [("other", 4), ("/sd", 5), ("/metrics", 1)] {
        let took = format!("handler=\"{handler}\"}} {count}");
        let is_it = |line: &&str| {
            line.starts_with("m365mon_http_request_duration_seconds_count{")
                && line.ends_with(&took)
        };
        assert!(answer.text().lines().any(|line| is_it(&line)), "{took}");
    }
}
