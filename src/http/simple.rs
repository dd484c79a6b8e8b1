//! Requests whose answer counts and whose phases do not: token calls.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use parking_lot::Mutex;
use rustls::client::Resumption;
use tokio::time::{Instant, timeout_at};
use url::Url;
use zeroize::Zeroizing;

use super::progress::{Progress, ProgressLayer};
use super::proxy::ProxyServer;
use super::simple_failure::{broken, classify};
use super::wiped::Wiped;
use super::{NetFailure, NetFailureKind, Network, NetworkError};
use crate::model::{Account, Phase, ProxySetting, Secret};

/// No token answer is near this long.
const MOST_BODY: usize = 1 << 20;
const MOST_HEADERS: usize = 100;
const MOST_HEADER_BYTES: u32 = 64 << 10;
const IDLE: Duration = Duration::from_secs(60);

/// Sends plain requests. Cheap to clone; clones share the network, also when it
/// is replaced.
#[derive(Clone)]
pub struct SimpleClient(Arc<ArcSwap<Inner>>);

struct Inner {
    configured: reqwest::Client,
    direct: reqwest::Client,
    /// For accounts with a proxy of their own, made when first asked for.
    own: Mutex<Vec<(Arc<ProxySetting>, reqwest::Client)>>,
    network: Network,
}

/// Whether the configured proxy is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UseProxy {
    /// As configured for all; https only.
    Configured,
    /// As an account says for itself; https only.
    Own(Arc<ProxySetting>),
    /// Never, for managed identity; http is allowed, its endpoint is link-local.
    Never,
}

impl UseProxy {
    /// As this account says, else as configured for all.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        let own = account.proxy.as_ref();
        own.map_or(Self::Configured, |own| Self::Own(Arc::clone(own)))
    }
}

/// One value of a form.
#[derive(Debug, Clone)]
pub enum FormValue {
    /// May be seen.
    Plain(String),
    /// Must not be seen.
    Secret(Secret),
}

impl From<&str> for FormValue {
    fn from(value: &str) -> Self {
        Self::Plain(value.to_owned())
    }
}

impl From<String> for FormValue {
    fn from(value: String) -> Self {
        Self::Plain(value)
    }
}

impl From<Secret> for FormValue {
    fn from(value: Secret) -> Self {
        Self::Secret(value)
    }
}

impl FormValue {
    fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }
}

/// What is sent along.
#[derive(Debug, Clone, Default)]
pub enum SimpleBody {
    /// Nothing.
    #[default]
    Empty,
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, FormValue)>),
}

/// One request.
#[derive(Debug, Clone)]
pub struct SimpleRequest {
    /// GET or POST.
    pub method: Method,
    /// https; also http with [`UseProxy::Never`]. Must hold no secret.
    pub url: Url,
    /// Beside User-Agent and Content-Type; secret values must be marked sensitive.
    pub headers: HeaderMap,
    /// The body.
    pub body: SimpleBody,
    /// For everything together.
    pub timeout: Duration,
    /// The proxy.
    pub proxy: UseProxy,
}

/// One whole answer, whatever its status.
pub struct SimpleAnswer {
    /// HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// At most 1 MiB, decoded.
    pub body: Bytes,
    /// From the call to the end of the body.
    pub took: Duration,
}

impl fmt::Debug for SimpleAnswer {
    /// Without the body, which may be a token, and the headers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainAnswer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .field("took", &self.took)
            .finish_non_exhaustive()
    }
}

impl SimpleClient {
    /// Builds the two inner clients.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(network: &Network) -> Result<Self, NetworkError> {
        Ok(Self(Arc::new(ArcSwap::from_pointee(Inner::new(network)?))))
    }

    /// Sends by another network from now on; requests under way go on as they
    /// began.
    ///
    /// # Errors
    /// As [`Self::new`]; then nothing changed.
    pub fn replace(&self, network: &Network) -> Result<(), NetworkError> {
        self.0.store(Arc::new(Inner::new(network)?));
        Ok(())
    }

    /// Sends one request and reads the whole answer. Nothing is repeated and
    /// no redirect is followed. Dropping the future ends the request.
    ///
    /// # Errors
    /// When there is no whole answer, for whatever cause. A status is not an
    /// error, except a proxy's 407.
    pub async fn send(&self, request: SimpleRequest) -> Result<SimpleAnswer, NetFailure> {
        // Host and method only: what else there is may be a secret.
        let (method, host) = (
            request.method.clone(),
            request.url.host_str().map(str::to_owned),
        );
        let answer = self.exchange(request).await;
        let (status, broke) = match &answer {
            Ok(answer) => (Some(answer.status), None),
            Err(failure) => (None, Some(&*failure.detail)),
        };
        tracing::trace!(method = method.as_str(), host, status, broke, "exchange");
        answer
    }

    async fn exchange(&self, request: SimpleRequest) -> Result<SimpleAnswer, NetFailure> {
        let began = Instant::now();
        let deadline = began + request.timeout;
        let inner = self.0.load_full();
        // A proxy that we cannot use must not be passed by.
        let proxy_for = |own| inner.network.inner().proxy_for(&request.url, own);
        let (client, proxied) = match &request.proxy {
            UseProxy::Configured => (inner.configured.clone(), proxy_for(None)?.is_some()),
            UseProxy::Own(own) => {
                let proxy = proxy_for(Some(own))?;
                (inner.through(own, proxy.as_ref())?, proxy.is_some())
            }
            UseProxy::Never => (inner.direct.clone(), false),
        };
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let timeout = request.timeout;
        let request = build(&client, request)?;
        let progress = Progress::new(timeout);
        let sent = progress.follow(client.execute(request));
        let mut response = timeout_at(deadline, sent)
            .await
            .map_err(|_| NetFailure::timeout(progress.phase(), &host))?
            .map_err(|error| classify(error.without_url(), &host, proxied))?;

        let too_large = || {
            NetFailure::new(
                NetFailureKind::TooLarge,
                format!("{host}: the answer is longer than {MOST_BODY} bytes"),
            )
        };
        if response
            .content_length()
            .is_some_and(|l| l > MOST_BODY as u64)
        {
            return Err(too_large());
        }
        let mut body = Wiped::default();
        loop {
            let chunk = timeout_at(deadline, response.chunk())
                .await
                .map_err(|_| NetFailure::timeout(Phase::Transfer, &host))?
                .map_err(|error| broken(error.without_url(), &host))?;
            let Some(chunk) = chunk else { break };
            if body.len() + chunk.len() > MOST_BODY {
                return Err(too_large());
            }
            body.extend(&chunk);
        }
        Ok(SimpleAnswer {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: body.into_bytes(),
            took: began.elapsed(),
        })
    }
}

