//! How long an answer takes: from the head of the request to the last byte of
//! the body, or to the moment when nobody wants the rest.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::state::State;

/// Running since the request came; tells what it measured when it is dropped.
pub(super) struct AnswerTimer {
    handler: &'static str,
    begun: Instant,
    state: Arc<State>,
}

impl AnswerTimer {
    /// Begins now.
    pub(super) fn begin(handler: &'static str, state: Arc<State>) -> Self {
        Self {
            handler,
            begun: Instant::now(),
            state,
        }
    }

    /// Goes on until the body was sent.
    pub(super) fn until_sent(self, response: Response) -> Response {
        response.map(|body| Body::new(TimedBody { body, _timer: self }))
    }
}

impl Drop for AnswerTimer {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        self.state.process().http_answered(self.handler, took);
    }
}

/// A body, and the timer that ends with it.
struct TimedBody {
    body: Body,
    _timer: AnswerTimer,
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
