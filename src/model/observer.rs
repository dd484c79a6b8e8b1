//! How the token room tells the rest of the house about accounts without
//! knowing who listens.

use std::time::Duration;

use jiff::Timestamp;

use super::{Account, Audience, CredentialExpiry, Right, TokenProblem};

/// One token request and how it ended.
#[derive(Debug, Clone)]
pub struct TokenReport {
    /// What the token is for.
    pub audience: Audience,
    /// When the request ended.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub result: Result<(), TokenProblem>,
    /// Entra's `x-ms-request-id`/trace id, for support.
    pub request_id: Option<super::RequestId>,
    /// A wait that Entra asked for, at most an hour.
    pub retry_after: Option<Duration>,
}

/// Where an account stands, replaced as a whole whenever it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountStatus {
    /// Only a person can mend it; since when.
    pub sign_in_required_since: Option<Timestamp>,
    /// Access tokens held, with their end.
    pub access_tokens: Vec<(Audience, Timestamp)>,
    /// Deadlines of credentials that need a person.
    pub deadlines: Vec<CredentialExpiry>,
    /// Rights granted beyond need, as far as the tokens held show them; `None`
    /// while unknown. Empty only if a token for every needed API could be read.
    pub excess_permissions: Option<Vec<Right>>,
    /// Of the rights granted those that open a whole tenant though something
    /// narrower does; known as `excess_permissions` are.
    pub tenant_wide_permissions: Option<Vec<Right>>,
    /// No token request is sent before then.
    pub held_until: Option<Timestamp>,
}

/// Listens to what happens to accounts. Implementations must not block.
pub trait AccountObserver: Send + Sync {
    /// A token request ended.
    fn token_request(&self, account: &Account, report: &TokenReport);
    /// The account's status changed.
    fn status(&self, account: &Account, status: &AccountStatus);
    /// Whether what must last can be written, once that is known or has
    /// changed; `None` if nothing must last.
    fn storage(&self, _writable: Option<bool>) {}
}

/// Listens to nothing; for commands that only need a token.
#[derive(Debug, Clone, Copy, Default)]
pub struct IgnoreAccounts;

impl AccountObserver for IgnoreAccounts {
    fn token_request(&self, _: &Account, _: &TokenReport) {}
    fn status(&self, _: &Account, _: &AccountStatus) {}
}
