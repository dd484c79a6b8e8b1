//! One probe of one resource, from the moment it is wanted until its report is
//! in; whoever else wants one meanwhile waits for the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::DemandResult;
use super::fair_queue::Id;
use super::schedule::Due;
use crate::kinds::Resource;
use crate::model::Report;
use crate::state::{InFlight, ResourceSlot, SkipCause};

/// What a probe may take beyond `timeout` before it is cut off; for the way
/// there and back through the runtime of a busy machine.
const SLACK: Duration = Duration::from_millis(250);
/// Ends a tick so long before the next one is due.
const MARGIN: Duration = Duration::from_millis(10);
/// A token, the request, a fresh token, the request again.
const MOST_WAITS: u32 = 4;

/// Ticks of one resource, accounted for. `due = skipped + reported + running +
/// waiting` at every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TickSnapshot {
    /// Ticks that were due, and probes that were asked for.
    pub due: u64,
    /// Those that left no report.
    pub skipped: u64,
    /// Those that did.
    pub reported: u64,
    /// Probes under way.
    pub running: u64,
    /// Waiting for their turn.
    pub waiting: u64,
}

/// The counters of a [`TickSnapshot`]; goes on through reloads.
#[derive(Debug, Default)]
pub(super) struct TickCounters {
    due: AtomicU64,
    skipped: AtomicU64,
    reported: AtomicU64,
    running: AtomicU64,
}

impl TickCounters {
    pub(super) fn due(&self, ticks: u64) {
        self.due.fetch_add(ticks, Ordering::Relaxed);
    }

    pub(super) fn skipped(&self, ticks: u64) {
        self.skipped.fetch_add(ticks, Ordering::Relaxed);
    }

