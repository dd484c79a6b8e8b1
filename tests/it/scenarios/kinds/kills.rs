//! `kill -9` at any instant of a round trip: nothing is sent twice, and the next
//! run removes what was left.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use m365mon::model::{Clock, Random as _, SystemRandom};
use serde_json::json;

use super::{Cloud, granting, lines, resources};
use crate::support::stack::until;

/// 4, or as many as `M365MON_TEST_KILLS` says.
fn kills() -> usize {
    let given = std::env::var("M365MON_TEST_KILLS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(4)
}

async fn cloud(kind: &str) -> Cloud {
    let found: Vec<_> = resources()
        .into_iter()
        .filter(|(_, name, _)| *name == kind)
        .collect();
    let cloud = Cloud::with(&lines(&found)).await;
    let resource = cloud.resource(kind).clone();
    cloud.act(&granting(&resource));
    // Good for longer than the tenant's clock is behind.
    cloud.act(&[json!({"organization": {"token_lifetime": "9h"}})]);
    cloud
}

/// One run of `m365mon probe`, killed when that says so.
async fn run(cloud: &Cloud, kind: &str, kill: impl Fn(Duration) -> bool) -> Duration {
    let mut child = Command::new(env!("CARGO_BIN_EXE_m365mon"))
        .args(["probe", kind, "--config.file"])
        .arg(cloud.file())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    until("the probe ends, or its time has come", async || {
        if kill(began.elapsed()) {
            // SIGKILL.
            child.kill().unwrap();
        }
        child.try_wait().unwrap().map(|_| ()).ok_or("running")
    })
    .await;
    began.elapsed()
}

/// To its end.
const fn never(_: Duration) -> bool {
    false
}

/// What the tenant keeps was made hours ago, as it is for a run that comes later.
fn hours_ago(cloud: &Cloud) {
    let then = Clock::system().now() - jiff::SignedDuration::from_hours(3);
    cloud.act(&[json!({"clock": {"set": then.to_string()}})]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_removed_by_the_next_run() {
    let kind = "file_round_trip";
    let cloud = cloud(kind).await;
    let random = SystemRandom::new();
    let whole = run(&cloud, kind, never).await;
    let mut left_some = 0;
    for round in 0..kills() {
        hours_ago(&cloud);
        let time = whole.mul_f64(random.fraction());
        run(&cloud, kind, |elapsed| elapsed >= time).await;
        left_some += cloud.running.tenant.files.all().len();
        cloud.act(&[json!({"clock": {"reset": true}})]);
        run(&cloud, kind, never).await;
        let left = cloud.running.tenant.files.all();
        assert!(left.is_empty(), "round {round}: {left:?}");
    }
    // Whether a kill leaves something is chance; one that surely does:
    hours_ago(&cloud);
    let scope = json!({"method": "GET", "path": "/content"});
    cloud.act(&[json!({"fault": {"scope": scope, "kind": "hang"}})]);
    let files = &cloud.running.tenant.files;
    run(&cloud, kind, |_| !files.all().is_empty()).await;
    cloud.act(&[
        json!({"clear_faults": {}}),
        json!({"clock": {"reset": true}}),
    ]);
    assert_eq!(cloud.running.tenant.files.all().len(), 1, "{left_some}");
    run(&cloud, kind, never).await;
    assert!(cloud.running.tenant.files.all().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_is_sent_once_and_removed_by_the_next_run() {
    let kind = "mail_round_trip";
    let cloud = cloud(kind).await;
    let probe = format!("probe@{}", m365mon_simulator::directory::DOMAIN);
    cloud.act(&[json!({"mailbox": {
        "user": probe, "assign": m365mon_simulator::directory::SELECTED_CLIENT_ID,
        "role": "Mail.ReadWrite",
    }})]);
    let random = SystemRandom::new();
    let sent = || {
        let journal = cloud.running.tenant.journal.read(usize::MAX);
        let is_sending = |target: &str| target.ends_with("/sendMail");
        journal
            .latest
            .iter()
            .filter(|entry| is_sending(&entry.target))
            .count()
    };
    let whole = run(&cloud, kind, never).await;
    let mut before = sent();
    assert_eq!(before, 1);
    for round in 0..kills() {
        hours_ago(&cloud);
        let time = whole.mul_f64(random.fraction());
        run(&cloud, kind, |elapsed| elapsed >= time).await;
        assert!(sent() <= before + 1, "round {round}: one run sent twice");
        before = sent();
        cloud.act(&[json!({"clock": {"reset": true}})]);
        run(&cloud, kind, never).await;
        assert_eq!(sent(), before + 1, "round {round}");
        before += 1;
        let left = cloud.running.tenant.mail.all();
        assert!(left.is_empty(), "round {round}: {left:?}");
    }
    // The answer to sending is lost: it is not sent again.
    let scope = json!({"path": "/sendMail"});
    cloud.act(&[json!({"fault": {"scope": scope, "kind": "reset_after"}})]);
    run(&cloud, kind, never).await;
    assert_eq!(sent(), before + 1);
}
