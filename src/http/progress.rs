//! How far a plain request came: reqwest itself does not say, and a timeout
//! should. What it calls connecting includes TLS.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::model::Phase;

/// What a token request may take (`entra`).
const UNKNOWN_TIMEOUT: Duration = Duration::from_secs(30);

tokio::task_local! {
    /// The phase of the request that this task is sending.
    static PROGRESS: Progress;
}

/// Where a request is. Clones are the same.
#[derive(Clone)]
pub(super) struct Progress {
    phase: Arc<AtomicU8>,
    /// For the whole request.
    timeout: Duration,
}

impl Progress {
    /// A request on a connection that stands already, unless a step says
    /// otherwise.
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            phase: Arc::new(AtomicU8::new(Phase::Processing as u8)),
            timeout,
        }
    }

    /// Follows the steps that are noted within `sending`.
    pub(super) fn follow<T>(&self, sending: impl Future<Output = T>) -> impl Future<Output = T> {
        PROGRESS.scope(self.clone(), Box::pin(sending))
    }

    pub(super) fn phase(&self) -> Phase {
        let at = self.phase.load(Ordering::Relaxed);
        Phase::ALL
            .into_iter()
            .find(|phase| *phase as u8 == at)
            .unwrap_or(Phase::Processing)
    }
}

/// Notes the phase that begins, if this is a plain request's task.
pub(super) fn note_phase(phase: Phase) {
    _ = PROGRESS.try_with(|progress| progress.phase.store(phase as u8, Ordering::Relaxed));
}

/// How long whoever sends this task's request waits for it; the longest of all
/// timeouts where a connection is made ahead, in a task that is nobody's.
pub(super) fn patience() -> Duration {
    PROGRESS
        .try_with(|progress| progress.timeout)
        .unwrap_or(UNKNOWN_TIMEOUT)
}

/// Notes when a connection is begun and when it stands.
#[derive(Clone, Copy)]
pub(super) struct ProgressLayer;

impl<S> tower::Layer<S> for ProgressLayer {
    type Service = ProgressService<S>;
    fn layer(&self, inner: S) -> ProgressService<S> {
        ProgressService(inner)
    }
}

#[derive(Clone)]
pub(super) struct ProgressService<S>(S);

impl<S, R> tower::Service<R> for ProgressService<S>
where
    S: tower::Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        note_phase(Phase::Connect);
        let connecting = self.0.call(request);
        Box::pin(async move {
            let connected = connecting.await;
            if connected.is_ok() {
                note_phase(Phase::Processing);
            }
            connected
        })
    }
}
