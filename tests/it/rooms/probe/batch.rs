//! How many probes of one run are under way at a time.

use std::path::Path;
use std::task::{Context, Poll, Waker};

use m365mon::config::{self, ProcessEnvironment};
use m365mon::kinds::Configuration;
use m365mon::model::{Clock, Reason, Report, Verdict};
use m365mon::probe::Batch;

/// Accounts `a` and `b` of one registration, `c` of another.
fn configuration(resources: &str) -> Configuration {
    let account = |name: &str, id: char| {
        format!(
            "  - {{name: {name}, tenant: contoso.com, client_id: 11111111-2222-3333-4444-55555555555{id}, \
             client_secret: {{secret: x}}}}\n"
        )
    };
    let text = format!(
        "limits: {{probes_in_flight: 40, per_account: 24}}\naccounts:\n{}{}{}resources:\n{resources}",
        account("a", '5'),
        account("b", '5'),
        account("c", '6')
    );
    config::parse(&text, Path::new("m365mon.yml"), &ProcessEnvironment)
        .unwrap()
        .configuration
}

fn sites(account: &str, count: usize) -> String {
    (0..count)
        .map(|n| {
            format!(
                "  - {{name: {account}-{n}, account: {account}, kind: sharepoint_site, \
                 url: \"https://contoso.sharepoint.com/sites/{n}\"}}\n"
            )
        })
        .collect()
}

fn mailboxes(account: &str, user: &str, count: usize) -> String {
    (0..count)
        .map(|n| {
            format!(
                "  - {{name: {account}-{user}-{n}, account: {account}, kind: exchange_mailbox, \
                 user: {user}@contoso.com}}\n"
            )
        })
        .collect()
}

/// How many get a permit without waiting.
fn at_once(resources: &str) -> usize {
    let configuration = configuration(resources);
    let batch = Batch::new(&configuration.limits, &configuration.resources);
    let mut held = Vec::new();
    for resource in &configuration.resources {
        let mut waiting = Box::pin(batch.permit(resource));
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(permit) = waiting.as_mut().poll(&mut context) {
            held.push(permit.unwrap());
        }
    }
    held.len()
}

#[test]
fn as_many_as_every_limit_lets() {
    let three = |account: &str| {
        mailboxes(account, "x", 4) + &mailboxes(account, "y", 4) + &mailboxes(account, "z", 4)
    };
    for (resources, expected) in [
        (sites("a", 5), 5),
        // One gate, whichever account of the registration asks.
        (sites("a", 30), 16),
        (sites("a", 30) + &sites("b", 30), 16),
        (mailboxes("a", "info", 9), 4),
        // Two gates of one account, then the account's own limit.
        (sites("a", 30) + &mailboxes("a", "info", 9), 20),
        (sites("a", 16) + &three("a"), 24),
        // And all of them together.
        (sites("a", 16) + &three("a") + &sites("c", 30), 40),
    ] {
        assert_eq!(at_once(&resources), expected, "{resources}");
    }
}

#[tokio::test]
async fn a_pause_holds_for_its_gate_only() {
    let configuration = configuration(&(sites("a", 2) + &sites("c", 1)));
    let batch = Batch::new(&configuration.limits, &configuration.resources);
    let [first, second, other] = &configuration.resources[..] else {
        panic!("three of them");
    };
    let now = Clock::system().now();
    let report = |verdict| Report::without_request(now, now, verdict, "");
    batch.note(first, &report(Verdict::Success));
    assert!(batch.permit(second).await.is_some());
    batch.note(first, &report(Verdict::Problem(Reason::Throttled)));
    assert!(batch.permit(second).await.is_none());
    assert!(batch.permit(other).await.is_some());
}
