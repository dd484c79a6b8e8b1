//! What must hold at every step, judged by what came in and what is shown, never
//! by the exporter's own notes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::Sabotage;
use super::network::place_of;
use super::world::World;
use crate::kinds::Resource;
use crate::model::{Hold, Outcome, Reason, Report, Story, Verdict};
use crate::probe::{MayAsk, Prober};
use crate::state::window;

/// Remembers what every probe came to, before anybody else sees it.
#[derive(Clone)]
pub(super) struct Witness {
    inner: Arc<dyn Prober>,
    world: Arc<World>,
    sabotage: Option<Sabotage>,
    seen: Arc<Mutex<BTreeMap<String, Seen>>>,
}

/// The latest of one resource, as of when it is over.
#[derive(Default, Clone)]
struct Seen {
    success: Option<Duration>,
    failure: Option<Duration>,
    /// The end of the longest wait that a report asked for.
    hold: Duration,
}

impl Witness {
    pub(super) fn new(
        inner: Arc<dyn Prober>,
        world: Arc<World>,
        sabotage: Option<Sabotage>,
    ) -> Arc<Self> {
        Arc::new(Self {
            inner,
            world,
            sabotage,
            seen: Arc::default(),
        })
    }
}

impl Prober for Witness {
    fn probe(
        &self,
        resource: Arc<Resource>,
        story: Story,
        may_ask: MayAsk,
        until: tokio::time::Instant,
    ) -> BoxFuture<'static, Option<Report>> {
        let witness = self.clone();
        let probe = self.inner.probe(resource.clone(), story, may_ask, until);
        Box::pin(async move { Some(witness.saw(&resource, probe.await?)) })
    }
}

impl Witness {
    fn saw(&self, resource: &Resource, mut report: Report) -> Report {
        let now = self.world.now();
        self.world.note(format!(
            "{} {:?}: {}",
            resource.name, report.verdict, report.detail
        ));
        let mut seen = self.seen.lock();
        let seen = seen.entry(resource.name.to_string()).or_default();
        match report.verdict.outcome() {
            Outcome::Success => seen.success = Some(now),
            Outcome::Failure => seen.failure = Some(now),
            Outcome::Inconclusive => {}
        }
        let wait = match report.exchange.hold {
            Some(Hold::Gate { wait }) => wait.unwrap_or_default(),
            Some(Hold::Resource { wait }) => wait,
            None => Duration::ZERO,
        };
        seen.hold = seen.hold.max(now + wait);
        if self.sabotage == Some(Sabotage::InconclusiveIsDown)
            && report.verdict.outcome() == Outcome::Inconclusive
        {
            report.verdict = Verdict::Problem(Reason::ServerError);
        }
        report
    }
}

impl Witness {
    /// Holds one exposition against what came in. `resources`: what is
    /// configured now.
    pub(super) fn judge(&self, text: &str, resources: &[Arc<Resource>]) {
        let now = self.world.now();
        let seen = self.seen.lock().clone();
        for resource in resources {
            let name = &*resource.name;
            let seen = seen.get(name).cloned().unwrap_or_default();
            let fresh = self.fresh_for(resource, &seen, now);
            let is_fresh = |at: Option<Duration>| at.is_some_and(|at| now <= at + fresh);
            let shown = |metric: &str| value(text, metric, name);
            match shown("m365_resource_up") {
                Some(up) if up > 0.5 => {
                    let at = seen.success.filter(|at| is_fresh(Some(*at)));
                    at.map_or_else(|| self.stale(name, "up 1", seen.success, now), drop);
                }
                Some(_) => {
                    if seen.failure.is_none() {
                        self.world.violated(
                            "up is never 0 by what is inconclusive",
                            format!("{name} never failed"),
                        );
                    } else if !is_fresh(seen.failure) {
                        self.stale(name, "up 0", seen.failure, now);
                    }
                }
                None => {}
            }
            if shown("m365_resource_latency_seconds").is_some() && !is_fresh(seen.success) {
                self.stale(name, "a latency", seen.success, now);
            }
            let failures = shown("m365_resource_consecutive_failures").unwrap_or_default();
            if failures > 0.5 && seen.failure.is_none() {
                self.world.violated(
                    "up is never 0 by what is inconclusive",
                    format!("{name} never failed, and is said to have failed {failures} times"),
                );
            }
        }
    }

    /// How old a report may be: three intervals, at least five minutes, and to the
    /// end of a wait that was asked for plus one interval and one probe.
    fn fresh_for(&self, resource: &Resource, seen: &Seen, now: Duration) -> Duration {
        let usual = window(resource.interval);
        let client = resource.account.client_id.as_deref().unwrap_or_default();
        let request = resource.kind.request(&resource.account);
        let limit = request.map(|request| place_of(&request.url, client).1);
        let held = limit.map(|limit| self.world.held_until(&limit));
        let held = held.unwrap_or_default().max(seen.hold);
        // The probe after the wait takes its time as well; jitter spreads them.
        let grace = 2 * resource.interval + resource.timeout + Duration::from_secs(60);
        match now <= held + grace {
            true => Duration::from_secs(4 * 3600),
            false => usual + Duration::from_secs(1),
        }
    }

    fn stale(&self, name: &str, what: &str, at: Option<Duration>, now: Duration) {
        self.world.violated(
            "nothing is shown that is not fresh",
            format!("{name} shows {what} at {now:?}, from {at:?}"),
        );
    }
}

/// The value of a resource's series.
fn value(text: &str, metric: &str, resource: &str) -> Option<f64> {
    let wanted = format!("resource=\"{resource}\"");
    let line = text.lines().find(|line| {
        line.strip_prefix(metric)
            .is_some_and(|rest| rest.starts_with('{') && rest.contains(&wanted))
    })?;
    line.rsplit(' ').next()?.parse().ok()
}
