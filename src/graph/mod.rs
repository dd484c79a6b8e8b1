//! Sends the requests that kinds hand out, to Microsoft Graph, to SharePoint's
//! own REST and wherever else one names, and says what the answers mean: error
//! bodies, throttling, diagnostics.
//!
//! It promises that a token goes only to the host it was issued for, that a
//! request is repeated only by the two rules of [`Probing`], and that every
//! answer, however odd, gets exactly one verdict. What a good answer must look
//! like is for the kinds to say; `probe` calls this room.

mod client;
mod diagnostics;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod machine;
mod narration;
mod origin;
mod probing;
#[cfg(test)]
mod recorded;
mod response;
mod throttling;
mod token_source;
mod verdict;

pub use client::{Attempt, Client};
pub use origin::Origin;
pub use probing::Probing;
pub use response::Response;
pub use token_source::TokenSource;
pub use verdict::verdict;
