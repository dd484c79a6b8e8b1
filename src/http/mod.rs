//! The one way out of the house: HTTP requests to Entra, Graph and SharePoint.
//!
//! Two clients share one [`Network`] (roots, resolver, proxy, User-Agent):
//! [`SimpleClient`] for token calls, where only the answer counts, and
//! [`ProbeClient`] for measured requests, where every phase is timed and the
//! connection is ours.
//!
//! Both promise: https only (managed identity excepted), no redirect is
//! followed, nothing is retried behind the caller's back, and headers, bodies
//! and waits are bounded. A failure is classified once, here, into a
//! [`NetFailure`]. `entra` and `graph` call this room.

mod body;
mod certificate;
mod connection;
mod counted;
mod failure;
mod happy_eyeballs;
mod network;
mod no_proxy;
mod phase_timer;
mod pool;
mod probing;
mod progress;
mod proxy;
mod proxy_environment;
mod public_roots;
mod reach;
#[cfg(test)]
pub(crate) mod recorded;
mod resolver;
mod retry_after;
mod san;
mod shown_chain;
mod simple;
mod simple_failure;
mod tls;
mod tunnel;
mod wiped;

pub use body::BodyEnd;
pub(crate) use certificate::certificate_facts;
pub use failure::{NetFailure, NetFailureKind};
pub use network::{Network, NetworkError, Route};
pub use probing::{ProbeAnswer, ProbeClient, ProbeFailure, ProbeRequest, ProbeTransport};
pub(crate) use proxy::proxy_in;
pub use retry_after::{LONGEST_WAIT, date, retry_after};
pub(crate) use san::alternative_names;
pub use simple::{FormValue, SimpleAnswer, SimpleBody, SimpleClient, SimpleRequest, UseProxy};
pub(crate) use tls::provider;
