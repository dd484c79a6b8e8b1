//! The least that a program can do which sends the same requests: hyper on one
//! connection, or on a new one each, no schedule but a ticking timer, no
//! verdict, nothing recorded.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsConnector;

use crate::child::Program;
use crate::cloud::{Account, Cloud, GRAPH};
use crate::usage::Usage;

type Connection = SendRequest<Full<Bytes>>;

/// TLS as the exporter does it: every handshake a full one, HTTP/2.
fn tls(authority: &Path) -> anyhow::Result<TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let mut provider = rustls::crypto::ring::default_provider();
    // In the exporter's order, else the two would not do the same sums.
    let first = rustls::CipherSuite::TLS13_AES_128_GCM_SHA256;
    provider
        .cipher_suites
        .sort_by_key(|suite| suite.suite() != first);
    let provider = Arc::new(provider);
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Opens an HTTP/2 connection to `host` at `address`.
async fn connect(
    address: SocketAddr,
    host: &str,
    tls: &TlsConnector,
) -> anyhow::Result<Connection> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from(host.to_owned())?;
    let stream = tls.connect(name, stream).await?;
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// An access token, as the exporter gets its own.
pub(crate) async fn token(cloud: &Cloud, account: &Account) -> anyhow::Result<String> {
    let host = "login.microsoftonline.com";
    let mut connection = connect(cloud.address, host, &tls(&cloud.authority_file())?).await?;
    let secret = std::fs::read_to_string(&account.secret_file)?;
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &account.client_id)
        .append_pair("client_secret", secret.trim())
        .append_pair("scope", "https://graph.microsoft.com/.default")
        .finish();
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!(
            "https://{host}/{}/oauth2/v2.0/token",
            account.domain
        ))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from(form))?;
    let answer = connection.send_request(request).await?;
    let body = answer.into_body().collect().await?.to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body)?;
    let token = body["access_token"].as_str();
    Ok(token
        .with_context(|| format!("no token: {body}"))?
        .to_owned())
}

/// A running bare client.
pub(crate) struct Bare(Program);

impl Bare {
    /// Starts this very program once more, as a client and nothing else.
    pub(crate) async fn start(
        folder: &Path,
        cloud: &Cloud,
        sites: usize,
        rate: f64,
        reuse: bool,
    ) -> anyhow::Result<Self> {
        let token = token(cloud, cloud.owner(1)?).await?;
        let paths: Vec<String> = (1..=sites)
            .step_by(crate::cloud::ACCOUNTS)
            .map(|site| cloud.path(site))
            .collect::<anyhow::Result<_>>()?;
        std::fs::write(
            folder.join("bare.txt"),
            format!("{token}\n{}", paths.join("\n")),
        )?;
        let mut command = std::process::Command::new(std::env::current_exe()?);
        command
            .args([
                "bare",
                &cloud.address.to_string(),
                "authority.pem",
                "bare.txt",
                &rate.to_string(),
                if reuse { "reused" } else { "new" },
            ])
            .current_dir(folder);
        Ok(Self(Program::start("bare", folder, &mut command)?))
    }

    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        self.0.usage()
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.0.stop().await
    }
}

/// The client itself: asks `rate` times a second until it is ended, over one
/// connection, or over a new one each.
pub(crate) fn run(
    address: &str,
    authority: &str,
    file: &str,
    rate: &str,
    reuse: bool,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(ask(address, authority, file, rate.parse()?, reuse))
}

async fn ask(
    address: &str,
    authority: &str,
    file: &str,
    rate: f64,
    reuse: bool,
) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file)?;
    let (token, paths) = text.split_once('\n').context("a token and paths")?;
    let paths: Vec<&str> = paths.lines().collect();
    let authorization = format!("Bearer {token}");
    let (address, tls) = (address.parse()?, tls(Path::new(authority))?);
    let kept = match reuse {
        true => Some(connect(address, GRAPH, &tls).await?),
        false => None,
    };
    let mut tick = interval(Duration::from_secs_f64(1.0 / rate));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for path in paths.iter().cycle() {
        tick.tick().await;
        let request = Request::builder()
            .uri(format!("https://{GRAPH}{path}"))
            .header("authorization", &authorization)
            .header("accept", "application/json")
            .header("accept-encoding", "gzip")
            .header("user-agent", "NONISV|m365mon|m365mon/0")
            .header("client-request-id", "0b0c6a9c-0000-4000-8000-000000000000")
            .header("return-client-request-id", "true")
            .body(Full::default())?;
        let (kept, tls) = (kept.clone(), tls.clone());
        let answer = tokio::spawn(async move {
            let mut connection = match kept {
                Some(kept) => kept,
                None => connect(address, GRAPH, &tls).await?,
            };
            let answer = connection.send_request(request).await?;
            let status = answer.status();
            answer.into_body().collect().await?;
            anyhow::Ok(status)
        });
        // Looked at in passing: it must not wait for its answer.
        tokio::spawn(async move {
            let status = answer.await??;
            ensure!(status == 200, "answered {status}");
            anyhow::Ok(())
        });
    }
    Ok(())
}
