//! Kinds against the simulated tenant: a success with its readings, a refusal,
//! a wait.

use m365mon::model::{Hold, Outcome, Reason, Repeat, Report};
use serde_json::json;

use super::simulated::Scene;
use crate::support::origin::LONG;

/// However Microsoft says that we ask too much, the gate of that service closes.
#[tokio::test]
async fn throttling_in_disguise_closes_the_gate() {
    const RESOURCES: &str = "
  - {name: room, account: contoso-app, kind: free_busy, user: helpdesk@contoso.onmicrosoft.com, schedule: room@contoso.onmicrosoft.com}
  - {name: file, account: contoso-app, kind: file_round_trip, url: https://contoso.sharepoint.com/sites/intranet, folder: probe}
  - {name: site, account: contoso-app, kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/intranet}
  - {name: team, account: contoso-app, kind: teams_team, team: 02bd9fd6-8f93-4758-87c3-1fb73740a315}
  - {name: mailbox, account: contoso-app, kind: exchange_mailbox, user: helpdesk@contoso.onmicrosoft.com}
";
    let busy = r#"{"value":[{"scheduleId":"x","availabilityView":"","error":{"message":"busy","responseCode":"ErrorServerBusy"}}]}"#;
    let too_many = "429 TOO MANY REQUESTS";
    let page = ("location", "/_layouts/15/Throttle.htm");
    let fraud = (
        "location",
        "https://contoso.sharepoint.com/_layouts/15/FraudThrottle.htm?id=1",
    );
    let soon = ("retry-after", "77");
    let scene = Scene::with(RESOURCES).await;
    for (name, status, headers, body, wait) in [
        ("room", 200, &[][..], busy, None),
        ("room", 200, &[soon], busy, Some(77)),
        ("room", 401, &[], too_many, None),
        ("file", 302, &[page], "", None),
        ("file", 302, &[fraud, soon], "", Some(77)),
        ("file", 401, &[soon], too_many, Some(77)),
        ("site", 302, &[page, soon], "", Some(77)),
        ("site", 401, &[], too_many, None),
        ("team", 302, &[fraud], "", None),
        ("team", 401, &[soon], too_many, Some(77)),
        ("mailbox", 302, &[page], "", None),
        ("mailbox", 401, &[soon], too_many, Some(77)),
    ] {
        let headers: serde_json::Map<_, _> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .chain([("content-type".to_owned(), json!("application/json"))])
            .collect();
        scene.fault(&json!({"status": {"status": status, "headers": headers, "body": body}}));
        let told = report(&scene, name).await;
        let what = format!("{name} {status} {body} {told:?}");
        assert_eq!(told.verdict.reason(), Some(Reason::Throttled), "{what}");
        let wait = wait.map(std::time::Duration::from_secs);
        assert_eq!(told.exchange.hold, Some(Hold::Gate { wait }), "{what}");
        assert_ne!(told.exchange.repeat, Some(Repeat::FreshToken), "{what}");
    }
}

const RESOURCES: &str = "
  - {name: tickets, account: contoso-app, kind: mailbox_folder, user: helpdesk@contoso.onmicrosoft.com, oldest: true}
  - {name: nobodys, account: contoso-app, kind: mailbox_folder, user: nobody@contoso.onmicrosoft.com}
  - {name: directory-sync, account: contoso-app, kind: directory_sync}
";

/// The values of a reading, by its place in what the kind declares.
fn values(report: &Report, reading: u8) -> Vec<f64> {
    let of_it = report.readings.iter().filter(|one| one.reading == reading);
    of_it.map(|one| one.value).collect()
}

async fn report(scene: &Scene, name: &str) -> Report {
    scene.probe(name, LONG).await
}

#[tokio::test]
async fn a_folder_of_a_mailbox() {
    let scene = Scene::with(RESOURCES).await;
    let told = report(&scene, "tickets").await;
    assert_eq!(told.verdict.outcome(), Outcome::Success, "{told:?}");
    for reading in 0..3 {
        assert_eq!(values(&told, reading).len(), 1, "{reading} {told:?}");
    }
    let steps: Vec<_> = told.steps.iter().map(|step| step.name).collect();
    assert_eq!(steps, ["counts", "oldest"]);

    assert_eq!(scene.reason("nobodys").await, Some(Reason::NotFound));
    scene.fault(&json!({"throttled": {}}));
    let throttled = report(&scene, "tickets").await;
    assert_eq!(throttled.verdict.reason(), Some(Reason::Throttled));
    assert!(throttled.readings.is_empty());
}

/// Without the permission Microsoft leaves the members empty and refuses
/// nothing: the readings are absent then.
#[tokio::test]
async fn directory_synchronisation() {
    let scene = Scene::with(RESOURCES).await;
    let told = report(&scene, "directory-sync").await;
    assert_eq!(told.verdict.outcome(), Outcome::Success, "{told:?}");
    assert!(told.readings.is_empty(), "{told:?}");

    scene.fault(&json!({"throttled": {}}));
    assert_eq!(
        scene.reason("directory-sync").await,
        Some(Reason::Throttled)
    );
}

#[tokio::test]
async fn directory_synchronisation_with_the_permission() {
    let scene = Scene::with(RESOURCES).await;
    scene.act(json!({"app": {"app": m365mon_simulator::directory::APP_CLIENT_ID, "grant": ["Organization.Read.All"]}}));
    let told = report(&scene, "directory-sync").await;
    assert_eq!(told.verdict.outcome(), Outcome::Success, "{told:?}");
    assert_eq!(values(&told, 0).len(), 1, "{told:?}");
    assert_eq!(values(&told, 1), [1.0]);
}
