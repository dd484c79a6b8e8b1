//! `kill -9` at any instant of a round trip: nothing is sent twice, and the next
//! run removes what was left.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use m365mon::model::{Clock, Random as _, SystemRandom};
use serde_json::json;

use super::{Cloud, granting, lines, resources};
use crate::support::stack::PATIENCE;

/// So many kills by chance that some surely come between two requests.
const MANY: usize = 100;

/// 20, or as many as `M365MON_TEST_KILLS` says.
fn kills() -> usize {
    let given = std::env::var("M365MON_TEST_KILLS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(20)
}

pub(super) async fn cloud(kind: &str) -> Cloud {
    let found: Vec<_> = resources()
        .into_iter()
        .filter(|(_, name, _)| *name == kind)
        .collect();
    let cloud = Cloud::with(&lines(&found)).await;
    let resource = cloud.resource(kind).clone();
    cloud.act(&granting(&resource));
    cloud.act(&[
        // Good for longer than the tenant's clock is behind.
        json!({"organization": {"token_lifetime": "9h"}}),
        // A run follows the other, which no interval allows.
        json!({"limits": {"sharepoint_units": 1_000_000}}),
    ]);
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
    // A run takes some hundredths of a second: to look rarely would be to kill
    // at the same few instants.
    let mut look = tokio::time::interval(Duration::from_millis(1));
    loop {
        look.tick().await;
        if kill(began.elapsed()) {
            // SIGKILL.
            child.kill().unwrap();
        }
        if child.try_wait().unwrap().is_some() {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "the probe does not end");
    }
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

/// The tenant's latest requests, for whoever reads of a failure.
fn asked(cloud: &Cloud) -> Vec<String> {
    let journal = cloud.running.tenant.journal.read(20);
    let entries = journal.latest.iter();
    entries.map(|entry| format!("{entry:?}")).collect()
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
        assert!(
            left.is_empty(),
            "round {round}: {left:?}, after {:#?}",
            asked(&cloud)
        );
    }
    assert!(kills() < MANY || left_some > 0, "no kill came in time");
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

/// How many mails the latest run sent, after those of the runs before it. A run
/// begins with a request for a token; what a killed one asked for is answered
/// after its end.
fn sent(cloud: &Cloud) -> (usize, usize) {
    let entries = cloud.running.tenant.journal.read(usize::MAX).latest;
    let tokens = entries.iter().filter(|entry| entry.grant.is_some());
    let begin = tokens.map(|entry| entry.connection).max();
    let sendings = entries
        .iter()
        .filter(|entry| entry.target.ends_with("/sendMail"));
    let (latest, before): (Vec<_>, Vec<_>) =
        sendings.partition(|entry| Some(entry.connection) >= begin);
    (before.len(), latest.len())
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
    let whole = run(&cloud, kind, never).await;
    assert_eq!(sent(&cloud), (0, 1));
    let mut by_killed = 0;
    for round in 0..kills() {
        cloud.running.tenant.journal.clear();
        hours_ago(&cloud);
        let time = whole.mul_f64(random.fraction());
        run(&cloud, kind, |elapsed| elapsed >= time).await;
        cloud.act(&[json!({"clock": {"reset": true}})]);
        run(&cloud, kind, never).await;
        let (killed, next) = sent(&cloud);
        assert!(
            killed <= 1 && next == 1,
            "round {round}: {killed} and {next} sent, after {:#?}",
            asked(&cloud)
        );
        by_killed += killed;
        let left = cloud.running.tenant.mail.all();
        assert!(
            left.is_empty(),
            "round {round}: {left:?}, after {:#?}",
            asked(&cloud)
        );
    }
    assert!(
        kills() < MANY || by_killed > 0,
        "no kill came after the sending"
    );
    // The answer to sending is lost: it is not sent again.
    let scope = json!({"path": "/sendMail"});
    cloud.act(&[json!({"fault": {"scope": scope, "kind": "reset_after"}})]);
    cloud.running.tenant.journal.clear();
    run(&cloud, kind, never).await;
    assert_eq!(sent(&cloud), (0, 1));
}
