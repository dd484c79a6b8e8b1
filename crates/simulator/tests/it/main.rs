//! The simulated tenant over real sockets, and its Entra ID rule by rule.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets what it does not expect has failed"
)]

mod entra;
mod faults;
mod files;
mod graph;
mod kinds;
mod mail_transport;
mod openapi;
mod orders;
mod presence;
mod running;
mod service_health;
mod sharepoint;
mod support;
mod tenant_objects;
