//! Who asks services: what it needs for that, what its requests carry, and how
//! far one can come.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::probing::Probing;
use super::response::Response;
use super::token_source::TokenSource;
use crate::entra::AccessToken;
use crate::http::{NetFailure, NetFailureKind, ProbeFailure, ProbeTransport};
use crate::kinds::{Request, Resource};
use crate::model::{
    AccountReason, Audience, Clock, Cloud, Exchange, Phase, Phases, Random, Story, TokenProblem,
};

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
const RETURN_CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("return-client-request-id");

/// Asks services. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(super) http: Arc<dyn ProbeTransport>,
    pub(super) tokens: Arc<dyn TokenSource>,
    pub(super) clock: Clock,
    pub(super) random: Arc<dyn Random>,
}

/// How far the deciding request of a probe came.
#[derive(Debug)]
pub enum Attempt {
    /// No request was sent: there is no token, or it is for another service.
    NoToken(TokenProblem),
    /// No request was sent: when the token was there, none was to be any more.
    Held,
    /// The request brought no answer.
    NoAnswer {
        /// Why.
        net: NetFailure,
        /// How far it came.
        exchange: Box<Exchange>,
    },
    /// There is an answer.
    Response(Box<Response>),
}

impl Client {
    /// Makes one.
    #[must_use]
    pub fn new(
        http: impl ProbeTransport + 'static,
        tokens: Arc<dyn TokenSource>,
        clock: Clock,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            http: Arc::new(http),
            tokens,
            clock,
            random,
        }
    }

    /// Where its tokens come from.
    #[must_use]
    pub fn tokens(&self) -> &dyn TokenSource {
        &*self.tokens
    }

    /// Begins a probe of `resource`: its account, its timeout, its kind of
    /// connection. `since_sign_in`: how long ago the probe began in which the kind last
    /// signed in by itself.
    #[must_use]
    pub fn begin<'a>(
        &'a self,
        resource: &'a Resource,
        story: &'a Story,
        since_sign_in: Option<Duration>,
    ) -> Probing<'a> {
        Probing::begin(self, resource, story, since_sign_in)
    }
}

/// Why a token must not be shown to the service of `audience`: by its own word it is
/// for another one, which whoever got it could use.
pub(super) fn of_another(
    token: &AccessToken,
    audience: &Audience,
    cloud: &Cloud,
) -> Option<TokenProblem> {
    if token.is_for(audience, cloud) {
        return None;
    }
    Some(TokenProblem {
        reason: AccountReason::BadResponse,
        code: None,
        detail: "the token that came is for another service than the one to be asked, and was not \
                 sent there: check the resource's `scope`, the account's `cloud` and `audiences`, \
                 and what hands out the account's tokens"
            .into(),
    })
}

/// `None` if the token must not go there, or fits no header.
pub(super) fn headers(
    request: &Request,
    token: Option<&AccessToken>,
    id: &str,
) -> Option<HeaderMap> {
    if !request.is_consistent() || token.is_some() != request.audience.is_some() {
        return None;
    }
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let bearer = zeroize::Zeroizing::new(format!("Bearer {}", token.secret().expose()));
        let mut authorization = HeaderValue::from_str(&bearer).ok()?;
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
    }
    headers.insert(ACCEPT, HeaderValue::from_static(request.accept));
    if let Some(body) = &request.body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(body.content_type));
    }
    for (name, value) in request.headers {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers.insert(CLIENT_REQUEST_ID, HeaderValue::from_str(id).ok()?);
    headers.insert(RETURN_CLIENT_REQUEST_ID, HeaderValue::from_static("true"));
    Some(headers)
}

pub(super) fn unsendable() -> Box<ProbeFailure> {
    Box::new(ProbeFailure {
        net: NetFailure::new(
            NetFailureKind::Internal,
            "the token fits no header, or not the host that is asked",
        ),
        exchange: Exchange {
            phases: Some(Phases::default()),
            broke_in: Some(Phase::Resolve),
            ..Exchange::default()
        },
    })
}
