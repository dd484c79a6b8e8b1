//! Measured requests: five phases that sum to the latency, and a connection
//! of our own, new or kept.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, USER_AGENT};
use http_body_util::Full;
use hyper::body::Incoming;
use rustls::ClientConfig;
use rustls::client::Resumption;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::body::{BodyEnd, Collector};
use super::connection::{Connection, Target};
use super::phase_timer::PhaseTimer;
use super::pool::Pool;
use super::{NetFailure, NetFailureKind, Network, NetworkError};
use crate::model::{ConnectionFacts, ConnectionPolicy, Exchange, Method, Phase, ProxySetting};

/// After an answer, how long an HTTP/1.1 connection may take to be ready again.
const DRAIN: Duration = Duration::from_millis(250);

/// Sends measured requests. Cheap to clone; clones share kept connections, and
/// the network, also when it is replaced.
#[derive(Clone)]
pub struct ProbeClient(Arc<ArcSwap<Inner>>);

struct Inner {
    network: Network,
    /// Without any session store: every handshake is a full one.
    full: Arc<ClientConfig>,
    /// With one, for targets whose connections are kept.
    resuming: Arc<ClientConfig>,
    pool: Pool,
}

/// Sends measured requests: [`ProbeClient`] in earnest, a world without sockets
/// where hours of it are simulated.
pub trait ProbeTransport: Send + Sync {
    /// As [`ProbeClient::send`].
    fn send(&self, request: ProbeRequest) -> BoxFuture<'_, Result<ProbeAnswer, Box<ProbeFailure>>>;

    /// As [`ProbeClient::is_proxied`].
    fn is_proxied(&self, url: &Url, own: Option<&ProxySetting>) -> bool;
}

impl ProbeTransport for ProbeClient {
    fn send(&self, request: ProbeRequest) -> BoxFuture<'_, Result<ProbeAnswer, Box<ProbeFailure>>> {
        Box::pin(Self::send(self, request))
    }

    fn is_proxied(&self, url: &Url, own: Option<&ProxySetting>) -> bool {
        Self::is_proxied(self, url, own)
    }
}

/// One request.
#[derive(Clone)]
pub struct ProbeRequest {
    /// How it asks.
    pub method: Method,
    /// https; must hold no secret.
    pub url: Url,
    /// Beside Host, User-Agent and Accept-Encoding; secret values must be
    /// marked sensitive.
    pub headers: HeaderMap,
    /// What it carries; never shown.
    pub body: Bytes,
    /// New or kept.
    pub connection: ConnectionPolicy,
    /// What the account or the resource says of proxies; `None` for what holds
    /// for all.
    pub proxy: Option<Arc<ProxySetting>>,
    /// For everything together.
    pub timeout: Duration,
    /// Bytes of the decoded body that are wanted.
    pub body_limit: usize,
}

/// An answer, whatever its status, as far as it came.
pub struct ProbeAnswer {
    /// HTTP status.
    pub status: u16,
    /// Its headers; names are lower case, the number and size bounded.
    pub headers: HeaderMap,
    /// Decoded, at most `body_limit` bytes.
    pub body: Bytes,
    /// How it ended.
    pub body_end: BodyEnd,
    /// What was measured: phases, connection, and [`crate::model::Repeat::NewConnection`] if a
    /// kept connection turned out dead.
    pub exchange: Exchange,
}

/// No answer.
#[derive(Debug)]
pub struct ProbeFailure {
    /// Why.
    pub net: NetFailure,
    /// What was measured up to the failure, and where it broke.
    pub exchange: Exchange,
}

