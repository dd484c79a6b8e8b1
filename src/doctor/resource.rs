//! One resource: one probe, and what its answer means.

use std::sync::Arc;

use super::Held;
use super::finding::{DoctorStep, Finding, ResourceExam};
use super::rights;
use crate::kinds::{Refused, Resource, ServiceError};
use crate::model::{Account, Outcome, Reason, Report, Story};
use crate::probe::{Batch, Prober as _, TenantProber, Watcher};
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
        let report = match asked {
            Ok(report) => report,
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
        steps.push(probe(resource, &report, held, missing));
        ResourceExam::of(resource, steps)
    }

    /// One probe, in its turn; or why there was none.
    async fn ask(
        &self,
        resource: &Arc<Resource>,
        progress: &dyn Watcher,
    ) -> Result<Report, &'static str> {
        let permit = self.batch.permit(resource).await;
        let _permit = permit.ok_or("Microsoft asks us to slow down")?;
        progress.began(&resource.name);
        let probing = self.prober.probe(Arc::clone(resource), Story::untold());
        let report = probing.await;
        self.batch.note(resource, &report);
        Ok(report)
    }
}

fn probe(resource: &Resource, report: &Report, held: Option<&Held>, missing: bool) -> DoctorStep {
    let detail = report.detail.to_string();
    let Some(reason) = report.verdict.reason() else {
        let latency = report.latency().map_or_else(String::new, |latency| {
            format!(" in {:.0} ms", latency.as_secs_f64() * 1e3)
        });
        return DoctorStep::proved("probe", "", format!("{detail}{latency}"));
    };
    let with_id = match &report.exchange.request_id {
        Some(id) => format!("{reason}: {detail} (request-id {id})"),
        None => format!("{reason}: {detail}"),
    };
    match reason {
        Reason::Throttled | Reason::Token => DoctorStep::unseen("probe", "", with_id)
            .mend((reason == Reason::Throttled).then_some("wait and try again")),
        Reason::Forbidden => {
            DoctorStep::refuted("probe", "", with_id).mend(advised(resource, reason, held, missing))
        }
        Reason::Unauthorized => DoctorStep::refuted("probe", "", with_id).mend([
            "is Entra reached through another address than this host? A policy that binds tokens \
             to an address refuses them then; see the step egress"
                .to_owned(),
            Commands::of(&resource.account).sign_in_log(),
        ]),
        Reason::NotFound | Reason::Rejected => {
            DoctorStep::refuted("probe", "", with_id).mend(advised(resource, reason, held, missing))
        }
        Reason::Locked => DoctorStep::refuted("probe", "", with_id).mend([
            "SharePoint admin center → Active sites → the site: is it locked, read-only or archived?",
        ]),
        Reason::Dns
        | Reason::Connect
        | Reason::Tls
        | Reason::Proxy
        | Reason::Timeout
        | Reason::ServerError
        | Reason::BadResponse
        | Reason::UnexpectedStatus
        | Reason::Internal => DoctorStep::refuted("probe", "", with_id)
            .mend([format!(
                "m365mon probe {}   # the whole story",
                shell(&resource.name)
            )]),
    }
}

/// What the kind advises.
fn advised(resource: &Resource, reason: Reason, held: Option<&Held>, lacking: bool) -> Vec<String> {
    let account = &resource.account;
    let person = account.person().is_some();
    let rights = match held {
        Some(Ok(Some(rights))) => rights.held(person),
        _ => None,
    };
    let refused = Refused {
        reason,
        error: &ServiceError::default(),
        held: rights,
        lacking,
    };
    let advice = resource.kind.advise(account, &refused).unwrap_or_default();
    let commands = Commands::of(account);
    let remedies = advice.remedies.iter();
    remedies
        .flat_map(|remedy| commands.remedy(remedy))
        .collect()
}
