//! The rooms of the exporter as `serve` wires them, on the real simulated
//! tenant, with a clock that the test can set.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use m365mon::config;
use m365mon::entra::{Consent, TokenStore, Tokens, Wanted};
use m365mon::http::{Network, ProbeClient, SimpleClient};
use m365mon::kinds::Configuration;
use m365mon::model::{Clock, Random, SystemRandom};
use m365mon::probe::TenantProber;
use m365mon::scheduler::Scheduler;
use m365mon::state::State;
use m365mon_simulator::directory::{self as contoso, Size};
use m365mon_simulator::entra::approve_device;
use m365mon_simulator::{Options, Running, files};
use serde_json::Value;

use crate::support::stack::until;

/// Reports of all resources together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outcomes {
    pub(super) success: u64,
    pub(super) failure: u64,
    pub(super) inconclusive: u64,
}

pub(super) struct House {
    pub(super) running: Running,
    pub(super) state: Arc<State>,
    _folder: tempfile::TempDir,
    scheduler: Arc<Scheduler>,
    /// Seconds by which the exporter's clock is off.
    off: Arc<AtomicI64>,
    /// Seconds that everybody slept.
    slept: Arc<AtomicI64>,
}

impl House {
    /// An application with a secret, one with a certificate, a person who has
    /// signed in, and so many mailboxes more; probing has begun.
    pub(super) async fn start(mailboxes: usize, actions: &[Value]) -> Self {
        let size = Size {
            mailboxes,
            ..Size::default()
        };
        let (off, slept) = (Arc::<AtomicI64>::default(), Arc::<AtomicI64>::default());
        let world = shifted(Clock::system(), &slept);
        let options = Options {
            size,
            clock: world.clone(),
            ..Options::default()
        };
        let running = m365mon_simulator::start(options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let interval = Duration::from_secs(2 + mailboxes as u64 / 125);
        files::write(&running, folder.path(), size, interval).unwrap();
        for action in actions {
            act(&running, action.clone());
        }
        let configuration = add_certificate(&running, folder.path());
        let clock = shifted(world, &off);
        let network = Network::new(&configuration.http).unwrap();
        let plain = SimpleClient::new(&network).unwrap();
        let store = TokenStore::new(&configuration.storage, None);
        let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
        let consent = Consent::new(
            plain.clone(),
            store.clone(),
            clock.clone(),
            Arc::clone(&random),
        );
        sign_in(&running, &configuration, &consent).await;

        let state = State::new(clock.clone(), 20);
        let tokens = Tokens::new(
            plain,
            store,
            clock.clone(),
            Arc::clone(&random),
            Arc::clone(&state) as _,
        );
        let client = ProbeClient::new(&network).unwrap();
        let prober = TenantProber::new(
            client,
            Arc::clone(&tokens) as _,
            clock.clone(),
            Arc::clone(&random),
        );
        let scheduler = Scheduler::new(Arc::new(prober), Arc::clone(&state), clock, random);
        state.configure(&configuration);
        tokens.configure(&configuration.accounts);
        scheduler.configure(&configuration);
        tokio::spawn(Arc::clone(&scheduler).run());
        let house = Self {
            running,
            state,
            _folder: folder,
            scheduler,
            off,
            slept,
        };
        // Each of them, so that every audience has its token.
        until("everything was probed", async || {
            let slots = house.state.slots();
            let successes = slots
                .iter()
                .map(|slot| slot.read(m365mon::state::Record::outcomes)[0]);
            let done = successes.filter(|successes| *successes > 0).count();
            (done == slots.len()).then_some(()).ok_or(done)
        })
        .await;
        house
    }

    pub(super) fn act(&self, action: Value) {
        act(&self.running, action);
    }

    /// Sets the exporter's clock so many seconds off.
    pub(super) fn set_off(&self, seconds: i64) {
        self.off.store(seconds, Ordering::Relaxed);
    }

    /// The machines of the exporter and of Entra sleep so many seconds.
    pub(super) fn sleep(&self, seconds: i64) {
        self.slept.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(super) fn outcomes(&self) -> Outcomes {
        let mut all = Outcomes::default();
        for slot in self.state.slots().iter() {
            let [success, failure, inconclusive] = slot.read(m365mon::state::Record::outcomes);
            all.success += success;
            all.failure += failure;
            all.inconclusive += inconclusive;
        }
        all
    }

    /// The reasons met so far, by resource.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for slot in self.state.slots().iter() {
            slot.read(|record| {
                for problem in record.problems() {
                    let name = slot.resource().name.to_string();
                    found.push((name, format!("{} x {}", problem.reason, problem.count)));
                }
            });
        }
        found
    }

