//! A probe of several requests fits into its interval, or that is said.

use std::time::Duration;

use m365mon::kinds::{self, Effort};

use super::parse;

/// Those of the examples, and a person.
const ACCOUNTS: &str = "accounts:
  - {name: contoso, tenant: contoso.com, client_id: 11111111-2222-3333-4444-555555555555, workload_identity: {token_file: /dev/null}, audiences: {'api://contoso-health': api.contoso.com}}
  - {name: steve, tenant: contoso.com, client_id: 11111111-2222-3333-4444-555555555555, delegated: {username: steve@contoso.com}}
";

/// Every kind states how much it asks; with the usual times that fits.
#[test]
fn what_a_probe_of_each_kind_takes() {
    let mut several = Vec::new();
    for info in kinds::ALL {
        let text = format!("{ACCOUNTS}resources:\n  - {}\n", info.example);
        let loaded = parse(&text).unwrap();
        let resource = &loaded.configuration.resources[0];
        let effort = resource.kind.effort(&resource.account);
        assert!(
            effort.least(resource.timeout) < resource.interval,
            "{effort:?}"
        );
        assert!(resource.longest() <= resource.interval);
        // What has steps has requests.
        assert_eq!(info.calls() > 1, effort.requests > 1, "{}", info.name);
        if effort != Effort::ONE {
            let waits = effort.waits.as_millis();
            several.push((info.name, effort.requests, waits, effort.further));
        }
    }
    assert_eq!(
        several,
        [
            ("service_health", 2, 0, 4),
            ("sign_in", 2, 0, 0),
            ("mail_round_trip", 4, 120_000, 0),
            ("mailbox_folder", 2, 0, 0),
            ("licenses", 2, 0, 18),
            ("message_center", 1, 0, 19),
            ("app_credentials", 4, 400, 198),
            ("file_round_trip", 6, 0, 0),
        ]
    );
}

/// What reads works all the same, so that a warning is enough; what writes has to
/// clean up (`tests/data/config/wrong.txt`).
#[test]
fn an_interval_that_is_short_for_all_requests_is_told() {
    let named: Vec<String> = (0..51)
        .map(|number| format!("a{number}: 11111111-2222-3333-4444-{number:012}"))
        .collect();
    let named = format!(
        "kind: app_credentials, applications: {{{}}}",
        named.join(", ")
    );
    let folder = "account: contoso, kind: mailbox_folder, user: info@contoso.com";
    for (line, told) in [
        (folder.to_owned(), None),
        (format!("{folder}, interval: 20s"), None),
        (format!("{folder}, oldest: true, interval: 21s"), None),
        (
            format!("{folder}, oldest: true, interval: 20s"),
            Some("20s is short: one probe may take 20s: 2 requests of 10s at most; "),
        ),
        (
            "account: contoso, kind: sign_in, interval: 21s".to_owned(),
            None,
        ),
        (
            "account: steve, kind: sign_in, interval: 21s".to_owned(),
            Some("21s is short: one probe may take 30s: 3 requests of 10s at most; "),
        ),
        (
            "account: contoso, kind: service_health, interval: 1m".to_owned(),
            None,
        ),
        (
            "account: contoso, kind: service_health, interval: 1m, timeout: 30s".to_owned(),
            Some("1m is short: one probe may take 1m: 2 requests of 30s at most; "),
        ),
        (
            "account: contoso, kind: message_center, interval: 11s".to_owned(),
            None,
        ),
        (
            "account: contoso, kind: app_credentials, all: true".to_owned(),
            None,
        ),
        (format!("account: contoso, {named}"), None),
        (
            format!("account: contoso, {named}, interval: 1m, timeout: 10s"),
            Some(
                "1m is short: one probe may take 1m800ms: 2 requests of 10s at most, and 40s800ms of waiting; ",
            ),
        ),
    ] {
        let text = format!("{ACCOUNTS}resources:\n  - {{name: a, {line}}}\n");
        let loaded = parse(&text).unwrap();
        let resource = &loaded.configuration.resources[0];
        assert!(resource.longest() <= resource.interval.max(Duration::from_secs(1)));
        let warnings: Vec<&str> = loaded.warnings.iter().map(|one| &*one.message).collect();
        match told {
            None => assert_eq!(warnings, [""; 0], "{line}"),
            Some(told) => {
                let [warning] = warnings[..] else {
                    panic!("{line}: {warnings:?}");
                };
                let told = format!("the interval {told}");
                assert!(warning.starts_with(&told), "{warning}");
            }
        }
    }
}
