//! What an operator reads who keeps only warnings: an outage is there, an
//! account in trouble is one line, and a healthy exporter is quiet.

use crate::support::stack::{Process, eventually, free_address, get};
use crate::support::tenant::{client_id, mend, simulate, tell};

fn warnings<'a>(log: &'a str, words: &'a str) -> impl Iterator<Item = &'a str> {
    log.lines()
        .filter(move |line| line.contains("level=warn") && line.contains(words))
}

#[test]
fn warnings_tell_what_users_feel_and_each_trouble_once() {
    let folder = tempfile::tempdir().unwrap();
    let (_tenant, control) = simulate(folder.path(), &["--interval=1s"]);
    tell(control, "/organizations", r#"{"token_lifetime": "10s"}"#);
    let address = free_address();
    let config = folder.path().join("tenant/m365mon.yml");
    let exporter = Process::m365mon(&[
        "serve",
        "--log.level=warn",
        "--web.listen-address",
        &address.to_string(),
        "--config.file",
        config.to_str().unwrap(),
    ]);
    let shows = |metric: &str, labels: &str, value: f64| {
        let text = get(address, "/metrics");
        text.lines()
            .any(|line| {
                line.starts_with(&format!("{metric}{{"))
                    && line.contains(labels)
                    && line
                        .split(' ')
                        .next_back()
                        .and_then(|value| value.parse::<f64>().ok())
                        == Some(value)
            })
            .then_some(())
    };
    eventually("the sites are up", || {
        ["home", "intranet", "hr", "finance"]
            .iter()
            .all(|name| shows("m365_resource_up", &format!("resource=\"{name}\""), 1.0).is_some())
            .then_some(())
    });
    let log = exporter.output();
    assert_eq!(warnings(&log, "resource changed").count(), 0, "{log}");
    // Steve has never signed in; his three resources are no lines of their own.
    assert_eq!(warnings(&log, "account=contoso-steve").count(), 1, "{log}");

    let intranet = r#"{"scope": {"resource": "https://contoso.sharepoint.com/sites/intranet"}, "kind": {"unavailable": {}}}"#;
    tell(control, "/faults", intranet);
    let log = exporter.wait_for("the outage", |log| {
        let line = warnings(log, "resource=intranet ").next()?;
        Some(line.to_owned())
    });
    assert!(log.contains("to=failure reason=server_error"), "{log}");
    mend(control);
    eventually("the intranet is up again", || {
        shows("m365_resource_up", "resource=\"intranet\"", 1.0)
    });

    // The secret is over, and soon the token that it brought.
    let app = client_id(folder.path()).unwrap();
    tell(
        control,
        "/secrets",
        &format!(r#"{{"app": "{app}", "change": "expire"}}"#),
    );
    exporter.wait_for("the account's trouble", |log| {
        warnings(log, "the account gets no token")
            .next()
            .map(|_| ())
    });
    eventually("its resources know no token", || {
        ["home", "hr", "finance"]
            .iter()
            .all(|name| {
                let labels = format!("resource=\"{name}\"");
                shows("m365_resource_problem", &labels, 1.0).is_some()
            })
            .then_some(())
    });
    let log = exporter.output();
    let lines: Vec<&str> = warnings(&log, "account=contoso-app")
        .filter(|line| line.contains("no token"))
        .collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("code=7000222"), "{log}");
    assert!(warnings(&log, "reason=token").next().is_none(), "{log}");
}
