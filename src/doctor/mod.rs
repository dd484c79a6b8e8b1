//! The doctor: proves step by step what is configured, or says what is wrong
//! with it and how to mend it.
//!
//! What it promises: it sends what a probe would send, and beside that only
//! requests without a token (the tenant's discovery document, and one to each
//! host to see whether it can be reached); it changes nothing but the sign-in
//! that a renewal renews, and what kinds write that write; nothing it says
//! holds a secret or content of the tenant. A step is `proved` or `refuted` only if it was seen; all else
//! `cannot be seen from here`.
//!
//! Who calls: `m365mon doctor`.

mod credential;
mod credential_mend;
mod discovery;
mod egress;
mod finding;
mod mend;
mod render;
mod resource;
mod rights;
mod token;
mod way;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::join_all;

use crate::entra::{Consent, Rights, TokenStore, Tokens};
use crate::http::{Network, NetworkError, ProbeClient, SimpleClient};
use crate::kinds::{Configuration, Resource, needed_rights, with_own_credential};
use crate::model::{
    Account, AccountName, Audience, Clock, IgnoreAccounts, NeededRights, Random, SignIn,
    TokenProblem,
};
use crate::probe::{Batch, TenantProber, Watcher};

pub use finding::{AccountExam, DoctorStep, Examination, Finding, ResourceExam};
pub use render::{TextStyle, json, text};

/// Accounts that are examined at a time. Entra takes far more; who is the first
/// of a hundred shall not wait for the rest.
const ACCOUNTS_AT_ONCE: usize = 16;

/// Examines accounts.
pub struct Doctor {
    network: Network,
    client: ProbeClient,
    tokens: Arc<Tokens>,
    consent: Consent,
    runner: resource::ProbeRunner,
    clock: Clock,
    random: Arc<dyn Random>,
    resources: Vec<Arc<Resource>>,
    needed: HashMap<AccountName, NeededRights>,
}

/// What came of asking for a token.
type Held = Result<Option<Rights>, TokenProblem>;

impl Doctor {
    /// One for a checked configuration. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the `http` section names something that does not work.
    pub fn new(
        configuration: &Configuration,
        store: &TokenStore,
        clock: &Clock,
        random: &Arc<dyn Random>,
    ) -> Result<Self, NetworkError> {
        let network = Network::new(&configuration.http)?;
        let plain = SimpleClient::new(&network)?;
        let client = ProbeClient::new(&network)?;
        let tokens = Tokens::new(
            plain.clone(),
            store.clone(),
            clock.clone(),
            Arc::clone(random),
            Arc::new(IgnoreAccounts),
        );
        tokens.configure(&configuration.accounts);
        Ok(Self {
            runner: resource::ProbeRunner::new(
                TenantProber::new(
                    client.clone(),
                    Arc::clone(&tokens) as _,
                    clock.clone(),
                    Arc::clone(random),
                ),
                Batch::new(&configuration.limits, &configuration.resources),
            ),
            consent: Consent::new(plain, store.clone(), clock.clone(), Arc::clone(random)),
            network,
            client,
            tokens,
            clock: clock.clone(),
            random: Arc::clone(random),
            resources: configuration.resources.clone(),
            needed: needed_rights(configuration),
        })
    }

    /// Examines accounts and their resources; `progress` is told meanwhile.
    pub async fn examine_all(
        &self,
        accounts: &[&Arc<Account>],
        progress: &dyn Watcher,
    ) -> Examination {
        let of_these = |resource: &&Arc<Resource>| {
            let mut names = accounts.iter().map(|account| &account.name);
            names.any(|name| *name == resource.account.name)
        };
        progress.expect(self.resources.iter().filter(of_these).count());
        let exams = accounts
            .iter()
            .map(|account| self.examine(account, progress));
        let exams = futures_util::stream::iter(exams).buffered(ACCOUNTS_AT_ONCE);
        Examination::of(exams.collect().await)
    }

    /// The resources that an examination of this account probes.
    fn resources_of<'a>(&'a self, account: &'a Account) -> impl Iterator<Item = &'a Arc<Resource>> {
        let all = self.resources.iter();
        all.filter(|resource| resource.account.name == account.name)
    }

    /// Examines one account and its resources.
    async fn examine(&self, account: &Arc<Account>, progress: &dyn Watcher) -> AccountExam {
        let mine: Vec<&Arc<Resource>> = self.resources_of(account).collect();
        let audiences: BTreeSet<Audience> = mine
            .iter()
            .filter_map(|resource| resource.audience())
            .collect();
        let mut exam = AccountExam::of(account);
        let steps = &mut exam.steps;
        steps.push(credential::configuration(&mine));
        let credential_at = steps.len();
        steps.extend(credential::check(account, None, &self.clock, &*self.random));
        let signed_in = match account.person() {
            Some(_) => {
                let step = credential::sign_in(&self.consent, account, &self.clock).await;
                let proved = step.finding == Finding::Proved;
                steps.push(step);
                proved
            }
            None => true,
        };

        let ways = way::Ways {
            network: &self.network,
            client: &self.client,
            proxy: account.proxy.clone(),
        };
        let (mut login_reached, mut tenant_id) = (true, None);
        let say = |what: &str| progress.step(&format!("{}: {what}", account.name));
        if !matches!(account.sign_in, SignIn::ManagedIdentity | SignIn::Nobody) {
            say(account.cloud.login_url());
            let found = discovery::look(&ways, account, &self.clock).await;
            login_reached = found.reached;
            tenant_id = found.tenant_id;
            steps.extend(found.steps);
        }
        let mut reached: BTreeSet<&Audience> = BTreeSet::new();
        for audience in &audiences {
            say(audience.as_str());
            let serves = way::Serves::of(audience, account, &mine);
            let found = way::audience(&ways, audience, serves, tenant_id.as_deref()).await;
            if rights::worst(&found) != Finding::Refuted {
                reached.insert(audience);
            }
            steps.extend(found);
        }
        steps.extend(egress::step(&self.network, account, &audiences, &mine));

        let mut held: BTreeMap<Audience, Held> = BTreeMap::new();
        for audience in &audiences {
            let (step, result) = if !login_reached {
                token::not_asked(audience, "the login host cannot be reached")
            } else if !signed_in {
                token::not_asked(audience, "nobody is signed in")
            } else {
                say(&format!("a token for {audience}"));
                token::ask(&self.tokens, account, audience).await
            };
            steps.push(step);
            held.insert(audience.clone(), result);
        }
        let refused = held.values().any(Result::is_err);
        if !with_own_credential(mine.iter().copied()).is_empty() && login_reached && !refused {
            self.runner.own_credential(account).await;
            let found = self.tokens.registered_end(account);
            // Said again, now that the directory had its say.
            let again = credential::check(account, found, &self.clock, &*self.random);
            if let (Some(step), Some(again)) = (steps.get_mut(credential_at), again) {
                *step = again;
            }
        }
        let none = NeededRights::default();
        let needed = self.needed.get(&account.name).unwrap_or(&none);
        steps.extend(rights::excess(account, needed, &held));
        steps.extend(rights::tenant_wide(account, &mine, &held));

        let probing = mine.into_iter().map(|resource| {
            let (held, reached) = match resource.audience() {
                Some(audience) => (held.get(&audience), reached.contains(&audience)),
                None => (None, true),
            };
            self.runner.examine(resource, held, reached, progress)
        });
        // In the order of the configuration, whoever answers first.
        exam.resources = join_all(probing).await;
        exam
    }
}

impl std::fmt::Debug for Doctor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Doctor")
    }
}
