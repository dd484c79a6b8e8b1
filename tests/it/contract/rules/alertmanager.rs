//! Alertmanager's configuration and the text of a page, by amtool.

use super::succeeds;

#[test]
fn a_page_reads_as_a_person_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.json");
    let page = serde_json::json!({
        "receiver": "chat", "status": "firing",
        "groupLabels": {}, "commonLabels": {"severity": "page"}, "commonAnnotations": {},
        "externalURL": "https://alertmanager.contoso.com",
        "alerts": [{
            "status": "firing",
            "labels": {"alertname": "M365ResourceDown", "severity": "page", "owner": "Microsoft"},
            "annotations": {
                "summary": "intranet as seen from ams is down",
                "description": "Two probes in a row failed.",
                "reason": "server_error (ams), HTTP 503",
                "since": "2026-03-01 02:58 UTC",
                "status_url": "http://ams:10365/resources/intranet",
                "runbook_url": "https://m365mon.example/runbooks/M365ResourceDown",
            },
            "startsAt": "2026-03-01T03:00:30Z", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://prometheus.contoso.com", "fingerprint": "1"
        }]
    });
    std::fs::write(&file, page.to_string()).unwrap();
    let render = |name: &str| {
        succeeds(
            "amtool",
            &[
                "template",
                "render",
                "--template.glob=alerts/m365mon.tmpl",
                &format!("--template.data={}", file.display()),
                &format!("--template.text={{{{ template \"{name}\" . }}}}"),
            ],
        )
    };
    assert_eq!(
        render("m365mon.title").trim(),
        "PAGE: intranet as seen from ams is down"
    );
    assert_eq!(
        render("m365mon.link").trim(),
        "https://m365mon.example/runbooks/M365ResourceDown"
    );
    let wanted = "intranet as seen from ams is down
  Two probes in a row failed.
  Reason: server_error (ams), HTTP 503
  Worked last: 2026-03-01 02:58 UTC
  Alert since: 2026-03-01 03:00 UTC
  Whose it is: Microsoft
  What to do: https://m365mon.example/runbooks/M365ResourceDown
  Exporter: http://ams:10365/resources/intranet";
    assert_eq!(render("m365mon.text").trim(), wanted);
}

#[test]
fn alertmanager_takes_its_configuration_and_routes_by_severity() {
    succeeds("amtool", &["check-config", "alerts/alertmanager.yml"]);
    for (severity, receiver) in [("page", "pager"), ("ticket", "tickets"), ("info", "notes")] {
        succeeds(
            "amtool",
            &[
                "config",
                "routes",
                "test",
                "--config.file=alerts/alertmanager.yml",
                &format!("--verify.receivers={receiver}"),
                &format!("severity={severity}"),
                "account=contoso",
                "alertname=M365ResourceDown",
            ],
        );
    }
    succeeds(
        "amtool",
        &[
            "config",
            "routes",
            "test",
            "--config.file=alerts/alertmanager.yml",
            "--verify.receivers=watchdog",
            "severity=info",
            "alertname=M365Watchdog",
        ],
    );
}
