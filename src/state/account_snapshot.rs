//! What is known of an account at one moment, for metrics and pages.

use std::time::Duration;

use super::histogram::Histogram;
use super::window;
use crate::model::{
    AccountReason, AccountStatus, Audience, Moment, RequestId, Service, Timestamp, TokenProblem,
};

/// The last token request.
#[derive(Debug, Clone)]
pub struct LastToken {
    /// What the token was for.
    pub audience: Audience,
    /// When the request ended.
    pub at: Timestamp,
    /// How it ended.
    pub result: Result<(), TokenProblem>,
    /// Entra's request id.
    pub request_id: Option<RequestId>,
}

/// How often a token request ended in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenProblemCount {
    /// The class.
    pub reason: AccountReason,
    /// The AADSTS number.
    pub code: Option<u32>,
    /// How often.
    pub count: u64,
}

/// What a service last told about our rate.
#[derive(Debug, Clone, Copy)]
pub struct LastRate {
    pub(super) at: Moment,
    pub(super) interval: Duration,
    /// What is left of the limit, 0 to 1.
    pub remaining_ratio: f64,
}

impl LastRate {
    /// True at `now` while the answer that told it still counts as fresh.
    #[must_use]
    pub fn is_fresh(&self, now: Moment) -> bool {
        self.at.age_at(&now) <= window(self.interval)
    }
}

/// What is known of an account, copied at one moment.
#[derive(Debug, Clone)]
pub struct AccountSnapshot {
    /// Token requests by outcome, in the order of [`crate::model::Outcome::ALL`].
    pub outcomes: [u64; 3],
    /// Token requests that did not succeed.
    pub problems: Vec<TokenProblemCount>,
    /// How long token requests took, seconds.
    pub durations: Histogram,
    /// The last token request.
    pub last: Option<LastToken>,
    /// Where it stands.
    pub status: AccountStatus,
    /// Services in use with the number of throttled answers.
    pub throttled: Vec<(Service, u64)>,
    /// What services last told about our rate.
    pub rates: Vec<(Service, LastRate)>,
    pub(super) refused: Vec<(Audience, Timestamp)>,
}

impl AccountSnapshot {
    /// Whether tokens can be had, by the last request; `None` before the first,
    /// unless it is known already that a person must act.
    #[must_use]
    pub fn up(&self) -> Option<bool> {
        match &self.last {
            Some(last) => Some(last.result.is_ok()),
            None => self.status.sign_in_required_since.map(|_| false),
        }
    }

    /// Why tokens cannot be had.
    #[must_use]
    pub fn problem(&self) -> Option<AccountReason> {
        match &self.last {
            Some(last) => last.result.as_ref().err().map(|problem| problem.reason),
            None => self
                .status
                .sign_in_required_since
                .map(|_| AccountReason::SignInRequired),
        }
    }

    /// The earliest moment from which nothing can be probed with a token for
    /// `audience` unless a person acts; `None` if there is no such moment.
    ///
    /// While only a person can mend the account, or once a deadline has passed,
    /// this is the end of the access token still held, else the moment of the
    /// refusal or the deadline: it is never in the future without a usable token.
    #[must_use]
    pub fn token_expiry(&self, audience: Option<&Audience>) -> Option<Timestamp> {
        let audience = audience?;
        let refused = self
            .refused
            .iter()
            .find(|(refused, _)| refused == audience)
            .map(|(_, since)| *since);
        let since = match (self.status.sign_in_required_since, refused) {
            (Some(account), Some(audience)) => Some(account.min(audience)),
            (account, audience) => account.or(audience),
        };
        let deadlines = self.status.deadlines.iter().map(|(_, end)| *end);
        let since = since.or_else(|| deadlines.min())?;
        let held = self
            .status
            .access_tokens
            .iter()
            .find(|(held, _)| held == audience)
            .map(|(_, end)| *end);
        Some(held.map_or(since, |end| end.max(since)))
    }
}
