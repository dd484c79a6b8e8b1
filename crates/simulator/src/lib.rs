//! A simulated Microsoft cloud with one tenant: Entra, Graph and SharePoint
//! over TLS with a certificate authority of its own, and faults on command.
//! It follows Microsoft's documents, not our client, which it cannot see.
//! `m365mon simulate`, `m365mon demo`, tests and benchmarks
//! start it.
//!
//! A request comes in at `front` (TLS listener or CONNECT proxy), which asks
//! `faults` what is to go wrong and hands it to `entra`, `graph`,
//! `sharepoint` or `orders` by its host. These answer from the `directory`. `control` and
//! `scenario` change what they find there by `command`s. `faults` knows no
//! service: what a refusal sounds like in the service that is struck is told
//! to it by `front`.
//!
//! Clients reach it in one of three ways: by resolving Microsoft's host names
//! to [`Running::addr`] (the exporter's `http.resolve`), through the proxy
//! (`HTTPS_PROXY`, which needs no change in Microsoft's own libraries), or
//! under `localhost`, where the path decides what is asked. All of them must
//! trust [`Running::ca_pem`].
#![forbid(unsafe_code)]

mod canary;
pub mod chance;
pub mod clock;
pub mod command;
mod connection;
mod control;
pub mod demo;
pub mod directory;
pub mod endpoints;
pub mod entra;
pub mod faults;
pub mod file_store;
pub mod files;
mod front;
pub mod graph;
pub mod hosts;
pub mod human_duration;
mod incoming;
pub mod journal;
pub mod mail_flow;
pub mod orders;
mod response;
mod running;
pub mod scenario;
mod sharepoint;
mod tenant;
pub mod throttle;
pub mod tokens;
pub mod workload;

pub use front::{Authority, AuthorityError};
pub use running::{Options, Running, StartError, start};
pub use tenant::Tenant;
