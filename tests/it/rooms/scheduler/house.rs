//! A scheduler with a scripted prober, on paused time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use m365mon::kinds::{Configuration, Resource};
use m365mon::model::{
    Account, Clock, Exchange, Phases, Random, Report, Story, Tenant, Timestamp, Verdict,
};
use m365mon::probe::{MayAsk, Prober};
use m365mon::scheduler::{Scheduler, Shard, TickSnapshot};
use m365mon::state::{SkipCause, State};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::support::fixtures;

/// A Monday, not on any round minute.
pub(super) const START: i64 = 1_764_028_817;

/// What a probe does.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Answers after this time; the report says the rest.
    Answer(Duration, Box<Report>),
    /// Never ends.
    Hang,
    /// Panics before its first await.
    Panic,
}

impl Act {
    /// A success after 200 ms.
    pub(super) fn success() -> Self {
        Self::Answer(
            Duration::from_millis(200),
            Box::new(report(Verdict::Success)),
        )
    }
}

/// A report whose times the prober fills in.
pub(super) fn report(verdict: Verdict) -> Report {
    let at = Timestamp::UNIX_EPOCH;
    Report {
        exchange: Exchange {
            status: Some(200),
            phases: Some(Phases::default()),
            ..Exchange::default()
        },
        ..Report::without_request(at, at, verdict, "")
    }
}

type Acts = dyn Fn(&Resource) -> Act + Send + Sync;

/// Does what its script says and writes down who started when.
pub(super) struct Scripted {
    script: Mutex<Arc<Acts>>,
    clock: Clock,
    pub(super) starts: Mutex<Vec<(Instant, Arc<Resource>)>>,
    /// How long each waits for its token.
    pub(super) token_takes: Mutex<Duration>,
    /// When somebody asked for an account's own credential.
    pub(super) own: Mutex<Vec<(Instant, Arc<Account>)>>,
    /// What comes of that.
    pub(super) own_verdict: Mutex<Verdict>,
    pub(super) own_changed: AtomicBool,
    pub(super) running: AtomicUsize,
    pub(super) most_running: AtomicUsize,
}

struct Running<'a>(&'a Scripted);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The scripted prober as the scheduler holds it.
struct Handle(Arc<Scripted>);

impl Handle {
    fn answer(&self, resource: &Arc<Resource>, story: &Story) -> BoxFuture<'static, Report> {
        let this = self.0.clone();
        this.starts.lock().push((Instant::now(), resource.clone()));
        let act = this.script.lock().clone()(resource);
        assert!(!matches!(act, Act::Panic), "scripted");
        story.tell(|| "probing".into());
        async move {
            let running = this.running.fetch_add(1, Ordering::SeqCst) + 1;
            this.most_running.fetch_max(running, Ordering::SeqCst);
            let _running = Running(&this);
            let started = this.clock.now();
            match act {
                Act::Answer(after, report) => {
                    tokio::time::sleep(after).await;
                    Report {
                        started,
                        finished: this.clock.now(),
                        ..*report
                    }
                }
                Act::Hang | Act::Panic => std::future::pending().await,
            }
        }
        .boxed()
    }
}

impl Prober for Handle {
    fn probe(
        &self,
        resource: Arc<Resource>,
        story: Story,
        may_ask: MayAsk,
        _until: Instant,
    ) -> BoxFuture<'static, Option<Report>> {
        let takes = *self.0.token_takes.lock();
        if takes.is_zero() {
            return self.answer(&resource, &story).map(Some).boxed();
        }
        let handle = Self(self.0.clone());
        async move {
            tokio::time::sleep(takes).await;
            match may_ask() {
                true => Some(handle.answer(&resource, &story).await),
                false => None,
            }
        }
        .boxed()
    }

    fn own_credential(
        &self,
        account: Arc<Account>,
        _may_ask: MayAsk,
    ) -> BoxFuture<'static, Option<Report>> {
        self.0.own.lock().push((Instant::now(), account));
        let verdict = *self.0.own_verdict.lock();
        if verdict == Verdict::Success {
            self.0.own_changed.store(false, Ordering::SeqCst);
        }
        std::future::ready(Some(report(verdict))).boxed()
    }

    fn wants_own_credential(&self, _: &Account) -> bool {
        self.0.own_changed.load(Ordering::SeqCst)
    }
}

/// A small generator, good enough to vary tests.
#[derive(Debug)]
pub(super) struct Dice(Mutex<u64>);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    pub(super) fn below(&self, bound: u64) -> u64 {
        let mut state = self.0.lock();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

impl Random for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = u8::try_from(self.below(256)).unwrap();
        }
    }
}

/// State, scheduler, prober and a clock that tests may set.
pub(super) struct House {
    pub(super) state: Arc<State>,
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) prober: Arc<Scripted>,
    pub(super) clock: Clock,
    /// Seconds by which the civil clock was set.
    pub(super) set_by: Arc<AtomicI64>,
    pub(super) driver: tokio::task::JoinHandle<()>,
    pub(super) began: Instant,
}

