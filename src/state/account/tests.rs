use std::time::Duration;

use super::*;
use crate::fixtures;
use crate::model::{Cloud, CredentialKind, TokenProblem};

fn account(client_id: &str) -> Arc<Account> {
    Arc::new(Account {
        client_id: Some(client_id.into()),
        ..fixtures::account("contoso")
    })
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn graph() -> Audience {
    Audience::graph(&Cloud::Global)
}

fn report(second: i64, audience: Audience, problem: Option<(AccountReason, u32)>) -> TokenReport {
    TokenReport {
        audience,
        at: at(second),
        took: Duration::from_millis(80),
        result: problem.map_or(Ok(()), |(reason, code)| {
            Err(TokenProblem {
                reason,
                code: Some(code),
                detail: "no".into(),
            })
        }),
        request_id: None,
        retry_after: None,
    }
}

const SECRET: Option<(AccountReason, u32)> = Some((AccountReason::Refused, 7_000_222));

#[test]
fn expiry_follows_the_rule() {
    let slot = AccountSlot::follow(None, &account("1"));
    let site = Audience::sharepoint("contoso.sharepoint.com");
    let expiry = |audience: &Audience| {
        slot.snapshot()
            .token_expiry(Some(audience))
            .map(Timestamp::as_second)
    };
    assert_eq!(expiry(&graph()), None, "nothing is known to end");

    let mut status = AccountStatus {
        deadlines: vec![
            (CredentialKind::RefreshToken, at(9_000)),
            (CredentialKind::ClientSecret, at(5_000)),
        ],
        ..AccountStatus::default()
    };
    slot.set_status(&status);
    assert_eq!(expiry(&graph()), Some(5_000), "the earliest deadline");

    // Refused for one audience, while a token for it is still held.
    status.access_tokens = vec![(graph(), at(1_500))];
    slot.set_status(&status);
    slot.token_request(&report(1_000, graph(), SECRET));
    slot.token_request(&report(1_100, graph(), SECRET));
    assert_eq!(
        expiry(&graph()),
        Some(1_500),
        "the end of the token still held"
    );
    assert_eq!(
        expiry(&site),
        Some(5_000),
        "the other audience is not refused"
    );

    // The token is gone: the first refusal, never the future.
    status.access_tokens.clear();
    slot.set_status(&status);
    assert_eq!(expiry(&graph()), Some(1_000));

    // What is not ours to mend does not end the refusal, a success does.
    slot.token_request(&report(
        1_200,
        graph(),
        Some((AccountReason::ServerError, 0)),
    ));
    assert_eq!(expiry(&graph()), Some(1_000));
    slot.token_request(&report(1_300, graph(), None));
    assert_eq!(expiry(&graph()), Some(5_000));

    // A secret that has ended is no end while a token is held.
    status.deadlines = vec![(CredentialKind::ClientSecret, at(1_250))];
    slot.set_status(&status);
    assert_eq!(expiry(&graph()), Some(1_250));
    status.access_tokens = vec![(graph(), at(1_600))];
    slot.set_status(&status);
    assert_eq!(expiry(&graph()), Some(1_600));
    status.access_tokens.clear();

    // Only a person can mend the whole account.
    status.sign_in_required_since = Some(at(2_000));
    slot.set_status(&status);
    assert_eq!(expiry(&graph()), Some(2_000));
    assert_eq!(expiry(&site), Some(2_000));
}

#[test]
fn up_follows_the_last_request() {
    let slot = AccountSlot::follow(None, &account("1"));
    assert_eq!(slot.snapshot().up(), None);
    slot.set_status(&AccountStatus {
        sign_in_required_since: Some(at(1)),
        ..AccountStatus::default()
    });
    assert_eq!(slot.snapshot().up(), Some(false));
    assert_eq!(
        slot.snapshot().problem(),
        Some(AccountReason::SignInRequired)
    );
    slot.token_request(&report(1, graph(), None));
    assert_eq!(slot.snapshot().up(), Some(true));
    assert_eq!(slot.snapshot().problem(), None);
    slot.token_request(&report(1, graph(), SECRET));
    assert_eq!(slot.snapshot().up(), Some(false));
    assert_eq!(slot.snapshot().outcomes, [1, 0, 1]);
}

#[test]
fn codes_are_bounded() {
    let slot = AccountSlot::follow(None, &account("1"));
    for code in 0..1_000 {
        slot.token_request(&report(1, graph(), Some((AccountReason::Refused, code))));
    }
    let problems = slot.snapshot().problems;
    assert_eq!(problems.len(), MOST_CODES + 1);
    assert_eq!(problems.iter().map(|p| p.count).sum::<u64>(), 1_000);
    assert_eq!(problems.last().unwrap().code, None);
}

#[test]
fn a_changed_account_counts_on_but_stands_anew() {
    let first = AccountSlot::follow(None, &account("1"));
    first.token_request(&report(1, graph(), SECRET));
    assert!(Arc::ptr_eq(
        &AccountSlot::follow(Some(&first), &account("1")),
        &first
    ));
    let second = AccountSlot::follow(Some(&first), &account("2"));
    let snapshot = second.snapshot();
    assert_eq!(snapshot.outcomes, [0, 0, 1]);
    assert_eq!(snapshot.up(), None);
    assert_eq!(snapshot.token_expiry(Some(&graph())), None);
}

#[test]
fn entra_throttling_is_counted() {
    let slot = AccountSlot::follow(None, &account("1"));
    assert_eq!(slot.snapshot().throttled, [(Service::Entra, 0)]);
    slot.token_request(&report(
        1,
        graph(),
        Some((AccountReason::Throttled, 90_055)),
    ));
    slot.uses(Service::Outlook);
    assert_eq!(
        slot.snapshot().throttled,
        [(Service::Outlook, 0), (Service::Entra, 1)]
    );
}
