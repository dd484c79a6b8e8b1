//! One measured question: a token, a request, a verdict, and the one case in
//! which a refused token is replaced.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE,
};
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use super::service_error::ServiceError;
use super::token_source::TokenSource;
use super::{diagnostics, throttling, told, verdict};
use crate::entra::{AccessToken, ClaimsChallenge};
use crate::http::{
    BodyEnd, NetFailure, NetFailureKind, ProbeAnswer, ProbeClient, ProbeFailure, ProbeRequest,
};
use crate::model::{
    AccountReason, Clock, ConnectionFacts, ConnectionPolicy, Hold, Phases, Random, Reason, Repeat,
    RequestId, Resource, ServerHints, Story, TokenProblem, Verdict, bounded_text,
};

/// More than any answer to a question for one item.
const MOST_BODY: usize = 64 << 10;
/// However little the timeout leaves of the interval, a token may take this
/// long, or a quarter of the interval where that is less.
const LEAST_TOKEN_TIME: Duration = Duration::from_secs(1);
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
const RETURN_CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("return-client-request-id");

/// Asks. Cheap to clone.
#[derive(Clone)]
pub struct Asker {
    client: ProbeClient,
    tokens: Arc<dyn TokenSource>,
    clock: Clock,
    random: Arc<dyn Random>,
}

/// What came of a question.
#[derive(Debug)]
pub enum Asked {
    /// No request was sent, there is no token.
    NoToken(TokenProblem),
    /// The request brought no answer.
    NoAnswer {
        /// Why, and how far it came.
        failure: Box<ProbeFailure>,
        /// Ours.
        client_request_id: Option<RequestId>,
        /// Said when the request was sent twice.
        repeat: Option<Repeat>,
    },
    /// There is an answer.
    Answered(Box<Answered>),
}

/// An answer and what it means.
#[derive(Debug)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// What it means, as far as it can be seen without knowing the question.
    pub verdict: Verdict,
    /// What its body says, for other answers than 200.
    pub error: ServiceError,
    /// `Content-Type`, lower case, without parameters.
    pub content_type: String,
    /// Of a 200, at most 64 KiB.
    pub body: Bytes,
    /// How it ended.
    pub body_end: BodyEnd,
    /// The service's.
    pub request_id: Option<RequestId>,
    /// Ours.
    pub client_request_id: Option<RequestId>,
    /// What the service says about itself.
    pub server: ServerHints,
    /// A wait that it asks for.
    pub hold: Option<Hold>,
    /// Of the request that was answered.
    pub phases: Phases,
    /// Of its connection.
    pub facts: ConnectionFacts,
    /// Said when the request was sent twice.
    pub repeat: Option<Repeat>,
    /// Why a refused token could not be replaced; the verdict is `token` then.
    pub token_problem: Option<TokenProblem>,
}

/// One of the two times that are bounded: for tokens, and for requests.
struct Budget(Duration);

impl Budget {
    async fn spend<T>(&mut self, what: impl Future<Output = T>) -> Option<T> {
        let began = Instant::now();
        let done = timeout_at(began + self.0, what).await.ok();
        self.0 = self.0.saturating_sub(began.elapsed());
        done
    }
}