impl ProbeClient {
    /// Makes the two TLS configurations.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(network: &Network) -> Result<Self, NetworkError> {
        Ok(Self(Arc::new(ArcSwap::from_pointee(Inner::new(network)?))))
    }

    /// Sends by another network from now on, over new connections; requests
    /// under way go on as they began.
    ///
    /// # Errors
    /// As [`Self::new`]; then nothing changed.
    pub fn replace(&self, network: &Network) -> Result<(), NetworkError> {
        self.0.store(Arc::new(Inner::new(network)?));
        Ok(())
    }

    /// True if a proxy is configured for this URL; `own`: as in a request.
    #[must_use]
    pub fn is_proxied(&self, url: &Url, own: Option<&ProxySetting>) -> bool {
        let inner = self.0.load();
        matches!(inner.network.inner().proxy_for(url, own), Ok(Some(_)))
    }

    /// What requests go by now.
    pub(super) fn network(&self) -> Network {
        self.0.load().network.clone()
    }

    /// Sends one request and leaves its answer at the head, whatever it says.
    pub(super) async fn head(
        &self,
        request: &ProbeRequest,
        timer: &mut PhaseTimer,
    ) -> Result<(), NetFailure> {
        let inner = self.0.load_full();
        let target = Target::of(
            &request.url,
            request.proxy.as_deref(),
            inner.network.inner(),
        )?;
        inner.begin(&target, request, timer).await.map(drop)
    }

    /// Sends one request and reads its answer up to `body_limit`. Never
    /// repeats it, except once when a kept connection was dead, which
    /// `repeat` tells. Dropping the future ends the request.
    ///
    /// # Errors
    /// When no head of an answer came. What happens to the body later is in
    /// the answer's `body_end`: the status is worth having even then.
    pub async fn send(&self, request: ProbeRequest) -> Result<ProbeAnswer, Box<ProbeFailure>> {
        // Host and method only: a path may name a person, a query be a secret.
        let (method, host) = (
            request.method.as_str(),
            request.url.host_str().map(str::to_owned),
        );
        let answer = self.exchange(request).await;
        let (status, broke) = match &answer {
            Ok(answer) => (Some(answer.status), None),
            Err(failure) => (None, Some(&*failure.net.detail)),
        };
        tracing::trace!(method, host, status, broke, "exchange");
        answer
    }

    async fn exchange(&self, request: ProbeRequest) -> Result<ProbeAnswer, Box<ProbeFailure>> {
        let deadline = Instant::now() + request.timeout;
        let mut timer = PhaseTimer::begin();
        let inner = self.0.load_full();
        let begun = match Target::of(
            &request.url,
            request.proxy.as_deref(),
            inner.network.inner(),
        ) {
            Ok(target) => {
                let begun = Box::pin(inner.begin(&target, &request, &mut timer));
                match timeout_at(deadline, begun).await {
                    Ok(Ok((connection, answer))) => Ok((target, connection, answer)),
                    Ok(Err(failure)) => Err(failure),
                    Err(_) => Err(NetFailure::timeout(timer.phase(), target.host())),
                }
            }
            Err(failure) => Err(failure),
        };
        let (target, mut connection, answer) = begun.map_err(|net| {
            Box::new(ProbeFailure {
                net,
                exchange: Exchange {
                    broke_in: Some(timer.phase()),
                    ..timer.exchange()
                },
            })
        })?;

        timer.enter(Phase::Transfer);
        let (head, mut body) = answer.into_parts();
        let mut collector = Collector::new(&head.headers, request.body_limit);
        let body_end = timeout_at(deadline, collector.read(&mut body))
            .await
            .unwrap_or(BodyEnd::TimedOut);
        let exchange = Exchange {
            status: Some(head.status.as_u16()),
            ..timer.exchange()
        };
        drop(body);

        if request.connection == ConnectionPolicy::Reuse {
            // After a 503 the next request shall meet another front end
            // (Microsoft's throttling guidance), so the connection goes.
            let keep = head.status != http::StatusCode::SERVICE_UNAVAILABLE
                && body_end == BodyEnd::Complete
                && timeout(DRAIN, connection.ready()).await == Ok(true);
            if keep {
                inner.pool.put(&target, connection);
            } else {
                inner.pool.forget(&target, &connection);
            }
        }
        Ok(ProbeAnswer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: collector.into_bytes(),
            body_end,
            exchange,
        })
    }
}

impl Inner {
    fn new(network: &Network) -> Result<Self, NetworkError> {
        let tls = &network.inner().tls;
        Ok(Self {
            full: Arc::new(tls.config(Resumption::disabled())?),
            resuming: Arc::new(tls.config(Resumption::default())?),
            network: network.clone(),
            pool: Pool::default(),
        })
    }

    /// Up to the head of an answer.
    async fn begin(
        &self,
        target: &Target,
        request: &ProbeRequest,
        timer: &mut PhaseTimer,
    ) -> Result<(Connection, http::Response<Incoming>), NetFailure> {
        let host = target.host();
        let tls = match request.connection {
            ConnectionPolicy::New => &self.full,
            ConnectionPolicy::Reuse => &self.resuming,
        };
        // What may have been done already must not be sent a second time, so it
        // never takes a connection that may turn out dead.
        let kept = match (request.connection, request.method) {
            (ConnectionPolicy::Reuse, Method::Get) => self.pool.take(target),
            _ => None,
        };
        if let Some(mut connection) = kept {
            timer.turn_into(Phase::Processing);
            timer.facts = ConnectionFacts {
                reused: true,
                ..connection.facts.clone()
            };
            // If time runs out in here, a stuck connection must not stay.
            let forget = Forget(&self.pool, target, connection.share());
            match connection.send(host, self.message(request)?).await {
                Ok(answer) => {
                    forget.never_mind();
                    return Ok((connection, answer));
                }
                Err(no_head) if no_head.dead => timer.connection_was_dead(),
                Err(no_head) => return Err(no_head.failure),
            }
        }
        let mut connection =
            Connection::open(self.network.inner(), tls, target, timer, request.timeout).await?;
        let answer = connection
            .send(host, self.message(request)?)
            .await
            .map_err(|no_head| no_head.failure)?;
        if answer.version() == http::Version::HTTP_10 {
            timer.facts.http_version = Some(1.0);
        }
        Ok((connection, answer))
    }

    fn message(&self, request: &ProbeRequest) -> Result<http::Request<Full<Bytes>>, NetFailure> {
        let unfit = "the request cannot be built";
        let mut message = http::Request::builder()
            .method(request.method.as_str())
            .uri(request.url.as_str())
            .body(Full::new(request.body.clone()))
            .map_err(|error| NetFailure::new(NetFailureKind::Internal, unfit).caused_by(error))?;
        let headers = message.headers_mut();
        headers.clone_from(&request.headers);
        headers
            .entry(USER_AGENT)
            .or_insert_with(|| self.network.inner().user_agent.clone());
        // What browsers and Office ask for; decoded within the body limit.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        Ok(message)
    }
}

/// Takes a shared connection out of the pool unless told otherwise.
struct Forget<'a>(&'a Pool, &'a Target, Option<Connection>);

impl Forget<'_> {
    fn never_mind(mut self) {
        self.2 = None;
    }
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if let Some(connection) = &self.2 {
            self.0.forget(self.1, connection);
        }
    }
}

impl fmt::Debug for ProbeClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProbeClient")
    }
}

impl fmt::Debug for ProbeRequest {
    /// Without headers and body, which may hold secrets and content of a tenant.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeRequest")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ProbeAnswer {
    /// Without the body and the headers, which may hold content of a tenant.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeAnswer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .field("body_end", &self.body_end)
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}
