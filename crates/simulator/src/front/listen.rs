//! The doors: the TLS listener and the CONNECT proxy. Both end in the same
//! place, one TLS connection to a host of the simulated cloud.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Front;
use super::authority::Authority;
use crate::connection::{ConnectionHandle, ResettableStream};
use crate::faults::{FaultKind, Subject};
use crate::hosts::{self, Service};

/// What every connection needs.
#[derive(Debug)]
pub(crate) struct Listeners {
    pub(crate) front: Front,
    pub(crate) authority: Authority,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) connections: AtomicU64,
}

/// A client that says nothing is not waited for longer.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// How often a closed port looks whether it may open again.
const CLOSED: Duration = Duration::from_millis(50);

/// Accepts TLS connections until told to stop.
pub(crate) async fn tls(doors: Arc<Listeners>, listener: TcpListener) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    let mut open = Some(listener);
    loop {
        let Some(listener) = &open else {
            tokio::select! {
                () = tokio::time::sleep(CLOSED) => {}
                () = doors.stop.cancelled() => return,
            }
            if !doors.front.tenant.faults.refuses_all() {
                open = reopen(address).await;
            }
            continue;
        };
        let refused = async {
            // The registry has no bell: looking costs a lock twenty times a second.
            while !doors.front.tenant.faults.refuses_all() {
                tokio::time::sleep(CLOSED).await;
            }
        };
        let stream = tokio::select! {
            biased;
            () = doors.stop.cancelled() => return,
            () = refused => { open = None; continue; }
            accepted = listener.accept() => accepted,
        };
        if let Ok((stream, _)) = stream {
            let handle = doors.handle();
            let task = Arc::clone(&doors).connection(stream, handle);
            doors.spawn(task);
        } else {
            // Out of descriptors, most likely: give others time to end.
            tokio::time::sleep(CLOSED).await;
        }
    }
}

async fn reopen(address: SocketAddr) -> Option<TcpListener> {
    let listener = TcpListener::bind(address).await;
    if let Err(error) = &listener {
        tracing::warn!(%address, %error, "cannot open the port again yet");
    }
    listener.ok()
}

/// Accepts CONNECT requests until told to stop.
pub(crate) async fn proxy(doors: Arc<Listeners>, listener: TcpListener) {
    while let Some(stream) = next(&doors, &listener).await {
        let task = Arc::clone(&doors).tunnel(stream);
        doors.spawn(task);
    }
}

/// Accepts plain connections for the metadata service until told to stop.
pub(crate) async fn metadata(doors: Arc<Listeners>, listener: TcpListener) {
    while let Some(stream) = next(&doors, &listener).await {
        let handle = doors.handle();
        let wire = ResettableStream::new(stream, Arc::clone(&handle));
        let task = Arc::clone(&doors).http(wire, None, handle);
        doors.spawn(task);
    }
}

async fn next(doors: &Listeners, listener: &TcpListener) -> Option<TcpStream> {
    loop {
        let accepted = tokio::select! {
            () = doors.stop.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => return Some(stream),
            Err(_) => tokio::time::sleep(CLOSED).await,
        }
    }
}

impl Listeners {
    fn handle(&self) -> Arc<ConnectionHandle> {
        ConnectionHandle::new(self.connections.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, handle: Arc<ConnectionHandle>) {
        let wire = ResettableStream::new(stream, Arc::clone(&handle));
        let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), wire);
        let Ok(Ok(start)) = tokio::time::timeout(HANDSHAKE, hello).await else {
            return;
        };
        let host = start
            .client_hello()
            .server_name()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let fault = self.front.tenant.faults.decide_handshake(&host);
        match fault {
            Some(FaultKind::Refuse) => {
                handle.cut();
                return;
            }
            Some(FaultKind::TlsHang) => {
                std::future::pending::<()>().await;
                return;
            }
            _ => {}
        }
        let config = match self.authority.server_config(&host, fault.as_ref()) {
            Ok(config) => config,
            Err(error) => {
                tracing::warn!(host, %error, "no certificate for this host");
                return;
            }
        };
        let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, start.into_stream(config)).await
        else {
            return;
        };
        self.http(stream, Some(host.into()), handle).await;
    }

    /// Serves a connection: one for `host`, or (`None`) for the metadata service.
    async fn http(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        host: Option<Arc<str>>,
        handle: Arc<ConnectionHandle>,
    ) {
        let doors = Arc::clone(&self);
        let answering = Arc::clone(&handle);
        let service = service_fn(move |request: Request<Incoming>| {
            let (doors, handle, host) = (Arc::clone(&doors), Arc::clone(&answering), host.clone());
            async move {
                let front = &doors.front;
                let answer = match host {
                    Some(host) => front.answer(request, &host, &handle).await,
                    None => front.answer_metadata(request, &handle).await,
                };
                Ok::<_, std::convert::Infallible>(answer)
            }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None);
        builder.http2().max_concurrent_streams(1000);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            // Dropping the connection with its wire sends the reset.
            () = handle.was_cut() => {}
            _ = connection => {}
        }
    }

    async fn tunnel(self: Arc<Self>, mut stream: TcpStream) {
        let head = tokio::time::timeout(HANDSHAKE, read_head(&mut stream)).await;
        let Ok(Some(head)) = head else {
            return;
        };
        let handle = self.handle();
        let (host, port) = target(&head);
        let subject = Subject {
            service: Some(Service::Proxy),
            host: host.clone(),
            method: "CONNECT".into(),
            ..Subject::default()
        };
        let tenant = &self.front.tenant;
        let verdict = tenant.faults.decide(&subject, &tenant.random);
        tokio::time::sleep(verdict.delay).await;
        let status = match verdict.kind {
            None if hosts::is_served(&host) && port == "443" => StatusCode::OK,
            None => StatusCode::FORBIDDEN,
            Some(FaultKind::Status { status, .. }) => {
                StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)
            }
            Some(FaultKind::Hang) => {
                std::future::pending::<()>().await;
                return;
            }
            Some(FaultKind::ResetBefore | FaultKind::Refuse) => {
                handle.cut();
                drop(ResettableStream::new(stream, handle));
                return;
            }
            Some(FaultKind::BadGateway) => StatusCode::BAD_GATEWAY,
            Some(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        self.front.note_tunnel(&handle, &host, status);
        let answer = tunnel_answer(status);
        if stream.write_all(answer.as_bytes()).await.is_ok() && status == StatusCode::OK {
            self.connection(stream, handle).await;
        }
    }
}

fn tunnel_answer(status: StatusCode) -> String {
    let response = Response::new(());
    let reason = if status == StatusCode::OK {
        "Connection established"
    } else {
        status.canonical_reason().unwrap_or("Unknown")
    };
    let extra = match status {
        StatusCode::OK => "",
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            "Proxy-Authenticate: Basic realm=\"simulated\"\r\nContent-Length: 0\r\n"
        }
        _ => "Content-Length: 0\r\n",
    };
    format!(
        "{:?} {} {reason}\r\n{extra}\r\n",
        response.version(),
        status.as_u16()
    )
}

/// Reads the head of one request, and not a byte more: what follows belongs to
/// the tunnel. `None` if it is no CONNECT, too long or cut off.
async fn read_head(stream: &mut TcpStream) -> Option<String> {
    const MOST: usize = 8192;
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MOST {
            return None;
        }
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head)
        .ok()
        .filter(|h| h.starts_with("CONNECT "))
}

fn target(head: &str) -> (String, String) {
    let authority = head.split(' ').nth(1).unwrap_or_default();
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    (host.to_ascii_lowercase(), port.to_owned())
}
