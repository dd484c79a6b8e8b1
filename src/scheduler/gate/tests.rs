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

/// It may have been asked for while the probe cleaned up.
#[test]
fn a_wait_is_kept_whatever_came_of_the_probe() {
    let hold = Some(Hold::Gate {
        wait: Some(seconds(120.0)),
    });
    let mut bench = Bench::new();
    for (began, status) in [(0.0, 200), (200.0, 500), (400.0, 429)] {
        let until = bench.learn(began, began + 1.0, &answer(status, hold));
        assert_eq!(until, Some(began + 121.0), "{status}");
    }
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
    let admission = |bench: &Bench, at| bench.gates.admission(&bench.key, bench.at(at).monotonic);
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
