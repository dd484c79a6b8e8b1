//! From a renderer that writes to a client that reads, in chunks: rendering
//! happens on a thread that may block, a short queue lies between, and nobody
//! ever holds the whole.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};

use crate::metrics::Chunks;

/// Chunks between the two: most pages fit as a whole, so that rendering rarely
/// waits for a slow reader.
const QUEUE: usize = 16;
/// A client that has not taken all of it by then gets no more.
const LONGEST: Duration = Duration::from_secs(60);
/// Renderings at once; more wait. Each keeps samples and a queue in the memory of
/// its thread, so that twice as many are megabytes, and no quicker.
const MOST: usize = 4;

/// While others wait for their turn, a client that takes nothing for so long
/// gets no more.
const STALLED: Duration = Duration::from_millis(500);

/// Bounds the renderings of one server.
pub(super) struct Renderings {
    turns: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Renderings {
    pub(super) fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(MOST)),
            waiting: Arc::default(),
        }
    }

    /// Renders, and gives a body as soon as its first chunk is there. An error
    /// later cuts the body off in a way that the client notices.
    pub(super) async fn body(
        &self,
        render: impl FnOnce(&mut Sender) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Body> {
        let waits = Waits::begin(&self.waiting);
        let permit = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        drop(waits);
        let (chunks, mut queue) = mpsc::channel(QUEUE);
        let mut sender = Sender {
            chunks,
            deadline: Instant::now() + LONGEST,
            waiting: Arc::clone(&self.waiting),
            runtime: Handle::current(),
        };
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            if let Err(error) = render(&mut sender) {
                tracing::debug!(%error, "rendering ended early");
                _ = sender.send(Err(error));
            }
        });
        let chunk = queue.recv().await.transpose()?;
        Ok(Body::new(RenderedBody { chunk, queue }))
    }
}

/// What was rendered, each chunk given when it is known whether another follows.
///
/// hyper looks twice at a body that waits (1.10 to 1.12 at least), and an end
/// that only the second look finds does not close the connection, where closing
/// it is what ends the answer: HTTP/1.0, which proxies speak. A dropped queue
/// wakes nobody, so the client had everything and waited for its end for ever.
/// When the last chunk tells that it is the last, there is no such look.
struct RenderedBody {
    /// The next one to be given; none at the end.
    chunk: Option<Bytes>,
    queue: mpsc::Receiver<io::Result<Bytes>>,
}

impl HttpBody for RenderedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.chunk.is_none() {
            return Poll::Ready(None);
        }
        let following = ready!(self.queue.poll_recv(cx)).transpose();
        // What was cut off has no last chunk.
        let chunk = match following {
            Ok(following) => std::mem::replace(&mut self.chunk, following).map(Ok),
            Err(error) => {
                self.chunk = None;
                Some(Err(error))
            }
        };
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.chunk.is_none()
    }
}

/// One that waits for its turn.
struct Waits(Arc<AtomicUsize>);

impl Waits {
    fn begin(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(waiting))
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Takes chunks on the rendering thread.
pub(super) struct Sender {
    chunks: mpsc::Sender<io::Result<Bytes>>,
    deadline: Instant,
    waiting: Arc<AtomicUsize>,
    runtime: Handle,
}

impl Sender {
    fn send(&self, chunk: io::Result<Bytes>) -> io::Result<()> {
        self.runtime.block_on(async {
            loop {
                let look = (Instant::now() + STALLED).min(self.deadline);
                match timeout_at(look, self.chunks.reserve()).await {
                    Ok(Ok(place)) => {
                        place.send(chunk);
                        return Ok(());
                    }
                    Ok(Err(_)) => return Err(io::ErrorKind::BrokenPipe.into()),
                    Err(_) => {
                        let others = self.waiting.load(Ordering::Relaxed) > 0;
                        if others || look == self.deadline {
                            return Err(io::ErrorKind::TimedOut.into());
                        }
                    }
                }
            }
        })
    }
}

impl Chunks for Sender {
    fn chunk(&mut self, chunk: Bytes) -> io::Result<()> {
        self.send(Ok(chunk))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn all_of_it_arrives() {
        let renderings = Renderings::new();
        let body = renderings
            .body(|out| (0..100_u8).try_for_each(|n| out.chunk(vec![n; 1000].into())))
            .await
            .unwrap();
        let bytes = body.collect().await.unwrap().to_bytes();
        assert_eq!(bytes.len(), 100_000);
        assert_eq!(bytes.last(), Some(&99));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_last_chunk_tells_the_end() {
        let renderings = Renderings::new();
        for many in 0..4_u8 {
            let mut body = renderings
                .body(move |out| (0..many).try_for_each(|n| out.chunk(vec![n].into())))
                .await
                .unwrap();
            for n in 0..many {
                assert!(!body.is_end_stream(), "{n} of {many}");
                let frame = body.frame().await.unwrap().unwrap();
                assert_eq!(frame.into_data().unwrap(), vec![n]);
            }
            assert!(body.is_end_stream(), "{many}");
            assert!(body.frame().await.is_none());
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn errors_are_noticed() {
        let renderings = Renderings::new();
        let at_once = renderings.body(|_| Err(io::Error::other("no"))).await;
        assert!(at_once.is_err());
        let later = renderings
            .body(|out| {
                out.chunk("a".into())?;
                Err(io::Error::other("no"))
            })
            .await
            .unwrap();
        assert!(later.collect().await.is_err());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn readers_that_read_nothing_keep_nobody_out() {
        let renderings = Renderings::new();
        let endless =
            |out: &mut Sender| (0..).try_for_each(|_: u64| out.chunk(vec![0; 1000].into()));
        let mut unread = Vec::new();
        for _ in 0..MOST {
            unread.push(renderings.body(endless).await.unwrap());
        }
        let body = renderings.body(|out| out.chunk("a".into())).await.unwrap();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "a");
        drop(unread);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_reader_that_goes_away_ends_it() {
        let renderings = Renderings::new();
        let (told, tell) = std::sync::mpsc::channel();
        let body = renderings
            .body(move |out| {
                let result = (0..).try_for_each(|_: u64| out.chunk("a".into()));
                _ = told.send(result.map_err(|error| error.kind()));
                Ok(())
            })
            .await
            .unwrap();
        drop(body);
        let ended = tokio::task::spawn_blocking(move || tell.recv()).await;
        assert_eq!(ended.unwrap(), Ok(Err(io::ErrorKind::BrokenPipe)));
    }
}
