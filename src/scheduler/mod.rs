//! When probes run: offsets, intervals, gates, concurrency, single flight.
//!
//! One task drives the schedule of all `background` resources: it sleeps until
//! the next tick is due and then spawns its probe. A resource at rest has no
//! task, no timer and no lock of its own. [`Scheduler::scrape`] probes those of
//! mode `on_scrape`, [`Scheduler::probe`] any one; whoever asks while a probe
//! of the same resource runs waits for that one.
//!
//! Promises:
//! - Ticks keep their offset over restarts, replicas and reloads (`schedule`).
//! - A wait that Microsoft asked for is honoured, per gate key (`gate`).
//! - What must wait for its turn delays nobody of another account (`fair_queue`).
//! - Every tick that was due, and every probe asked for, leaves exactly one
//!   report or is counted as skipped with one cause; see [`TickSnapshot`].
//! - A probe that panics, or takes longer than it can, becomes a report with
//!   the reason `internal`. One that a shutdown or a reload cuts off leaves no
//!   report and counts as missed.
//! - Nothing bursts: after a standstill or a jump of the clock what was missed
//!   stays missed.
//!
//! Called by `cli` (to run, reload, stop it) and `web` (to probe).

mod core;
mod daily;
mod demand;
mod fair_queue;
mod gate;
mod hash;
mod probe_run;
mod probe_thread;
mod references;
mod schedule;
pub mod shard;
mod task;

#[cfg(test)]
mod testing;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::core::{Core, DemandReply};
use self::daily::Daily;
pub use self::demand::{DemandResult, ProbeDemand};
use self::probe_run::RunEnd;
pub use self::probe_run::TickSnapshot;
pub use self::probe_thread::ProbeThread;
pub use self::references::References;
pub use self::schedule::phase;
pub use self::shard::Shard;
use crate::kinds::Configuration;
use crate::model::{Clock, Moment, Random, Report, Story};
use crate::probe::Prober;
use crate::state::{ResourceSlot, State};

/// Without a sign of life for so long the driver counts as dead; it gives one
/// every second.
const DEAD_AFTER: Duration = Duration::from_secs(10);

/// Probes with a story that run at once; they bypass the limits, so they have
/// one of their own.
const MOST_DEBUGS: usize = 8;

/// Bounds every wait that is computed from what an asker says.
const LONGEST_BUDGET: Duration = Duration::from_secs(3_600);

/// See the module.
pub struct Scheduler {
    prober: Arc<dyn Prober>,
    state: Arc<State>,
    clock: Clock,
    shard: Shard,
    core: Mutex<Core>,
    daily: Daily,
    /// The agenda changed while the driver sleeps.
    changed: Notify,
    /// No more starts.
    stop: CancellationToken,
    /// Running probes are cut off.
    cut: CancellationToken,
    probes: TaskTracker,
    /// Where they run: wherever the driver does.
    home: OnceLock<Handle>,
    debugs: Semaphore,
    heartbeat: Mutex<Instant>,
    dead: AtomicBool,
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler")
            .field("shard", &self.shard)
            .field("probes", &self.probes.len())
            .finish_non_exhaustive()
    }
}

impl Scheduler {
    /// A scheduler of the one process that probes everything; idle until it is
    /// configured and [`Self::run`].
    #[must_use]
    pub fn new(
        prober: Arc<dyn Prober>,
        state: Arc<State>,
        clock: Clock,
        random: Arc<dyn Random>,
    ) -> Arc<Self> {
        Self::sharded(prober, state, clock, random, Shard::ALL)
    }

    /// A scheduler that probes only its shard of the `background` and
    /// `on_scrape` resources. [`Self::probe`] answers for every one.
    #[must_use]
    pub fn sharded(
        prober: Arc<dyn Prober>,
        state: Arc<State>,
        clock: Clock,
        random: Arc<dyn Random>,
        shard: Shard,
    ) -> Arc<Self> {
        let now = clock.moment();
        Arc::new(Self {
            prober,
            shard,
            daily: Daily::new(random.clone()),
            core: Mutex::new(Core::new(state.clone(), random, now)),
            state,
            changed: Notify::new(),
            stop: CancellationToken::new(),
            cut: CancellationToken::new(),
            probes: TaskTracker::new(),
            home: OnceLock::new(),
            debugs: Semaphore::new(MOST_DEBUGS),
            heartbeat: Mutex::new(now.monotonic),
            dead: AtomicBool::new(false),
            clock,
        })
    }

    /// Takes over a configuration that the state has on its board already: call
    /// `State::configure` first. Must be called inside a tokio runtime.
    ///
    /// An unchanged resource keeps its offset, its running probe and its gate. A
    /// changed one keeps its offset if labels, account, name and interval are
    /// the same, else it starts anew, though not within half an interval of its
    /// latest tick. A probe that runs for a changed or removed resource goes on
    /// to its end and leaves no report.
    pub fn configure(self: &Arc<Self>, configuration: &Configuration) {
        self.decide(|core, now| core.configure(&configuration.limits, self.shard, now));
        self.changed.notify_one();
        self.daily.configure(configuration);
    }

    /// Lets the core decide something, and starts what it wants started.
    fn decide<T>(self: &Arc<Self>, what: impl FnOnce(&mut Core, &Moment) -> T) -> T {
        let now = self.clock.moment();
        let mut core = self.core.lock();
        let decided = what(&mut core, &now);
        let starts = core.take_starts();
        drop(core);
        self.spawn(starts);
        decided
    }

