//! The open connections, bounded.
//!
//! At the limit a new connection takes the place of the one that has been
//! idle for longest (a connection is idle unless a request is being answered
//! on it: a half-sent header is idle), else of the one whose peer has taken
//! nothing of its answer for longest, if that is more than a moment. Only when
//! every connection is busy does the newcomer wait. So neither ten thousand idle
//! connections nor headers that trickle in nor readers that do not read keep a
//! scrape out, and memory stays bounded.
//!
//! Requests that may hang, because they wait for Microsoft, have a part of the
//! places and no more ([`Connections::may_hang`]): the rest is for those that
//! are answered at once.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// A peer that takes nothing of its answer for so long gives way to others.
const MOMENT: Duration = Duration::from_secs(1);

/// A connection is left alone for so long before its first request and after
/// each: else each of many newcomers would send the one before it away.
const NEW: Duration = Duration::from_millis(250);

/// All open connections of one server.
pub(super) struct Connections {
    most: usize,
    hanging: Arc<Semaphore>,
    open: Mutex<Open>,
    /// A connection ended or became idle.
    room: Notify,
}

#[derive(Default)]
struct Open {
    next: u64,
    by_id: HashMap<u64, Entry>,
}

struct Entry {
    requests: usize,
    /// Grows with time; what is smaller has been idle for longer.
    idle_since: u64,
    /// Answers that are being sent.
    sending: usize,
    /// When a request last began or ended, or a piece of an answer was taken.
    progress: Instant,
    evicted: CancellationToken,
}

impl Open {
    fn tick(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn admit(&mut self, most: usize) -> Option<(u64, CancellationToken)> {
        if self.by_id.len() >= most {
            let leaves = self.longest_idle().or_else(|| self.longest_stalled())?;
            if let Some(entry) = self.by_id.remove(&leaves) {
                entry.evicted.cancel();
            }
        }
        let id = self.tick();
        let evicted = CancellationToken::new();
        self.by_id.insert(
            id,
            Entry {
                requests: 0,
                idle_since: id,
                sending: 0,
                progress: Instant::now(),
                evicted: evicted.clone(),
            },
        );
        Some((id, evicted))
    }
}

impl Open {
    fn longest_idle(&self) -> Option<u64> {
        let idle = |entry: &Entry| entry.requests == 0 && entry.progress.elapsed() >= NEW;
        let idle = self.by_id.iter().filter(|(_, entry)| idle(entry));
        idle.min_by_key(|(_, entry)| entry.idle_since)
            .map(|(id, _)| *id)
    }

    /// Of those that only send, the one whose peer has taken nothing for longest.
    fn longest_stalled(&self) -> Option<u64> {
        let sends = |entry: &Entry| entry.sending > 0 && entry.sending == entry.requests;
        self.by_id
            .iter()
            .filter(|(_, entry)| sends(entry) && entry.progress.elapsed() >= MOMENT)
            .min_by_key(|(_, entry)| entry.progress)
            .map(|(id, _)| *id)
    }
}

impl Connections {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let most = most.max(1);
        Arc::new(Self {
            most,
            hanging: Arc::new(Semaphore::new((most / 2).max(1))),
            open: Mutex::default(),
            room: Notify::new(),
        })
    }

    /// Takes a place for a new connection, waiting only while all are busy.
    pub(super) async fn permit(self: &Arc<Self>) -> ConnectionPermit {
        loop {
            let room = self.room.notified();
            if let Some((id, evicted)) = self.open.lock().admit(self.most) {
                return ConnectionPermit {
                    connections: Arc::clone(self),
                    id,
                    evicted,
                };
            }
            // Whoever becomes idle or stops reading makes room without a word.
            _ = timeout(NEW, room).await;
        }
    }

    /// Takes one of the places for requests that may hang; `None` if all are
    /// taken.
    pub(super) fn may_hang(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.hanging).try_acquire_owned().ok()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.open.lock().by_id.len()
    }
}

/// The place of one connection, given back when it is dropped.
pub(super) struct ConnectionPermit {
    connections: Arc<Connections>,
    id: u64,
    evicted: CancellationToken,
}

impl ConnectionPermit {
    /// Ends when the place was given to somebody else.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Marks the connection as busy until the guard is dropped.
    pub(super) fn busy(&self) -> Busy {
        if let Some(entry) = self.connections.open.lock().by_id.get_mut(&self.id) {
            entry.requests += 1;
            entry.progress = Instant::now();
        }
        Busy {
            connections: Arc::clone(&self.connections),
            id: self.id,
            sending: false,
        }
    }

