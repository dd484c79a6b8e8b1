//! One resource: one probe, and what its answer means.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Held;
use super::finding::{Finding, ResourceExam, Step};
use super::rights;
use crate::model::powershell::quoted;
use crate::model::{
    AppCredential, GateKey, Kind, Outcome, Reason, Report, Resource, SignIn, SiteApi, Story,
};
use crate::probe::{Prober as _, TenantProber};
use crate::setup::{Mend, read_mailbox, shell};

/// Where resources are probed.
pub(super) struct Bench {
    prober: TenantProber,
    /// Limits of Microsoft's that were met: who counts against one of them is
    /// not probed any more.
    met: Mutex<HashSet<GateKey>>,
}

impl Bench {
    pub(super) fn new(prober: TenantProber) -> Self {
        Self {
            prober,
            met: Mutex::default(),
        }
    }

    /// Probes a resource and compares its rights. `reached`: its host can be.
    pub(super) async fn examine(
        &self,
        resource: &Arc<Resource>,
        held: Option<&Held>,
        reached: bool,
    ) -> ResourceExam {
        let key = resource.gate_key();
        let why_not = match held {
            Some(Ok(_)) if !reached => Some("its host cannot be reached"),
            Some(Ok(_)) if self.met.lock().contains(&key) => Some("Microsoft asks us to slow down"),
            Some(Ok(_)) => None,
            Some(Err(_)) | None => Some("there is no token"),
        };
        if let Some(why_not) = why_not {
            let mut steps = rights::permissions(resource, held, false);
            steps.push(Step::unseen("probe", "", format!("not probed: {why_not}")));
            return ResourceExam::of(resource, steps);
        }
        let probing = self.prober.probe(Arc::clone(resource), Story::untold());
        let report = probing.await;
        if report.verdict.reason() == Some(Reason::Throttled) {
            self.met.lock().insert(key);
        }
        let works = report.verdict.outcome() == Outcome::Success;
        let mut steps = rights::permissions(resource, held, works);
        let missing = rights::worst(&steps) == Finding::Refuted;
        steps.push(probe(resource, &report, held, missing));
        ResourceExam::of(resource, steps)
    }
}

fn probe(resource: &Resource, report: &Report, held: Option<&Held>, missing: bool) -> Step {
    let detail = report.detail.to_string();
    let Some(reason) = report.verdict.reason() else {
        let latency = report.latency().map_or_else(String::new, |latency| {
            format!(" in {:.0} ms", latency.as_secs_f64() * 1e3)
        });
        return Step::proved("probe", "", format!("{detail}{latency}"));
    };
    let with_id = match &report.request_id {
        Some(id) => format!("{reason}: {detail} (request-id {id})"),
        None => format!("{reason}: {detail}"),
    };
    match reason {
        Reason::Throttled | Reason::Token => Step::unseen("probe", "", with_id)
            .mend((reason == Reason::Throttled).then_some("wait and try again")),
        Reason::Forbidden => {
            Step::refuted("probe", "", with_id).mend(forbidden(resource, held, missing))
        }
        Reason::Unauthorized => Step::refuted("probe", "", with_id).mend([
            "is Entra reached through another address than this host? A policy that binds tokens \
             to an address refuses them then; see the step egress"
                .to_owned(),
            Mend::of(&resource.account).sign_in_log(),
        ]),
        Reason::NotFound | Reason::Rejected => {
            Step::refuted("probe", "", with_id).mend(not_there(resource))
        }
        Reason::Locked => Step::refuted("probe", "", with_id).mend([
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
        | Reason::Internal => Step::refuted("probe", "", with_id)
            .mend([format!(
                "m365mon probe {}   # the whole story",
                shell(&resource.name)
            )]),
    }
}

fn forbidden(resource: &Resource, held: Option<&Held>, missing: bool) -> Vec<String> {
    let account = &resource.account;
    let mend = Mend::of(account);
    let person = account.person();
    match &resource.kind {
        Kind::SharePointSite { api, .. } => {
            let secret = matches!(
                account.sign_in,
                SignIn::App(AppCredential::ClientSecret { .. })
            );
            if *api == SiteApi::SharePoint && secret {
                return vec![
                    "SharePoint's own REST takes app-only tokens by certificate or federation \
                     only: client_certificate instead of client_secret, or drop `api: sharepoint`"
                        .to_owned(),
                    mend.script(),
                ];
            }
            if missing {
                return vec!["first what the step permissions says".to_owned()];
            }
            let mut how = Vec::new();
            if let Some(person) = person {
                how.push(format!(
                    "the person must be able to read the site: Settings → Site permissions → \
                     Share site → {}, Read",
                    person.username
                ));
            }
            if person.is_none() || rights::only_selected(resource, held) {
                how.push(
                    "the role read on this site is missing; one of these three gives it:".into(),
                );
                how.extend(mend.grant_site(&resource.kind));
            }
            how
        }
        Kind::ExchangeMailbox { .. } if missing => {
            vec!["first what the step permissions says".to_owned()]
        }
        Kind::ExchangeMailbox { user: Some(user) } => match person {
            None => vec![
                mend.test_mailbox(user),
                mend.test_policy(user),
                "a role assigned less than two hours ago may not act yet: wait".to_owned(),
            ],
            Some(person) => vec![read_mailbox(user, &person.username)],
        },
        Kind::ExchangeMailbox { user: None } => vec![
            "a policy of Exchange may forbid it: Get-CASMailbox shows what is switched off for \
             this person"
                .to_owned(),
            mend.sign_in(),
        ],
    }
}

fn not_there(resource: &Resource) -> Vec<String> {
    match &resource.kind {
        Kind::SharePointSite { url, .. } => vec![format!(
            "does a browser find {url}? A site of another tenant needs an account there"
        )],
        Kind::ExchangeMailbox { user } => {
            let person = resource.account.person().map(|person| &*person.username);
            let user = user.as_deref().or(person).unwrap_or_default();
            vec![format!(
                "Get-EXOMailbox -Identity {} | Format-List PrimarySmtpAddress, ExternalDirectoryObjectId",
                quoted(user)
            )]
        }
    }
}