    pub(super) async fn until(&self, what: &str, pleases: impl Fn(Outcomes) -> bool) {
        until(what, async || {
            let all = self.outcomes();
            pleases(all).then_some(()).ok_or(all)
        })
        .await;
    }

    /// Lets so many rounds of probes pass.
    pub(super) async fn rounds(&self, rounds: u64) {
        let (before, each) = (self.outcomes(), self.state.slots().len() as u64);
        self.until("rounds of probes", |all| {
            let done = all.success + all.failure + all.inconclusive;
            done >= before.success + before.failure + before.inconclusive + rounds * each
        })
        .await;
    }

    /// Requests at the login host so far.
    pub(super) fn token_requests(&self) -> u64 {
        let counts = self.running.tenant.journal.read(0).counts;
        let login = counts.iter().filter(|(key, _)| key.starts_with("login "));
        login.map(|(_, count)| count).sum()
    }

    /// How often a client has asked for a token, as far as the journal goes back.
    pub(super) fn requests_of(&self, client: &str) -> usize {
        let journal = self.running.tenant.journal.read(usize::MAX);
        let of = |app: &Option<String>| app.as_deref() == Some(client);
        journal
            .latest
            .iter()
            .filter(|entry| entry.grant.is_some() && of(&entry.app))
            .count()
    }

    /// No probe but successful ones.
    pub(super) fn nothing_but_success(&self) {
        let all = self.outcomes();
        assert_eq!(
            (all.failure, all.inconclusive),
            (0, 0),
            "{all:?} {:?}",
            self.problems()
        );
    }

    pub(super) async fn stop(self) {
        self.scheduler.shutdown(Duration::from_secs(5)).await;
        self.running.shutdown().await;
    }
}

/// A clock that is so many seconds ahead of another.
fn shifted(clock: Clock, by: &Arc<AtomicI64>) -> Clock {
    let by = Arc::clone(by);
    Clock::from_fn(move || {
        let by = jiff::SignedDuration::from_secs(by.load(Ordering::Relaxed));
        clock.now().checked_add(by).unwrap()
    })
}

fn act(running: &Running, action: Value) {
    let action: m365mon_simulator::command::Command = serde_json::from_value(action).unwrap();
    action.perform(&running.tenant).unwrap();
}

/// The configuration that `simulate` writes, patient, and with a third account.
fn add_certificate(running: &Running, folder: &Path) -> Configuration {
    let app = contoso::CERTIFICATE_CLIENT_ID;
    let (pem, registered) = super::grants::certificate();
    running
        .tenant
        .directory
        .write()
        .application_mut(app)
        .unwrap()
        .certificates
        .push(registered);
    std::fs::write(folder.join("certificate.pem"), pem).unwrap();
    let file = folder.join(files::CONFIGURATION_FILE);
    let text = std::fs::read_to_string(&file).unwrap();
    let account = format!(
        "accounts:\n  - name: certified\n    tenant: {}\n    client_id: {app}\n    \
         client_certificate: {{certificate_file: certificate.pem}}\n",
        contoso::DOMAIN
    );
    let resources = format!(
        "resources:\n  - {{name: intranet-certified, account: certified, kind: sharepoint_site, \
         url: \"https://{0}/sites/intranet\"}}\n  - {{name: intranet-certified-rest, \
         account: certified, kind: sharepoint_site, url: \"https://{0}/sites/intranet\", \
         api: sharepoint}}\n",
        contoso::SHAREPOINT_HOST
    );
    let text = text
        .replace("accounts:\n", &account)
        .replace("resources:\n", &resources)
        .replace("timeout: ", "connection: reuse, timeout: ")
        .replace("timeout: 1s", "timeout: 1900ms");
    assert!(text.contains("connection: reuse"), "{text}");
    std::fs::write(&file, text).unwrap();
    config::load(&file, &NoEnvironment).unwrap().configuration
}

struct NoEnvironment;

impl config::Environment for NoEnvironment {
    fn var(&self, _: &str) -> Option<String> {
        None
    }
}

/// Steve, by device code.
async fn sign_in(running: &Running, configuration: &Configuration, consent: &Consent) {
    let account = configuration
        .accounts
        .iter()
        .find(|account| account.person().is_some())
        .unwrap();
    let code = consent.device_code(account, &Wanted::new()).await.unwrap();
    let steve = format!("steve@{}", contoso::DOMAIN);
    approve_device(&running.tenant, code.user_code(), &steve).unwrap();
    consent.finish_device(account, code).await.unwrap();
}
