//! One resource: one probe, and what its answer means.

use std::sync::Arc;

use super::Held;
use super::finding::{DoctorStep, Finding, ResourceExam};
use super::rights;
use crate::kinds::{Refused, Resource};
use crate::model::{Account, Outcome, Reason, Report, Story};
use crate::probe::{Batch, Prober as _, ServiceRefusal, TenantProber, Watcher};
use crate::setup::{Commands, shell};

/// Where resources are probed.
pub(super) struct ProbeRunner {
    prober: TenantProber,
    batch: Batch,
}

impl ProbeRunner {
    pub(super) const fn new(prober: TenantProber, batch: Batch) -> Self {
        Self { prober, batch }
    }

    /// Asks the directory when the account's own credential ends; what it says is
    /// where the tokens are.
    pub(super) async fn own_credential(&self, account: &Arc<Account>) {
        self.prober
            .own_credential(Arc::clone(account), Arc::new(|| true))
            .await;
    }

    /// Probes a resource and compares its rights. `held`: what came of asking
    /// for the token that it needs. `reached`: its host can be.
    pub(super) async fn examine(
        &self,
        resource: &Arc<Resource>,
        held: Option<&Held>,
        reached: bool,
        progress: &dyn Watcher,
    ) -> ResourceExam {
        let has_token = resource.audience().is_none() || matches!(held, Some(Ok(_)));
        let asked = if !has_token {
            Err("there is no token")
        } else if !reached {
            Err("its host cannot be reached")
        } else {
            self.ask(resource, progress).await
        };
        let (report, refusal) = match asked {
            Ok(asked) => asked,
            Err(why_not) => {
                progress.ended(&resource.name, Outcome::Inconclusive);
                let mut steps = rights::permissions(resource, held, false);
                steps.push(DoctorStep::unseen(
                    "probe",
                    "",
                    format!("not probed: {why_not}"),
                ));
                return ResourceExam::of(resource, steps);
            }
        };
        let outcome = report.verdict.outcome();
        progress.ended(&resource.name, outcome);
        let mut steps = rights::permissions(resource, held, outcome == Outcome::Success);
        let missing = rights::worst(&steps) == Finding::Refuted;
        let rights = match held {
            Some(Ok(Some(rights))) => rights.held(resource.account.person().is_some()),
            _ => None,
        };
        let refused = |reason| Refused {
            reason,
            error: &refusal.error,
            step: refusal.step,
            held: rights,
            lacking: missing,
        };
        steps.push(probe(
            resource,
            &report,
            report.verdict.reason().map(refused),
        ));
        ResourceExam::of(resource, steps)
    }

    /// One probe, in its turn; or why there was none.
    async fn ask(
        &self,
        resource: &Arc<Resource>,
        progress: &dyn Watcher,
    ) -> Result<(Report, ServiceRefusal), &'static str> {
        let permit = self.batch.permit(resource).await;
        let _permit = permit.ok_or("Microsoft asks us to slow down")?;
        progress.began(&resource.name);
        let (report, refusal) = self.prober.explained(resource, &Story::untold()).await;
        self.batch.note(resource, &report);
        Ok((report, refusal))
    }
}

fn probe(resource: &Resource, report: &Report, refused: Option<Refused<'_>>) -> DoctorStep {
    let detail = report.detail.to_string();
    let Some(refused) = refused else {
        let latency = report.latency().map_or_else(String::new, |latency| {
            format!(" in {:.0} ms", latency.as_secs_f64() * 1e3)
        });
        return DoctorStep::proved("probe", "", format!("{detail}{latency}"));
    };
    let reason = refused.reason;
    let with_id = match &report.exchange.request_id {
        Some(id) => format!("{reason}: {detail} (request-id {id})"),
        None => format!("{reason}: {detail}"),
    };
    if matches!(reason, Reason::Throttled | Reason::Token) {
        return DoctorStep::unseen("probe", "", with_id)
            .mend((reason == Reason::Throttled).then_some("wait and try again"));
    }
    let step = DoctorStep::refuted("probe", "", with_id);
    let advised = advised(resource, &refused);
    if advised.is_empty() {
        step.mend(usual(resource, reason))
    } else {
        step.mend(advised)
    }
}

/// What the kind advises.
fn advised(resource: &Resource, refused: &Refused<'_>) -> Vec<String> {
    let account = &resource.account;
    let advice = resource.kind.advise(account, refused).unwrap_or_default();
    let commands = Commands::of(account);
    let remedies = advice.remedies.iter();
    remedies
        .flat_map(|remedy| commands.remedy(remedy))
        .collect()
}

/// What may mend it where the kind knows no better.
fn usual(resource: &Resource, reason: Reason) -> Vec<String> {
    match reason {
        Reason::Unauthorized => vec![
            "is Entra reached through another address than this host? A policy that binds tokens \
             to an address refuses them then; see the step egress"
                .to_owned(),
            Commands::of(&resource.account).sign_in_log(),
        ],
        Reason::Locked => vec![
            "SharePoint admin center → Active sites → the site: is it locked, read-only or archived?"
                .to_owned(),
        ],
        Reason::Throttled
        | Reason::Token
        | Reason::Forbidden
        | Reason::NotFound
        | Reason::Rejected => Vec::new(),
        Reason::Dns
        | Reason::Connect
        | Reason::Tls
        | Reason::Proxy
        | Reason::Timeout
        | Reason::ServerError
        | Reason::BadResponse
        | Reason::UnexpectedStatus
        | Reason::Internal => vec![format!(
            "m365mon probe {}   # the whole story",
            shell(&resource.name)
        )],
    }
}