impl Inner {
    fn new(network: &Network) -> Result<Self, NetworkError> {
        let chooser = network.clone();
        let proxy = reqwest::Proxy::custom(move |url| {
            let server = chooser.inner().proxy_for(url, None).ok().flatten()?;
            server.url()
        });
        let built = |builder: reqwest::ClientBuilder| builder.build().map_err(NetworkError::Client);
        Ok(Self {
            configured: built(builder(network)?.proxy(proxy))?,
            direct: built(builder(network)?)?,
            own: Mutex::default(),
            network: network.clone(),
        })
    }

    /// The client for what an account says of proxies, which comes to `proxy`.
    fn through(
        &self,
        own: &Arc<ProxySetting>,
        proxy: Option<&ProxyServer>,
    ) -> Result<reqwest::Client, NetFailure> {
        let Some(proxy) = proxy else {
            return Ok(self.direct.clone());
        };
        let mut known = self.own.lock();
        if let Some((_, client)) = known.iter().find(|(known, _)| known == own) {
            return Ok(client.clone());
        }
        let internal =
            |error: NetworkError| NetFailure::new(NetFailureKind::Internal, error.to_string());
        let unfit = || NetFailure::new(NetFailureKind::Proxy, NetworkError::ProxyUrl.to_string());
        let url = proxy.url().ok_or_else(unfit)?;
        let client = builder(&self.network)
            .map_err(internal)?
            .proxy(reqwest::Proxy::custom(move |_| Some(url.clone())))
            .build()
            .map_err(|error| internal(NetworkError::Client(error)))?;
        known.push((Arc::clone(own), client.clone()));
        Ok(client)
    }
}

/// A client without a proxy, and never one of the environment that it finds
/// itself.
fn builder(network: &Network) -> Result<reqwest::ClientBuilder, NetworkError> {
    let inner = network.inner();
    Ok(reqwest::Client::builder()
        .user_agent(inner.user_agent.clone())
        .tls_backend_preconfigured(inner.tls.config(Resumption::default())?)
        .dns_resolver(Arc::new(inner.resolver.clone()))
        .connector_layer(ProgressLayer)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_idle_timeout(IDLE)
        .http1_max_headers(MOST_HEADERS)
        .http2_max_header_list_size(MOST_HEADER_BYTES)
        .tcp_nodelay(true)
        .no_proxy())
}

impl fmt::Debug for SimpleClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainClient")
    }
}

fn build(client: &reqwest::Client, request: SimpleRequest) -> Result<reqwest::Request, NetFailure> {
    let internal = |why: &str| NetFailure::new(NetFailureKind::Internal, why);
    match (request.url.scheme(), &request.proxy) {
        ("https", _) | ("http", UseProxy::Never) => {}
        _ => return Err(internal("a request with credentials needs https")),
    }
    let mut builder = client
        .request(request.method, request.url)
        .headers(request.headers);
    if let SimpleBody::Form(fields) = request.body {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        builder = builder
            .header(CONTENT_TYPE, form)
            .body(Bytes::from_owner(encode(&fields)));
    }
    builder
        .build()
        .map_err(|error| internal("the request cannot be built").caused_by(error.without_url()))
}

/// Encodes a form into memory that is wiped when the request is done.
fn encode(fields: &[(String, FormValue)]) -> Zeroizing<Vec<u8>> {
    // Room for the worst case first: growing would leave copies behind.
    let most: usize = fields
        .iter()
        .map(|(name, value)| 3 * (name.len() + value.expose().len()) + 2)
        .sum();
    let mut out = String::with_capacity(most);
    let mut form = url::form_urlencoded::Serializer::new(&mut out);
    for (name, value) in fields {
        form.append_pair(name, value.expose());
    }
    form.finish();
    Zeroizing::new(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded() {
        let fields = vec![
            ("scope".to_owned(), "https://x/.default".into()),
            (
                "client_secret".to_owned(),
                Secret::new("a+b&c= ü".into()).into(),
            ),
        ];
        assert_eq!(
            String::from_utf8(encode(&fields).to_vec()).unwrap(),
            "scope=https%3A%2F%2Fx%2F.default&client_secret=a%2Bb%26c%3D+%C3%BC"
        );
        assert!(!format!("{:?}", SimpleBody::Form(fields)).contains("a+b"));
    }
}
