//! One connection, and the means to cut it off from inside a request.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// What a request knows of its connection.
#[derive(Debug, Default)]
pub(crate) struct ConnectionHandle {
    /// Counts connections from 1.
    pub(crate) number: u64,
    cut: AtomicBool,
    cutting: Notify,
}

impl ConnectionHandle {
    pub(crate) fn new(number: u64) -> Arc<Self> {
        Arc::new(Self {
            number,
            ..Self::default()
        })
    }

    /// Resets the connection: the peer sees RST, not an orderly end.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
        self.cutting.notify_one();
    }

    /// Returns when [`cut`](Self::cut) was called.
    pub(crate) async fn was_cut(&self) {
        self.cutting.notified().await;
    }
}

/// A TCP stream that ends with a reset if its handle was cut.
#[derive(Debug)]
pub(crate) struct ResettableStream {
    stream: TcpStream,
    handle: Arc<ConnectionHandle>,
}

impl ResettableStream {
    pub(crate) fn new(stream: TcpStream, handle: Arc<ConnectionHandle>) -> Self {
        // Without this, answers of two segments wait for the peer's delayed
        // acknowledgement, and every latency would lie by 40 ms.
        _ = stream.set_nodelay(true);
        Self { stream, handle }
    }
}

impl Drop for ResettableStream {
    fn drop(&mut self) {
        if self.handle.cut.load(Ordering::Relaxed) {
            _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for ResettableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for ResettableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