    /// Ends when nothing was asked for `idle`, or when nothing of the answers
    /// under way was taken for `stalled`.
    pub(super) async fn timed_out(&self, idle: Duration, stalled: Duration) -> ConnectionTimeout {
        loop {
            let (timeout, deadline) = {
                let open = self.connections.open.lock();
                let Some(entry) = open.by_id.get(&self.id) else {
                    return ConnectionTimeout::Idle;
                };
                match entry {
                    Entry { requests: 0, .. } => {
                        (Some(ConnectionTimeout::Idle), entry.progress + idle)
                    }
                    Entry { sending: 0, .. } => (None, Instant::now() + stalled),
                    _ => (Some(ConnectionTimeout::Write), entry.progress + stalled),
                }
            };
            match timeout {
                Some(timeout) if deadline <= Instant::now() => return timeout,
                _ => sleep_until(deadline).await,
            }
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.connections.open.lock().by_id.remove(&self.id);
        self.connections.room.notify_waiters();
    }
}

/// How a peer leaves a connection to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionTimeout {
    /// It asks nothing.
    Idle,
    /// It takes nothing of its answers.
    Write,
}

/// One request that is being answered.
pub(super) struct Busy {
    connections: Arc<Connections>,
    id: u64,
    sending: bool,
}

impl Busy {
    /// The answer is there, or a piece of it was taken.
    fn progress(&mut self) {
        if let Some(entry) = self.connections.open.lock().by_id.get_mut(&self.id) {
            entry.sending += usize::from(!self.sending);
            entry.progress = Instant::now();
        }
        self.sending = true;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        let now = open.tick();
        if let Some(entry) = open.by_id.get_mut(&self.id) {
            entry.requests = entry.requests.saturating_sub(1);
            entry.sending = entry.sending.saturating_sub(usize::from(self.sending));
            entry.idle_since = now;
            entry.progress = Instant::now();
        }
        drop(open);
        self.connections.room.notify_waiters();
    }
}

/// A body that keeps its connection busy until it was sent or given up.
pub(super) struct BusyBody {
    body: Body,
    busy: Busy,
}

impl BusyBody {
    pub(super) fn new(body: Body, mut busy: Busy) -> Self {
        busy.progress();
        Self { body, busy }
    }
}

impl HttpBody for BusyBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if frame.is_ready() {
            self.busy.progress();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_longest_idle_gives_way() {
        let connections = Connections::new(2);
        let first = connections.permit().await;
        let second = connections.permit().await;
        drop(first.busy());
        let third = connections.permit().await;
        assert!(second.evicted().now_or_never().is_some());
        assert!(first.evicted().now_or_never().is_none());
        assert_eq!(connections.len(), 2);
        drop(second);
        assert_eq!(connections.len(), 2);
        drop(third);
        assert_eq!(connections.len(), 1);
    }

    #[tokio::test]
    async fn waits_while_all_are_busy() {
        let connections = Connections::new(1);
        let first = connections.permit().await;
        let busy = first.busy();
        let mut waiting = Box::pin(connections.permit());
        assert!((&mut waiting).now_or_never().is_none());
        drop(busy);
        let _second = waiting.await;
        assert!(first.evicted().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_gives_way() {
        let connections = Connections::new(2);
        let (slow, working) = (connections.permit().await, connections.permit().await);
        let _sending = BusyBody::new(Body::from("answer"), slow.busy());
        let _asked = working.busy();
        let began = Instant::now();
        let third = connections.permit().await;
        assert!(began.elapsed() <= MOMENT * 2, "{:?}", began.elapsed());
        assert!(slow.evicted().now_or_never().is_some());
        assert!(working.evicted().now_or_never().is_none());
        assert!(third.evicted().now_or_never().is_none());
    }

    #[test]
    fn a_part_may_hang() {
        let connections = Connections::new(4);
        let hanging = [connections.may_hang(), connections.may_hang()];
        assert!(hanging.iter().all(Option::is_some));
        assert!(connections.may_hang().is_none());
        drop(hanging);
        assert!(connections.may_hang().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn timeouts_are_noticed() {
        const IDLE: Duration = Duration::from_secs(90);
        const STALLED: Duration = Duration::from_secs(30);
        let connections = Connections::new(1);
        let permit = connections.permit().await;
        let began = Instant::now();
        assert_eq!(
            permit.timed_out(IDLE, STALLED).await,
            ConnectionTimeout::Idle
        );
        assert_eq!(began.elapsed(), IDLE);

        // An answer may take its time to be found, but not to be taken.
        let busy = permit.busy();
        let mut timed_out = Box::pin(permit.timed_out(IDLE, STALLED));
        tokio::time::advance(Duration::from_secs(300)).await;
        assert!((&mut timed_out).now_or_never().is_none());
        let body = BusyBody::new(Body::from("answer"), busy);
        let began = Instant::now();
        assert_eq!(timed_out.await, ConnectionTimeout::Write);
        assert!(began.elapsed() <= STALLED * 2);

        drop(body);
        let began = Instant::now();
        assert_eq!(
            permit.timed_out(IDLE, STALLED).await,
            ConnectionTimeout::Idle
        );
        assert_eq!(began.elapsed(), IDLE);
    }

    #[tokio::test]
    async fn an_evicted_connection_is_harmless() {
        let connections = Connections::new(1);
        let first = connections.permit().await;
        let second = connections.permit().await;
        drop(first.busy());
        drop(first);
        assert_eq!(connections.len(), 1);
        assert!(second.evicted().now_or_never().is_none());
    }
}