impl Asker {
    /// Makes one.
    #[must_use]
    pub fn new(
        client: ProbeClient,
        tokens: Arc<dyn TokenSource>,
        clock: Clock,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            client,
            tokens,
            clock,
            random,
        }
    }

    /// Asks for `address` on behalf of `resource`: its account, its timeout,
    /// its kind of connection. The timeout bounds the requests together and,
    /// once more, the waiting for tokens; both together end within the
    /// interval. The request is repeated only with a fresh token, when the
    /// service refused one that [`TokenSource::replace_refused`] may replace.
    pub async fn ask(&self, resource: &Resource, address: &Address, story: &Story) -> Asked {
        let next = Instant::now() + resource.interval;
        let spare = resource.interval.saturating_sub(resource.timeout);
        let least = LEAST_TOKEN_TIME.min(resource.interval / 4);
        let mut for_tokens = Budget(resource.timeout.min(spare.max(least)));
        let until_next = || next.saturating_duration_since(Instant::now());

        let account = &resource.account;
        let wanted = self.tokens.access_token(account, &address.audience, story);
        let token = match for_tokens.spend(wanted).await {
            Some(Ok(token)) => token,
            Some(Err(problem)) => return Asked::NoToken(problem),
            None => {
                let problem = no_token_in_time();
                story.tell(|| problem.detail.clone());
                return Asked::NoToken(problem);
            }
        };
        let mut for_requests = resource.timeout.min(until_next());
        let first = self
            .send(resource, address, &token, for_requests, story)
            .await;
        let (answered, challenge) = match first {
            Ok(answer) => answer,
            Err(asked) => return asked,
        };
        let refused = answered.verdict == Verdict::Problem(Reason::Unauthorized)
            || (challenge.is_some() && matches!(answered.status, 401 | 403));
        if !refused {
            return Asked::Answered(answered);
        }
        story.tell(|| match &challenge {
            Some(_) => "the service wants a token with other claims".into(),
            None => "the service refuses the token".into(),
        });
        let replacing =
            self.tokens
                .replace_refused(account, &address.audience, &token, challenge, story);
        let replaced = match for_tokens.spend(replacing).await {
            Some(replaced) => replaced,
            None => Some(Err(no_token_in_time())),
        };
        let token = match replaced {
            None => {
                story.tell(|| "no other token may be asked for now".into());
                return Asked::Answered(answered);
            }
            Some(Err(problem)) => {
                story.tell(|| format!("and no other can be had: {}", problem.detail));
                return Asked::Answered(Box::new(Answered {
                    verdict: Verdict::Problem(Reason::Token),
                    token_problem: Some(problem),
                    ..*answered
                }));
            }
            Some(Ok(token)) => token,
        };
        for_requests = for_requests
            .saturating_sub(answered.phases.total())
            .min(until_next());
        let repeat = Some(Repeat::FreshToken);
        match self
            .send(resource, address, &token, for_requests, story)
            .await
        {
            Ok((answered, _)) => Asked::Answered(Box::new(Answered {
                repeat,
                ..*answered
            })),
            Err(Asked::NoAnswer {
                failure,
                client_request_id,
                ..
            }) => Asked::NoAnswer {
                failure,
                client_request_id,
                repeat,
            },
            Err(other) => other,
        }
    }

    /// Sends the request once and judges the answer.
    async fn send(
        &self,
        resource: &Resource,
        address: &Address,
        token: &AccessToken,
        timeout: Duration,
        story: &Story,
    ) -> Result<(Box<Answered>, Option<ClaimsChallenge>), Asked> {
        let id = self.random.uuid();
        let client_request_id = RequestId::parse(&id);
        let sent = match headers(address, token, &id) {
            Some(headers) => {
                story.tell(|| {
                    let connection = match resource.connection {
                        ConnectionPolicy::New => "new connection",
                        ConnectionPolicy::Reuse => "kept connection if there is one",
                    };
                    let shown = &address.shown;
                    format!(
                        "GET {shown} ({connection}, at most {timeout:?}), client-request-id {id}"
                    )
                });
                let request = ProbeRequest {
                    url: address.url.clone(),
                    headers,
                    connection: resource.connection,
                    timeout,
                    body_limit: MOST_BODY,
                };
                self.client.send(request).await
            }
            None => Err(unsendable()),
        };
        match sent {
            Ok(answer) => {
                let (answered, challenge) = self.judge(answer, client_request_id);
                told::answer(story, &answered);
                Ok((Box::new(answered), challenge))
            }
            Err(failure) => {
                story.tell(|| told::way(&failure.facts, failure.repeat));
                story.tell(|| {
                    let (phase, times) = (failure.broke_in.as_str(), told::times(&failure.phases));
                    format!("no answer, it ended in {phase}: {} ({times})", failure.net)
                });
                let repeat = failure.repeat;
                Err(Asked::NoAnswer {
                    failure,
                    client_request_id,
                    repeat,
                })
            }
        }
    }

    fn judge(
        &self,
        answer: ProbeAnswer,
        client_request_id: Option<RequestId>,
    ) -> (Answered, Option<ClaimsChallenge>) {
        let ProbeAnswer {
            status,
            headers,
            body,
            body_end,
            phases,
            facts,
            repeat,
        } = answer;
        let error = if status == 200 {
            ServiceError::default()
        } else {
            ServiceError::read(&body).or_header(text(&headers, "x-ms-diagnostics"))
        };
        let verdict = verdict(status, &headers, &error, body_end);
        let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
        let challenge = ClaimsChallenge::find(challenges.filter_map(|v| v.to_str().ok()));
        let content_type = text(&headers, CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let answered = Answered {
            status,
            verdict,
            error,
            content_type: bounded_text(&essence.to_ascii_lowercase(), 64),
            body: if status == 200 { body } else { Bytes::new() },
            body_end,
            request_id: diagnostics::request_id(&headers),
            client_request_id,
            server: diagnostics::hints(&headers),
            hold: throttling::hold(verdict, &headers, self.clock.now()),
            phases,
            facts,
            repeat,
            token_problem: None,
        };
        (answered, challenge)
    }
}

/// `None` if the token must not go there, or fits no header.
fn headers(address: &Address, token: &AccessToken, id: &str) -> Option<HeaderMap> {
    if !address.is_consistent() {
        return None;
    }
    let bearer = zeroize::Zeroizing::new(format!("Bearer {}", token.secret().expose()));
    let mut authorization = HeaderValue::from_str(&bearer).ok()?;
    authorization.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, authorization);
    headers.insert(ACCEPT, HeaderValue::from_static(address.accept.as_str()));
    headers.insert(CLIENT_REQUEST_ID, HeaderValue::from_str(id).ok()?);
    headers.insert(RETURN_CLIENT_REQUEST_ID, HeaderValue::from_static("true"));
    Some(headers)
}

fn unsendable() -> Box<ProbeFailure> {
    Box::new(ProbeFailure {
        net: NetFailure::new(
            NetFailureKind::Internal,
            "the token fits no header, or not the host that is asked",
        ),
        phases: Phases::default(),
        broke_in: crate::model::Phase::Resolve,
        facts: ConnectionFacts::default(),
        repeat: None,
    })
}

fn no_token_in_time() -> TokenProblem {
    TokenProblem {
        reason: AccountReason::Timeout,
        code: None,
        detail: "no access token came in time; see the account's own state".into(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
