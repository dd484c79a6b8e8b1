//! What the world sees over HTTP.
//!
//! | route | |
//! |---|---|
//! | `/`, `/resources/NAME`, `/accounts/NAME` | pages for people; for operators with more |
//! | `/runbooks`, `/runbooks/NAME` | what to do about an alert or a reason |
//! | `/accounts/NAME/sign-in`, `/sign-out`, `/approval`, `/auth/callback` | signing people in and out |
//! | `/accounts/NAME/invite`, `/invitation` | inviting somebody to one sign-in |
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
//! are for the trusted only (`Visitor`). `cli` starts it.

mod access;
mod answer_timer;
mod app;
mod budget;
mod connection;
mod connections;
mod cookies;
mod discovery;
mod encoding;
mod errors;
mod external;
mod form;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod health;
mod operator;
mod operator_session;
mod pages;
mod probe;
mod reload;
mod reload_requests;
mod reply;
mod resources_json;
mod routes;
mod runbooks;
mod scrape;
mod server;
mod service;
mod sign_in;
mod socket_activation;
mod status_pages;
mod stories;
mod streaming;
mod view;
mod visitor;
mod write_timeout;

pub use access::{Access, WebConfig};
pub use app::{App, Dependencies, Settings};
pub use external::ExternalUrl;
pub use operator::{
    COOKIE_LIFE, KEY_HEADER, KeyFileError, LINK_LIFE, OperatorKey, OperatorKeyFile, OperatorName,
    key_places, read_key,
};
pub use operator_session::OPERATOR_PATH;
pub use reload_requests::{ReloadRequests, Reloaded, Reloads, reloads};
pub use routes::{is_taken, router};
pub use server::{DEFAULT_PORT, ListenError, Server, listen, listen_default, owns_localhost};
pub use service::Bounds;
pub use sign_in::invitation::InvitationAddress;
pub use socket_activation::{InheritError, adopt, inherit};
pub use visitor::{Authenticated, Peer, Refusal, Secured, is_loopback_host};
