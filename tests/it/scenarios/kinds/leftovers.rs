//! A probe removes what probes left, and nothing that people wrote about them.

use m365mon::model::{Clock, Outcome};
use m365mon_simulator::directory::{DOMAIN, SELECTED_CLIENT_ID};
use m365mon_simulator::mail_flow::{Folder, Letter};
use serde_json::json;

use super::kills::cloud;
use crate::support::origin::LONG;

#[tokio::test]
async fn mail_of_others_stays() {
    let kind = "mail_round_trip";
    let cloud = cloud(kind).await;
    let (probe, monitoring) = (format!("probe@{DOMAIN}"), format!("monitoring@{DOMAIN}"));
    cloud.act(&[json!({"mailbox": {
        "user": probe, "assign": SELECTED_CLIENT_ID, "role": "Mail.ReadWrite",
    }})]);
    let tenant = &cloud.running.tenant;
    let owner = tenant.directory.read().user(&probe).unwrap().id.clone();
    let put = |subject: &str, from: &str, hours: i64| {
        let received = Clock::system().now() - jiff::SignedDuration::from_hours(hours);
        tenant.mail.put(Letter {
            serial: 0,
            owner: owner.clone(),
            folder: Folder::Inbox,
            subject: subject.to_owned(),
            from: (from.to_owned(), from.to_owned()),
            to: vec![probe.clone()],
            internet_message_id: format!("<{subject}@contoso.com>"),
            sent: received,
            received,
        });
    };
    let steve = format!("steve@{DOMAIN}");
    let mut of_people = vec![
        ("m365mon-notes".to_owned(), steve.clone()),
        ("m365mon-upgrade on Friday".to_owned(), steve.clone()),
        ("m365mon-notes".to_owned(), monitoring.clone()),
        ("m365mon-0123456789abcdef".to_owned(), steve.clone()),
        (
            "m365mon-0123456789abcdef is late".to_owned(),
            monitoring.clone(),
        ),
        (
            "RE: m365mon-0123456789abcdef".to_owned(),
            monitoring.clone(),
        ),
    ];
    // More than one probe removes.
    of_people.extend((0..20).map(|day| (format!("m365mon-minutes of day {day}"), steve.clone())));
    for (subject, from) in &of_people {
        put(subject, from, 2);
    }
    for ours in ["m365mon-aaaaaaaaaaaaaaaa", "m365mon-bbbbbbbbbbbbbbbb"] {
        put(ours, &monitoring, 3);
    }
    // Another exporter may still be looking for it.
    put("m365mon-cccccccccccccccc", &monitoring, 0);

    let report = cloud.probe(kind, LONG).await;
    assert_eq!(report.verdict.outcome(), Outcome::Success, "{report:?}");
    let left = tenant.mail.all();
    let mut left: Vec<_> = left
        .into_iter()
        .map(|one| (one.subject, one.from.1))
        .collect();
    of_people.push(("m365mon-cccccccccccccccc".to_owned(), monitoring));
    left.sort();
    of_people.sort();
    assert_eq!(left, of_people);
}
