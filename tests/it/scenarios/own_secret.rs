//! The end of the own client secret, which nobody wrote down: from the tenant to
//! the metrics, through a change of the secret, and in the doctor's words.

use m365mon_simulator::directory::{DOMAIN, SELECTED_CLIENT_ID};

use crate::rooms::doctor::stage::{Stage, site};
use crate::support::stack::{Process, eventually, get};

const CREDENTIAL: &str =
    "m365_credential_expiry_timestamp_seconds{account=\"app\",credential=\"client_secret\"}";
const RESOURCE: &str = "m365_resource_token_expiry_timestamp_seconds{";

fn account(expires: &str) -> String {
    format!(
        "  - name: app\n    tenant: {DOMAIN}\n    client_id: {SELECTED_CLIENT_ID}\n    \
         client_secret: {{secret_file: secret.txt{expires}}}"
    )
}

const DIRECTORY: &str =
    "  - {name: directory, account: app, kind: entra_directory, interval: 5s, timeout: 2s}";

/// What stands behind the series that begins so.
fn value(metrics: &str, series: &str) -> Option<i64> {
    let line = metrics.lines().find(|line| line.starts_with(series))?;
    let value: f64 = line.rsplit(' ').next()?.parse().ok()?;
    Some(value as i64)
}

/// Has another secret made, and says when it ends.
fn another(stage: &mut Stage) -> i64 {
    let order = format!(r#"{{"app": "{SELECTED_CLIENT_ID}", "change": "new"}}"#);
    let made = stage.tell("/secrets", &order);
    let ends: jiff::Timestamp = made["ends"].as_str().unwrap().parse().unwrap();
    stage.keep("secret.txt", made["secret"].as_str().unwrap());
    ends.as_second()
}

#[test]
fn it_is_read_and_follows_another_secret() {
    let mut stage = Stage::set();
    let first = another(&mut stage);
    stage.configure(&account(""), DIRECTORY);
    let (exporter, address) = Process::serve(&stage.path("m365mon.yml"), &["--log.level=trace"]);
    let known = |end: i64| {
        eventually("the end of the secret is known", || {
            let metrics = get(address, "/metrics");
            let ends = [CREDENTIAL, RESOURCE].map(|series| value(&metrics, series));
            (ends == [Some(end); 2]).then_some(())
        });
    };
    known(first);
    let accounts = get(address, "/api/v1/accounts");
    assert!(accounts.contains("client_secret"), "{accounts}");

    // Seconds have passed: the ends differ.
    let second = another(&mut stage);
    assert!(second > first);
    known(second);

    let secret = std::fs::read_to_string(stage.path("secret.txt")).unwrap();
    let said = exporter.output();
    assert!(!said.contains(&secret), "a secret is in the log");
}

#[test]
fn a_date_that_is_wrong_is_told() {
    let mut stage = Stage::set();
    let ends = jiff::Timestamp::from_second(another(&mut stage)).unwrap();
    let right = ends.strftime("%Y-%m-%d").to_string();
    for (expires, words, warns) in [
        ("", vec!["by the directory", &right], false),
        (&*format!(", expires: {right}"), vec![&*right], false),
        (
            ", expires: 2099-01-01",
            vec!["by the directory", "`expires` says 2099-01-01", &right],
            true,
        ),
        (
            ", expires: 2026-12-31",
            vec!["ends 2026-12-31", "the directory", &right],
            true,
        ),
    ] {
        stage.configure(&account(expires), &site("app", "sites/intranet", ""));
        let told = stage.doctor(&[]);
        told.is("credential", "proved", &words);
        assert_eq!(told.code, 0, "{:#}", told.json);
        let text = told.step("credential").to_string();
        assert_eq!(text.contains("warning"), warns, "{text}");
    }
    stage.configure(&account(", expires: 2099-01-01"), DIRECTORY);
    let (exporter, address) = Process::serve(&stage.path("m365mon.yml"), &[]);
    exporter.wait_for("the warning", |text| {
        let line = text
            .lines()
            .find(|line| line.contains("level=warn") && line.contains("expires"))?;
        (line.contains("account=app") && line.contains(&right)).then_some(())
    });
    let metrics = get(address, "/metrics");
    assert_eq!(
        value(&metrics, CREDENTIAL),
        Some(ends.as_second()),
        "the earlier counts"
    );
}

#[test]
fn what_may_not_be_read_is_unknown_and_no_error() {
    let mut stage = Stage::set();
    another(&mut stage);
    stage.configure(&account(""), DIRECTORY);
    for status in [403, 404] {
        stage.tell(
            "/faults",
            &format!(
                r#"{{"scope": {{"host": "graph.microsoft.com"}}, "kind": {{"status": {{"status": {status}}}}}}}"#
            ),
        );
        let told = stage.doctor(&[]);
        told.is(
            "credential",
            "cannot_be_seen",
            &["when it ends cannot be seen"],
        );
        stage.mend();
    }
}
