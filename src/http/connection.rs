//! One connection of our own: resolve, connect, TLS, and then HTTP/2 or
//! HTTP/1.1 as the peer chose. Its driver is a task that ends with it.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::counted::{Counted, Heard};
use super::network::Inner as Network;
use super::phase_timer::PhaseTimer;
use super::proxy::ProxyServer;
use super::{NetFailure, NetFailureKind, certificate, happy_eyeballs, shown_chain, tunnel};
use crate::model::microsoft::is_microsofts;
use crate::model::{IpVersion, Phase, ProxySetting};

const MOST_HEADERS: usize = 100;
const MOST_HEADER_BYTES: u32 = 64 << 10;
/// Both flow-control windows: what a peer may send before we read it.
const WINDOW: u32 = 256 << 10;
/// How long a driver may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(2);

type Body = Full<Bytes>;

/// Where a connection leads; two requests with equal targets may share one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    host: Box<str>,
    port: Option<u16>,
    proxy: Option<ProxyServer>,
}

impl Target {
    /// The target of an https URL; `own`: what the sender says of proxies.
    pub(super) fn of(
        url: &Url,
        own: Option<&ProxySetting>,
        network: &Network,
    ) -> Result<Self, NetFailure> {
        let unfit = |why| NetFailure::new(NetFailureKind::Internal, why);
        let ("https", Some(host)) = (url.scheme(), url.host_str()) else {
            return Err(unfit("a request with a token needs an https URL"));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(unfit("a URL must not hold a user name or a password"));
        }
        Ok(Self {
            host: host.into(),
            port: url.port(),
            proxy: network.proxy_for(url, own)?,
        })
    }

    /// The target of a connection that carries no request of ours.
    pub(super) fn of_tcp(host: &str, port: u16, network: &Network) -> Result<Self, NetFailure> {
        Ok(Self {
            host: host.into(),
            port: Some(port),
            proxy: network.proxy_for_host(host, port)?,
        })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }
}

/// A connection on which a request can be sent.
pub(super) struct Connection {
    sender: RequestSender,
    heard: Arc<Heard>,
    pub(super) facts: crate::model::ConnectionFacts,
    driver: Arc<DropGuard>,
}

enum RequestSender {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

/// No head of an answer.
pub(super) struct NoHead {
    pub(super) failure: NetFailure,
    /// True if not a byte of an answer had come: the connection was dead.
    pub(super) dead: bool,
}

impl Connection {
    /// Opens one, through the target's proxy if there is one, noting phases
    /// and facts in `timer`. `patience` is how long the asker waits for the
    /// whole request, and ends it himself.
    pub(super) async fn open(
        network: &Network,
        tls: &Arc<ClientConfig>,
        target: &Target,
        timer: &mut PhaseTimer,
        patience: Duration,
    ) -> Result<Self, NetFailure> {
        timer.enter(Phase::Resolve);
        let tcp = open_tcp(network, target, timer, patience).await?;

        timer.enter(Phase::Tls);
        let host = target.host();
        let name = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        let name = ServerName::try_from(name.to_owned()).map_err(|error| {
            NetFailure::new(NetFailureKind::Internal, "the host is no server name").caused_by(error)
        })?;
        let handshake = TlsConnector::from(tls.clone()).connect(name, tcp);
        let stream = match shown_chain::watching(handshake).await {
            (Ok(stream), _) => stream,
            (Err(error), shown) => {
                // Certificates that are not trusted here deceive nobody.
                timer.facts.intercepted = shown
                    .as_ref()
                    .and_then(|_| is_microsofts(host).then_some(false));
                timer.facts.certificate_expiry = shown.and_then(|shown| shown.expiry);
                return Err(NetFailure::before_the_answer(
                    host,
                    "shaking hands by TLS",
                    error,
                ));
            }
        };
        let session = stream.get_ref().1;
        timer.facts.tls_version = match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => Some("TLS 1.3"),
            Some(rustls::ProtocolVersion::TLSv1_2) => Some("TLS 1.2"),
            _ => None,
        };
        if let Some(chain) = session.peer_certificates() {
            let ders = chain.iter().map(|der| &**der);
            timer.facts.certificate_expiry = certificate::earliest_expiry(ders);
            timer.facts.intercepted =
                is_microsofts(host).then(|| !network.tls.is_public(host, chain));
        }
        let http2 = session.alpn_protocol() == Some(b"h2");
        timer.facts.http_version = Some(if http2 { 2.0 } else { 1.1 });

