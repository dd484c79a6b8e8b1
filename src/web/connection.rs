//! One connection from its handshake to its end, by HTTP/1.1 or HTTP/2.
//!
//! HTTP/2 is spoken over TLS only, where the client offers it. Its bounds are
//! those of HTTP/1.1 in other words: few streams with small windows, and a
//! peer that asks nothing, or takes nothing of its answers, is left.

use std::fmt::Display;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access::ServerTls;
use super::connections::{ConnectionPermit, ConnectionTimeout};
use super::service::HttpService;
use super::visitor::Secured;
use super::write_timeout::WriteTimeout;

/// Requests at once on one connection of HTTP/2.
const STREAMS: u32 = 16;
/// What a peer may send ahead, in bytes, for a stream and a connection.
const WINDOW: u32 = 64 * 1024;
/// What is kept of an answer until the peer takes it, in bytes a stream.
const SEND_BUFFER: usize = 16 * 1024;

/// Talks until one of both ends it.
pub(super) async fn serve_connection(
    service: Arc<HttpService>,
    stream: TcpStream,
    peer: SocketAddr,
    permit: Arc<ConnectionPermit>,
) {
    // Nagle's algorithm would hold back the last packet of an answer.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection lost before its first request");
        return;
    }
    let stream = WriteTimeout::new(stream, service.bounds.write_timeout);
    let mut connection = Connection {
        service,
        peer,
        permit,
        secured: None,
        retired: CancellationToken::new(),
    };
    let tls = connection
        .service
        .access
        .as_ref()
        .and_then(|access| access.tls());
    let Some(tls) = tls else {
        return connection.http1(stream).await;
    };
    // On the heap, what only some connections need: a future has room for the largest of
    // all that it may become, and hundreds of connections may wait at once.
    let Some(stream) = Box::pin(connection.handshake(&tls, stream)).await else {
        return;
    };
    let (_, session) = stream.get_ref();
    let shown = session.peer_certificates().and_then(<[_]>::first);
    let is_http2 = session.alpn_protocol() == Some(b"h2");
    connection.secured = Some(tls.secured(shown));
    connection.retired = tls.retired.clone();
    if is_http2 {
        Box::pin(connection.http2(stream)).await;
    } else {
        Box::pin(connection.http1(stream)).await;
    }
}

struct Connection {
    service: Arc<HttpService>,
    peer: SocketAddr,
    permit: Arc<ConnectionPermit>,
    secured: Option<Secured>,
    retired: CancellationToken,
}

impl Connection {
    async fn handshake(
        &self,
        tls: &ServerTls,
        stream: WriteTimeout<TcpStream>,
    ) -> Option<TlsStream<WriteTimeout<TcpStream>>> {
        let HttpService { bounds, stop, .. } = &*self.service;
        let handshake = TlsAcceptor::from(Arc::clone(&tls.config)).accept(stream);
        let done = tokio::select! {
            done = tokio::time::timeout(bounds.handshake_timeout, handshake) => done,
            () = stop.cancelled() => return None,
            () = self.permit.evicted() => return None,
        };
        match done {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(peer = %self.peer, %error, "TLS handshake failed");
                None
            }
            Err(_) => {
                tracing::debug!(peer = %self.peer, "TLS handshake took too long");
                None
            }
        }
    }

    async fn http1<S>(&self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let bounds = &self.service.bounds;
        let service = service_fn(|request| {
            self.service
                .answer(request, self.peer, self.secured.clone(), &self.permit)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.header_timeout)
            .max_header_size(bounds.header_bytes)
            .max_buf_size(bounds.header_bytes.max(8 * 1024))
            .max_headers(100)
            .serve_connection(TokioIo::new(stream), service);
        self.until_it_ends(Box::pin(connection), false).await;
    }

    async fn http2<S>(&self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let bounds = &self.service.bounds;
        let streams = Streams {
            tasks: self.service.tasks.clone(),
            abort: self.service.abort.child_token(),
        };
        let _end_with_the_connection = streams.abort.clone().drop_guard();
        let (service, peer) = (Arc::clone(&self.service), self.peer);
        let secured = self.secured.clone();
        let permit = Arc::clone(&self.permit);
        let service = service_fn(move |request| {
            let (service, permit) = (Arc::clone(&service), Arc::clone(&permit));
            let secured = secured.clone();
            async move { service.answer(request, peer, secured, &permit).await }
        });
        let connection = http2::Builder::new(streams)
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(bounds.header_bytes).unwrap_or(u32::MAX))
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .serve_connection(TokioIo::new(stream), service);
        self.until_it_ends(Box::pin(connection), true).await;
    }

    /// Drives a connection, which is held once: what a future takes and then pins it keeps
    /// room for twice. `watched`: it has no bounds on waiting of its own.
    async fn until_it_ends<C>(&self, mut connection: Pin<Box<C>>, watched: bool)
    where
        C: GracefulConnection,
        C::Error: Display,
    {
        let HttpService {
            bounds,
            stop,
            abort,
            ..
        } = &*self.service;
        let peer = self.peer;
        let mut ending = false;
        loop {
            let timed_out = self
                .permit
                .timed_out(bounds.header_timeout, bounds.write_timeout);
            tokio::select! {
                result = connection.as_mut() => {
                    if let Err(error) = result {
                        tracing::debug!(%peer, %error, "connection ended");
                    }
                    return;
                }
                () = stop.cancelled(), if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = self.retired.cancelled(), if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                timeout = timed_out, if watched => {
                    tracing::debug!(%peer, ?timeout, "connection given up");
                    if ending || timeout == ConnectionTimeout::Write {
                        return;
                    }
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                    // Whatever is sent now has a moment to arrive.
                    drop(self.permit.busy());
                }
                () = abort.cancelled() => return,
                () = self.permit.evicted() => {
                    tracing::debug!(%peer, "idle connection closed to make room");
                    return;
                }
            }
        }
    }
}

/// Runs the streams of one connection; they end with it.
#[derive(Clone)]
struct Streams {
    tasks: TaskTracker,
    abort: CancellationToken,
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        let abort = self.abort.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = abort.cancelled() => {}
                _ = stream => {}
            }
        });
    }
}
