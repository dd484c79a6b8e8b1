//! The task of one probe: runs it within its outer bounds, hands its report to
//! the state and tells the core.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, timeout_at};

use super::Scheduler;
use super::core::Finished;
use super::gate::Admission;
use super::probe_run::{ProbeStart, RunEnd};
use crate::model::{Clock, GateKey, Reason, Report, Story, Timestamp, Verdict};
use crate::probe::MayAsk;
use crate::state::ResourceSlot;

/// So long before it is cut off a probe has to end by itself.
const FOR_THE_REPORT: Duration = Duration::from_millis(50);

impl Scheduler {
    /// Spawns the probes that start now.
    pub(super) fn spawn(self: &Arc<Self>, starts: Vec<ProbeStart>) {
        for start in starts {
            let task = self.clone().task(start);
            match self.home.get() {
                Some(home) => self.probes.spawn_on(task, home),
                None => self.probes.spawn(task),
            };
        }
    }

    async fn task(self: Arc<Self>, start: ProbeStart) {
        let ProbeStart {
            id,
            number,
            slot,
            counters,
            guard,
            due,
            began,
            deadline,
        } = start;
        if let Some(due) = due {
            // Measured here and not where it was decided, so that a runtime
            // that is slow to run its tasks shows.
            self.state.process().started(due.elapsed());
        }
        let end = self.run_probe(&slot, Story::untold(), deadline).await;
        let mut recorded = false;
        if let RunEnd::Report(report) = &end {
            let expected = self.core.lock().is_expected(id, number, &slot);
            // Whatever happens there, the turn taken here is given back.
            recorded = expected
                && catch_unwind(AssertUnwindSafe(|| slot.record(report))).unwrap_or_default();
        }
        drop(guard);
        let finished = Finished {
            id,
            number,
            slot: &slot,
            counters: &counters,
            began,
            recorded,
        };
        self.decide(|core, now| core.ended(&finished, &end, now));
    }

    /// Probes once, unless its gate closes before the first request.
    pub(super) async fn run_probe(
        self: &Arc<Self>,
        slot: &ResourceSlot,
        story: Story,
        deadline: Instant,
    ) -> RunEnd {
        let started = self.clock.now();
        let resource = slot.resource();
        let (prober, target) = (self.prober.clone(), resource.clone());
        let may_ask = self.may_ask(slot.gate_key());
        // Inside the block, so that a panic before the first await is caught
        // too. What the probe shares with others it must keep whole by itself,
        // as on any error.
        let until = deadline - FOR_THE_REPORT;
        let probe = async move { prober.probe(target, story, may_ask, until).await };
        let probe = timeout_at(deadline, AssertUnwindSafe(probe).catch_unwind());
        let ended = tokio::select! {
            biased;
            ended = probe => ended,
            () = self.cut.cancelled() => return RunEnd::CutOff,
        };
        let name = &*resource.name;
        RunEnd::Report(Arc::new(match ended {
            Ok(Ok(Some(report))) => report,
            Ok(Ok(None)) => return RunEnd::Held,
            Ok(Err(_)) => {
                // The message is the panic hook's to print: it may hold anything.
                tracing::error!(resource = name, "the probe panicked: a fault of m365mon");
                internal(
                    started,
                    &self.clock,
                    "the probe panicked: a fault of m365mon",
                )
            }
            Err(_) => {
                tracing::warn!(
                    resource = name,
                    "the probe took longer than it can, cut off"
                );
                let detail = "cut off: waiting for a token and the request together took longer \
                              than this tick has";
                internal(started, &self.clock, detail)
            }
        }))
    }

    /// Whether this gate is open, for whoever asks later.
    pub(super) fn may_ask(self: &Arc<Self>, gate: &Arc<GateKey>) -> MayAsk {
        let (scheduler, gate) = (self.clone(), gate.clone());
        Arc::new(move || {
            let admission = scheduler.core.lock().admission(&gate, Instant::now());
            !matches!(admission, Admission::Closed(_))
        })
    }
}

/// A report of a probe that failed on our side.
pub(super) fn internal(started: Timestamp, clock: &Clock, detail: &str) -> Report {
    let verdict = Verdict::Problem(Reason::Internal);
    Report::without_request(started, clock.now(), verdict, detail)
}
