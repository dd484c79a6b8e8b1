//! Listeners, the accept loop and what every connection gets: bounds, a
//! patient but not endless ear, and a graceful end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::connections::{BusyBody, Connections, Seat};
use super::external::ExternalUrl;
use super::guard::Peer;
use super::patience::Patience;

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
    pub header_patience: Duration,
    /// A peer that takes nothing of its answer for so long is dropped.
    pub write_patience: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 512,
            header_bytes: 32 * 1024,
            header_patience: Duration::from_secs(90),
            write_patience: Duration::from_secs(30),
        }
    }
}

/// An address could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}{}", hint(.source))]
pub struct ListenError {
    address: String,
    source: io::Error,
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            " (is another m365mon running? choose another with --web.listen-address)"
        }
        io::ErrorKind::PermissionDenied => " (ports below 1024 need a privilege)",
        _ => "",
    }
}

/// Opens a listener for each address; all or none.
///
/// # Errors
///
/// If one cannot be listened on.
pub async fn listen(addresses: &[String]) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        // As Go's programs have it, ":10365" is every address of this machine.
        let full = match address.strip_prefix(':') {
            Some(port) => format!("[::]:{port}"),
            None => address.clone(),
        };
        let listener = TcpListener::bind(&full)
            .await
            .map_err(|source| ListenError {
                address: address.clone(),
                source,
            })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// A running HTTP server.
pub struct Server {
    addresses: Vec<SocketAddr>,
    stop: CancellationToken,
    abort: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    /// Serves `app` on the listeners. Must be called inside a tokio runtime.
    #[must_use]
    pub fn start(
        listeners: Vec<TcpListener>,
        app: &Router,
        external_url: Option<&ExternalUrl>,
        bounds: Bounds,
    ) -> Self {
        let server = Self {
            addresses: listeners
                .iter()
                .filter_map(|listener| listener.local_addr().ok())
                .collect(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let service = Arc::new(Service {
            app: app.clone(),
            external_url: external_url.cloned(),
            bounds,
            connections: Connections::new(bounds.connections),
            stop: server.stop.clone(),
            abort: server.abort.clone(),
            tasks: server.tasks.clone(),
        });
        for listener in listeners {
            server.tasks.spawn(Arc::clone(&service).accept(listener));
        }
        server
    }

    /// The addresses listened on, in the order of the listeners.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Takes no new connection, lets answers under way end for at most `grace`
    /// and drops what is left then.
    pub async fn stop(&self, grace: Duration) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::debug!(left = self.tasks.len(), "connections dropped at the end");
            self.abort.cancel();
            self.tasks.wait().await;
        }
    }
}

struct Service {
    app: Router,
    external_url: Option<ExternalUrl>,
    bounds: Bounds,
    connections: Arc<Connections>,
    stop: CancellationToken,
    abort: CancellationToken,
    tasks: TaskTracker,
}

impl Service {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut trouble = Trouble::default();
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    trouble.met(&error).await;
                    continue;
                }
            };
            trouble = Trouble::default();
            let seat = tokio::select! {
                () = self.stop.cancelled() => return,
                seat = self.connections.admit() => seat,
            };
            let service = Arc::clone(&self);
            self.tasks.spawn(async move {
                service.converse(stream, peer, seat).await;
            });
        }
    }

    async fn converse(&self, stream: TcpStream, peer: SocketAddr, seat: Seat) {
        // Nagle's algorithm would hold back the last packet of an answer.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection lost before its first request");
            return;
        }
        let stream = TokioIo::new(Patience::new(stream, self.bounds.write_patience));
        let service = service_fn(|request| self.answer(request, peer, &seat));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.bounds.header_patience)
            .max_header_size(self.bounds.header_bytes)
            .max_buf_size(self.bounds.header_bytes.max(8 * 1024))
            .max_headers(100)
            .serve_connection(stream, service);
        let mut connection = pin!(connection);
        let mut stopping = false;
        loop {
            tokio::select! {
                result = connection.as_mut() => {
                    if let Err(error) = result {
                        tracing::debug!(%peer, %error, "connection ended");
                    }
                    return;
                }
                () = self.stop.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = self.abort.cancelled() => return,
                () = seat.evicted() => {
                    tracing::debug!(%peer, "idle connection closed to make room");
                    return;
                }
            }
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        seat: &Seat,
    ) -> Result<Response<BusyBody>, Infallible> {
        let busy = seat.busy();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
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

/// What goes wrong while accepting: reported once per spell, waited out.
#[derive(Default)]
struct Trouble(u32);

impl Trouble {
    async fn met(&mut self, error: &io::Error) {
        // These concern one connection that is gone already.
        if matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionRefused
        ) {
            return;
        }
        // Mostly too many open files: it passes when some are closed.
        if self.0 == 0 {
            tracing::warn!(%error, "cannot accept connections, trying again");
        }
        self.0 = self.0.saturating_add(1);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
