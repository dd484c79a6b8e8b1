//! Gates: who must wait because Microsoft asked for it.
//!
//! A gate closes when a probe is refused. For how long:
//! - `Retry-After` or `RateLimit-Reset` as given, at most an hour;
//! - without one, or with zero, 10 s doubled with every refusal in a row, give
//!   or take a fifth, at most an hour.
//!
//! A refusal counts as one more in a row only if its probe began after the
//! gate last closed: a crowd of probes refused together is one refusal. Those
//! that were under way when the gate closed can hold it closed for longer (the
//! greater time wins), never for shorter. Any answer that is not a refusal and
//! no server error, to a probe that began after the last refusal, ends the row.
//!
//! While `RateLimit-Remaining` is under a fifth of the limit the gate is open
//! but asks to slow down, for as long as `RateLimit-Reset` says and at least a
//! minute, which is the window SharePoint counts in; more than a fifth ends it.
//!
//! Waits are measured on the monotonic clock, so that a civil clock set
//! forward opens no gate early. A gate that nothing is known of takes no memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{GateKey, Hold, Moment, Random, Reason, Report, Service, Timestamp};

/// No wait is longer, whatever the service says.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(3_600);
const FIRST_WAIT: Duration = Duration::from_secs(10);
const JITTER: f64 = 0.2;
/// Under this share of the limit we slow down.
const SLOW_BELOW: f64 = 0.2;
const LIMIT_WINDOW: Duration = Duration::from_secs(60);
/// Outlook answers at most so many requests of one application for one mailbox
/// at once (Microsoft Graph, service-specific throttling limits).
const MOST_PER_MAILBOX: u32 = 4;

/// What a gate says to a probe that wants to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Open,
    SlowDown,
    Closed(Instant),
}

/// All gates that are more than just open.
#[derive(Debug, Default)]
pub(super) struct Gates(HashMap<Arc<GateKey>, Gate>);

#[derive(Debug, Default)]
struct Gate {
    closed_until: Option<Instant>,
    slow_until: Option<Instant>,
    /// Refusals in a row, and when the latest of them came.
    refusals: u32,
    refused_at: Option<Instant>,
    running: u32,
}

impl Gate {
    fn is_idle(&self, now: Instant) -> bool {
        self.closed_until.is_none()
            && self.slow_until.is_none_or(|until| until <= now)
            && self.refusals == 0
            && self.running == 0
    }

    fn refuse(
        &mut self,
        began: Instant,
        wait: Option<Duration>,
        now: Instant,
        random: &dyn Random,
    ) {
        let together = self.refused_at.is_some_and(|at| began <= at);
        if !together {
            self.refusals = self.refusals.saturating_add(1);
            self.refused_at = Some(now);
        }
        let wait = match wait.filter(|wait| !wait.is_zero()) {
            Some(wait) => wait,
            None if together => return,
            None => random.jitter(doubled(self.refusals), JITTER),
        };
        let until = now + wait.min(LONGEST_WAIT);
        self.closed_until = self.closed_until.max(Some(until));
    }
}

/// The wait after so many refusals in a row, before jitter.
fn doubled(refusals: u32) -> Duration {
    let factor = 1_u32
        .checked_shl(refusals.saturating_sub(1))
        .unwrap_or(u32::MAX);
    FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT)
}

impl Gates {
    /// What the gate says now.
    pub(super) fn admission(&self, key: &GateKey, now: Instant) -> Admission {
        let Some(gate) = self.0.get(key) else {
            return Admission::Open;
        };
        match (gate.closed_until, gate.slow_until) {
            (Some(until), _) if until > now => Admission::Closed(until),
            (_, Some(until)) if until > now => Admission::SlowDown,
            _ => Admission::Open,
        }
    }

    /// False while as many probes of one mailbox run as Outlook takes.
    pub(super) fn has_room(&self, key: &GateKey) -> bool {
        key.service != Service::Outlook
            || self
                .0
                .get(key)
                .is_none_or(|gate| gate.running < MOST_PER_MAILBOX)
    }

    /// A probe starts.
    pub(super) fn enter(&mut self, key: &Arc<GateKey>) {
        if key.service == Service::Outlook {
            self.0.entry(key.clone()).or_default().running += 1;
        }
    }

    /// A probe ended.
    pub(super) fn leave(&mut self, key: &GateKey, now: Instant) {
        if let Some(gate) = self.0.get_mut(key) {
            gate.running = gate.running.saturating_sub(1);
            if gate.is_idle(now) {
                self.0.remove(key);
            }
        }
    }

    /// Takes what a report says to the gate. `began` is when its probe started.
    /// Returns until when the gate is closed, if that changed.
    pub(super) fn learn(
        &mut self,
        key: &Arc<GateKey>,
        began: Instant,
        report: &Report,
        now: &Moment,
        random: &dyn Random,
    ) -> Option<Timestamp> {
        if let Some(limit) = report.exchange.server.rate_limit {
            if limit.remaining_ratio() < SLOW_BELOW {
                let lasts = limit.reset.clamp(LIMIT_WINDOW, LONGEST_WAIT);
                self.0.entry(key.clone()).or_default().slow_until = Some(now.monotonic + lasts);
            } else if let Some(gate) = self.0.get_mut(key) {
                gate.slow_until = None;
            }
        }
        match refusal(report) {
            Some(wait) => {
                let gate = self.0.entry(key.clone()).or_default();
                let before = gate.closed_until;
                gate.refuse(began, wait, now.monotonic, random);
                (gate.closed_until != before)
                    .then(|| in_civil_time(gate.closed_until.unwrap_or(now.monotonic), now))
            }
            None => {
                let served = report.exchange.status.is_some_and(|status| status < 500);
                if let Some(gate) = self.0.get_mut(key)
                    && served
                    && gate.refused_at.is_some_and(|at| began > at)
                {
                    gate.refusals = 0;
                    gate.refused_at = None;
                }
                None
            }
        }
    }

    /// Opens the gates whose time has come and says which these are.
    pub(super) fn sweep(&mut self, now: Instant) -> Vec<Arc<GateKey>> {
        let mut opened = Vec::new();
        self.0.retain(|key, gate| {
            if gate.closed_until.is_some_and(|until| until <= now) {
                gate.closed_until = None;
                opened.push(key.clone());
            }
            !gate.is_idle(now)
        });
        opened
    }

    /// The closed gates and when they open, by the civil clock as it is now.
    pub(super) fn closed(&self, now: &Moment) -> Vec<(Arc<GateKey>, Timestamp)> {
        self.0
            .iter()
            .filter_map(|(key, gate)| Some((key.clone(), in_civil_time(gate.closed_until?, now))))
            .collect()
    }

    /// Forgets open gates that no resource stands behind any more. A closed one
    /// stays to its end: a resource that comes back by the next reload must wait
    /// as well.
    pub(super) fn keep_only(&mut self, used: impl Fn(&GateKey) -> bool) {
        self.0
            .retain(|key, gate| gate.running > 0 || gate.closed_until.is_some() || used(key));
    }
}

/// The wait that a refused probe brought home, if it was refused.
fn refusal(report: &Report) -> Option<Option<Duration>> {
    match report.exchange.hold {
        Some(Hold::Gate { wait }) => Some(wait),
        None if report.verdict.reason() == Some(Reason::Throttled) => Some(None),
        Some(Hold::Resource { .. }) | None => None,
    }
}

/// When `at` will be, by the civil clock as it is now.
pub(super) fn in_civil_time(at: Instant, now: &Moment) -> Timestamp {
    let ahead = at.saturating_duration_since(now.monotonic);
    now.civil.checked_add(ahead).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
