//! Kinds against the simulated tenant: a success with its readings, a refusal,
//! a wait.

use m365mon::model::{Outcome, Reason, Report};
use serde_json::json;

use super::simulated::Scene;
use crate::support::origin::LONG;

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
