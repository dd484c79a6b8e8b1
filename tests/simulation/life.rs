//! Hours of one exporter: configurations, scrapes, faults, reloads, jumps of the
//! clock, and its death.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::chance::Chance;
use super::disk::{self, Disk};
use super::judge::Witness;
use super::network::Network;
use super::world::{Mood, Place, World};
use super::{Sabotage, plan};
use crate::entra::{TokenStore, Tokens};
use crate::kinds::{Configuration, needed_rights};
use crate::metrics::{BuildInfo, Exposition, Format, Rendering};
use crate::model::{Random, Secret, Storage};
use crate::probe::TenantProber;
use crate::scheduler::{ProbeDemand, Scheduler};
use crate::state::State;

/// Everything that outlives a process.
pub(super) struct Stage {
    pub(super) world: Arc<World>,
    pub(super) plan: Chance,
    pub(super) folder: tempfile::TempDir,
    pub(super) configuration: Configuration,
    pub(super) sabotage: Option<Sabotage>,
    pub(super) strict: bool,
    /// As another process reads what is on the disk.
    pub(super) reader: TokenStore,
}

/// The store in a folder, sealed with a key of the environment.
pub(super) fn store_in(folder: &Path) -> TokenStore {
    let storage = Storage {
        file: folder.join("tokens"),
        key_file: folder.join("key"),
    };
    let key = "a2V5LW9mLXRoaXJ0eS10d28tYnl0ZXMtZXhhY3RseSE=";
    TokenStore::new(&storage, Some(Secret::new(key.into())))
}

struct Process {
    state: Arc<State>,
    tokens: Arc<Tokens>,
    scheduler: Arc<Scheduler>,
    exposition: Exposition,
    witness: Arc<Witness>,
}

impl Stage {
    /// A handle of its own, as each process has.
    fn store(&self) -> TokenStore {
        store_in(self.folder.path())
    }

    /// Signs the persons in who are not.
    pub(super) fn sign_in_everybody(&self) {
        let clock = self.world.clock();
        for account in &self.configuration.accounts {
            let client = account.client_id.as_deref().unwrap_or_default();
            if account.person().is_some() && !self.world.book(client).exists() {
                let token = self.world.sign_in(client, self.strict);
                if !self.store().sign_in_simulated(account, &token, clock.now()) {
                    // The disk is full: the person is told, and tries again later.
                    self.world.end_sign_in(client);
                }
            }
        }
    }