        timer.enter(Phase::Processing);
        Self::speak(stream, http2, host, timer).await
    }

    async fn speak(
        stream: TlsStream<TcpStream>,
        http2: bool,
        host: &str,
        timer: &PhaseTimer,
    ) -> Result<Self, NetFailure> {
        let heard = Arc::new(Heard::default());
        let io = TokioIo::new(Counted {
            stream,
            heard: heard.clone(),
        });
        let over = CancellationToken::new();
        let sender = if http2 {
            let (sender, driver) = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_header_list_size(MOST_HEADER_BYTES)
                .initial_stream_window_size(WINDOW)
                .initial_connection_window_size(WINDOW)
                .handshake(io)
                .await
                .map_err(|error| no_head(host, error, &heard, false).failure)?;
            drive(driver, over.clone());
            RequestSender::Http2(sender)
        } else {
            let (sender, driver) = http1::Builder::new()
                .max_headers(MOST_HEADERS)
                .max_buf_size(MOST_HEADER_BYTES as usize)
                .handshake(io)
                .await
                .map_err(|error| no_head(host, error, &heard, false).failure)?;
            drive(driver, over.clone());
            RequestSender::Http1(sender)
        };
        Ok(Self {
            sender,
            heard,
            facts: timer.facts.clone(),
            driver: Arc::new(over.drop_guard()),
        })
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(
        &mut self,
        host: &str,
        mut request: http::Request<Body>,
    ) -> Result<http::Response<Incoming>, NoHead> {
        let (heard, before) = (&self.heard, self.heard.bytes());
        match &mut self.sender {
            RequestSender::Http1(sender) => {
                // Origin form; the host goes into its header.
                if let Some(authority) = request.uri().authority().cloned()
                    && let Ok(value) = http::HeaderValue::from_str(authority.as_str())
                {
                    request.headers_mut().insert(http::header::HOST, value);
                    if let Some(path) = request.uri().path_and_query().cloned() {
                        *request.uri_mut() = http::Uri::from(path);
                    }
                }
                sender
                    .send_request(request)
                    .await
                    .map_err(|error| no_head(host, error, heard, heard.bytes() != before))
            }
            RequestSender::Http2(sender) => sender
                .send_request(request)
                .await
                .map_err(|error| no_head(host, error, heard, false)),
        }
    }

    /// A second handle on the same connection; HTTP/2 only.
    pub(super) fn share(&self) -> Option<Self> {
        match &self.sender {
            RequestSender::Http1(_) => None,
            RequestSender::Http2(sender) => Some(Self {
                sender: RequestSender::Http2(sender.clone()),
                heard: self.heard.clone(),
                facts: self.facts.clone(),
                driver: self.driver.clone(),
            }),
        }
    }

    /// True for two handles on the same connection.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.driver, &other.driver)
    }

    /// True if another request can be sent now.
    pub(super) fn is_ready(&self) -> bool {
        match &self.sender {
            RequestSender::Http1(sender) => sender.is_ready(),
            RequestSender::Http2(sender) => sender.is_ready() && !sender.is_closed(),
        }
    }

    /// Waits until another request can be sent; false if none ever can.
    pub(super) async fn ready(&mut self) -> bool {
        match &mut self.sender {
            RequestSender::Http1(sender) => sender.ready().await.is_ok(),
            RequestSender::Http2(sender) => sender.ready().await.is_ok() && !sender.is_closed(),
        }
    }
}

