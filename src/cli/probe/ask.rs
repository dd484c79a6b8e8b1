//! Asks for resources with the exporter's own prober, a few at a time.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt as _;
use parking_lot::Mutex;

use super::Probed;
use crate::entra::{TokenStore, Tokens};
use crate::http::{Network, NetworkError, ProbeClient, SimpleClient};
use crate::kinds::{Configuration, Resource};
use crate::model::{
    Account, AccountObserver, AccountStatus, Clock, GateKey, Hold, Reason, Report, Story,
    SystemRandom, TokenReport, Verdict,
};
use crate::probe::{Prober as _, TenantProber};
use crate::state::State;

/// So many probes are under way at once: one run shall not be what a service
/// throttles.
const AT_ONCE: usize = 8;

/// What was asked, and what is known of the accounts.
pub(super) struct Asked {
    /// In the order in which they were named.
    pub(super) probes: Vec<Probed>,
    /// With the report of each.
    pub(super) state: Arc<State>,
}

/// Probes them all.
pub(super) async fn all(
    configuration: &Configuration,
    resources: Vec<Arc<Resource>>,
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
    let prober = TenantProber::new(ProbeClient::new(&network)?, tokens, clock.clone(), random);
    let closed = Closed::default();
    let probes = futures_util::stream::iter(stories)
        .map(|(resource, story)| {
            let (prober, closed, clock) = (&prober, &closed, &clock);
            async move {
                let report = if closed.holds(&resource) {
                    held_back(clock)
                } else {
                    // A story that goes on is cloned; its lines are shared.
                    let report = prober.probe(resource.clone(), story.clone()).await;
                    closed.note(&resource, &report);
                    report
                };
                Probed {
                    resource,
                    report,
                    story,
                }
            }
        })
        .buffered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    for probed in &probes {
        if let Some(slot) = state.slot(&probed.resource.name) {
            slot.record(&probed.report);
        }
    }
    Ok(Asked { probes, state })
}

/// The gates that a service closed during this run: a wait that it asked for
/// is honoured, whoever asks.
#[derive(Default)]
struct Closed(Mutex<HashSet<GateKey>>);

impl Closed {
    fn holds(&self, resource: &Resource) -> bool {
        self.0.lock().contains(&resource.gate_key())
    }

    fn note(&self, resource: &Resource, report: &Report) {
        if matches!(report.exchange.hold, Some(Hold::Gate { .. })) {
            self.0.lock().insert(resource.gate_key());
        }
    }
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
