//! How far a plain request came: reqwest itself does not say, and a timeout
//! should. What it calls connecting includes TLS.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

use crate::model::Phase;

tokio::task_local! {
    /// The phase of the request that this task is sending.
    static PROGRESS: Progress;
}

/// Where a request is. Clones are the same.
#[derive(Clone)]
pub(super) struct Progress(Arc<AtomicU8>);

impl Progress {
    /// A request on a connection that stands already, unless a step says
    /// otherwise.
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU8::new(Phase::Processing as u8)))
    }

    /// Follows the steps that are noted within `sending`.
    pub(super) fn follow<T>(&self, sending: impl Future<Output = T>) -> impl Future<Output = T> {
        PROGRESS.scope(self.clone(), Box::pin(sending))
    }

    pub(super) fn phase(&self) -> Phase {
        let at = self.0.load(Ordering::Relaxed);
        Phase::ALL
            .into_iter()
            .find(|phase| *phase as u8 == at)
            .unwrap_or(Phase::Processing)
    }
}

/// Notes the phase that begins, if this is a plain request's task.
pub(super) fn note_phase(phase: Phase) {
    _ = PROGRESS.try_with(|progress| progress.0.store(phase as u8, Ordering::Relaxed));
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
