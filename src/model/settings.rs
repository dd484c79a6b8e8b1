//! What a configuration says beside accounts and resources, checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use super::Secret;

/// Where refresh tokens are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// One file, only created when something must last.
    pub file: PathBuf,
    /// The keys that seal it.
    pub key_file: PathBuf,
}

/// Which proxy outgoing requests use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxySetting {
    /// `HTTPS_PROXY`, `NO_PROXY` and their relatives.
    Environment,
    /// This one, for everything but managed identity. May hold a password in
    /// its user information, hence a secret; already known to be an http URL.
    Fixed(Secret),
    /// None, whatever the environment says.
    Direct,
    /// The one whose URL stands in this file, read when the network is made.
    File(PathBuf),
}

/// One entry of `http.resolve`: connect there instead of asking DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveOverride {
    /// Where to connect to.
    pub address: SocketAddr,
}

/// Outgoing HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Which proxy.
    pub proxy: ProxySetting,
    /// What accounts and resources say for themselves, each once.
    pub own_proxies: Vec<Arc<ProxySetting>>,
    /// PEM roots trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Sent as `User-Agent`.
    pub user_agent: Arc<str>,
    /// By host name, lower case.
    pub resolve: BTreeMap<Arc<str>, ResolveOverride>,
}

/// Bounds on what runs at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In this process.
    pub probes_in_flight: usize,
    /// For one account.
    pub per_account: usize,
    /// Resources that may be `on_scrape`.
    pub on_scrape: usize,
}

/// What is exposed.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsSettings {
    /// `m365_resource_probe_duration_seconds`.
    pub histogram: bool,
    /// `m365_resource_phase_latency_seconds`.
    pub phases: bool,
    /// Upper bounds in seconds, ascending, without `+Inf`.
    pub histogram_buckets: Arc<[f64]>,
}

/// The buckets unless the configuration names others, in seconds.
pub const DEFAULT_BUCKETS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0];

/// True for `https://host[:port]/` and nothing more: what a cloud's roots look like.
#[must_use]
pub fn is_plain_root(url: &Url) -> bool {
    url.scheme() == "https"
        && url.host_str().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
}
