//! One connection from its handshake to its end, by HTTP/1.1 or HTTP/2.
//!
//! HTTP/2 is spoken over TLS only, where the client offers it. Its bounds are
//! those of HTTP/1.1 in other words: few streams with small windows, and a
//! peer that asks nothing, or takes nothing of its answers, is left.

use std::fmt::Display;
use std::net::SocketAddr;
use std::pin::pin;
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

use super::connections::{Neglect, Seat};
use super::door::Tls;
use super::guard::Secured;
use super::patience::Patience;
use super::server::Service;

/// Requests at once on one connection of HTTP/2.
const STREAMS: u32 = 16;
/// What a peer may send ahead, in bytes, for a stream and a connection.
const WINDOW: u32 = 64 * 1024;
/// What is kept of an answer until the peer takes it, in bytes a stream.
const SEND_BUFFER: usize = 16 * 1024;

/// Talks until one of both ends it.
pub(super) async fn converse(
    service: Arc<Service>,
    stream: TcpStream,
    peer: SocketAddr,
    seat: Arc<Seat>,
) {
    // Nagle's algorithm would hold back the last packet of an answer.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection lost before its first request");
        return;
    }
    let stream = Patience::new(stream, service.bounds.write_patience);
    let mut conversation = Conversation {
        service,
        peer,
        seat,
        secured: None,
        retired: CancellationToken::new(),
    };
    let tls = conversation
        .service
        .door
        .as_ref()
        .and_then(|door| door.tls());
    let Some(tls) = tls else {
        return conversation.http1(stream).await;
    };
    let Some(stream) = conversation.handshake(&tls, stream).await else {
        return;
    };
    let (_, connection) = stream.get_ref();
    let shown = connection
        .peer_certificates()
        .is_some_and(|chain| !chain.is_empty());
    let is_http2 = connection.alpn_protocol() == Some(b"h2");
    conversation.secured = Some(tls.secured(shown));
    conversation.retired = tls.retired.clone();
    if is_http2 {
        conversation.http2(stream).await;
    } else {
        conversation.http1(stream).await;
    }
}

struct Conversation {
    service: Arc<Service>,
    peer: SocketAddr,
    seat: Arc<Seat>,
    secured: Option<Secured>,
    retired: CancellationToken,
}

impl Conversation {
    async fn handshake(
        &self,
        tls: &Tls,
        stream: Patience<TcpStream>,
    ) -> Option<TlsStream<Patience<TcpStream>>> {
        let Service { bounds, stop, .. } = &*self.service;
        let handshake = TlsAcceptor::from(Arc::clone(&tls.config)).accept(stream);
        let done = tokio::select! {
            done = tokio::time::timeout(bounds.handshake_patience, handshake) => done,
            () = stop.cancelled() => return None,
            () = self.seat.evicted() => return None,
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
                .answer(request, self.peer, self.secured, &self.seat)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.header_patience)
            .max_header_size(bounds.header_bytes)
            .max_buf_size(bounds.header_bytes.max(8 * 1024))
            .max_headers(100)
            .serve_connection(TokioIo::new(stream), service);
        self.until_it_ends(connection, false).await;
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
        let (service, peer, secured) = (Arc::clone(&self.service), self.peer, self.secured);
        let seat = Arc::clone(&self.seat);
        let service = service_fn(move |request| {
            let (service, seat) = (Arc::clone(&service), Arc::clone(&seat));
            async move { service.answer(request, peer, secured, &seat).await }
        });
        let connection = http2::Builder::new(streams)
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(bounds.header_bytes).unwrap_or(u32::MAX))
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .serve_connection(TokioIo::new(stream), service);
        self.until_it_ends(connection, true).await;
    }

    /// Drives a connection. `watched`: it has no bounds on waiting of its own.
    async fn until_it_ends<C>(&self, connection: C, watched: bool)
    where
        C: GracefulConnection,
        C::Error: Display,
    {
        let Service {
            bounds,
            stop,
            abort,
            ..
        } = &*self.service;
        let peer = self.peer;
        let mut connection = pin!(connection);
        let mut ending = false;
        loop {
            let neglected = self
                .seat
                .neglected(bounds.header_patience, bounds.write_patience);
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
                neglect = neglected, if watched => {
                    tracing::debug!(%peer, ?neglect, "connection given up");
                    if ending || neglect == Neglect::Stalled {
                        return;
                    }
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                    // Whatever is sent now has a moment to arrive.
                    drop(self.seat.busy());
                }
                () = abort.cancelled() => return,
                () = self.seat.evicted() => {
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
