//! Values that come from the environment: a reference is a whole value, and none is
//! ever shown.

use std::path::Path;
use std::time::Duration;

use m365mon::config;

use super::many::{folder, load, names};
use super::variables;

#[test]
fn values_come_from_the_environment() {
    let main = "\
labels: {location: \"${PLACE}\"}
storage: ${STORE}
http: {user_agent: '${AGENT}', proxy_url: \"${PROXY}\", resolve: {login.microsoftonline.com: \"${LOGIN}\"}}
limits: {per_account: \"${COUNT}\"}
metrics: {phases: \"${NO}\", histogram_buckets: [\"${LOW}\", 2]}
defaults: {interval: \"${EVERY}\", account: \"${WHO}\", kind: \"${KIND}\"}
accounts:
  - name: ${WHO}
    tenant: ${TENANT}
    client_id: ${CLIENT}
    cloud: ${CLOUD}
    client_secret: {secret: \"${SECRET}\", expires: \"${END}\"}
resources:
  - {name: a, url: \"${SITE}\"}
resource_files: \"${FILES}\"
";
    let more = "- {name: b, url: \"${SITE}\", interval: 5m}\n- {name: c, kind: http_endpoint, url: \"${SITE}\", expect_status: \"${STATUS}\", proxy_url: null}\n";
    let folder = folder(main, &[("more.yml", more)]);
    let pairs = [
        ("PLACE", "canary-place"),
        ("STORE", "canary-store"),
        ("AGENT", "canary-agent"),
        ("PROXY", "http://canary:canary@proxy.contoso.com:3128"),
        ("LOGIN", "127.0.0.1:8446"),
        ("COUNT", "63"),
        ("NO", "false"),
        ("LOW", "0.125"),
        ("EVERY", "123s"),
        ("WHO", "canary-who"),
        ("KIND", "sharepoint_site"),
        ("TENANT", "canary.contoso.com"),
        ("CLIENT", "99999999-2222-3333-4444-555555555555"),
        ("CLOUD", "china"),
        ("SECRET", "canary-secret"),
        ("END", "2033-03-01"),
        ("SITE", "https://canary.sharepoint.cn/sites/a"),
        ("FILES", "more.*"),
        ("STATUS", "207"),
    ];
    let configuration = load(folder.path(), &pairs).unwrap();
    assert_eq!(names(&configuration), ["a", "b", "c"]);
    assert_eq!(configuration.limits.per_account, 63);
    assert!(!configuration.metrics.phases);
    assert_eq!(*configuration.metrics.histogram_buckets, [0.125, 2.0]);
    assert_eq!(
        configuration.resources[0].interval,
        Duration::from_secs(123)
    );
    assert_eq!(&*configuration.resources[0].account.name, "canary-who");
    assert_eq!(&*configuration.http.user_agent, "canary-agent");

    let page = config::redacted(&configuration);
    for (name, value) in pairs {
        if !matches!(name, "FILES" | "KIND") {
            let of_a_default = name == "WHO" || name == "SITE";
            assert!(of_a_default || !page.contains(value), "{name}:\n{page}");
        }
        if name != "FILES" && name != "SECRET" && name != "PROXY" {
            assert!(page.contains(&format!("${{{name}}}")), "{name}:\n{page}");
        }
    }
    assert!(!page.contains("canary"), "{page}");
    assert_eq!(page.matches("interval: ${EVERY}").count(), 2, "{page}");
    assert_eq!(page.matches("interval: 5m").count(), 1, "{page}");

    // Each of them is needed.
    for (missing, _) in pairs {
        let others: Vec<(&str, &str)> = pairs
            .into_iter()
            .map(|(name, value)| (name, if name == missing { "" } else { value }))
            .collect();
        let complaints = load(folder.path(), &others).unwrap_err();
        let says = format!("the environment variable {missing} is not set, or empty; set it");
        for complaint in complaints.lines() {
            assert!(complaint.contains(&says), "{missing}: {complaints}");
        }
    }
}

/// Whatever is wrong with a value of the environment, no message shows it.
#[test]
fn no_complaint_shows_a_value_of_the_environment() {
    let keys = [
        "labels: {location: ${X}}",
        "storage: ${X}",
        "http: {user_agent: ${X}}",
        "http: {ca_file: ${X}}",
        "http: {proxy_url: ${X}}",
        "http: {proxy_url_file: ${X}}",
        "http: {resolve: {a.contoso.com: ${X}}}",
        "limits: {on_scrape: ${X}}",
        "metrics: {histogram: ${X}}",
        "metrics: {histogram_buckets: [${X}]}",
        "defaults: {interval: ${X}}",
        "defaults: {mode: ${X}}",
        "defaults: {account: ${X}}",
        "defaults: {kind: ${X}}",
        "resource_files: [${X}]",
        "accounts: [{name: ${X}}]",
        "accounts: [{name: a, tenant: ${X}}]",
        "accounts: [{name: a, client_id: ${X}}]",
        "accounts: [{name: a, cloud: ${X}}]",
        "accounts: [{name: a, cloud: {login_url: ${X}}}]",
        "accounts: [{name: a, audiences: {a: ${X}}}]",
        "accounts: [{name: a, delegated: {username: ${X}}}]",
        "accounts: [{name: a, delegated: {redirect_url: ${X}}}]",
        "accounts: [{name: a, client_secret: {expires: ${X}}}]",
        "accounts: [{name: a, client_secret: {secret_file: ${X}}}]",
        "accounts: [{name: a, client_secret: {secret_env: ${X}}}]",
        "accounts: [{name: a, client_certificate: {certificate_file: ${X}}}]",
        "accounts: [{name: a, proxy_url: ${X}}]",
        "resources: [{name: ${X}}]",
        "resources: [{name: a, account: ${X}}]",
        "resources: [{name: a, kind: ${X}}]",
        "resources: [{name: a, timeout: ${X}}]",
        "resources: [{name: a, kind: sharepoint_site, url: ${X}}]",
        "resources: [{name: a, kind: http_endpoint, url: ${X}}]",
        "resources: [{name: a, kind: http_endpoint, url_file: ${X}}]",
        "resources: [{name: a, kind: http_endpoint, scope: ${X}}]",
        "resources: [{name: a, kind: http_endpoint, expect_status: ${X}}]",
        "resources: [{name: a, kind: exchange_mailbox, user: ${X}}]",
        "resources: [{name: a, kind: mailbox_folder, folder: ${X}}]",
        "resources: [{name: a, kind: teams_team, team: ${X}}]",
        "resources: [{name: a, kind: mail_round_trip, to_account: ${X}}]",
        "resources: [{name: a, kind: service_health, services: ${X}}]",
        "resources: [{name: a, kind: app_credentials, applications: {a: ${X}}}]",
    ];
    for value in [
        "c4n4ry c4n4ry",
        "https://c4n4ry.contoso.com:99999/x",
        "c4n4ry/../c4n4ry",
        "c4n4ry@@",
    ] {
        for key in keys {
            let text = key.replace("${X}", "\"${X}\"");
            let told =
                match config::parse(&text, Path::new("m365mon.yml"), &variables(&[("X", value)])) {
                    Ok(loaded) => loaded.warnings.iter().map(ToString::to_string).collect(),
                    Err(errors) => errors.to_string(),
                };
            assert!(!told.contains("c4n4ry"), "{key}: {told}");
        }
    }
}

#[test]
fn a_reference_is_the_whole_value() {
    let about = |text: &str| {
        let found = config::parse(text, Path::new("m365mon.yml"), &variables(&[("A", "1")]));
        found.unwrap_err().to_string()
    };
    let inside = "\"${\" stands inside of other text: a value is taken from the environment as a whole, as \"${NAME}\" with letters, digits and \"_\", or not at all";
    for (text, at) in [
        ("labels: {a: \"x${A}\"}", "1:13"),
        ("labels: {a: \"${A}${A}\"}", "1:13"),
        ("labels: {a: \"${A-B}\"}", "1:13"),
        ("labels: {a: \"${}\"}", "1:13"),
        ("labels: {a: \"$${A}\"}", "1:13"),
        (
            "accounts: [{name: a, client_secret: {secret: \"c4n4ry${A}\"}}]",
            "1:46",
        ),
    ] {
        let told = about(text);
        let first = format!("m365mon.yml:{at}: {inside}");
        assert!(told.lines().any(|line| line == first), "{told}");
        assert!(!told.contains("c4n4ry"), "{told}");
    }
    let told = about("labels: {\"${A}\": x}");
    assert_eq!(
        told,
        "m365mon.yml:1:10: a key cannot come from the environment; only a value can"
    );
}
