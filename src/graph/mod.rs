//! Requests to Microsoft Graph and to SharePoint's own REST, and what their
//! answers mean: URLs per cloud, error bodies, throttling, diagnostics.
//!
//! It promises that a token goes only to the host it was issued for, that a
//! request is repeated only by the two rules of [`Asker::ask`], and that every
//! answer, however odd, gets exactly one verdict. What a 200 must look like is
//! for the kinds in `probe` to say, the only room that calls this one.

mod address;
mod ask;
mod diagnostics;
mod service_error;
mod throttling;
mod token_source;
mod told;
mod verdict;

pub use address::{Accept, Address};
pub use ask::{Answered, Asked, Asker};
pub use service_error::{KnownText, ServiceError};
pub use token_source::TokenSource;
pub use verdict::verdict;