    pub(super) fn started(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ended(&self, reported: bool) {
        self.running.fetch_sub(1, Ordering::Relaxed);
        let counter = if reported {
            &self.reported
        } else {
            &self.skipped
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ticks(&self, waiting: bool) -> TickSnapshot {
        TickSnapshot {
            due: self.due.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            reported: self.reported.load(Ordering::Relaxed),
            running: self.running.load(Ordering::Relaxed),
            waiting: u64::from(waiting),
        }
    }
}

/// A probe that is wanted or under way.
#[derive(Debug)]
pub(super) struct ProbeRun {
    pub(super) number: u64,
    pub(super) stage: RunStage,
    waiters: Vec<oneshot::Sender<DemandResult>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunStage {
    /// Not its turn yet; given up if it does not start by `latest`. `due` if it
    /// is a tick of the schedule.
    Waiting { due: Option<Due>, latest: Instant },
    /// Started.
    Running,
}

impl ProbeRun {
    pub(super) const fn new(number: u64, due: Option<Due>, latest: Instant) -> Self {
        Self {
            number,
            stage: RunStage::Waiting { due, latest },
            waiters: Vec::new(),
        }
    }

    /// True while it may still start.
    pub(super) fn is_waiting(&self, now: Instant) -> bool {
        matches!(self.stage, RunStage::Waiting { latest, .. } if latest > now)
    }

    /// When it is given up, if it has not started.
    pub(super) const fn latest(&self) -> Option<Instant> {
        match self.stage {
            RunStage::Waiting { latest, .. } => Some(latest),
            RunStage::Running => None,
        }
    }

    /// Why it is skipped if it does not start.
    pub(super) const fn cause(&self) -> SkipCause {
        match self.stage {
            RunStage::Waiting { due: None, .. } => SkipCause::Budget,
            RunStage::Waiting { due: Some(_), .. } | RunStage::Running => SkipCause::Missed,
        }
    }

    /// Somebody waits for its end, until `deadline`. One that is no tick may
    /// start for as long as somebody waits.
    pub(super) fn subscribe(&mut self, deadline: Instant) -> oneshot::Receiver<DemandResult> {
        if let RunStage::Waiting { due: None, latest } = &mut self.stage {
            *latest = (*latest).max(deadline);
        }
        // Those who went away make room: bounded by who is there.
        self.waiters.retain(|waiter| !waiter.is_closed());
        let (waiter, answer) = oneshot::channel();
        self.waiters.push(waiter);
        answer
    }

    /// Tells everybody who waits.
    pub(super) fn complete(self, answer: &DemandResult) {
        for waiter in self.waiters {
            // Whoever went away does not hear it.
            let _gone = waiter.send(answer.clone());
        }
    }
}

/// A probe about to start: everything that its task needs.
#[derive(Debug)]
pub(super) struct ProbeStart {
    pub(super) id: Id,
    pub(super) number: u64,
    pub(super) slot: Arc<ResourceSlot>,
    pub(super) counters: Arc<TickCounters>,
    pub(super) guard: InFlight,
    /// When it should have started, if it is a tick of the schedule.
    pub(super) due: Option<Instant>,
    pub(super) began: Instant,
    pub(super) deadline: Instant,
}

/// How a probe's task ended.
#[derive(Debug)]
pub(super) enum RunEnd {
    Report(Arc<Report>),
    /// Nothing was sent: its gate closed while it waited for its token.
    Held,
    /// By a shutdown.
    CutOff,
}

/// When a probe that begins now is cut off. It ends by itself much earlier: its
/// requests and its waits for tokens are bounded by `timeout`, and each may come
/// twice. The tick ends before the next one is due, except where not even one
/// request alone would fit.
pub(super) fn deadline(resource: &Resource, began: Instant, next: Option<&Due>) -> Instant {
    let longest = bound(resource.longest(), resource.timeout);
    let bound = began + longest.min(resource.interval) + SLACK;
    let before_next = next.and_then(|next| next.at.checked_sub(MARGIN));
    bound
        .min(before_next.unwrap_or(bound))
        .max(began + resource.timeout + SLACK)
}

/// What a probe may take at most: what its kind says of itself (the number of its
/// requests, the wait for mail), and the waits for tokens and for what is asked
/// again.
fn bound(longest: Duration, timeout: Duration) -> Duration {
    longest.saturating_add(timeout.saturating_mul(MOST_WAITS - 1))
}

/// The latest start of a tick that still ends before `next`: as long before it as
/// a probe may take, but a quarter of the way at least, so that a timeout close to
/// the interval leaves room for a start that is not on the dot.
pub(super) fn latest_start(resource: &Resource, due: &Due, next: &Due) -> Instant {
    let gap = next.at.saturating_duration_since(due.at);
    due.at + gap.saturating_sub(resource.longest()).max(gap / 4)
}

#[cfg(test)]
mod tests {
    use super::super::testing::site;
    use super::*;

    fn due(at: Instant) -> Due {
        Due { civil: 0, at }
    }

    #[tokio::test]
    async fn mail_is_waited_for() {
        let s = Duration::from_secs;
        assert_eq!(bound(s(10), s(10)), s(40), "one request");
        assert_eq!(bound(s(150), s(10)), s(180), "two minutes for delivery");
    }

    #[tokio::test]
    async fn a_tick_ends_before_the_next() {
        let mut resource = site("contoso", "a");
        let zero = Instant::now();
        let s = Duration::from_secs;
        let next = due(zero + s(60));
        assert_eq!(latest_start(&resource, &due(zero), &next), zero + s(50));
        let early = due(zero + s(20));
        assert_eq!(latest_start(&resource, &due(zero), &early), zero + s(10));
        assert_eq!(deadline(&resource, zero, Some(&next)), zero + s(40) + SLACK);
        assert_eq!(
            deadline(&resource, zero + s(49), Some(&next)),
            zero + s(60) - MARGIN
        );
        assert_eq!(deadline(&resource, zero, None), zero + s(40) + SLACK);
        resource.timeout = s(59);
        assert_eq!(latest_start(&resource, &due(zero), &next), zero + s(15));
        assert_eq!(
            deadline(&resource, zero + s(15), Some(&next)),
            zero + s(74) + SLACK
        );
    }

    #[tokio::test]
    async fn a_wish_waits_as_long_as_somebody_does() {
        let zero = Instant::now();
        let s = Duration::from_secs;
        let mut demand = ProbeRun::new(1, None, zero + s(1));
        let first = demand.subscribe(zero + s(3));
        drop(demand.subscribe(zero + s(2)));
        assert!(demand.is_waiting(zero + s(3) - MARGIN));
        assert!(!demand.is_waiting(zero + s(3)));
        assert_eq!(demand.cause(), SkipCause::Budget);
        drop(demand.subscribe(zero));
        assert_eq!(demand.waiters.len(), 2, "those who left were forgotten");
        demand.complete(&DemandResult::Gone);
        assert!(matches!(first.await, Ok(DemandResult::Gone)));

        let mut tick = ProbeRun::new(2, Some(due(zero)), zero + s(1));
        drop(tick.subscribe(zero + s(9)));
        assert_eq!(tick.latest(), Some(zero + s(1)));
        assert_eq!(tick.cause(), SkipCause::Missed);
    }
}
