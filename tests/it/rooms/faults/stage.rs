//! Who plays the other side: a host, a proxy, or nobody.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use super::Fault;
use crate::support::origin::{Ca, GRAPH, HOST, Origin, read_head};

pub(super) const LOGIN: &str = "login.microsoftonline.com";
pub(super) type Hanging = Arc<Notify>;

/// How a fault is made.
#[derive(Clone)]
pub(super) enum How {
    /// The services have this name.
    Name(&'static str),
    /// Nobody listens there.
    Refused,
    /// These bytes instead of TLS, once something came.
    Raw(Vec<u8>, Then),
    /// The handshake, with this certificate.
    Tls(Certificate),
    /// These bytes after a request over HTTP/1.1, or over HTTP/2.
    Answer(Speaks, Vec<u8>, Then),
    /// What a proxy says to CONNECT; after it the host that it leads to, if any.
    Proxy(&'static str, Then),
    /// A proxy that opens TLS, with a root that nobody knows.
    Opened,
    /// Nobody is there where the proxy should be.
    NoProxy,
}

/// What follows the bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Then {
    Close,
    Reset,
    Hang,
}

/// What is agreed on, and what is spoken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Speaks {
    Http1,
    Http2,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Certificate {
    OtherName,
    Wildcard,
    NoName,
    Expired,
    NotYet,
    Stranger,
    SameName,
    SelfSigned,
    OfAnAuthority,
    ForClients,
    IntermediateMissing,
    IntermediateExpired,
    Tampered,
    /// Good, but the client must show one of its own.
    ClientNeeded,
    /// Good, but no protocol is agreed on.
    NoProtocol,
}

/// What every performance needs.
pub(super) struct Theatre {
    pub(super) ca: Ca,
    same_name: Ca,
    stranger: Ca,
}

impl Theatre {
    pub(super) fn new() -> Self {
        Self {
            ca: Ca::named("the root of these faults"),
            same_name: Ca::named("the root of these faults"),
            stranger: Ca::new(),
        }
    }

    /// Where the fault is, and who plays it as long as it is kept; `hanging` is
    /// told when nothing more will come.
    pub(super) async fn play(
        &self,
        fault: &Fault,
        hanging: Hanging,
    ) -> (SocketAddr, Option<Origin>) {
        let (how, good) = (fault.how.clone(), self.acceptor(None, &[b"http/1.1"]));
        let over_h2 = self.acceptor(None, &[b"h2"]);
        let origin = match how {
            How::Name(_) | How::Refused | How::NoProxy => {
                let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                return (free.local_addr().unwrap(), None);
            }
            How::Raw(bytes, then) => {
                Origin::start(move |_, mut stream: TcpStream| {
                    let (bytes, hanging) = (bytes.clone(), hanging.clone());
                    async move {
                        if then != Then::Reset || !bytes.is_empty() {
                            let mut some = [0; 4096];
                            _ = stream.read(&mut some).await;
                        }
                        _ = stream.write_all(&bytes).await;
                        end(&mut stream, then, &hanging).await;
                        if then == Then::Reset {
                            _ = stream.set_zero_linger();
                        }
                    }
                })
                .await
            }
            How::Tls(certificate) => {
                let alpn: &[&[u8]] = match certificate {
                    Certificate::NoProtocol => &[b"spdy/3"],
                    _ => &[b"h2", b"http/1.1"],
                };
                let acceptor = self.acceptor(Some(certificate), alpn);
                Origin::start(move |_, stream: TcpStream| {
                    let acceptor = acceptor.clone();
                    async move {
                        if let Ok(mut stream) = acceptor.accept(stream).await {
                            _ = read_head(&mut stream).await;
                        }
                    }
                })
                .await
            }
            How::Answer(speaks, bytes, then) => {
                let acceptor = match speaks {
                    Speaks::Http1 => good,
                    Speaks::Http2 => over_h2,
                };
                Origin::start(move |_, stream: TcpStream| {
                    let (acceptor, bytes) = (acceptor.clone(), bytes.clone());
                    let hanging = hanging.clone();
                    async move {
                        let Ok(mut stream) = acceptor.accept(stream).await else {
                            return;
                        };
                        match speaks {
                            Speaks::Http1 => read_request(&mut stream).await,
                            Speaks::Http2 => read_frames(&mut stream).await,
                        }
                        _ = stream.write_all(&bytes).await;
                        _ = stream.flush().await;
                        end(&mut stream, then, &hanging).await;
                        if then == Then::Reset {
                            _ = stream.get_ref().0.set_zero_linger();
                        }
                    }
                })
                .await
            }
            How::Proxy(bytes, then) => {
                Origin::start(move |_, mut stream: TcpStream| {
                    let hanging = hanging.clone();
                    async move {
                        _ = read_head(&mut stream).await;
                        _ = stream.write_all(bytes.as_bytes()).await;
                        end(&mut stream, then, &hanging).await;
                        if then == Then::Reset {
                            _ = stream.set_zero_linger();
                        }
                    }
                })
                .await
            }
            How::Opened => {
                let acceptor = self.acceptor(Some(Certificate::Stranger), &[b"http/1.1"]);
                Origin::start(move |_, mut stream: TcpStream| {
                    let acceptor = acceptor.clone();
                    async move {
                        _ = read_head(&mut stream).await;
                        _ = stream
                            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                            .await;
                        _ = acceptor.accept(stream).await;
                    }
                })
                .await
            }
        };
        (origin.address, Some(origin))
    }

