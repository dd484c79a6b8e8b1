//! Every grant against the simulated Entra, over TLS.

mod cloud;
mod command;
mod crash;
mod days;
mod grants;
mod house;
mod machine;
mod people;
mod trouble;

use std::sync::Arc;

use m365mon::entra::Tokens;
use m365mon::model::{Account, AccountReason, Story};

use crate::support::stack::until;
use cloud::graph;

/// While an endpoint refuses, a thousand askers cost one request: each is told
/// the reason; afterwards there is a token again by itself. `requests` counts
/// what the endpoint saw.
async fn is_weather(
    tokens: &Arc<Tokens>,
    account: &Account,
    reason: AccountReason,
    requests: impl Fn() -> usize,
    case: &str,
) {
    let before = requests();
    let ask = async || {
        tokens
            .access_token(account, &graph(), &Story::untold())
            .await
            .map_err(|problem| problem.reason)
    };
    assert_eq!(ask().await.unwrap_err(), reason, "{case}");
    let crowd = futures_util::future::join_all((0..1000).map(|_| ask())).await;
    assert!(
        crowd
            .iter()
            .all(|result| result.as_ref().err() == Some(&reason)),
        "{case}"
    );
    assert_eq!(requests(), before + 1, "{case}");
    until("a token again", ask).await;
    assert_eq!(requests(), before + 2, "{case}");
}
