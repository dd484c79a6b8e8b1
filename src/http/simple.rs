//! Requests whose answer counts and whose phases do not: token calls.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use rustls::client::Resumption;
use tokio::time::{Instant, timeout_at};
use url::Url;
use zeroize::Zeroizing;

use super::progress::{Progress, ProgressLayer};
use super::simple_failure::{broken, classify};
use super::wiped::Wiped;
use super::{
    BodyEnd, NetFailure, NetFailureKind, Network, NetworkError, ProbeClient, ProbeRequest,
};
use crate::model::{Account, ConnectionPolicy, Phase, ProxySetting, Secret};

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
    /// What never goes through a proxy and may be plain HTTP.
    client: reqwest::Client,
    /// Everything else: by the connector of the probes, so that what goes wrong on
    /// the way to Entra is told as it is told of Graph.
    measured: ProbeClient,
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
        f.debug_struct("SimpleAnswer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .field("took", &self.took)
            .finish_non_exhaustive()
    }
}

impl SimpleClient {
    /// Builds the inner clients.
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
        if request.proxy != UseProxy::Never {
            return inner.send_measured(request, began).await;
        }
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let timeout = request.timeout;
        let client = &inner.client;
        let request = build(client, request)?;
        let progress = Progress::new(timeout);
        let sent = progress.follow(client.execute(request));
        let mut response = timeout_at(deadline, sent)
            .await
            .map_err(|_| NetFailure::timeout(progress.phase(), &host))?
            .map_err(|error| classify(error.without_url(), &host))?;

        let too_large = || too_large(&host);
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
        let inner = network.inner();
        let builder = || -> Result<reqwest::ClientBuilder, NetworkError> {
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
                .tcp_nodelay(true))
        };
        let built = |builder: reqwest::ClientBuilder| builder.build().map_err(NetworkError::Client);
        Ok(Self {
            client: built(builder()?.no_proxy())?,
            measured: ProbeClient::new(network)?,
        })
    }

    async fn send_measured(
        &self,
        request: SimpleRequest,
        began: Instant,
    ) -> Result<SimpleAnswer, NetFailure> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        check_scheme(&request)?;
        let mut headers = request.headers;
        let method = match (request.method, &request.body) {
            (method, SimpleBody::Empty) if method == Method::GET => crate::model::Method::Get,
            (method, _) if method == Method::POST => crate::model::Method::Post,
            _ => return Err(internal("a request is a GET without a body, or a POST")),
        };
        let body = match request.body {
            SimpleBody::Empty => Bytes::new(),
            SimpleBody::Form(fields) => {
                headers.insert(CONTENT_TYPE, FORM);
                Bytes::from_owner(encode(&fields))
            }
        };
        let sent = self.measured.send(ProbeRequest {
            method,
            url: request.url,
            headers,
            body,
            connection: ConnectionPolicy::New,
            proxy: match request.proxy {
                UseProxy::Own(own) => Some(own),
                UseProxy::Configured | UseProxy::Never => None,
            },
            timeout: request.timeout,
            body_limit: MOST_BODY,
        });
        let answer = sent.await.map_err(|failure| failure.net)?;
        match answer.body_end {
            BodyEnd::Complete => Ok(SimpleAnswer {
                status: answer.status,
                headers: answer.headers,
                body: answer.body,
                took: began.elapsed(),
            }),
            BodyEnd::TimedOut => Err(NetFailure::timeout(Phase::Transfer, &host)),
            BodyEnd::TooLarge => Err(too_large(&host)),
            BodyEnd::Broken => Err(NetFailure::new(
                NetFailureKind::Broken,
                format!("{host}: the answer ended early"),
            )),
        }
    }
}

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

fn too_large(host: &str) -> NetFailure {
    NetFailure::new(
        NetFailureKind::TooLarge,
        format!("{host}: the answer is longer than {MOST_BODY} bytes"),
    )
}

fn internal(why: &str) -> NetFailure {
    NetFailure::new(NetFailureKind::Internal, why)
}

fn check_scheme(request: &SimpleRequest) -> Result<(), NetFailure> {
    match (request.url.scheme(), &request.proxy) {
        ("https", _) | ("http", UseProxy::Never) => Ok(()),
        _ => Err(internal("a request with credentials needs https")),
    }
}

impl fmt::Debug for SimpleClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimpleClient")
    }
}

fn build(client: &reqwest::Client, request: SimpleRequest) -> Result<reqwest::Request, NetFailure> {
    check_scheme(&request)?;
    let mut builder = client
        .request(request.method, request.url)
        .headers(request.headers);
    if let SimpleBody::Form(fields) = request.body {
        builder = builder
            .header(CONTENT_TYPE, FORM)
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
