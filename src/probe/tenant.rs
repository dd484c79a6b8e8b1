//! The prober in earnest: asks the tenant and writes the report.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{MayAsk, Prober, message};
use crate::graph::{Attempt, Client, TokenSource};
use crate::http::ProbeTransport;
use crate::kinds::{
    Findings, Resource, ResourceName, ServiceError, Stopped, bounded, own_credentials, own_entry,
};
use crate::model::{
    Account, Clock, Hold, Phases, Random, Reason, Report, Step, Story, Timestamp, Verdict,
    bounded_text,
};

const LONGEST_DETAIL: usize = 300;

/// What a refusal was made of, for who looks for the remedy.
#[derive(Debug, Clone, Default)]
pub struct ServiceRefusal {
    /// What the service said, as far as it is known.
    pub error: ServiceError,
    /// The step that it refused; empty where one request is all.
    pub step: &'static str,
}

/// Probes resources of real tenants. Cheap to clone.
#[derive(Clone)]
pub struct TenantProber {
    client: Client,
    clock: Clock,
    /// When the probes began in which resources last signed in by themselves.
    sign_ins: Arc<Mutex<HashMap<ResourceName, Instant>>>,
}

impl TenantProber {
    /// Makes one; `tokens` is [`crate::entra`] in earnest.
    #[must_use]
    pub fn new(
        client: impl ProbeTransport + 'static,
        tokens: Arc<dyn TokenSource>,
        clock: Clock,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            client: Client::new(client, tokens, clock.clone(), random),
            clock,
            sign_ins: Arc::default(),
        }
    }

    /// Probes once, whatever a service asked for meanwhile, and says what a refusal
    /// was made of.
    pub async fn explained(&self, resource: &Resource, story: &Story) -> (Report, ServiceRefusal) {
        let (report, refusal) = self.attempt(resource, story, None).await;
        (report, refusal.unwrap_or_default())
    }

    /// The report, and what a refusal was made of; `None` if it might not ask any
    /// more so that nothing was sent. `turn`: whether it may, and until when.
    async fn attempt(
        &self,
        resource: &Resource,
        story: &Story,
        turn: Option<(&MayAsk, Instant)>,
    ) -> (Report, Option<ServiceRefusal>) {
        let started = self.clock.now();
        let (kind, account) = (resource.kind.as_str(), &resource.account.name);
        story.tell(|| {
            let through = match &**account {
                "" => String::new(),
                account => format!(", through account {account}"),
            };
            format!("{} is a {kind}{through}; it is {started:.3}", resource.name)
        });
        if let Some(note) = resource.kind.unsupported(&resource.account) {
            story.tell(|| note.into());
        }
        // From beginning to beginning, as ticks are counted: a probe takes time too.
        let began = Instant::now();
        let last = self.sign_ins.lock().get(&resource.name).copied();
        let since = last.map(|last| began.saturating_duration_since(last));
        let mut probing = self.client.begin(resource, story, since);
        if let Some((may_ask, until)) = turn {
            probing = probing.only_if(&**may_ask).until(until);
        }
        let result = resource.kind.probe(&resource.account, &mut probing).await;
        if probing.signed_in() {
            let mut sign_ins = self.sign_ins.lock();
            sign_ins.insert(resource.name.clone(), began);
        }
        let length = probing.body_length();
        let decisive = probing.decisive();
        let hold = probing.hold();
        let (outcome, steps) = probing.end();
        let held = matches!(outcome, Some(Attempt::Held));
        tell_of_the_body(story, resource, &result, length);
        let refusal = ServiceRefusal {
            error: match &outcome {
                Some(Attempt::Response(response)) => response.error.clone(),
                _ => ServiceError::default(),
            },
            step: decisive,
        };
        let report = Finished {
            resource,
            started,
            finished: self.clock.now(),
            result,
            decisive,
            steps,
            hold,
        }
        .report(outcome);
        story.tell(|| {
            let outcome = report.verdict.outcome();
            match report.verdict.reason() {
                Some(reason) => format!("verdict: {outcome}, {reason}: {}", report.detail),
                None => format!("verdict: {outcome}: {}", report.detail),
            }
        });
        (report, (!held).then_some(refusal))
    }

    async fn read_own_credential(
        &self,
        account: &Arc<Account>,
        may_ask: &MayAsk,
    ) -> Option<Report> {
        let started = self.clock.now();
        let resource = own_entry(account);
        let story = Story::untold();
        let probing = self.client.begin(&resource, &story, None);
        let mut probing = probing.only_if(&**may_ask);
        let read = own_credentials(account, &mut probing).await;
        let hold = probing.hold();
        let (outcome, steps) = probing.end();
        if matches!(outcome, Some(Attempt::Held)) {
            return None;
        }
        let result = read.map(|registered| {
            self.client.tokens().learn_registered(account, &registered);
            Findings::default()
        });
        let finished = Finished {
            resource: &resource,
            started,
            finished: self.clock.now(),
            result,
            decisive: "",
            steps,
            hold,
        };
        Some(finished.report(outcome))
    }
}

