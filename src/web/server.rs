//! Listeners, the accept loop and what every connection gets: TLS where the
//! the web configuration has it, bounds, a patient but not endless ear, and a graceful end.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access::Access;
use super::connection::serve_connection;
use super::connections::Connections;
use super::external::ExternalUrl;
use super::service::{Bounds, HttpService};

/// Where we listen if nobody says otherwise.
pub const DEFAULT_PORT: u16 = 10365;

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

/// Listens on [`DEFAULT_PORT`] of both addresses that `localhost` may mean, so
/// that nobody else can be found under that name. That the second is not to be
/// had is no error: machines without IPv6 have none.
///
/// # Errors
///
/// If 127.0.0.1 cannot be listened on.
pub async fn listen_default() -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = listen(&[format!("127.0.0.1:{DEFAULT_PORT}")]).await?;
    match TcpListener::bind((Ipv6Addr::LOCALHOST, DEFAULT_PORT)).await {
        Ok(listener) => listeners.push(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            tracing::warn!(
                "[::1]:{DEFAULT_PORT} belongs to another process: http://localhost:{DEFAULT_PORT} \
                 may lead there"
            );
        }
        Err(error) => tracing::debug!(%error, "not listening on [::1]"),
    }
    Ok(listeners)
}

/// Whether `localhost` and the port of a listener lead to this process, and
/// nowhere else. What nobody listens on is tried for a moment.
#[must_use]
pub fn owns_localhost(addresses: &[SocketAddr]) -> Option<u16> {
    let is_local = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
    let port = addresses
        .iter()
        .find(|address| is_local(address.ip()))?
        .port();
    let loopback = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    ];
    let elsewhere = |ip: IpAddr| {
        let covers = |address: &SocketAddr| {
            let whole = address.ip().is_unspecified() && address.is_ipv4() == ip.is_ipv4();
            address.port() == port && (address.ip() == ip || whole)
        };
        if addresses.iter().any(covers) {
            return false;
        }
        let tried = std::net::TcpListener::bind((ip, port));
        // A listener of both families on [::] holds the other one as well.
        let both = || {
            let unspecified = |address: &SocketAddr| address.ip().is_unspecified();
            addresses
                .iter()
                .any(|a| a.port() == port && unspecified(a) && a.is_ipv6())
        };
        tried.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse) && !both()
    };
    (!loopback.into_iter().any(elsewhere)).then_some(port)
}

/// A running HTTP server.
pub struct Server {
    addresses: Vec<SocketAddr>,
    stop: CancellationToken,
    abort: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    /// Serves `app` on the listeners, by TLS where `access` has it. Must be called
    /// inside a tokio runtime.
    #[must_use]
    pub fn start(
        listeners: Vec<TcpListener>,
        app: &Router,
        external_url: Option<&ExternalUrl>,
        bounds: Bounds,
        access: Option<Arc<Access>>,
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
        let service = Arc::new(HttpService {
            app: app.clone(),
            external_url: external_url.cloned(),
            bounds,
            access,
            connections: Connections::new(bounds.connections),
            stop: server.stop.clone(),
            abort: server.abort.clone(),
            tasks: server.tasks.clone(),
        });
        for listener in listeners {
            server.tasks.spawn(accept(Arc::clone(&service), listener));
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

async fn accept(service: Arc<HttpService>, listener: TcpListener) {
    let mut trouble = Trouble::default();
    loop {
        let accepted = tokio::select! {
            () = service.stop.cancelled() => return,
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
        let permit = tokio::select! {
            () = service.stop.cancelled() => return,
            permit = service.connections.permit() => permit,
        };
        service.tasks.spawn(serve_connection(
            Arc::clone(&service),
            stream,
            peer,
            Arc::new(permit),
        ));
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