    /// Drives the schedule until [`Self::shutdown`]. To be spawned once; if its
    /// task dies, [`Self::healthy`] says so. From then on probes run on the
    /// runtime that runs this, whoever asks for them.
    pub async fn run(self: Arc<Self>) {
        _ = self.home.set(Handle::current());
        let _dead = DeadOnDrop(&self.dead);
        self.probes.spawn(Arc::clone(&self).ask_daily());
        while !self.stop.is_cancelled() {
            *self.heartbeat.lock() = Instant::now();
            let wake = self.decide(Core::advance);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {}
                () = self.changed.notified() => {}
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Probes one resource, whatever its mode, or takes what is there: a report
    /// younger than the demand's `min_age`, else the probe that is running or
    /// waiting for its turn, else a new one under the same gates and limits as
    /// any other. The new one counts as one more due tick of its resource and
    /// is recorded like one. Whoever stops waiting cancels nothing.
    ///
    /// A `background` resource is remembered as asked for; only from then on is
    /// its latest report kept for reuse.
    pub async fn probe(self: &Arc<Self>, slot: &ResourceSlot, demand: ProbeDemand) -> DemandResult {
        self.ask(slot.schedule_id(), demand).await
    }

    async fn ask(self: &Arc<Self>, id: u64, demand: ProbeDemand) -> DemandResult {
        let deadline = Instant::now() + demand.budget.min(LONGEST_BUDGET);
        match self.decide(|core, now| core.demand(id, demand.min_age, deadline, now)) {
            DemandReply::Answer(answer) => answer,
            DemandReply::Wait(answer) => {
                // It may have to be given up earlier than anything on the agenda.
                self.changed.notify_one();
                match timeout_at(deadline, answer).await {
                    Ok(Ok(answer)) => answer,
                    Ok(Err(_)) | Err(_) => DemandResult::Budget,
                }
            }
        }
    }

    /// Probes all `on_scrape` resources of this shard at once, unless their
    /// reports are younger than their `min_age`, and waits for them for at most
    /// `budget`. What came of it is in the state.
    pub async fn scrape(self: &Arc<Self>, budget: Duration) {
        let ids = self.core.lock().on_scrape(self.shard);
        let demand = ProbeDemand {
            budget,
            min_age: None,
        };
        join_all(ids.into_iter().map(|id| self.ask(id, demand))).await;
    }

    /// Probes one resource for somebody who wants to hear the story; it counts
    /// nowhere. `None` behind a closed gate: nothing is sent, and the story says
    /// so. When the service asks us to wait, that is honoured.
    pub async fn debug(self: &Arc<Self>, slot: &ResourceSlot, story: Story) -> Option<Report> {
        let _permit = self.debugs.acquire().await;
        let now = self.clock.moment();
        if slot.resource().kind.info().background_only() {
            return Some(self.last_report(slot, &story).await);
        }
        if self.is_held(slot, &now, &story) {
            return None;
        }
        let resource = slot.resource();
        let deadline = probe_run::deadline(resource, now.monotonic, None);
        let end = self.run_probe(slot, story.clone(), deadline).await;
        let ended = self.clock.moment();
        let report = match end {
            RunEnd::Report(report) => report,
            RunEnd::Held => {
                self.is_held(slot, &ended, &story);
                return None;
            }
            RunEnd::CutOff => {
                let detail = "cut off: the process is stopping";
                Arc::new(task::internal(now.civil, &self.clock, detail))
            }
        };
        self.core.lock().learn(slot, now.monotonic, &report, &ended);
        Some(Arc::unwrap_or_clone(report))
    }

    /// Tells the story where the gate is closed.
    fn is_held(&self, slot: &ResourceSlot, now: &Moment, story: &Story) -> bool {
        let held = self.core.lock().held(slot, now);
        if let Some(until) = held {
            let seconds = until.saturating_duration_since(now.monotonic).as_secs();
            story.tell(|| {
                format!(
                    "not probed: the gate is closed for another {seconds} s, because the \
                     service asked us to wait"
                )
            });
        }
        held.is_some()
    }

    /// What a kind that keeps a pace of its own last left: it is not asked oftener,
    /// whoever wants a story.
    async fn last_report(self: &Arc<Self>, slot: &ResourceSlot, story: &Story) -> Report {
        let demand = ProbeDemand {
            budget: Duration::ZERO,
            min_age: None,
        };
        let answer = self.probe(slot, demand).await;
        story.tell(|| {
            let kind = slot.resource().kind.as_str();
            format!("{kind} keeps a pace of its own: this is its last report, nothing was asked")
        });
        match answer.report() {
            Some(report) => {
                story.tell(|| format!("from {:.0}: {}", report.finished, report.detail));
                Report::clone(report)
            }
            None => task::internal(self.clock.now(), &self.clock, "there is no report yet"),
        }
    }

    /// False once the driver has stopped or died, or given no sign of life for
    /// ten seconds. True before it runs, for as long.
    #[must_use]
    pub fn healthy(&self) -> bool {
        !self.dead.load(Ordering::Relaxed) && self.heartbeat.lock().elapsed() < DEAD_AFTER
    }

    /// What became of the ticks of one resource.
    #[must_use]
    pub fn ticks(&self, name: &str) -> Option<TickSnapshot> {
        self.core.lock().ticks(name)
    }

    /// Starts nothing more, waits for running probes for at most `grace`, then
    /// cuts them off. Whoever waits for a probe that will not come is told.
    pub async fn shutdown(&self, grace: Duration) {
        self.stop.cancel();
        self.core.lock().stop();
        self.probes.close();
        if timeout(grace, self.probes.wait()).await.is_err() {
            let cut = self.probes.len();
            tracing::warn!(probes = cut, "cutting off the probes still running");
            self.cut.cancel();
            self.probes.wait().await;
        }
    }
}

/// Tells when the driver's task ends, in whatever way.
struct DeadOnDrop<'a>(&'a AtomicBool);

impl Drop for DeadOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
