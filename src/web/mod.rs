//! What the world sees over HTTP.
//!
//! | route | |
//! |---|---|
//! | `/`, `/resources/NAME`, `/accounts/NAME` | pages for people; for a stranger only links |
//! | `/accounts/NAME/sign-in`, `/sign-out`, `/approval`, `/auth/callback` | signing people in and out |
//! | `/api/v1/resources`, `/api/v1/accounts` | the same as JSON |
//! | `/config` | the running configuration without its secrets |
//! | `/metrics` (or `--web.telemetry-path`) | probes the `on_scrape` resources, then shows the state |
//! | `/probe?resource=NAME[&debug=true]` | probes one resource and shows only it |
//! | `/sd` | service discovery of the `on_probe` resources |
//! | `/-/healthy`, `/-/ready` | for supervisors |
//! | `/-/reload` | POST: read the configuration again, with `--web.enable-lifecycle` |
//!
//! In front of all of them stands the [`Access`] of `--web.config.file`: TLS, who
//! may come in, how many at once.
//!
//! Promises: whatever comes in, no scrape waits for it and memory stays
//! bounded; every text from outside is escaped; names of people and actions
//! are for the trusted only ([`Visitor`]). `cli` starts it.

mod access;
mod app;
mod budget;
mod connection;
mod connections;
mod discovery;
mod encoding;
mod external;
mod health;
mod local_access;
mod pages;
mod probe;
mod reload;
mod reload_requests;
mod reply;
mod resources_json;
mod routes;
mod scrape;
mod server;
mod service;
mod sign_in;
mod socket_activation;
mod status_pages;
mod streaming;
mod view;
mod write_timeout;

pub use access::{Access, WebConfig};
pub use app::{App, Dependencies, Settings};
pub use external::ExternalUrl;
pub use local_access::{
    Authenticated, Peer, Refusal, Secured, Visitor, is_loopback_host, may_act, may_submit,
    may_visit,
};
pub use reload_requests::{ReloadRequests, Reloaded, Reloads, reloads};
pub use routes::router;
pub use server::{ListenError, Server, listen};
pub use service::Bounds;
pub use socket_activation::{InheritError, adopt, inherit};