impl House {
    /// Everything succeeds until the script says otherwise.
    pub(super) fn new(configuration: &Configuration) -> Self {
        Self::at(START, configuration)
    }

    pub(super) fn at(start: i64, configuration: &Configuration) -> Self {
        Self::shard(start, configuration, Shard::ALL)
    }

    pub(super) fn shard(start: i64, configuration: &Configuration, shard: Shard) -> Self {
        let set_by = Arc::new(AtomicI64::new(0));
        let plain = Clock::following_tokio(Timestamp::from_second(start).unwrap());
        let by = set_by.clone();
        let clock = Clock::from_fn(move || {
            let jump = jiff::SignedDuration::from_secs(by.load(Ordering::SeqCst));
            plain.now() + jump
        });
        let state = State::new(clock.clone(), 20);
        let prober = Arc::new(Scripted {
            script: Mutex::new(Arc::new(|_: &Resource| Act::success())),
            clock: clock.clone(),
            starts: Mutex::default(),
            token_takes: Mutex::default(),
            own: Mutex::default(),
            own_verdict: Mutex::new(Verdict::Success),
            own_changed: AtomicBool::new(false),
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
        });
        let scheduler = Scheduler::sharded(
            Arc::new(Handle(prober.clone())),
            state.clone(),
            clock.clone(),
            Arc::new(Dice::new(1)),
            shard,
        );
        state.configure(configuration);
        scheduler.configure(configuration);
        let driver = tokio::spawn(scheduler.clone().run());
        Self {
            state,
            scheduler,
            prober,
            clock,
            set_by,
            driver,
            began: Instant::now(),
        }
    }

    pub(super) fn script(&self, script: impl Fn(&Resource) -> Act + Send + Sync + 'static) {
        *self.prober.script.lock() = Arc::new(script);
    }

    pub(super) fn reload(&self, configuration: &Configuration) {
        self.state.configure(configuration);
        self.scheduler.configure(configuration);
    }

    /// When each resource started, in seconds since the beginning.
    pub(super) fn starts(&self) -> BTreeMap<Arc<str>, Vec<f64>> {
        let mut starts = BTreeMap::<_, Vec<f64>>::new();
        for (at, resource) in self.prober.starts.lock().iter() {
            let at = (*at - self.began).as_secs_f64();
            starts.entry(resource.name.clone()).or_default().push(at);
        }
        starts
    }

    pub(super) fn ticks(&self, name: &str) -> TickSnapshot {
        self.scheduler.ticks(name).unwrap()
    }

    pub(super) fn skipped(&self, cause: SkipCause) -> u64 {
        self.state.process().snapshot().skipped[cause as usize]
    }

    /// Reports recorded for this resource.
    pub(super) fn recorded(&self, name: &str) -> u64 {
        let slot = self.state.slot(name).unwrap();
        slot.read(|record| record.outcomes().iter().sum())
    }

    /// Every due tick of every resource is accounted for, and what the state
    /// shows agrees.
    pub(super) fn assert_all_accounted_for(&self) {
        for slot in self.state.slots().iter() {
            let name = &slot.resource().name;
            let ticks = self.ticks(name);
            assert_eq!(
                ticks.due,
                ticks.skipped + ticks.reported + ticks.running + ticks.waiting,
                "{name}: {ticks:?}"
            );
            assert_eq!(self.recorded(name), ticks.reported, "{name}");
            assert_eq!(
                u64::from(slot.snapshot().in_flight),
                ticks.running,
                "{name}"
            );
        }
    }
}

/// The most starts in any window of this length, sliding over `from..to`.
pub(super) fn densest(
    starts: &BTreeMap<Arc<str>, Vec<f64>>,
    window: f64,
    from: f64,
    to: f64,
) -> usize {
    let mut times: Vec<f64> = starts.values().flatten().copied().collect();
    times.retain(|at| (from..to).contains(at));
    times.sort_by(f64::total_cmp);
    let mut oldest = 0;
    (0..times.len())
        .map(|newest| {
            while times[newest] - times[oldest] > window {
                oldest += 1;
            }
            newest - oldest + 1
        })
        .max()
        .unwrap_or(0)
}

pub(super) fn account(name: &str) -> Arc<Account> {
    Arc::new(Account {
        tenant: Tenant::parse(&format!("{name}.onmicrosoft.com")),
        ..fixtures::account(name)
    })
}

/// A site of this account, in the background, every minute.
pub(super) fn site(account: &Arc<Account>, name: &str) -> Resource {
    fixtures::site(name, account)
}

/// So many accounts with so many sites each.
pub(super) fn sites(accounts: usize, each: usize) -> Vec<Resource> {
    let mut resources = Vec::new();
    for number in 0..accounts {
        let account = account(&format!("contoso{number}"));
        resources.extend((0..each).map(|n| site(&account, &format!("{}-site-{n}", account.name))));
    }
    resources
}

pub(super) fn configuration(resources: Vec<Resource>) -> Configuration {
    let mut configuration = fixtures::configuration(resources);
    configuration.metrics.histogram = false;
    configuration.metrics.phases = false;
    configuration
}

pub(super) async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}
