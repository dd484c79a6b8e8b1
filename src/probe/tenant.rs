//! The prober in earnest: asks the tenant and writes the report.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Prober, address, detail, judge};
use crate::graph::{Answered, Asked, Asker, TokenSource};
use crate::http::{BodyEnd, ProbeClient};
use crate::model::{
    Clock, Phase, Random, Reason, Report, Resource, Story, Timestamp, Verdict, bounded_text,
};

const LONGEST_DETAIL: usize = 300;

/// Probes resources of real tenants. Cheap to clone.
#[derive(Clone)]
pub struct TenantProber {
    asker: Asker,
    clock: Clock,
}

impl TenantProber {
    /// Makes one; `tokens` is [`crate::entra`] in earnest.
    #[must_use]
    pub fn new(
        client: ProbeClient,
        tokens: Arc<dyn TokenSource>,
        clock: Clock,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            asker: Asker::new(client, tokens, clock.clone(), random),
            clock,
        }
    }

    async fn attempt(&self, resource: &Resource, story: &Story) -> Report {
        let started = self.clock.now();
        let (kind, account) = (resource.kind.as_str(), &resource.account.name);
        story.tell(|| {
            format!(
                "{} is a {kind}, through account {account}; it is {started:.3}",
                resource.name
            )
        });
        if let Some(note) = detail::hopeless(resource) {
            story.tell(|| note.into());
        }
        let report = match address(resource) {
            Some(address) => {
                let asked = self.asker.ask(resource, &address, story).await;
                self.report(resource, started, asked, story)
            }
            None => Report::without_request(
                started,
                self.clock.now(),
                Verdict::Problem(Reason::Internal),
                "what the configuration names makes no URL",
            ),
        };
        story.tell(|| {
            let outcome = report.verdict.outcome();
            match report.verdict.reason() {
                Some(reason) => format!("verdict: {outcome}, {reason}: {}", report.detail),
                None => format!("verdict: {outcome}: {}", report.detail),
            }
        });
        report
    }

    fn report(
        &self,
        resource: &Resource,
        started: Timestamp,
        asked: Asked,
        story: &Story,
    ) -> Report {
        let bare = |verdict, detail: &str| {
            Report::without_request(started, self.clock.now(), verdict, detail)
        };
        match asked {
            Asked::NoToken(problem) => {
                // Nobody consented for this audience: as if the service had said so.
                let reason = match problem.code {
                    Some(65_001) => Reason::Forbidden,
                    _ => Reason::Token,
                };
                Report {
                    token_problem: Some(problem.clone()),
                    ..bare(Verdict::Problem(reason), &detail::of_token(&problem))
                }
            }
            Asked::NoAnswer {
                failure,
                client_request_id,
                repeat,
            } => Report {
                phases: Some(failure.phases),
                broke_in: Some(failure.broke_in),
                client_request_id,
                connection: failure.facts.clone(),
                repeat,
                ..bare(
                    Verdict::Problem(failure.net.reason()),
                    &detail::of_failure(&failure),
                )
            },
            Asked::Answered(answered) => self.of_answer(resource, started, *answered, story),
        }
    }

    fn of_answer(
        &self,
        resource: &Resource,
        started: Timestamp,
        answered: Answered,
        story: &Story,
    ) -> Report {
        let bad_body = match answered.verdict {
            Verdict::Success => judge(resource, &answered.content_type, &answered.body).err(),
            Verdict::Problem(_) => None,
        };
        let verdict = match bad_body {
            Some(_) => Verdict::Problem(Reason::BadResponse),
            None => answered.verdict,
        };
        if answered.verdict == Verdict::Success {
            let length = answered.body.len();
            story.tell(|| match bad_body {
                None => format!("the body ({length} bytes) holds a list, as it should"),
                Some(bad) => format!("the body ({length} bytes) is bad: {bad}"),
            });
        }
        let sentence = detail::of_answer(resource, &answered, verdict, bad_body);
        // A whole body of the wrong kind broke nowhere on its way.
        let broke_in = (answered.status == 200 && answered.body_end != BodyEnd::Complete)
            .then_some(Phase::Transfer);
        Report {
            started,
            finished: self.clock.now(),
            verdict,
            phases: Some(answered.phases),
            broke_in,
            status: Some(answered.status),
            request_id: answered.request_id,
            client_request_id: answered.client_request_id,
            detail: bounded_text(&sentence, LONGEST_DETAIL).into(),
            server: answered.server,
            connection: answered.facts,
            hold: answered.hold,
            repeat: answered.repeat,
            token_problem: answered.token_problem,
        }
    }
}

impl Prober for TenantProber {
    fn probe(&self, resource: Arc<Resource>, story: Story) -> BoxFuture<'static, Report> {
        let prober = self.clone();
        Box::pin(async move { prober.attempt(&resource, &story).await })
    }
}
