//! What all connections of a server share, and how a request gets from one of
//! them to the routes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::access::Access;
use super::connections::{BusyBody, ConnectionPermit, Connections};
use super::external::ExternalUrl;
use super::visitor::{Peer, Secured};

/// Bounds of the server; the defaults are what `serve` uses.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections open at once, over all listeners.
    pub connections: usize,
    /// A request's line and headers, in bytes; more is answered with 431.
    pub header_bytes: usize,
    /// From the end of one answer (or the beginning of the connection) to the
    /// end of the next request's headers. Longer than most scrape intervals,
    /// so that a scraper may keep its connection.
    pub header_timeout: Duration,
    /// From the beginning of a connection to the end of its TLS handshake.
    pub handshake_timeout: Duration,
    /// A peer that takes nothing of its answer for so long is dropped.
    pub write_timeout: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 512,
            header_bytes: 32 * 1024,
            header_timeout: Duration::from_secs(90),
            handshake_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
        }
    }
}

/// What every connection shares.
pub(super) struct HttpService {
    pub(super) app: Router,
    pub(super) external_url: Option<ExternalUrl>,
    pub(super) bounds: Bounds,
    pub(super) access: Option<Arc<Access>>,
    pub(super) connections: Arc<Connections>,
    pub(super) stop: CancellationToken,
    pub(super) abort: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl HttpService {
    /// Answers one request.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        secured: Option<Secured>,
        permit: &ConnectionPermit,
    ) -> Result<Response<BusyBody>, Infallible> {
        let busy = permit.busy();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        request
            .extensions_mut()
            .insert(Arc::clone(&self.connections));
        if let Some(secured) = secured {
            request.extensions_mut().insert(secured);
        }
        let stripped = self
            .external_url
            .as_ref()
            .and_then(|external| external.strip(request.uri()));
        if let Some(uri) = stripped {
            *request.uri_mut() = uri;
        }
        let response = self.app.clone().oneshot(request).await?;
        Ok(response.map(|body| BusyBody::new(body, busy)))
    }
}
