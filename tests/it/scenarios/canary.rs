//! What must never be seen: the client secret and every token, searched for in
//! the log at its most talkative, in every page, in metrics and in files.

use crate::support::stack::{Process, address_after, eventually, get, http};
use crate::support::tenant::{Pair, pair};

/// How every access token and id token begins: the base64 of `{"`.
const JWT: &str = "eyJ";

#[test]
fn a_configured_exporter_shows_no_secret_and_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let Pair {
        tenant: _tenant,
        exporter,
        address,
        control,
    } = pair(folder.path(), &["--log.level=trace"], |_| {});
    let secret = std::fs::read_to_string(folder.path().join("tenant/app-secret.txt")).unwrap();
    let secret = secret.trim();
    assert!(secret.len() > 8, "there is a secret to look for");
    eventually("the intranet was probed", || {
        get(address, "/metrics")
            .contains("m365_resource_up{resource=\"intranet\"")
            .then_some(())
    });
    // Refused tokens and broken answers are where tokens would show.
    for kind in [
        "\"html\"",
        "\"truncated\"",
        "{\"status\": {\"status\": 401}}",
        "{\"throttled\": {}}",
    ] {
        let body = format!(
            "{{\"kind\": {kind}, \"scope\": {{\"host\": \"graph.microsoft.com\"}}, \"count\": 12}}"
        );
        http(
            control,
            "POST",
            "/faults",
            &[("Content-Type", "application/json")],
            &body,
        )
        .unwrap();
    }
    eventually("a probe was refused", || {
        get(address, "/metrics")
            .contains("reason=\"unauthorized\"")
            .then_some(())
    });
    let mut seen = vec![("log", exporter.output())];
    for path in [
        "/",
        "/metrics",
        "/probe?resource=intranet",
        "/probe?resource=intranet&debug=true",
        "/sd",
        "/-/healthy",
        "/-/ready",
    ] {
        seen.push((path, get(address, path)));
    }
    seen.push(("log afterwards", exporter.output()));
    for (place, text) in &seen {
        assert!(!text.contains(secret), "the client secret is in {place}");
        assert!(!text.contains(JWT), "a token is in {place}");
        assert!(!text.contains("Bearer e"), "a token is in {place}");
    }
    assert!(
        seen[0].1.contains("level=trace"),
        "the log was at trace level"
    );
}

#[test]
fn the_demo_with_its_signed_in_people_shows_no_token() {
    let demo = Process::m365mon(&[
        "demo",
        "--web.listen-address=127.0.0.1:0",
        "--interval=1s",
        "--log.level=trace",
    ]);
    let address = demo.wait_for("status page", |text| {
        address_after(text, "status page    http://")
    });
    eventually("steve has signed in", || {
        get(address, "/metrics")
            .contains("m365_resource_up{resource=\"steve-mailbox\"")
            .then_some(())
    });
    for text in [demo.output(), get(address, "/"), get(address, "/metrics")] {
        assert!(!text.contains(JWT), "a token is shown");
    }
}
