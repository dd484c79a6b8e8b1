//! The one way out of the house: HTTP requests to Entra, Graph and SharePoint.
//!
//! Two clients share one [`Network`] (roots, resolver, proxy, User-Agent):
//! [`PlainClient`] for token calls, where only the answer counts, and
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
mod course;
pub(crate) mod der;
mod dial;
mod failure;
mod names;
mod network;
mod plain;
mod plain_failure;
mod pool;
mod probing;
mod proxy;
mod resolver;
mod steps;
mod tls;
mod tunnel;

pub use body::BodyEnd;
pub(crate) use certificate::certificate_facts;
pub use failure::{NetFailure, NetFailureKind};
pub(crate) use names::alternative_names;
pub use network::{Network, NetworkError, Way};
pub use plain::{FormValue, PlainAnswer, PlainBody, PlainClient, PlainRequest, UseProxy};
pub use probing::{ProbeAnswer, ProbeClient, ProbeFailure, ProbeRequest};
pub(crate) use tls::provider;
