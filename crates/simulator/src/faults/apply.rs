//! Makes HTTP go wrong as ordered: answers that replace the true one, and
//! damage done to it.

use std::convert::Infallible;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderName, Response, StatusCode, header};

use super::{FaultKind, RetryAfter, Verdict};
use crate::clock::AdjustableClock;
use crate::connection::ConnectionHandle;
use crate::response::{http_date, set, status_only};

/// Where a fault is applied: a request on its way through one service.
pub(crate) struct Stage<'a> {
    pub(crate) clock: &'a AdjustableClock,
    pub(crate) handle: &'a Arc<ConnectionHandle>,
    /// An error answer with this status, as the service writes it.
    pub(crate) refusal: &'a (dyn Fn(StatusCode) -> Response<Body> + Send + Sync),
    /// The service's answer to a token that it wants renewed.
    pub(crate) challenge: &'a (dyn Fn() -> Response<Body> + Send + Sync),
}

/// True if the service itself need not be asked.
pub(crate) const fn replaces(verdict: &Verdict) -> bool {
    matches!(
        verdict.kind,
        Some(
            FaultKind::Throttled { .. }
                | FaultKind::Unavailable { .. }
                | FaultKind::ServerError
                | FaultKind::BadGateway
                | FaultKind::Html
                | FaultKind::Status { .. }
                | FaultKind::Recorded(_)
                | FaultKind::Redirect { .. }
                | FaultKind::Hang
                | FaultKind::ResetBefore
                | FaultKind::Endless
                | FaultKind::GzipBomb
                | FaultKind::ClaimsChallenge
        )
    )
}

/// The answer as the fault leaves it; `None` if there is to be none.
pub(crate) async fn apply(
    stage: &Stage<'_>,
    verdict: &Verdict,
    answer: Option<Response<Body>>,
) -> Option<Response<Body>> {
    let Some(kind) = &verdict.kind else {
        return answer;
    };
    match kind {
        FaultKind::Hang => None,
        FaultKind::ResetBefore => {
            stage.handle.cut();
            None
        }
        FaultKind::Throttled { retry_after } => {
            let mut answer = (stage.refusal)(StatusCode::TOO_MANY_REQUESTS);
            stage.retry(&mut answer, *retry_after);
            Some(answer)
        }
        FaultKind::Unavailable { retry_after, empty } => {
            let mut answer = if *empty {
                status_only(StatusCode::SERVICE_UNAVAILABLE)
            } else {
                (stage.refusal)(StatusCode::SERVICE_UNAVAILABLE)
            };
            stage.retry(&mut answer, *retry_after);
            Some(answer)
        }
        FaultKind::ServerError => Some((stage.refusal)(StatusCode::INTERNAL_SERVER_ERROR)),
        FaultKind::ClaimsChallenge => Some((stage.challenge)()),
        FaultKind::BadGateway => Some(html(StatusCode::BAD_GATEWAY, BAD_GATEWAY)),
        FaultKind::Html => Some(html(StatusCode::OK, PORTAL)),
        FaultKind::Status {
            status,
            body,
            headers,
        } => Some(any_status(*status, body, headers)),
        FaultKind::Recorded(form) => Some(super::recorded::answer(*form, stage.clock.epoch())),
        FaultKind::Redirect { to } => {
            let mut answer = status_only(StatusCode::FOUND);
            set(&mut answer, header::LOCATION, to);
            Some(answer)
        }
        FaultKind::Endless => Some(endless()),
        FaultKind::GzipBomb => Some(bomb()),
        FaultKind::EmptyBody => answer.map(|answer| {
            let (mut parts, _) = answer.into_parts();
            parts.headers.remove(header::CONTENT_ENCODING);
            Response::from_parts(parts, Body::empty())
        }),
        FaultKind::WrongContentType => answer.map(|mut answer| {
            set(&mut answer, header::CONTENT_TYPE, "text/plain");
            answer
        }),
        FaultKind::HangBody => cut_short(answer, Ending::Never).await,
        FaultKind::Truncated => cut_short(answer, Ending::Early).await,
        FaultKind::ResetAfter => cut_short(answer, Ending::Reset(Arc::clone(stage.handle))).await,
        // Added up before, or struck at the handshake.
        FaultKind::Latency { .. }
        | FaultKind::TlsWrongHost
        | FaultKind::TlsExpired
        | FaultKind::TlsUntrusted
        | FaultKind::TlsBroken
        | FaultKind::TlsHang
        | FaultKind::Refuse => answer,
    }
}

