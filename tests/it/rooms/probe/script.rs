//! A source of tokens that follows a script.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use m365mon::entra::{AccessToken, ClaimsChallenge};
use m365mon::graph::TokenSource;
use m365mon::model::{Account, AccountReason, Audience, Clock, Secret, Story, TokenProblem};
use parking_lot::Mutex;

use super::CANARY;
use crate::support::origin::LONG;

/// Hands out what it is told to.
#[derive(Default)]
pub(crate) struct ScriptedTokens {
    /// For `access_token`; when it is empty, no answer ever comes.
    pub(crate) first: Mutex<VecDeque<Result<(), TokenProblem>>>,
    /// For `replace_refused`; when it is empty, none may be asked for.
    pub(crate) next: Mutex<VecDeque<Result<(), TokenProblem>>>,
    pub(crate) audiences: Mutex<Vec<Audience>>,
    pub(crate) challenges: Mutex<Vec<Option<ClaimsChallenge>>>,
}

impl ScriptedTokens {
    pub(crate) fn new(
        first: impl IntoIterator<Item = Result<(), TokenProblem>>,
        next: impl IntoIterator<Item = Result<(), TokenProblem>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            first: Mutex::new(first.into_iter().collect()),
            next: Mutex::new(next.into_iter().collect()),
            ..Self::default()
        })
    }
}

fn token(number: usize) -> AccessToken {
    let secret = Secret::new(format!("{CANARY}-{number}"));
    AccessToken::new(secret, Clock::system().moment(), LONG)
}

impl TokenSource for ScriptedTokens {
    fn access_token<'a>(
        &'a self,
        _: &'a Account,
        audience: &'a Audience,
        _: &'a Story,
    ) -> BoxFuture<'a, Result<AccessToken, TokenProblem>> {
        self.audiences.lock().push(audience.clone());
        let scripted = self.first.lock().pop_front();
        Box::pin(async move {
            match scripted {
                Some(result) => result.map(|()| token(1)),
                None => std::future::pending().await,
            }
        })
    }

    fn fresh_token<'a>(
        &'a self,
        account: &'a Account,
        audience: &'a Audience,
        story: &'a Story,
    ) -> BoxFuture<'a, Result<(), TokenProblem>> {
        let token = self.access_token(account, audience, story);
        Box::pin(async move { token.await.map(drop) })
    }

    fn replace_refused<'a>(
        &'a self,
        _: &'a Account,
        _: &'a Audience,
        refused: &'a AccessToken,
        challenge: Option<ClaimsChallenge>,
        _: &'a Story,
    ) -> BoxFuture<'a, Option<Result<AccessToken, TokenProblem>>> {
        assert_eq!(refused.secret().expose(), format!("{CANARY}-1"));
        self.challenges.lock().push(challenge);
        let scripted = self.next.lock().pop_front();
        Box::pin(async move { scripted.map(|result| result.map(|()| token(2))) })
    }
}

pub(super) fn problem(reason: AccountReason, code: u32) -> TokenProblem {
    TokenProblem {
        reason,
        code: Some(code),
        detail: "the client secret has expired".into(),
    }
}
