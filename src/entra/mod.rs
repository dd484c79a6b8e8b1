//! Access tokens: one file per grant, the cache, the store of refresh tokens,
//! and the reading of what Entra answers.
//!
//! What it promises:
//! - One token request in flight per account and audience however many ask,
//!   one at a time per account, and at most one per back-off step.
//! - A token that is still valid is handed out, whatever renewal does.
//! - Access tokens live in memory only; refresh tokens only in memory and,
//!   sealed, in the store. Neither is ever in `Debug`, errors or logs.
//! - A token or secret goes only to the roots of its account's cloud.
//!
//! Who calls: the probes (a token, or a fresh one after 401), the command line
//! and the sign-in page (grants that need a person), `serve` (`configure`).
//!
//! The `oauth2` crate builds the requests (`forms`); it sends nothing and
//! reads no answer, because it loses status, headers and error codes, refuses
//! numbers written as strings and keeps token bytes in its errors.

mod access_token;
mod account_tokens;
mod answer;
mod approval;
mod authorization_code;
mod backoff;
mod certificate;
mod claims;
mod classify;
mod client_credentials;
mod clouds;
mod codes;
mod consent;
mod credential;
mod device_code;
mod discovery;
mod durable;
mod encrypted_key;
mod endpoint;
mod endpoint_client;
mod files;
mod forms;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod id_token;
mod invitation;
mod jwt;
mod lock_file;
mod managed_identity;
mod once;
mod owner;
mod pending_request;
mod proof;
mod redirects;
mod refresh;
mod registered;
mod renewal;
mod rights;
mod seal;
mod shared_holds;
mod signed_in;
mod storage_watch;
mod store;
mod token_request;
mod tokens;

/// What stands in for Entra where hours are simulated.
#[cfg(test)]
pub(crate) mod simulated {
    pub(crate) use super::endpoint::{
        Content, Endpoint, EndpointAnswer, EndpointRequest, NoAnswer,
    };
}

#[cfg(test)]
mod tests;

pub use access_token::AccessToken;
pub use approval::{
    Approval, GRANT_SCOPES, GRAPH_APP_ID, SHAREPOINT_APP_ID, SIGN_IN_SCOPES, find_api,
    graph_environment,
};
pub use authorization_code::BrowserSignIn;
pub use certificate::NEW_PAIR;
pub use claims::ClaimsChallenge;
pub use consent::{Consent, ConsentError, SignInStatus, SignedInAs, Wanted, scopes};
pub use credential::{CredentialFacts, FederatedFacts, check_credential};
pub use device_code::DeviceCode;
pub use discovery::{Discovery, login_roots};
pub use durable::StoreError;
pub use files::{CredentialFault, CredentialTrouble, Part, secret as read_secret};
pub use invitation::{INVITATION_LIFE, INVITATION_STARTS};
pub use proof::credential_expiry;
pub use redirects::{CALLBACK_PATH, LOOPBACK, external_redirect, redirect_uris};
pub use registered::{contradicts, written_end};
pub use rights::Rights;
pub use seal::check_key_file;
pub use signed_in::SignInEnd;
pub use store::TokenStore;
pub use tokens::Tokens;
