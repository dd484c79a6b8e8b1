//! One seed, one run: hours of an exporter in seconds, on one paused runtime,
//! without sockets, TLS or threads; requests are whole messages, not bytes. The scheduler, the tokens, the gates, the
//! state, the store and the exposition are the real ones; Microsoft, the network,
//! the clocks and chance are the seed's.
//!
//! `scripts/simulate N` runs more seeds than the fixed ones below. Each seed runs
//! twice and must leave the same log, so that whatever it finds can be found again.

mod chance;
pub(crate) mod disk;
mod judge;
mod life;
mod network;
mod plan;
mod world;

use std::sync::Arc;
use std::time::Duration;

use self::chance::Chance;
use self::life::Stage;
use self::world::World;

/// A fault on purpose, each at a seam, to see that it is caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sabotage {
    LosesTicks,
    TwoTokenRequests,
    Impatient,
    InconclusiveIsDown,
    ShowsOldPages,
    DiskLies,
    TokenElsewhere,
}

/// What a run left.
struct Outcome {
    log: Vec<String>,
    violations: Vec<String>,
}

/// Runs a seed.
fn run(seed: u64, sabotage: Option<Sabotage>) -> Outcome {
    disk::begin(seed);
    let plan = Chance::new(seed, 1);
    let world = Arc::new(World::new(seed));
    let configuration = plan::configuration(&plan);
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage {
        world: world.clone(),
        configuration,
        sabotage,
        strict: sabotage == Some(Sabotage::DiskLies) || plan.once_in(2),
        reader: life::store_in(folder.path()),
        folder,
        plan,
    };
    stage.sign_in_everybody();
    let mut left = stage.plan.seconds(1800, 2 * 3600);
    let mut life = 0;
    while !left.is_zero() {
        let length = match stage.plan.once_in(3) {
            true => left,
            false => stage.plan.seconds(60, 3600).min(left),
        };
        // A crash is no round number of seconds.
        let length = length + stage.plan.millis(0, 999);
        life += 1;
        stage.live(seed.wrapping_add(life << 32), length);
        left = left.saturating_sub(length.max(Duration::from_secs(60)));
    }
    disk::end();
    let (log, violations) = world.take();
    Outcome { log, violations }
}

/// Runs it twice: nothing may be violated, and both must tell the same.
fn check(seed: u64) {
    let (first, second) = (run(seed, None), run(seed, None));
    let tail = |outcome: &Outcome| {
        let from = outcome.log.len().saturating_sub(30);
        outcome.log[from..].join("\n")
    };
    if !first.violations.is_empty() {
        let file = std::env::temp_dir().join(format!("m365mon-seed-{seed}.log"));
        _ = std::fs::write(&file, first.log.join("\n"));
        panic!(
            "seed {seed}: {:#?}\n{}\n(the whole story: {})",
            first.violations,
            tail(&first),
            file.display()
        );
    }
    if let Some(at) = (0..first.log.len().max(second.log.len()))
        .find(|at| first.log.get(*at) != second.log.get(*at))
    {
        let around = |log: &[String]| {
            log[at.saturating_sub(4).min(log.len())..(at + 3).min(log.len())].join("\n")
        };
        panic!(
            "seed {seed} differs at line {at}:\n{}\n--- and ---\n{}",
            around(&first.log),
            around(&second.log)
        );
    }
    assert!(first.log.len() > 100, "seed {seed}: nothing happened");
}

/// `M365MON_SIMULATE=N` takes so many seeds more, from `M365MON_SIMULATE_FROM`.
#[test]
fn seeds_hold_and_repeat() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let count = number("M365MON_SIMULATE").unwrap_or(12);
    let from = number("M365MON_SIMULATE_FROM").unwrap_or(1);
    // 186 once found that a reload without the last resource behind a closed gate,
    // and one that brings it back, ended a wait; 538 that a probe, once it had its
    // token, asked a service that had asked for an hour while Entra was slow.
    for seed in (from..from + count).chain([186, 538]) {
        check(seed);
    }
}

/// Each invariant, broken on purpose, is caught within some seeds.
#[test]
fn what_is_broken_on_purpose_is_caught() {
    for (sabotage, invariant) in [
        (Sabotage::LosesTicks, "due = reported"),
        (Sabotage::TwoTokenRequests, "one token request"),
        (Sabotage::Impatient, "nothing before a Retry-After"),
        (Sabotage::InconclusiveIsDown, "up is never 0"),
        (
            Sabotage::ShowsOldPages,
            "nothing is shown that is not fresh",
        ),
        (Sabotage::DiskLies, "the newest refresh token"),
        (Sabotage::TokenElsewhere, "no token to another host"),
    ] {
        let caught = (1..=40).find(|seed| {
            let violations = run(*seed, Some(sabotage)).violations;
            violations.iter().any(|one| one.starts_with(invariant))
        });
        assert!(caught.is_some(), "{sabotage:?} goes unnoticed");
    }
}
