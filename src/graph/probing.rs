//! One probe under way: for each of its requests a token, the request, and the
//! one case in which a refused token is replaced; and the times that bound them.

mod ask;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::client::{Attempt, Client, headers, of_another, unsendable};
use super::narration;
use super::response::Response;
use crate::entra::{AccessToken, ClaimsChallenge};
use crate::http::{ProbeFailure, ProbeRequest};
use crate::kinds::{Answer, Request, Resource, Stopped};
use crate::model::{
    Account, AccountReason, Audience, ConnectionPolicy, Hold, Phases, Reason, Repeat, RequestId,
    Step, Story, TokenProblem, Verdict, duration,
};

/// However little the timeout leaves of the interval, a token may take this
/// long, or a quarter of the interval where that is less.
const LEAST_TOKEN_TIME: Duration = Duration::from_secs(1);

/// One of the times that are bounded: for tokens, and for requests.
struct Budget(Duration);

impl Budget {
    async fn spend<T>(&mut self, what: impl Future<Output = T>) -> Option<T> {
        let began = Instant::now();
        let done = timeout_at(began + self.0, what).await.ok();
        self.0 = self.0.saturating_sub(began.elapsed());
        done
    }
}

/// One probe under way. The timeout bounds each request and, once more, the
/// waiting for tokens; everything together ends within the interval. A request
/// is repeated only with a fresh token, when the service refused one that
/// [`super::TokenSource::replace_refused`] may replace.
pub struct Probing<'a> {
    client: &'a Client,
    resource: &'a Resource,
    story: &'a Story,
    began: Instant,
    next: Instant,
    for_tokens: Budget,
    /// What is left for cleaning up, once that began.
    for_clean_up: Option<Budget>,
    /// The longest wait that a service asked for, whichever answer did: it holds for
    /// cleaning up too.
    hold: Option<Hold>,
    since_sign_in: Option<Duration>,
    /// Heard before the first request.
    may_ask: Option<&'a (dyn Fn() -> bool + Send + Sync)>,
    steps: Vec<Step>,
    signed_in: bool,
    outcome: Option<Attempt>,
    /// The step of that outcome.
    decisive: &'static str,
}

impl<'a> Probing<'a> {
    pub(super) fn begin(
        client: &'a Client,
        resource: &'a Resource,
        story: &'a Story,
        since_sign_in: Option<Duration>,
    ) -> Self {
        let began = Instant::now();
        let spare = resource.interval.saturating_sub(resource.timeout);
        let least = LEAST_TOKEN_TIME.min(resource.interval / 4);
        Self {
            client,
            resource,
            story,
            began,
            next: began + resource.interval,
            for_tokens: Budget(resource.timeout.min(spare.max(least))),
            for_clean_up: None,
            hold: None,
            since_sign_in,
            may_ask: None,
            steps: Vec::new(),
            signed_in: false,
            outcome: None,
            decisive: "",
        }
    }

    /// Sends nothing at all if `may_ask` says no when the first token is there.
    #[must_use]
    pub fn only_if(mut self, may_ask: &'a (dyn Fn() -> bool + Send + Sync)) -> Self {
        self.may_ask = Some(may_ask);
        self
    }

    /// Ends by then, where that is not an interval from its beginning.
    #[must_use]
    pub fn until(mut self, next: Instant) -> Self {
        self.next = next;
        self
    }
}