const PORTAL: &str = "<!DOCTYPE html><html><head><title>Welcome</title></head>\
<body><p>Please accept the terms of use of this network.</p></body></html>";
const BAD_GATEWAY: &str = "<html><head><title>502 Bad Gateway</title></head>\
<body><center><h1>502 Bad Gateway</h1></center></body></html>";

fn html(status: StatusCode, page: &'static str) -> Response<Body> {
    let mut answer = Response::new(Body::from(page));
    *answer.status_mut() = status;
    set(
        &mut answer,
        header::CONTENT_TYPE,
        "text/html; charset=utf-8",
    );
    answer
}

/// The `request-id` of a bare status.
const SIGNED: &str = "0f0f0f0f-0000-4000-8000-00000000f001";

fn any_status(
    status: u16,
    body: &str,
    headers: &std::collections::BTreeMap<String, String>,
) -> Response<Body> {
    let mut answer = Response::new(Body::from(body.to_owned()));
    // Informational statuses cannot stand at the end of an exchange.
    *answer.status_mut() = StatusCode::from_u16(status)
        .ok()
        .filter(|s| !s.is_informational())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // What Microsoft answers is signed by it, unless the fault says what it is
    // signed by; a box on the way is told by its own headers or its page.
    if headers.is_empty() && body.is_empty() {
        set(&mut answer, HeaderName::from_static("request-id"), SIGNED);
    }
    for (name, value) in headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            set(&mut answer, name, value);
        }
    }
    answer
}

fn endless() -> Response<Body> {
    let chunk = Bytes::from(vec![b' '; 16 * 1024]);
    let chunks = stream::once(async { Bytes::from_static(b"{\"value\":[") })
        .chain(stream::repeat(chunk))
        .map(Ok::<_, Infallible>);
    let mut answer = Response::new(Body::from_stream(chunks));
    set(&mut answer, header::CONTENT_TYPE, "application/json");
    answer
}

fn bomb() -> Response<Body> {
    static BOMB: OnceLock<Bytes> = OnceLock::new();
    let bytes = BOMB.get_or_init(|| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let spaces = vec![b' '; 1024 * 1024];
        for _ in 0..64 {
            // Writing into memory does not fail.
            _ = encoder.write_all(&spaces);
        }
        encoder.finish().unwrap_or_default().into()
    });
    let mut answer = Response::new(Body::from(bytes.clone()));
    set(&mut answer, header::CONTENT_TYPE, "application/json");
    set(&mut answer, header::CONTENT_ENCODING, "gzip");
    answer
}

enum Ending {
    Early,
    Never,
    Reset(Arc<ConnectionHandle>),
}

/// Long enough for what was sent to be on its way, short enough to wait for.
const ON_ITS_WAY: Duration = Duration::from_millis(50);

/// Announces the whole body and sends the first half of it.
async fn cut_short(answer: Option<Response<Body>>, ending: Ending) -> Option<Response<Body>> {
    const MOST: usize = 16 * 1024 * 1024;
    let (mut parts, body) = answer?.into_parts();
    let whole = axum::body::to_bytes(body, MOST).await.unwrap_or_default();
    // An empty body has no middle: announce one.
    let length = whole.len().max(2);
    parts.headers.insert(header::CONTENT_LENGTH, length.into());
    let half = whole.slice(..whole.len() / 2);
    let end = async move {
        match ending {
            // Or HTTP/2 takes the head back together with the rest.
            Ending::Early => tokio::time::sleep(ON_ITS_WAY).await,
            Ending::Never => std::future::pending::<()>().await,
            Ending::Reset(handle) => {
                tokio::time::sleep(ON_ITS_WAY).await;
                handle.cut();
                std::future::pending::<()>().await;
            }
        }
        Err(std::io::Error::other("cut short on command"))
    };
    let chunks = stream::iter((!half.is_empty()).then_some(Ok(half))).chain(stream::once(end));
    Some(Response::from_parts(parts, Body::from_stream(chunks)))
}

impl Stage<'_> {
    fn retry(&self, answer: &mut Response<Body>, when: Option<RetryAfter>) {
        let text = match when {
            None => return,
            Some(RetryAfter::Seconds(seconds)) => seconds.to_string(),
            Some(RetryAfter::Date(seconds)) => {
                let now = self.clock.now();
                let time = now.checked_add(Duration::from_secs(seconds));
                http_date(time.unwrap_or(now))
            }
        };
        set(answer, header::RETRY_AFTER, &text);
    }
}
