//! A stream that knows what came in over it: how much, and which error of TLS
//! ended it. The layers above hand neither on.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::failure::rustls_error;

/// What came in so far.
#[derive(Default)]
pub(super) struct Heard {
    bytes: AtomicU64,
    tls: OnceLock<rustls::Error>,
}

impl Heard {
    /// So many bytes, so that "not a byte" can be told from "half a head".
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// What TLS said when it ended the stream: a server that wants a certificate
    /// of the client tells so only after the handshake (RFC 8446, section 4.4.2.4),
    /// and HTTP/2 keeps no more of it than that there was an error.
    pub(super) fn tls(&self) -> Option<&rustls::Error> {
        self.tls.get()
    }

    fn note<T>(&self, polled: &Poll<io::Result<T>>) {
        if let Poll::Ready(Err(error)) = polled
            && let Some(tls) = rustls_error(error)
        {
            // The first one is the cause of all others.
            _ = self.tls.set(tls.clone());
        }
    }
}

/// The stream.
pub(super) struct Counted<S> {
    pub(super) stream: S,
    pub(super) heard: Arc<Heard>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let came = buffer.filled().len() - before;
        self.heard.bytes.fetch_add(came as u64, Ordering::Relaxed);
        self.heard.note(&polled);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.heard.note(&polled);
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.heard.note(&polled);
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
