//! Asks for resources with the exporter's own prober, as many at once as the
//! limits let.

use std::sync::Arc;

use futures_util::future::join_all;

use super::Probed;
use crate::entra::{TokenStore, Tokens};
use crate::http::{Network, NetworkError, ProbeClient, SimpleClient};
use crate::kinds::{Configuration, Resource};
use crate::model::{
    Account, AccountObserver, AccountStatus, Clock, Reason, Report, Story, SystemRandom,
    TokenReport, Verdict,
};
use crate::probe::{Batch, TenantProber, Watcher};
use crate::state::State;

/// What was asked, and what is known of the accounts.
pub(super) struct Asked {
    /// In the order in which they were named.
    pub(super) probes: Vec<Probed>,
    /// With the report of each.
    pub(super) state: Arc<State>,
    /// Which way the requests went.
    pub(super) client: ProbeClient,
}

/// Probes them all; `progress` is told meanwhile.
pub(super) async fn all(
    configuration: &Configuration,
    resources: Vec<Arc<Resource>>,
    progress: &dyn Watcher,
) -> Result<Asked, NetworkError> {
    let clock = Clock::system();
    let state = State::new(clock.clone(), 1);
    state.configure(configuration);
    let stories: Vec<(Arc<Resource>, Story)> = resources
        .into_iter()
        .map(|resource| (resource, Story::begin()))
        .collect();
    let network = Network::new(&configuration.http)?;
    let random = Arc::new(SystemRandom::new());
    let tokens = Tokens::new(
        SimpleClient::new(&network)?,
        TokenStore::from_environment(&configuration.storage),
        clock.clone(),
        random.clone(),
        Arc::new(TokenRequests {
            stories: stories.clone(),
            state: state.clone(),
        }),
    );
    let mut accounts: Vec<Arc<Account>> = Vec::new();
    for (resource, _) in &stories {
        let others = resource.kind.accounts();
        for account in std::iter::once(&resource.account).chain(&others) {
            if !accounts.iter().any(|one| one.name == account.name) {
                accounts.push(account.clone());
            }
        }
    }
    tokens.configure(&accounts);
    let client = ProbeClient::new(&network)?;
    let prober = TenantProber::new(client.clone(), tokens, clock.clone(), random);
    let batch = Batch::new(
        &configuration.limits,
        stories.iter().map(|(resource, _)| resource),
    );
    progress.expect(stories.len());
    let probing = stories.into_iter().map(|(resource, story)| {
        let (prober, batch, clock) = (&prober, &batch, &clock);
        async move {
            let report = match batch.permit(&resource).await {
                None => held_back(clock),
                Some(_permit) => {
                    progress.began(&resource.name);
                    // A story that goes on is cloned; its lines are shared.
                    let report = prober.explained(&resource, &story).await.0;
                    batch.note(&resource, &report);
                    report
                }
            };
            progress.ended(&resource.name, report.verdict.outcome());
            Probed {
                resource,
                report,
                story,
            }
        }
    });
    // In the order in which they were named, whoever answers first.
    let probes = join_all(probing).await;
    for probed in &probes {
        if let Some(slot) = state.slot(&probed.resource.name) {
            slot.record(&probed.report);
        }
    }
    Ok(Asked {
        probes,
        state,
        client,
    })
}

fn held_back(clock: &Clock) -> Report {
    let now = clock.now();
    Report::without_request(
        now,
        now,
        Verdict::Problem(Reason::Throttled),
        "not asked: the service throttled another probe of this run and wants a pause",
    )
}

/// Tells what support asks for about every token request, in the stories of
/// the resources that wait for it.
struct TokenRequests {
    stories: Vec<(Arc<Resource>, Story)>,
    state: Arc<State>,
}

impl AccountObserver for TokenRequests {
    fn token_request(&self, account: &Account, report: &TokenReport) {
        let of_account = self
            .stories
            .iter()
            .filter(|(resource, _)| resource.account.name == account.name);
        for (_, story) in of_account {
            story.tell(|| {
                let outcome = if report.result.is_ok() {
                    "answered"
                } else {
                    "refused"
                };
                let id = report
                    .request_id
                    .as_ref()
                    .map_or_else(String::new, |id| format!(", trace id {id}"));
                format!("token request {outcome} at {:.3}{id}", report.at)
            });
        }
        self.state.token_request(account, report);
    }

    fn status(&self, account: &Account, status: &AccountStatus) {
        self.state.status(account, status);
    }
}
