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

    /// Forgets gates that no resource stands behind any more, and says which
    /// of them were closed.
    pub(super) fn keep_only(&mut self, used: impl Fn(&GateKey) -> bool) -> Vec<Arc<GateKey>> {
        let mut opened = Vec::new();
        self.0.retain(|key, gate| {
            let keep = gate.running > 0 || used(key);
            if !keep && gate.closed_until.is_some() {
                opened.push(key.clone());
            }
            keep
        });
        opened
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
mod tests {
    use super::super::testing::{Middle, site};
    use super::*;
    use crate::model::{Exchange, RateLimit, Verdict};
    use proptest::prelude::*;

    struct Bench {
        gates: Gates,
        key: Arc<GateKey>,
        zero: Instant,
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    impl Bench {
        fn new() -> Self {
            Self {
                gates: Gates::default(),
                key: Arc::new(site("contoso", "a").gate_key()),
                zero: Instant::now(),
            }
        }

        fn at(&self, at: f64) -> Moment {
            let civil = Timestamp::UNIX_EPOCH.checked_add(seconds(at)).unwrap();
            Moment {
                civil,
                monotonic: self.zero + seconds(at),
            }
        }

        /// A probe that began and ended at these seconds; until when the gate
        /// is closed now, in seconds.
        fn learn(&mut self, began: f64, ended: f64, report: &Report) -> Option<f64> {
            let now = self.at(ended);
            let began = self.zero + seconds(began);
            let changed = self.gates.learn(&self.key, began, report, &now, &Middle);
            // In whole nanoseconds: fractions of a second need not be equal.
            let told = changed.and_then(|t| u128::try_from(t.as_nanosecond()).ok());
            let closed = match self.gates.admission(&self.key, now.monotonic) {
                Admission::Closed(until) => Some(until - self.zero),
                Admission::Open | Admission::SlowDown => None,
            };
            if told.is_some() {
                assert_eq!(told, closed.map(|left| left.as_nanos()));
            }
            closed.map(|left| left.as_secs_f64())
        }
    }

    fn answer(status: u16, hold: Option<Hold>) -> Report {
        let verdict = match status {
            200 => Verdict::Success,
            429 => Verdict::Problem(Reason::Throttled),
            _ => Verdict::Problem(Reason::ServerError),
        };
        let at = Timestamp::UNIX_EPOCH;
        Report {
            exchange: Exchange {
                status: Some(status),
                hold,
                ..Exchange::default()
            },
            ..Report::without_request(at, at, verdict, "")
        }
    }

    fn refused(wait: Option<u64>) -> Report {
        let wait = wait.map(Duration::from_secs);
        answer(429, Some(Hold::Gate { wait }))
    }

    #[test]
    fn without_a_time_the_wait_grows_while_refused() {
        let mut bench = Bench::new();
        assert_eq!(bench.learn(0.0, 1.0, &refused(None)), Some(11.0));
        assert_eq!(bench.learn(12.0, 13.0, &answer(429, None)), Some(33.0));
        assert_eq!(bench.learn(40.0, 41.0, &refused(Some(0))), Some(81.0));
        // An unwell service is no proof that we are welcome again.
        assert_eq!(bench.learn(90.0, 91.0, &answer(500, None)), None);
        assert_eq!(bench.learn(92.0, 93.0, &refused(None)), Some(173.0));
        assert_eq!(bench.learn(180.0, 181.0, &answer(200, None)), None);
        assert_eq!(bench.learn(190.0, 191.0, &refused(None)), Some(201.0));
        assert_eq!(doubled(0), FIRST_WAIT);
        assert_eq!(doubled(9), Duration::from_secs(2_560));
        assert_eq!(doubled(10), LONGEST_WAIT);
        assert_eq!(doubled(u32::MAX), LONGEST_WAIT);
    }

    #[test]
    fn probes_refused_together_are_one_refusal() {
        let mut bench = Bench::new();
        assert_eq!(bench.learn(0.0, 1.0, &refused(None)), Some(11.0));
        for _ in 0..64 {
            assert_eq!(bench.learn(0.5, 1.5, &refused(None)), Some(11.0));
        }
        assert_eq!(bench.learn(0.5, 2.0, &refused(Some(30))), Some(32.0));
        assert_eq!(bench.learn(0.5, 3.0, &refused(Some(5))), Some(32.0));
        // Under way when it closed: neither opens nor forgives.
        assert_eq!(bench.learn(0.5, 4.0, &answer(200, None)), Some(32.0));
        assert_eq!(bench.learn(33.0, 34.0, &refused(None)), Some(54.0));
    }

    #[test]
    fn a_wait_is_at_most_an_hour_and_ends() {
        let mut bench = Bench::new();
        let closed = bench.learn(0.0, 1.0, &refused(Some(86_400)));
        assert_eq!(closed, Some(3_601.0));
        assert!(bench.gates.sweep(bench.at(3_600.0).monotonic).is_empty());
        let opened = bench.gates.sweep(bench.at(3_601.0).monotonic);
        assert_eq!(opened, [bench.key.clone()]);
        assert!(bench.gates.sweep(bench.at(3_602.0).monotonic).is_empty());
    }

    #[test]
    fn the_civil_time_of_opening_follows_the_clock() {
        let mut bench = Bench::new();
        bench.learn(0.0, 1.0, &refused(Some(60)));
        let now = Moment {
            civil: Timestamp::from_second(5_000).unwrap(),
            ..bench.at(11.0)
        };
        let closed = bench.gates.closed(&now);
        assert_eq!(closed.len(), 1);
        assert_eq!(closed[0].1, Timestamp::from_second(5_050).unwrap());
    }

    #[test]
    fn only_the_gate_closes_for_a_refusal() {
        let mut bench = Bench::new();
        let wait = Duration::from_secs(30);
        let unwell = answer(503, Some(Hold::Resource { wait }));
        assert_eq!(bench.learn(0.0, 1.0, &unwell), None);
    }

    #[test]
    fn little_left_slows_down_for_a_minute_at_least() {
        let mut bench = Bench::new();
        let limit = |remaining, reset| Report {
            exchange: Exchange {
                server: crate::model::ServerHints {
                    rate_limit: Some(RateLimit {
                        limit: 1_200,
                        remaining,
                        reset: Duration::from_secs(reset),
                    }),
                    ..Default::default()
                },
                ..Exchange::default()
            },
            ..answer(200, None)
        };
        let admission =
            |bench: &Bench, at| bench.gates.admission(&bench.key, bench.at(at).monotonic);
        bench.learn(0.0, 0.0, &limit(120, 5));
        assert_eq!(admission(&bench, 59.9), Admission::SlowDown);
        assert_eq!(admission(&bench, 60.0), Admission::Open);
        bench.learn(60.0, 60.0, &limit(239, 90));
        assert_eq!(admission(&bench, 149.0), Admission::SlowDown);
        bench.learn(149.0, 149.0, &limit(240, 5));
        assert_eq!(admission(&bench, 149.0), Admission::Open);
    }

    #[test]
    fn four_at_once_per_mailbox() {
        let mut gates = Gates::default();
        let mut key = site("contoso", "a").gate_key();
        key.service = Service::Outlook;
        key.subject = Some("steve@contoso.com".into());
        let key = Arc::new(key);
        let now = Instant::now();
        for _ in 0..4 {
            assert!(gates.has_room(&key));
            gates.enter(&key);
        }
        assert!(!gates.has_room(&key));
        gates.leave(&key, now);
        assert!(gates.has_room(&key));
        for _ in 0..3 {
            gates.leave(&key, now);
        }
        assert!(gates.0.is_empty(), "an idle gate takes no memory");
        assert!(gates.has_room(&Arc::new(site("contoso", "a").gate_key())));
    }

    proptest! {
        #[test]
        fn no_report_shortens_a_wait(
            reports in prop::collection::vec(
                (0.0..2_000.0, 0.0..60.0, prop::option::of(0_u64..5_000), 0..3),
                1..40,
            ),
        ) {
            let mut bench = Bench::new();
            let mut ended = 0.0;
            let mut closed: Option<f64> = None;
            for (pause, took, wait, what) in reports {
                ended += pause / 20.0;
                let report = match what {
                    0 => answer(200, None),
                    1 => answer(503, None),
                    _ => refused(wait),
                };
                let next = bench.learn(ended - took + 60.0, ended + 60.0, &report);
                if let Some(until) = closed.filter(|until| *until > ended + 60.0) {
                    prop_assert!(next.is_some_and(|next| next >= until));
                }
                if let Some(next) = next {
                    prop_assert!(next <= ended + 60.0 + 3_600.001);
                }
                closed = next;
            }
        }
    }
}
