//! Names and passwords, health without them, the rate limit before them.

use super::{ALICE, HASH, Serving, TLS, folder_with_tls};

#[test]
fn who_comes_in() {
    let (folder, _) = folder_with_tls();
    let web = format!("{TLS}basic_auth_users:\n  alice: {HASH}\n  \"carol smith\": {HASH}\n");
    let serving = Serving::start(folder, &web, &[]);
    for path in [
        "/",
        "/metrics",
        "/-/healthy",
        "/-/ready",
        "/nowhere",
        "/assets/style.css",
    ] {
        let reply = serving.tls(path, &[]).unwrap();
        assert_eq!(reply.status, 401, "{path}");
        let challenge = [r#"Basic realm="m365mon", charset="UTF-8""#];
        assert_eq!(reply.header("www-authenticate"), challenge, "{path}");
        assert!(!reply.text.contains("m365_"), "{path}");
    }
    for (user, status) in [
        (ALICE, 200),
        ("carol smith:correct horse", 200),
        ("alice:correct", 401),
        ("alice:correct horse ", 401),
        ("alice:", 401),
        ("Alice:correct horse", 401),
        ("mallory:correct horse", 401),
        (":", 401),
    ] {
        assert_eq!(serving.status("/metrics", &["-u", user]), status, "{user}");
        assert_eq!(
            serving.status("/metrics", &["-u", user]),
            status,
            "{user} again"
        );
    }
    let bearer = ["-H", "Authorization: Bearer YWxpY2U6Y29ycmVjdCBob3JzZQ=="];
    assert_eq!(serving.status("/metrics", &bearer), 401);
    // Counted, and the log names nobody: people type passwords into that field.
    let reply = serving.tls("/metrics", &["-u", ALICE]).unwrap();
    let counted = r#"m365mon_http_requests_total{handler="/metrics",code="401"}"#;
    assert!(reply.text.contains(counted), "{}", reply.text);
    let log = serving.process.output();
    assert!(
        log.contains("a user name and password that do not fit"),
        "{log}"
    );
    for secret in ["mallory", "alice", "horse", "$2b$"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn health_for_everybody_if_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let web = format!("basic_auth_users: {{alice: {HASH}}}\n");
    let flags = [
        "--web.health-without-auth",
        "--web.external-url",
        "http://monitor.contoso.com/m365",
    ];
    let serving = Serving::start(folder, &web, &flags);
    let status = |path: &str| serving.curl(path, &[]).unwrap().status;
    for path in ["/-/healthy", "/-/ready", "/m365/-/healthy"] {
        assert_eq!(status(path), 200, "{path}");
    }
    for path in [
        "/",
        "/metrics",
        "/-/healthy/",
        "/-/reload",
        "/m365/metrics",
        "/%2d/healthy",
    ] {
        assert_eq!(status(path), 401, "{path}");
    }
}

#[test]
fn the_rate_limit_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing comes back while the test runs.
    let web =
        format!("basic_auth_users: {{alice: {HASH}}}\nrate_limit: {{interval: 20h, burst: 3}}\n");
    let serving = Serving::start(folder, &web, &["--web.health-without-auth"]);
    let ask = |user: &str| serving.curl("/metrics", &["-u", user]).unwrap();
    assert_eq!(ask(ALICE).status, 200);
    assert_eq!(ask("alice:wrong").status, 401);
    assert_eq!(ask(ALICE).status, 200);
    for user in [ALICE, "alice:wrong", "nobody:"] {
        let reply = ask(user);
        assert_eq!(reply.status, 429, "{user}");
        let wait: u64 = reply.header("retry-after")[0].parse().unwrap();
        assert!((71_000..=72_000).contains(&wait), "{wait}");
    }
    let health = serving.curl("/-/healthy", &[]).unwrap();
    assert_eq!(
        health.status, 200,
        "a flood does not get the process killed"
    );
    // Lifted while it runs.
    serving.replace("web.yml", &format!("basic_auth_users: {{alice: {HASH}}}\n"));
    crate::support::stack::eventually("no limit", || (ask(ALICE).status == 200).then_some(()));
}