impl Probing<'_> {
    /// True if a measured token request brought a token.
    #[must_use]
    pub const fn signed_in(&self) -> bool {
        self.signed_in
    }

    /// The step that decided; empty where there is only one request.
    #[must_use]
    pub const fn decisive(&self) -> &'static str {
        self.decisive
    }

    /// The longest wait that a service asked for meanwhile, while cleaning up too.
    #[must_use]
    pub const fn hold(&self) -> Option<Hold> {
        self.hold
    }

    /// How far the deciding request came, and the steps where there were
    /// several. `None` if nothing was asked.
    #[must_use]
    pub fn end(self) -> (Option<Attempt>, Vec<Step>) {
        (self.outcome, self.steps)
    }

    /// The body of the last answer, in bytes.
    #[must_use]
    pub fn body_length(&self) -> usize {
        match &self.outcome {
            Some(Attempt::Response(response)) => response.body.len(),
            _ => 0,
        }
    }

    fn until_next(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    async fn ask(&mut self, request: &Request) -> Attempt {
        let account = request.account.as_ref().unwrap_or(&self.resource.account);
        let account = Arc::clone(account);
        let token = match &request.audience {
            None => None,
            Some(audience) => match self.token(&account, audience).await {
                Ok(token) => Some((audience, token)),
                Err(problem) => return Attempt::NoToken(problem),
            },
        };
        match self.may_ask {
            Some(may_ask) if !may_ask() => {
                return Attempt::Held;
            }
            // What was begun is brought to its end.
            _ => self.may_ask = None,
        }
        let time = self.time_for_a_request();
        let bearer = token.as_ref().map(|(_, token)| token);
        let (response, challenge) = match self.send_once(request, bearer, time).await {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        let refused = response.verdict == Verdict::Problem(Reason::Unauthorized)
            || (challenge.is_some() && matches!(response.status, 401 | 403));
        let Some((audience, token)) = token.filter(|_| refused) else {
            return Attempt::Response(response);
        };
        self.ask_again(
            request, &account, audience, &token, response, challenge, time,
        )
        .await
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the state of one exchange, cut in two for its length"
    )]
    async fn ask_again(
        &mut self,
        request: &Request,
        account: &Account,
        audience: &Audience,
        refused: &AccessToken,
        response: Box<Response>,
        challenge: Option<ClaimsChallenge>,
        time: Duration,
    ) -> Attempt {
        let story = self.story;
        story.tell(|| match &challenge {
            Some(_) => "the service wants a token with other claims".into(),
            None => "the service refuses the token".into(),
        });
        let tokens = &self.client.tokens;
        let replacing = tokens.replace_refused(account, audience, refused, challenge, story);
        let replaced = match self.for_tokens.spend(replacing).await {
            Some(replaced) => replaced,
            None => Some(Err(no_token_in_time())),
        };
        let token = match replaced {
            None => {
                story.tell(|| "no other token may be asked for now".into());
                return Attempt::Response(response);
            }
            Some(Err(problem)) => {
                story.tell(|| format!("and no other can be had: {}", problem.detail));
                return Attempt::Response(Box::new(Response {
                    verdict: Verdict::Problem(Reason::Token),
                    token_problem: Some(problem),
                    ..*response
                }));
            }
            Some(Ok(token)) => token,
        };
        let spent = response.exchange.latency().unwrap_or_default();
        let time = time.saturating_sub(spent).min(self.until_next());
        let repeat = Some(Repeat::FreshToken);
        match self.send_once(request, Some(&token), time).await {
            Ok((mut response, _)) => {
                response.exchange.repeat = repeat;
                Attempt::Response(response)
            }
            Err(Attempt::NoAnswer { net, mut exchange }) => {
                exchange.repeat = repeat;
                Attempt::NoAnswer { net, exchange }
            }
            Err(other) => other,
        }
    }

    fn time_for_a_request(&self) -> Duration {
        let most = match &self.for_clean_up {
            Some(left) => left.0,
            None => self.resource.timeout,
        };
        most.min(self.until_next())
    }

    async fn token(
        &mut self,
        account: &Account,
        audience: &Audience,
    ) -> Result<AccessToken, TokenProblem> {
        let story = self.story;
        let wanted = self.client.tokens.access_token(account, audience, story);
        match self.for_tokens.spend(wanted).await {
            Some(token) => token,
            None => {
                let problem = no_token_in_time();
                story.tell(|| problem.detail.clone());
                Err(problem)
            }
        }
    }

    /// Sends a request once and judges the answer.
    async fn send_once(
        &self,
        request: &Request,
        token: Option<&AccessToken>,
        timeout: Duration,
    ) -> Result<(Box<Response>, Option<ClaimsChallenge>), Attempt> {
        let (client, story) = (self.client, self.story);
        let id = client.random.uuid();
        let client_request_id = RequestId::parse(&id);
        let account = request.account.as_ref().unwrap_or(&self.resource.account);
        if let (Some(token), Some(audience)) = (token, &request.audience)
            && let Some(problem) = of_another(token, audience, &account.cloud)
        {
            story.tell(|| problem.detail.clone());
            return Err(Attempt::NoToken(problem));
        }
        let proxy = self.resource.proxy_of(account);
        let sent = match headers(request, token, &id) {
            Some(headers) => {
                story.tell(|| {
                    let connection = match self.resource.connection {
                        ConnectionPolicy::New => "new connection",
                        ConnectionPolicy::Reuse => "kept connection if there is one",
                    };
                    let (method, shown) = (request.method.as_str(), &request.shown);
                    let most = duration::format(timeout);
                    format!(
                        "{method} {shown} ({connection}, at most {most}), client-request-id {id}"
                    )
                });
                let body = request.body.as_ref();
                let request = ProbeRequest {
                    method: request.method,
                    url: request.url.clone(),
                    headers,
                    body: body.map(|body| body.content.clone()).unwrap_or_default(),
                    connection: self.resource.connection,
                    proxy: proxy.cloned(),
                    timeout,
                    body_limit: request.body_limit,
                };
                client.http.send(request).await
            }
            None => Err(unsendable()),
        };
        match sent {
            Ok(answer) => {
                let (response, challenge) = Response::read(
                    request,
                    answer,
                    client_request_id,
                    client
                        .http
                        .is_proxied(&request.url, proxy.map(|own| &**own)),
                    client.clock.now(),
                );
                narration::answer(story, &response);
                Ok((Box::new(response), challenge))
            }
            Err(failure) => {
                let ProbeFailure { net, mut exchange } = *failure;
                exchange.client_request_id = client_request_id;
                narration::no_answer(story, &exchange, &net);
                Err(Attempt::NoAnswer {
                    net,
                    exchange: Box::new(exchange),
                })
            }
        }
    }

    /// Keeps what decides: the first outcome that is not as it should be, else
    /// the last. What cleans up decides nothing.
    fn keep(&mut self, step: &'static str, mut outcome: Attempt) -> Result<Answer, Stopped> {
        let phases = match &outcome {
            Attempt::NoToken(_) | Attempt::Held => None,
            Attempt::NoAnswer { exchange, .. } => exchange.phases,
            Attempt::Response(response) => response.exchange.phases,
        };
        if let Some(phases) = phases
            && !step.is_empty()
        {
            note(&mut self.steps, step, phases);
        }
        if let Attempt::Response(response) = &outcome {
            self.hold = Hold::longest(self.hold, response.exchange.hold);
        }
        let result = match &mut outcome {
            Attempt::Response(response) if response.verdict == Verdict::Success => Ok(Answer::new(
                response.status,
                std::mem::take(&mut response.content_type),
                response.body.clone(),
                response.error.clone(),
                std::mem::take(&mut response.headers),
            )),
            _ => Err(Stopped::Asked),
        };
        if self.for_clean_up.is_none() || self.outcome.is_none() {
            self.outcome = Some(outcome);
            self.decisive = step;
        }
        result
    }
}

/// Several requests of one name are one step, also where another stands between
/// them; its latency is that of the last.
fn note(steps: &mut Vec<Step>, name: &'static str, phases: Phases) {
    match steps.iter_mut().find(|step| step.name == name) {
        Some(step) => step.phases = phases,
        None => steps.push(Step { name, phases }),
    }
}

fn no_token_in_time() -> TokenProblem {
    TokenProblem {
        reason: AccountReason::Timeout,
        code: None,
        detail: "no access token came in time; see the account's own state".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_one_step() {
        let took = |seconds| Phases {
            processing: Duration::from_secs(seconds),
            ..Phases::default()
        };
        let mut steps = Vec::new();
        for (name, seconds) in [("put", 1), ("get", 2), ("put", 3), ("put", 4), ("get", 5)] {
            note(&mut steps, name, took(seconds));
        }
        let told: Vec<_> = steps
            .iter()
            .map(|step| (step.name, step.phases.processing.as_secs()))
            .collect();
        assert_eq!(told, [("put", 4), ("get", 5)]);
    }
}
