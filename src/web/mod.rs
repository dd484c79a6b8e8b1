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
//! In front of all of them stands the [`Door`] of `--web.config.file`: TLS, who
//! may come in, how many at once.
//!
//! Promises: whatever comes in, no scrape waits for it and memory stays
//! bounded; every text from outside is escaped; names of people and actions
//! are for the trusted only ([`Visitor`]). `cli` starts it.

mod app;
mod budget;
mod connections;
mod conversation;
mod discovery;
mod door;
mod encoding;
mod external;
mod guard;
mod inherited;
mod listing;
mod pages;
mod patience;
mod people;
mod probe;
mod reload;
mod scrape;
mod server;
mod sign_in;
mod streaming;
mod view;

pub use app::{App, Rooms, Settings};
pub use door::{Door, WebConfig};
pub use external::ExternalUrl;
pub use guard::{
    Authenticated, Peer, Refusal, Secured, Visitor, is_loopback_host, may_act, may_submit,
    may_visit,
};
pub use inherited::{InheritError, adopt, inherit};
pub use reload::{ReloadRequests, Reloaded, Reloads, reloads};
pub use server::{Bounds, ListenError, Server, listen};
