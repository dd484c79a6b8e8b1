//! A source of tokens that never refuses: the same secret, whatever it is asked for.

use std::time::Duration;

use futures_util::future::BoxFuture;
use m365mon::entra::{AccessToken, ClaimsChallenge};
use m365mon::graph::TokenSource;
use m365mon::model::{Account, Audience, Clock, Secret, Story, TokenProblem};
use parking_lot::Mutex;
use tokio::time::Instant;

/// Hands it out, and knows when a fresh one was wanted.
#[derive(Default)]
pub(crate) struct OneSecret {
    pub(crate) secret: String,
    /// A fresh one comes after so long.
    pub(crate) takes: Duration,
    pub(crate) asked: Mutex<Vec<Instant>>,
}

impl TokenSource for OneSecret {
    fn access_token<'a>(
        &'a self,
        _: &'a Account,
        _: &'a Audience,
        _: &'a Story,
    ) -> BoxFuture<'a, Result<AccessToken, TokenProblem>> {
        let secret = Secret::new(self.secret.clone());
        let life = Duration::from_secs(3_600);
        let token = AccessToken::new(secret, Clock::system().moment(), life);
        Box::pin(async move { Ok(token) })
    }

    fn fresh_token<'a>(
        &'a self,
        _: &'a Account,
        _: &'a Audience,
        _: &'a Story,
    ) -> BoxFuture<'a, Result<(), TokenProblem>> {
        self.asked.lock().push(Instant::now());
        Box::pin(async move {
            tokio::time::sleep(self.takes).await;
            Ok(())
        })
    }

    fn replace_refused<'a>(
        &'a self,
        account: &'a Account,
        audience: &'a Audience,
        _: &'a AccessToken,
        _: Option<ClaimsChallenge>,
        story: &'a Story,
    ) -> BoxFuture<'a, Option<Result<AccessToken, TokenProblem>>> {
        let token = self.access_token(account, audience, story);
        Box::pin(async move { Some(token.await) })
    }
}