    /// TLS with a certificate that is good unless it is said what is not.
    fn acceptor(&self, wrong: Option<Certificate>, alpn: &[&[u8]]) -> TlsAcceptor {
        let names = match wrong {
            Some(Certificate::OtherName) => vec!["contoso.com".to_owned()],
            Some(Certificate::Wildcard) => vec!["*.com".to_owned(), "*.contoso.com".to_owned()],
            Some(Certificate::NoName) => Vec::new(),
            _ => [HOST, GRAPH, LOGIN].map(str::to_owned).to_vec(),
        };
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(2100, 1, 1);
        match wrong {
            Some(Certificate::Expired) => params.not_after = rcgen::date_time_ymd(2020, 1, 1),
            Some(Certificate::NotYet) => params.not_before = rcgen::date_time_ymd(2099, 1, 1),
            Some(Certificate::OfAnAuthority) => {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }
            Some(Certificate::ForClients) => {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }
            _ => {}
        }
        let key = KeyPair::generate().unwrap();
        let mut chain = match wrong {
            Some(Certificate::SelfSigned) => vec![params.self_signed(&key).unwrap().der().clone()],
            Some(Certificate::Stranger) => {
                vec![
                    params
                        .signed_by(&key, &self.stranger.issuer)
                        .unwrap()
                        .der()
                        .clone(),
                ]
            }
            Some(Certificate::SameName) => {
                vec![
                    params
                        .signed_by(&key, &self.same_name.issuer)
                        .unwrap()
                        .der()
                        .clone(),
                ]
            }
            Some(Certificate::IntermediateMissing | Certificate::IntermediateExpired) => {
                let mut between = CertificateParams::new(Vec::new()).unwrap();
                between
                    .distinguished_name
                    .push(rcgen::DnType::CommonName, "between");
                between.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                between.not_before = rcgen::date_time_ymd(2000, 1, 1);
                between.not_after = rcgen::date_time_ymd(2020, 1, 1);
                let its_key = KeyPair::generate().unwrap();
                let signed = between.signed_by(&its_key, &self.ca.issuer).unwrap();
                let issuer = Issuer::new(between, its_key);
                let leaf = params.signed_by(&key, &issuer).unwrap().der().clone();
                match wrong {
                    Some(Certificate::IntermediateMissing) => vec![leaf],
                    _ => vec![leaf, signed.der().clone()],
                }
            }
            _ => vec![
                params
                    .signed_by(&key, &self.ca.issuer)
                    .unwrap()
                    .der()
                    .clone(),
            ],
        };
        if wrong == Some(Certificate::Tampered) {
            let mut bytes = chain[0].to_vec();
            // The last byte belongs to the signature.
            *bytes.last_mut().unwrap() ^= 1;
            chain[0] = CertificateDer::from(bytes);
        }
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if wrong == Some(Certificate::ClientNeeded) {
            let mut roots = RootCertStore::empty();
            let text = std::fs::read_to_string(self.ca.file.path()).unwrap();
            let der = m365mon_root(&text);
            roots.add(der).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = alpn.iter().map(|one| one.to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn m365mon_root(pem: &str) -> CertificateDer<'static> {
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

async fn end(stream: &mut (impl AsyncWrite + Unpin), then: Then, hanging: &Notify) {
    match then {
        Then::Close => _ = stream.shutdown().await,
        Then::Reset => {}
        Then::Hang => {
            hanging.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// A request to its end: what is left unread would reset the connection and
/// take the answer with it.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) {
    let head = read_head(stream).await.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    _ = stream.read_exact(&mut body).await;
}

/// The client's preface and its frames up to the end of the request.
async fn read_frames(stream: &mut (impl AsyncRead + Unpin)) {
    const END_STREAM: u8 = 1;
    let mut preface = [0; 24];
    if stream.read_exact(&mut preface).await.is_err() {
        return;
    }
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return;
        }
        let [a, b, c, kind, flags, ..] = head;
        let mut payload = vec![0; usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)];
        if stream.read_exact(&mut payload).await.is_err() {
            return;
        }
        if matches!(kind, 0 | 1) && flags & END_STREAM != 0 {
            return;
        }
    }
}

/// `bytes`, packed.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}
