//! Whether an address can be reached at all, the way that probes go: by the
//! same resolver, the same proxy and, for https, with the same roots.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tokio::time::timeout;
use url::Url;

use super::NetFailure;
use super::connection::{Target, open_tcp};
use super::network::Inner as Network;
use super::phase_timer::PhaseTimer;
use super::probing::{ProbeClient, ProbeRequest};
use crate::model::{ConnectionPolicy, Method, ReferenceTarget};

impl ProbeClient {
    /// Connects, and for https waits for the head of an answer, of any status.
    /// Sends nothing that is a secret. `patience` is for everything together.
    ///
    /// # Errors
    /// Why it cannot be reached.
    pub async fn reach(
        &self,
        target: &ReferenceTarget,
        patience: Duration,
    ) -> Result<(), NetFailure> {
        let mut timer = PhaseTimer::begin();
        let (host, reached) = match target {
            ReferenceTarget::Https(url) => {
                let reached = self.head_of(url, patience, &mut timer);
                (
                    url.host_str().unwrap_or_default(),
                    timeout(patience, Box::pin(reached)).await,
                )
            }
            ReferenceTarget::Tcp { host, port } => {
                let network = self.network();
                let reached = connect(network.inner(), host, *port, patience, &mut timer);
                (&**host, timeout(patience, Box::pin(reached)).await)
            }
        };
        reached.unwrap_or_else(|_| Err(NetFailure::timeout(timer.phase(), host)))
    }

    /// Waits for the head of an answer, and leaves the rest of it.
    async fn head_of(
        &self,
        url: &Url,
        patience: Duration,
        timer: &mut PhaseTimer,
    ) -> Result<(), NetFailure> {
        let request = ProbeRequest {
            method: Method::Get,
            url: url.clone(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            connection: ConnectionPolicy::New,
            proxy: None,
            timeout: patience,
            body_limit: 0,
        };
        self.head(&request, timer).await
    }
}

async fn connect(
    network: &Network,
    host: &Arc<str>,
    port: u16,
    patience: Duration,
    timer: &mut PhaseTimer,
) -> Result<(), NetFailure> {
    let target = Target::of_tcp(host, port, network)?;
    open_tcp(network, &target, timer, patience).await.map(drop)
}
