//! The same work, again and again, for a program that counts instructions
//! (`scripts/instructions`): what it counts more for more rounds is what one
//! costs, whatever else the machine does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use m365mon::config;
use m365mon::entra::{TokenStore, Tokens};
use m365mon::http::{Network, ProbeClient, SimpleClient};
use m365mon::kinds::needed_rights;
use m365mon::model::{Clock, Random, SystemRandom, Verdict};
use m365mon::probe::TenantProber;
use m365mon::scheduler::{ProbeDemand, Scheduler};
use m365mon::state::State;

use crate::cloud::{Cloud, Connections, Fleet};
use crate::exposition;

struct Nothing;

impl config::Environment for Nothing {
    fn var(&self, _name: &str) -> Option<String> {
        None
    }
}

/// Starts a simulated cloud, writes `new.yml`, `reused.yml` and `many.yml` into
/// `folder`, and stays until its standard input ends.
pub(crate) async fn prepare(folder: &Path) -> anyhow::Result<()> {
    let cloud = Cloud::start(folder, 1, 0).await?;
    for (name, connections) in [("new", Connections::New), ("reused", Connections::Kept)] {
        let fleet = Fleet {
            connections,
            ..Fleet::of(1, 0, Duration::from_secs(3_600))
        };
        let file = cloud.configure(name, fleet)?;
        // What is counted runs fifty times slower than it would.
        let text = std::fs::read_to_string(&file)?;
        std::fs::write(&file, text.replace("timeout: 10000ms", "timeout: 10m"))?;
    }
    std::fs::write(folder.join("many.yml"), exposition::configuration(20_000))?;
    crate::say("ready")?;
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()))
        .await??;
    Ok(())
}

/// Probes the one resource of a configuration `rounds` times, through everything
/// that a probe goes through in `serve`, one after the other.
pub(crate) fn probes(file: &str, rounds: usize) -> anyhow::Result<()> {
    let loaded = config::load(&PathBuf::from(file), &Nothing).context("the configuration")?;
    let configuration = &loaded.configuration;
    let network = Network::new(&configuration.http)?;
    let clock = Clock::system();
    let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
    let state = State::new(clock.clone(), 20);
    // One thread, so that what is counted does not depend on who wakes whom.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let tokens = Tokens::new(
            SimpleClient::new(&network)?,
            TokenStore::from_environment(&configuration.storage),
            clock.clone(),
            Arc::clone(&random),
            Arc::clone(&state) as _,
        );
        let prober = TenantProber::new(
            ProbeClient::new(&network)?,
            Arc::clone(&tokens) as _,
            clock.clone(),
            Arc::clone(&random),
        );
        let scheduler = Scheduler::new(Arc::new(prober), Arc::clone(&state), clock.clone(), random);
        state.configure(configuration);
        tokens.need(needed_rights(configuration));
        tokens.configure(&configuration.accounts);
        scheduler.configure(configuration);
        let slots = state.slots();
        let slot = slots.first().context("a resource")?;
        let demand = ProbeDemand {
            budget: Duration::from_secs(600),
            min_age: Some(Duration::ZERO),
        };
        for _ in 0..rounds {
            let answer = scheduler.probe(slot, demand).await;
            let report = answer.report().context("a report")?;
            ensure!(report.verdict == Verdict::Success, "{}", report.detail);
        }
        Ok(())
    })
}

/// Reads a configuration `rounds` times.
pub(crate) fn configuration(file: &str, rounds: usize) -> anyhow::Result<()> {
    for _ in 0..rounds {
        config::load(Path::new(file), &Nothing).context("the configuration")?;
    }
    Ok(())
}
