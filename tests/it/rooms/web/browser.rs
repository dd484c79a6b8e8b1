//! What a browser is shown where programs get a line of text.

use m365mon::model::{Reason, Verdict};

use super::Stage;
use crate::support::operator::EVERYONE;
use crate::support::raw::request;

const BROWSER: &str = "accept: text/html,application/xhtml+xml,*/*;q=0.8";

#[tokio::test]
async fn errors_are_pages_with_a_way_on() {
    let stage = Stage::new().await;
    for (what, headers, status, says) in [
        (
            "GET /nothing",
            &[BROWSER][..],
            404,
            "There is nothing of that name",
        ),
        (
            "GET /resources/scrapedd",
            &[BROWSER],
            404,
            "did you mean \"scraped\"?",
        ),
        (
            "GET /resources/%3Cb%3E",
            &[BROWSER],
            404,
            "unknown resource \"<b>\"",
        ),
        (
            "GET /config",
            &[BROWSER, EVERYONE],
            403,
            "How to become an operator",
        ),
        (
            "GET /config",
            &[BROWSER, "host: exporter.contoso.com"],
            421,
            "Not under this address",
        ),
        ("DELETE /sd", &[BROWSER], 405, "Not in this way"),
        ("GET /probe", &[BROWSER], 400, "which resource?"),
        (
            "GET /runbooks/timeouts",
            &[BROWSER],
            404,
            "did you mean \"timeout\"?",
        ),
    ] {
        let page = request(stage.addr, what, headers).await;
        assert_eq!(page.status, status, "{what}");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(page.header("content-security-policy").is_some(), "{what}");
        assert!(page.words().contains(says), "{what}: {}", page.words());
        assert!(page.text().contains("href=\"/\""), "{what}");
        assert!(!page.text().contains("<b>"), "{what}");
        // A program gets one line, as ever.
        let text = request(stage.addr, what, &headers[1..]).await;
        assert_eq!(text.status, status, "{what}");
        assert!(
            !text.text().contains('<') || text.text().contains("\"<b>\""),
            "{what}"
        );
        assert_eq!(text.text().trim().lines().count(), 1, "{what}");
        assert_eq!(text.header("allow"), page.header("allow"), "{what}");
    }
}

#[tokio::test]
async fn a_story_is_a_waterfall_also_when_it_fails() {
    let stage = Stage::new().await;
    stage
        .fake
        .say(Verdict::Problem(Reason::Timeout), "no answer within 10s");
    let path = "GET /probe?debug=true&resource=intranet";
    let page = request(stage.addr, path, &[BROWSER]).await;
    assert_eq!(page.status, 200);
    let words = page.words();
    for part in [
        "Probe of intranet",
        "failure: No answer in time",
        "no answer within 10s",
        "Where the time went: 250 ms",
        "the service's work 250 ms",
        "HTTP status: 200",
        "asking for intranet",
        "probe_success 0",
    ] {
        assert!(words.contains(part), "{part} in {words}");
    }
    // The same story, for a terminal.
    let text = stage.get("/probe?debug=true&resource=intranet").await;
    assert!(text.text().starts_with("(told "), "{}", text.text());
    for part in ["asking for intranet", "counts nowhere", "probe_success 0"] {
        assert!(text.text().contains(part), "{part} in {}", text.text());
    }
    let refused = request(stage.addr, path, &[BROWSER, EVERYONE]).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn the_configuration_is_a_page_or_text() {
    let stage = Stage::new().await;
    let page = request(stage.addr, "GET /config", &[BROWSER]).await;
    assert!(page.words().contains("The running configuration"));
    assert!(page.words().contains("<secret>"), "{}", page.words());
    assert!(!page.text().contains("canary-secret"));
    let text = stage.get("/config").await;
    assert_eq!(
        text.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

#[tokio::test]
async fn runbooks_are_in_the_program() {
    let stage = Stage::new().await;
    for headers in [&[BROWSER][..], &[BROWSER, EVERYONE]] {
        let page = request(stage.addr, "GET /runbooks/M365ResourceDown", headers).await;
        assert_eq!(page.status, 200);
        let words = page.words();
        for part in [
            "M365ResourceDown: a resource is down",
            "What users feel",
            "m365mon probe NAME",
        ] {
            assert!(words.contains(part), "{part} in {words}");
        }
        let page = request(stage.addr, "GET /runbooks", headers).await;
        assert!(page.text().contains("href=\"/runbooks/timeout\""));
        assert!(page.words().contains("timeout: No answer in time"));
    }
    let text = stage.get("/runbooks/timeout").await;
    assert!(text.text().starts_with("# `timeout`"), "{}", text.text());
    assert!(
        stage
            .get("/runbooks")
            .await
            .text()
            .contains("M365ResourceDown\n")
    );
}

#[tokio::test]
async fn whom_to_give_which_id() {
    let stage = Stage::new().await;
    stage
        .fake
        .say(Verdict::Problem(Reason::ServerError), "out of order");
    stage.get("/probe?resource=probed").await;
    let page = request(stage.addr, "GET /resources/probed", &[BROWSER]).await;
    let words = page.words();
    for part in [
        "For Microsoft Time: 20",
        "request-id: 5b0e7f4a-0000-4000-8000-000000000001",
        "client-request-id: 5b0e7f4a-0000-4000-8000-000000000002",
        "Result: server_error, HTTP status 200",
    ] {
        assert!(words.contains(part), "{part} in {words}");
    }
    let page = request(stage.addr, "GET /resources/probed", &[BROWSER, EVERYONE]).await;
    let words = page.words();
    assert!(words.contains("request-id: 5b0e7f4a-0000-4000-8000-000000000001"));
    assert!(
        !words.contains("5b0e7f4a-0000-4000-8000-000000000002"),
        "{words}"
    );
    let json = request(
        stage.addr,
        "GET /api/v1/resources?resource=probed",
        &[EVERYONE],
    )
    .await;
    assert!(!json.text().contains("5b0e7f4a-0000-4000-8000-000000000002"));
    let json = stage.get("/api/v1/resources?resource=probed").await;
    assert!(
        json.text()
            .contains("\"client_request_id\":\"5b0e7f4a-0000-4000-8000-000000000002\"")
    );
}

#[tokio::test]
async fn pictures_of_the_tab_and_nothing_from_elsewhere() {
    let stage = Stage::new().await;
    let page = stage.get("/").await;
    assert!(page.text().contains("href=\"/assets/icon-"));
    for icon in ["up", "unsure", "down"] {
        let icon = stage.get(&format!("/assets/icon-{icon}.svg")).await;
        assert_eq!(icon.header("content-type"), Some("image/svg+xml"));
    }
    assert_eq!(stage.get("/assets/nothing.js").await.status, 404);
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "img-src 'self';"] {
        assert!(policy.contains(part), "{policy}");
    }
    for path in [
        "/",
        "/resources/intranet",
        "/accounts/contoso",
        "/operator",
        "/runbooks/dns",
    ] {
        let page = request(stage.addr, &format!("GET {path}"), &[BROWSER]).await;
        let text = page.text();
        assert!(
            !text.contains("src=\"http") && !text.contains(" style="),
            "{path}"
        );
    }
}
