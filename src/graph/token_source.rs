//! Where tokens come from, as far as asking goes.

use futures_util::future::BoxFuture;

use crate::entra::{AccessToken, ClaimsChallenge, Tokens};
use crate::model::{Account, Audience, RegisteredCredentials, Story, TokenProblem};

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

    /// Takes what the directory says of the account's own credential.
    fn learn_registered(&self, _account: &Account, _registered: &RegisteredCredentials) {}

    /// True if nothing of the kind was learned since the credential changed.
    fn wants_registered(&self, _account: &Account) -> bool {
        false
    }
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

    fn learn_registered(&self, account: &Account, registered: &RegisteredCredentials) {
        self.learn_registered(account, registered);
    }

    fn wants_registered(&self, account: &Account) -> bool {
        self.wants_registered(account)
    }
}
