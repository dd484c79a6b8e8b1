//! What the world sees over HTTP.
//!
//! | route | |
//! |---|---|
//! | `/` | links; for somebody at this machine the resources |
//! | `/metrics` (or `--web.telemetry-path`) | probes the `on_scrape` resources, then shows the state |
//! | `/probe?resource=NAME[&debug=true]` | probes one resource and shows only it |
//! | `/sd` | service discovery of the `on_probe` resources |
//! | `/-/healthy`, `/-/ready` | for supervisors |
//!
//! Promises: whatever comes in, no scrape waits for it and memory stays
//! bounded; every text from outside is escaped; names of people and actions
//! are for somebody at this machine only ([`Visitor`]). `cli` starts it.

mod app;
mod budget;
mod connections;
mod discovery;
mod encoding;
mod external;
mod guard;
mod pages;
mod patience;
mod probe;
mod scrape;
mod server;
mod streaming;

pub use app::{App, Settings};
pub use external::ExternalUrl;
pub use guard::{Peer, Visitor, is_loopback_host};
pub use server::{Bounds, ListenError, Server, listen};
