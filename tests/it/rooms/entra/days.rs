//! What must leave no gap in the probes that a user would see: short lives,
//! rotation, revocation in mid-flight, clocks that jump.

use serde_json::json;

use super::house::House;
use m365mon_simulator::directory as contoso;

const DAY: i64 = 24 * 3600;

/// Larger figures for a run by hand, as `M365MON_TEST_ROUNDS=300`.
fn steered(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_live_for_seconds_and_refresh_tokens_that_rotate() {
    let life = json!({"organization": {"token_lifetime": "12s"}});
    let house = House::start(0, &[life]).await;
    house.rounds(steered("M365MON_TEST_ROUNDS", 12)).await;
    house.nothing_but_success();
    for app in [
        contoso::APP_CLIENT_ID,
        contoso::CERTIFICATE_CLIENT_ID,
        contoso::DELEGATED_CLIENT_ID,
    ] {
        let renewals = house.requests_of(app);
        assert!(renewals >= 3, "{app}: {renewals}");
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_a_day() {
    let house = House::start(20, &[]).await;
    for off in [DAY, 0, -DAY, 0] {
        house.set_off(off);
        house.rounds(3).await;
        house.nothing_but_success();
    }
    // The machine slept for some days: Entra's clock went on as well.
    house.sleep(3 * DAY);
    house.rounds(3).await;
    house.nothing_but_success();
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_revoked_in_mid_flight() {
    let resources = steered("M365MON_TEST_RESOURCES", 100);
    let house = House::start(usize::try_from(resources).unwrap(), &[]).await;
    // Critical events come with a claims challenge and are answered at once.
    for app in [contoso::APP_CLIENT_ID, contoso::CERTIFICATE_CLIENT_ID] {
        house.act(json!({"revoke": {"app": app}}));
        house.rounds(2).await;
        house.nothing_but_success();
    }
    // A plain 401 on tokens that are not quite new.
    house.set_off(6 * 60);
    let before = house.token_requests();
    house.act(json!({"revoke": {"all_access_tokens": true}}));
    house.rounds(2).await;
    house.nothing_but_success();
    let asked = house.token_requests() - before;
    // One for each audience, and one more where the clock of the certificate is off.
    assert!((1..=7).contains(&asked), "{asked}");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mailboxes_that_answer_401_cause_no_storm() {
    let resources = steered("M365MON_TEST_RESOURCES", 100);
    let house = House::start(usize::try_from(resources).unwrap(), &[]).await;
    let scope = json!({"host": "graph.microsoft.com"});
    let fault = json!({"fault": {"scope": scope, "kind": {"status": {"status": 401}}}});
    house.act(fault);
    let before = house.token_requests();
    house.rounds(2).await;
    assert_eq!(
        house.token_requests(),
        before,
        "the tokens are new: another would be refused as well"
    );
    for (number, minutes) in [(1, 6), (2, 12)] {
        house.set_off(minutes * 60);
        house.rounds(3).await;
        let asked = house.token_requests() - before;
        // Graph tokens of three accounts, one of them by a clock that is off.
        assert!(asked <= number * 4, "{asked} after {minutes} minutes");
        assert!(asked >= number, "{asked} after {minutes} minutes");
    }
    let all = house.outcomes();
    assert_eq!(all.failure, 0, "{:?}", house.problems());
    assert!(all.inconclusive > 0, "{all:?}");
    house.act(json!({"clear_faults": {}}));
    house
        .until("a round of success", |now| {
            now.success >= all.success + resources
        })
        .await;
    house.stop().await;
}
