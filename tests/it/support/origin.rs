//! A server for tests that does exactly what it is told on each connection,
//! with certificates of a CA of its own.

use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use m365mon::http::Network;
use m365mon::model::{HttpSettings, ProxySetting, ResolveOverride, Secret};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::fixtures;

/// The hosts that all these tests ask for.
pub(crate) const HOST: &str = "contoso.sharepoint.com";
pub(crate) const GRAPH: &str = "graph.microsoft.com";
/// Longer than any test may take on the slowest machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);
pub(crate) const H1: &[&[u8]] = &[b"http/1.1"];
pub(crate) const H2: &[&[u8]] = &[b"h2", b"http/1.1"];

pub(crate) struct Ca {
    pub(crate) issuer: CertifiedIssuer<'static, KeyPair>,
    pub(crate) file: tempfile::NamedTempFile,
}

impl Ca {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        // A stranger with the same name would be taken for an impostor.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self::named(&format!("m365mon test CA {number}"))
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(issuer.pem().as_bytes()).unwrap();
        Self { issuer, file }
    }

    /// TLS for `name`, with a certificate that ends at the start of `end_year`.
    pub(crate) fn tls(&self, name: &str, end_year: i32, alpn: &[&[u8]]) -> TlsAcceptor {
        let mut names = vec![name.to_owned()];
        if name == HOST {
            names.push(GRAPH.to_owned());
        }
        self.acceptor(names, end_year, alpn)
    }

    fn acceptor(&self, names: Vec<String>, end_year: i32, alpn: &[&[u8]]) -> TlsAcceptor {
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(end_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// TLS for several hosts.
    pub(crate) fn tls_for(&self, hosts: &[&str], alpn: &[&[u8]]) -> TlsAcceptor {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        self.acceptor(hosts, 2100, alpn)
    }

    pub(crate) fn good(&self, alpn: &[&[u8]]) -> TlsAcceptor {
        self.tls(HOST, 2100, alpn)
    }

    /// Settings with which both hosts are at `address`.
    pub(crate) fn settings(&self, address: SocketAddr) -> HttpSettings {
        HttpSettings {
            ca_file: Some(self.file.path().to_owned()),
            resolve: [HOST, GRAPH]
                .map(|host| (host.into(), ResolveOverride { address }))
                .into(),
            ..fixtures::http()
        }
    }

    pub(crate) fn network(&self, address: SocketAddr) -> Network {
        Network::new(&self.settings(address)).unwrap()
    }

    pub(crate) fn network_through(&self, proxy: SocketAddr) -> Network {
        let mut settings = self.settings(proxy);
        settings.resolve.clear();
        let url = format!("http://monitor:canary@{proxy}");
        settings.proxy = ProxySetting::Fixed(Secret::new(url));
        Network::new(&settings).unwrap()
    }
}

/// Accepts connections until dropped.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Origin {
    /// Runs `serve` with the number of the connection, from 0, and its stream.
    pub(crate) async fn start<F, A>(serve: F) -> Self
    where
        F: Fn(usize, TcpStream) -> A + Send + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        Self::start_on("127.0.0.1:0", serve).await.unwrap()
    }

    pub(crate) async fn start_on<F, A>(address: &str, serve: F) -> std::io::Result<Self>
    where
        F: Fn(usize, TcpStream) -> A + Send + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = accepted.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let number = counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(number, stream));
            }
        });
        Ok(Self {
            address,
            accepted,
            task,
        })
    }

    /// Answers every request by `answer`, which gets the connection's number.
    pub(crate) async fn answering<F>(tls: TlsAcceptor, answer: F) -> Self
    where
        F: Fn(usize, &Request<Incoming>) -> Response<Full<Bytes>> + Clone + Send + Sync + 'static,
    {
        Self::start(move |number, stream| {
            let (tls, answer) = (tls.clone(), answer.clone());
            async move {
                if let Ok(stream) = tls.accept(stream).await {
                    serve_http(stream, move |request| answer(number, request)).await;
                }
            }
        })
        .await
    }

    /// Writes `bytes` after each request's head and closes.
    pub(crate) async fn writing(tls: TlsAcceptor, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = Arc::new(bytes.into());
        Self::start(move |_, stream| {
            let (tls, bytes) = (tls.clone(), bytes.clone());
            async move {
                use tokio::io::AsyncWriteExt;
                let Ok(mut stream) = tls.accept(stream).await else {
                    return;
                };
                read_head(&mut stream).await;
                _ = stream.write_all(&bytes).await;
                _ = stream.shutdown().await;
            }
        })
        .await
    }

    pub(crate) fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// HTTP/2 or HTTP/1.1, as negotiated.
pub(crate) async fn serve_http<F>(stream: TlsStream<TcpStream>, answer: F)
where
    F: Fn(&Request<Incoming>) -> Response<Full<Bytes>> + Clone + Send + 'static,
{
    let service = hyper::service::service_fn(move |request| {
        let answer = answer.clone();
        async move { Ok::<_, std::convert::Infallible>(answer(&request)) }
    });
    _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Up to the empty line.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// An answer with a JSON body.
pub(crate) fn json(status: u16, body: &str) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json; charset=utf-8")
        .body(Bytes::from(body.to_owned()).into())
        .unwrap()
}