/// TCP to the target, or a tunnel to it; ends in [`Phase::Connect`].
pub(super) async fn open_tcp(
    network: &Network,
    target: &Target,
    timer: &mut PhaseTimer,
    patience: Duration,
) -> Result<TcpStream, NetFailure> {
    let host = target.host();
    // An override says where *we* connect to. Through a proxy that is the
    // proxy; the host goes to it by name.
    let (near, port, default) = match &target.proxy {
        Some(proxy) => (&*proxy.host, Some(proxy.port), proxy.port),
        None => (host, target.port, 443),
    };
    let before_the_tunnel = |failure: NetFailure| match (&target.proxy, failure.kind) {
        (None, _) | (_, NetFailureKind::Internal) => failure,
        (Some(_), _) => NetFailure {
            kind: NetFailureKind::Proxy,
            detail: format!("the proxy cannot be reached: {}", failure.detail),
            source: failure.source,
        },
    };
    let addresses = network
        .resolver
        .resolve(near, port, default, patience)
        .await
        .map_err(before_the_tunnel)?;
    timer.enter(Phase::Connect);
    let mut tcp = happy_eyeballs::connect(&addresses)
        .await
        .map_err(|error| NetFailure::before_the_answer(near, "connecting", error))
        .map_err(before_the_tunnel)?;
    timer.facts.ip_version = tcp.peer_addr().ok().map(|peer| {
        if peer.ip().to_canonical().is_ipv4() {
            IpVersion::V4
        } else {
            IpVersion::V6
        }
    });
    if let Some(proxy) = &target.proxy {
        let port = target.port.unwrap_or(443);
        tunnel::connect(&mut tcp, proxy, host, port, &network.user_agent).await?;
    }
    Ok(tcp)
}

/// Runs a connection until it ends, or until its last handle is gone and it
/// had time to close.
fn drive<F>(driver: F, over: CancellationToken)
where
    F: Future<Output = hyper::Result<()>> + Send + 'static,
{
    tokio::spawn(async move {
        let mut driver = Box::pin(driver);
        let ended = tokio::select! {
            ended = &mut driver => Some(ended),
            () = over.cancelled() => tokio::time::timeout(FAREWELL, driver).await.ok(),
        };
        if let Some(Err(error)) = ended {
            tracing::trace!(%error, "a connection ended");
        }
    });
}

/// Why there is no head of an answer.
fn no_head(host: &str, error: hyper::Error, heard: &Heard, answered: bool) -> NoHead {
    let io = source::<io::Error>(&error);
    let tls = io.and_then(super::failure::rustls_error);
    let tls = tls.or_else(|| heard.tls());
    let violated = source::<h2::Error>(&error).is_some_and(|e| e.is_library() && !e.is_io());
    let failure = if error.is_user() {
        NetFailure::new(NetFailureKind::Internal, "the request cannot be sent")
    } else if let Some(tls) = tls {
        return NoHead {
            failure: NetFailure::tls(host, tls),
            dead: true,
        };
    } else if error.is_parse() || answered || violated {
        let what = if error.is_parse_too_large() {
            "has too many headers"
        } else if error.is_parse() || violated {
            "is not HTTP"
        } else {
            "ended within its headers"
        };
        NetFailure::new(NetFailureKind::Broken, format!("{host}: the answer {what}"))
    } else if io.is_some_and(super::failure::is_our_shortage) {
        NetFailure::new(NetFailureKind::Internal, "this machine is out of buffers")
    } else {
        let what = "the connection ended before the first byte of an answer";
        NetFailure::new(NetFailureKind::Connect, format!("{host}: {what}"))
    };
    NoHead {
        dead: failure.kind == NetFailureKind::Connect,
        failure: failure.caused_by(error),
    }
}

fn source<T: Error + 'static>(error: &hyper::Error) -> Option<&T> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<T>() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}