/// Whether the last answer holds what it should.
fn tell_of_the_body(
    story: &Story,
    resource: &Resource,
    result: &Result<Findings, Stopped>,
    length: usize,
) {
    match result {
        Ok(_) if length > 0 => story.tell(|| {
            let what = resource.kind.info().holds;
            format!("the body ({length} bytes) holds a {what}, as it should")
        }),
        Err(Stopped::Bad(bad)) => {
            story.tell(|| format!("the body ({length} bytes) is bad: {bad}"));
        }
        _ => {}
    }
}

/// A probe that came to its end, one way or another.
struct Finished<'a> {
    resource: &'a Resource,
    started: Timestamp,
    finished: Timestamp,
    result: Result<Findings, Stopped>,
    decisive: &'static str,
    steps: Vec<Step>,
    /// The longest wait that any of its answers asked for.
    hold: Option<Hold>,
}

impl Finished<'_> {
    fn report(self, outcome: Option<Attempt>) -> Report {
        let hold = self.hold;
        let bare = |verdict, detail: &str| {
            Report::without_request(self.started, self.finished, verdict, detail)
        };
        let report = match outcome {
            None => match &self.result {
                Ok(_) => bare(Verdict::Success, "answered"),
                Err(
                    Stopped::Judged { reason, sentence }
                    | Stopped::Partly {
                        reason, sentence, ..
                    },
                ) => bare(Verdict::Problem(*reason), sentence),
                Err(_) => bare(Verdict::Problem(Reason::Internal), "nothing was asked"),
            },
            Some(Attempt::Held) => {
                let detail = "not asked: the service wants to be left alone";
                bare(Verdict::Problem(Reason::Throttled), detail)
            }
            Some(Attempt::NoToken(problem)) => {
                // Nobody consented for this audience: as if the service had said so.
                let reason = match problem.code {
                    Some(65_001) => Reason::Forbidden,
                    _ => Reason::Token,
                };
                Report {
                    token_problem: Some(problem.clone()),
                    ..bare(Verdict::Problem(reason), &message::of_token(&problem))
                }
            }
            Some(Attempt::NoAnswer { net, exchange }) => Report {
                exchange: *exchange,
                ..bare(Verdict::Problem(net.reason()), &net.to_string())
            },
            Some(Attempt::Response(response)) => {
                let (verdict, sentence) =
                    message::of_response(self.resource, &response, &self.result, self.decisive);
                let mut exchange = response.exchange;
                if verdict == Verdict::Problem(Reason::Throttled) {
                    // Also where only the body says so.
                    exchange.hold = exchange.hold.or(response.hold_if_throttled);
                }
                Report {
                    exchange,
                    token_problem: response.token_problem,
                    ..bare(verdict, &bounded_text(&sentence, LONGEST_DETAIL))
                }
            }
        };
        let mut report = self.with_steps(report);
        // A wait is kept whatever came of the probe.
        report.exchange.hold = Hold::longest(report.exchange.hold, hold);
        report
    }

    /// Several steps make one latency: the sum of theirs, phase by phase.
    fn with_steps(self, mut report: Report) -> Report {
        if !self.steps.is_empty() {
            let mut all = Phases::default();
            for step in &self.steps {
                all.add(&step.phases);
            }
            report.exchange.phases = Some(all);
            if report.verdict != Verdict::Success && !self.decisive.is_empty() {
                let detail = format!("step {}: {}", self.decisive, report.detail);
                report.detail = bounded_text(&detail, LONGEST_DETAIL).into();
            }
            report.steps = self.steps.into();
        }
        let found = match (report.verdict, self.result) {
            (Verdict::Success, Ok(findings)) => findings.readings,
            (_, Err(Stopped::Partly { readings, .. })) => readings,
            _ => Vec::new(),
        };
        report.readings = bounded(self.resource.kind.info().readings, found);
        report
    }
}

impl Prober for TenantProber {
    fn probe(
        &self,
        resource: Arc<Resource>,
        story: Story,
        may_ask: MayAsk,
        until: Instant,
    ) -> BoxFuture<'static, Option<Report>> {
        let prober = self.clone();
        Box::pin(async move {
            let turn = Some((&may_ask, until));
            let (report, sent) = prober.attempt(&resource, &story, turn).await;
            sent.is_some().then_some(report)
        })
    }

    fn own_credential(
        &self,
        account: Arc<Account>,
        may_ask: MayAsk,
    ) -> BoxFuture<'static, Option<Report>> {
        let prober = self.clone();
        Box::pin(async move { prober.read_own_credential(&account, &may_ask).await })
    }

    fn wants_own_credential(&self, account: &Account) -> bool {
        self.client.tokens().wants_registered(account)
    }
}
