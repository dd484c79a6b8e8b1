//! Where tokens come from, as far as asking goes.

use futures_util::future::BoxFuture;

use crate::entra::{AccessToken, ClaimsChallenge, Tokens};
use crate::model::{Account, Audience, Story, TokenProblem};

/// Hands out tokens; [`crate::entra`] in earnest, a double in tests.
pub trait TokenSource: Send + Sync {
    /// A valid token, or why there is none. Dropping the future must not end
    /// a token request that others may wait for.
    fn access_token<'a>(
        &'a self,
        account: &'a Account,
        audience: &'a Audience,
        story: &'a Story,
    ) -> BoxFuture<'a, Result<AccessToken, TokenProblem>>;

    /// Asks for a token that does not come from the cache; it goes into it.
    fn fresh_token<'a>(
        &'a self,
        account: &'a Account,
        audience: &'a Audience,
        story: &'a Story,
    ) -> BoxFuture<'a, Result<(), TokenProblem>>;

    /// Another token for one that the service refused; `None` if none may be
    /// asked for now.
    fn replace_refused<'a>(
        &'a self,
        account: &'a Account,
        audience: &'a Audience,
        refused: &'a AccessToken,
        challenge: Option<ClaimsChallenge>,
        story: &'a Story,
    ) -> BoxFuture<'a, Option<Result<AccessToken, TokenProblem>>>;
}

impl TokenSource for Tokens {
    fn access_token<'a>(
        &'a self,
        account: &'a Account,
        audience: &'a Audience,
        story: &'a Story,
    ) -> BoxFuture<'a, Result<AccessToken, TokenProblem>> {
        Box::pin(self.access_token(account, audience, story))
    }

    fn fresh_token<'a>(
        &'a self,
        account: &'a Account,
        audience: &'a Audience,
        story: &'a Story,
    ) -> BoxFuture<'a, Result<(), TokenProblem>> {
        Box::pin(self.fresh_token(account, audience, story))
    }

    fn replace_refused<'a>(
        &'a self,
        account: &'a Account,
        audience: &'a Audience,
        refused: &'a AccessToken,
        challenge: Option<ClaimsChallenge>,
        story: &'a Story,
    ) -> BoxFuture<'a, Option<Result<AccessToken, TokenProblem>>> {
        Box::pin(self.replace_refused(account, audience, refused, challenge, story))
    }
}