    /// Runs a process for so long, then kills it.
    pub(super) fn live(&mut self, seed: u64, length: Duration) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let began = Instant::now();
            self.world.born();
            self.world.note("a process begins");
            let process = self.start(seed);
            let end = began + length;
            let mut tick = 0_u32;
            while Instant::now() < end {
                tick += 1;
                sleep_until(began + Duration::from_secs(tick.into())).await;
                self.step(&process, tick);
            }
            self.world.note("it is killed");
            self.world.died(began.elapsed());
        });
        // Whatever was under way is gone, in the middle of whatever it did.
        drop(runtime);
    }

    fn start(&self, seed: u64) -> Process {
        let world = &self.world;
        let clock = world.clock();
        let random: Arc<dyn Random> = Arc::new(Chance::new(seed, 3));
        let network = Network {
            world: world.clone(),
            sabotage: self.sabotage,
        };
        let state = State::new(clock.clone(), 20);
        let tokens = Tokens::with_endpoint(
            Arc::new(network.clone()),
            self.store(),
            clock.clone(),
            random.clone(),
            state.clone(),
        );
        let prober = TenantProber::new(network, tokens.clone(), clock.clone(), random.clone());
        let witness = Witness::new(Arc::new(prober), world.clone(), self.sabotage);
        let scheduler = Scheduler::new(witness.clone(), state.clone(), clock, random);
        let exposition = Exposition::new(state.clone(), BuildInfo::THIS);
        let process = Process {
            state,
            tokens,
            scheduler,
            exposition,
            witness,
        };
        process.apply(&self.configuration);
        tokio::spawn(process.scheduler.clone().run());
        process
    }

    /// One second later: what must hold, and what happens next.
    fn step(&mut self, process: &Process, tick: u32) {
        self.check_ticks(process);
        if tick.is_multiple_of(5) {
            self.check_sign_ins();
        }
        if tick.is_multiple_of(15) {
            self.scrape(process);
        }
        if self.plan.once_in(40) {
            self.something(process);
        }
    }

    fn check_ticks(&self, process: &Process) {
        for resource in &self.configuration.resources {
            let Some(mut ticks) = process.scheduler.ticks(&resource.name) else {
                continue;
            };
            if self.sabotage == Some(Sabotage::LosesTicks) && ticks.reported > 3 {
                ticks.reported -= 1;
            }
            let all = ticks.skipped + ticks.reported + ticks.running + ticks.waiting;
            if ticks.due != all {
                self.world.violated(
                    "due = reported + skipped + running + waiting",
                    format!("{}: {ticks:?}", resource.name),
                );
            }
        }
    }

    fn check_sign_ins(&self) {
        for account in &self.configuration.accounts {
            let client = account.client_id.as_deref().unwrap_or_default();
            let book = self.world.book(client);
            if account.person().is_none() || !book.exists() {
                continue;
            }
            let on_disk = self.reader.refresh_token_simulated(account);
            if !on_disk.as_deref().is_some_and(|token| book.takes(token)) {
                self.world.violated(
                    "the newest refresh token is on the disk, or the older works",
                    format!("{}: the disk has {on_disk:?}", account.name),
                );
            }
        }
    }

    /// Prometheus asks; probes of `on_scrape` go on meanwhile.
    fn scrape(&self, process: &Process) {
        let scheduler = process.scheduler.clone();
        tokio::spawn(async move { scheduler.scrape(Duration::from_secs(8)).await });
        let mut text = Vec::new();
        let rendering = Rendering {
            format: Format::Text,
            gzip: false,
        };
        process.exposition.write(rendering, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let own = text.lines().filter(|line| !line.contains("process_"));
        let text = own.collect::<Vec<_>>().join("\n");
        self.world.note(format!("scrape {:016x}", digest(&text)));
        let shown = match self.sabotage {
            Some(Sabotage::ShowsOldPages) => self.world.first_page(&text),
            _ => text,
        };
        process.witness.judge(&shown, &self.configuration.resources);
    }

    fn something(&mut self, process: &Process) {
        match self.plan.below(12) {
            0..=6 => {
                let place = *self.plan.pick(&Place::ALL);
                let mood = plan::mood(&self.plan, place);
                self.world.set_mood(place, mood);
            }
            7 => {
                plan::change(&mut self.configuration, &self.plan);
                self.world.note("reload");
                process.apply(&self.configuration);
            }
            8 => {
                let seconds = *self.plan.pick(&[-86_400, -3600, -2, 2, 3600, 86_400]);
                self.world.note(format!("the clock jumps by {seconds} s"));
                self.world.skew.fetch_add(seconds, Ordering::Relaxed);
            }
            9 => {
                self.world.set_mood(Place::Entra, Mood::Fine);
                self.sign_in_everybody();
            }
            10 => {
                let full = !self.strict && self.plan.once_in(2);
                self.world.note(format!("the disk is full: {full}"));
                disk::set(match (self.sabotage, full) {
                    (Some(Sabotage::DiskLies), _) => Disk::Lying,
                    (_, true) => Disk::Full,
                    _ => Disk::Good,
                });
            }
            _ => self.somebody_asks(process),
        }
    }

    /// A person looks at one resource.
    fn somebody_asks(&self, process: &Process) {
        let resource = self.plan.pick(&self.configuration.resources);
        let Some(slot) = process.state.slot(&resource.name) else {
            return;
        };
        let scheduler = process.scheduler.clone();
        let demand = ProbeDemand {
            budget: self.plan.seconds(1, 20),
            min_age: self.plan.once_in(2).then_some(Duration::ZERO),
        };
        self.world
            .note(format!("somebody asks for {}", resource.name));
        tokio::spawn(async move { scheduler.probe(&slot, demand).await });
    }
}

impl Process {
    /// In the order of the exporter.
    fn apply(&self, configuration: &Configuration) {
        self.state.configure(configuration);
        self.tokens.need(needed_rights(configuration));
        self.tokens.configure(&configuration.accounts);
        self.scheduler.configure(configuration);
    }
}

/// FNV-1a: the same text, the same number.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
