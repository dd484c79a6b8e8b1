//! A token request in a task of its own, and those who wait for its end.

use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::oneshot;

use super::access_token::AccessToken;
use super::account_tokens::{AccountTokens, PendingRequest};
use super::claims::ClaimsChallenge;
use super::tokens::Tokens;
use crate::model::{Account, AccountReason, Audience, Story, TokenProblem, bounded_text};

impl Tokens {
    /// Sends a request in a task of its own. `None` only while the process ends.
    pub(super) fn start_request(
        &self,
        tokens: &Arc<AccountTokens>,
        audience: &Audience,
        challenge: Option<ClaimsChallenge>,
    ) -> Option<PendingRequest> {
        let me = self.me.upgrade()?;
        let (sender, pending) = oneshot::channel();
        let in_flight = TokenRequest {
            tokens: tokens.clone(),
            audience: audience.clone(),
        };
        tokio::spawn(async move {
            let result = me
                .request(&in_flight.tokens, &in_flight.audience, challenge)
                .await;
            drop(in_flight);
            _ = sender.send(result);
        });
        Some(pending.shared())
    }
}

/// Clears `in_flight`, also when the request panics.
struct TokenRequest {
    tokens: Arc<AccountTokens>,
    audience: Audience,
}

impl Drop for TokenRequest {
    fn drop(&mut self) {
        if let Some(cached) = self.tokens.state.lock().by_audience.get_mut(&self.audience) {
            cached.in_flight = None;
        }
    }
}

/// The same as [`join`], with the story of it.
pub(super) async fn told(
    pending: PendingRequest,
    account: &Account,
    audience: &Audience,
    story: &Story,
) -> Result<AccessToken, TokenProblem> {
    story.tell(|| format!("token for {audience}: asking {}", account.cloud.login_url()));
    let result = join(pending).await;
    story.tell(|| match &result {
        Ok(token) => format!("token for {audience}: fresh, until {:.0}", token.expires()),
        Err(problem) => format!("token for {audience}: {problem}"),
    });
    result
}

/// Waits for the end of a request, whoever began it.
pub(super) async fn join(pending: PendingRequest) -> Result<AccessToken, TokenProblem> {
    pending
        .await
        .unwrap_or_else(|_| Err(internal("the token request broke off")))
}

/// Who asked has no account here any longer.
pub(super) fn going_away() -> TokenProblem {
    internal("the configuration has changed")
}

fn internal(detail: &str) -> TokenProblem {
    TokenProblem {
        reason: AccountReason::Internal,
        code: None,
        detail: bounded_text(detail, 300),
    }
}
