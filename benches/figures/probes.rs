//! What one probe costs: the exporter with new and with kept connections,
//! blackbox_exporter and the bare client, one after the other, again and again.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;

use crate::bare::Bare;
use crate::blackbox::Blackbox;
use crate::cloud::{Cloud, Connections, Fleet};
use crate::exporter::{Exporter, Probes};
use crate::usage::Usage;
use crate::web::Web;

/// How long to measure.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// Probes a second, of everybody.
    pub(crate) rate: f64,
    /// Of the exporter's resources; so many of them as the rate needs.
    pub(crate) interval: Duration,
    /// Figures of a machine that was too busy are no figures.
    pub(crate) strict: bool,
    /// Before each measurement: everything is warm after it.
    pub(crate) warm: Duration,
    pub(crate) window: Duration,
}

/// CPU seconds per probe, one figure for each round.
#[derive(Default)]
pub(crate) struct Costs {
    pub(crate) new: Vec<f64>,
    pub(crate) reused: Vec<f64>,
    pub(crate) blackbox: Vec<f64>,
    /// On one connection.
    pub(crate) bare: Vec<f64>,
    /// On a new connection each.
    pub(crate) bare_new: Vec<f64>,
    /// Of the simulated cloud, for every request that any of them sent: shows
    /// that it had time to spare.
    pub(crate) cloud_share: f64,
}

impl Plan {
    fn sites(self) -> usize {
        (self.rate * self.interval.as_secs_f64()).round() as usize
    }
}

/// The middle one.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn per_probe(before: Usage, after: Usage, probes: u64, plan: Plan) -> anyhow::Result<f64> {
    let wanted = plan.rate * plan.window.as_secs_f64();
    let off = (probes as f64 - wanted).abs();
    ensure!(probes > 0, "no probes");
    ensure!(
        !plan.strict || off < wanted * 0.1 + 20.0,
        "{probes} probes where {wanted:.0} were to be: the machine is too busy to measure"
    );
    Ok((after.cpu - before.cpu).as_secs_f64() / probes as f64)
}

/// Measures.
pub(crate) async fn costs(folder: &Path, plan: Plan) -> anyhow::Result<Costs> {
    let (cloud, web) = (Cloud::start(folder, plan.sites(), 0).await?, Web::new());
    let mut costs = Costs::default();
    let began = std::time::Instant::now();
    for round in 0..plan.rounds {
        costs.blackbox.push(blackbox(folder, &cloud, plan).await?);
        for reuse in [false, true] {
            let cost = exporter(folder, &cloud, plan, reuse).await?;
            if reuse {
                costs.reused.push(cost);
            } else {
                costs.new.push(cost);
            }
        }
        for reuse in [false, true] {
            let cost = bare(folder, &cloud, &web, plan, reuse).await?;
            if reuse {
                costs.bare.push(cost);
            } else {
                costs.bare_new.push(cost);
            }
        }
        crate::say(&format!(
            "round {} at {:.0}/s: new {:.0} us, reused {:.0} us, blackbox {:.0} us, \
             bare {:.0} us, bare with a new connection each {:.0} us",
            round + 1,
            plan.rate,
            last(&costs.new),
            last(&costs.reused),
            last(&costs.blackbox),
            last(&costs.bare),
            last(&costs.bare_new),
        ))?;
    }
    let used = cloud.program().usage()?.cpu;
    costs.cloud_share = used.as_secs_f64() / began.elapsed().as_secs_f64();
    Ok(costs)
}

fn last(costs: &[f64]) -> f64 {
    costs.last().copied().unwrap_or(f64::NAN) * 1e6
}

async fn blackbox(folder: &Path, cloud: &Cloud, plan: Plan) -> anyhow::Result<f64> {
    let peer = Blackbox::start(folder, cloud, plan.sites()).await?;
    peer.drive(plan.rate, plan.warm).await?;
    let before = peer.usage()?;
    let driven = peer.drive(plan.rate, plan.window).await?;
    let after = peer.usage()?;
    ensure!(
        !plan.strict || driven.successes == driven.probes,
        "{} of {} probes of blackbox_exporter succeeded",
        driven.successes,
        driven.probes
    );
    peer.stop().await?;
    per_probe(before, after, driven.probes, plan)
}

async fn exporter(folder: &Path, cloud: &Cloud, plan: Plan, reuse: bool) -> anyhow::Result<f64> {
    let (name, connections) = match reuse {
        true => ("reused", Connections::Kept),
        false => ("new", Connections::New),
    };
    let fleet = Fleet {
        connections,
        ..Fleet::of(plan.sites(), 0, plan.interval)
    };
    let configuration = cloud.configure(name, fleet)?;
    let exporter = Exporter::start(name, folder, &configuration, &[]).await?;
    tokio::time::sleep(plan.warm.max(plan.interval * 2)).await;
    // The scrapes around the window stay out of it.
    let first = Probes::of(&exporter.scrape().await?);
    let before = exporter.usage()?;
    tokio::time::sleep(plan.window).await;
    let after = exporter.usage()?;
    let second = Probes::of(&exporter.scrape().await?);
    exporter.stop().await?;
    ensure!(
        !plan.strict
            || second.failure == first.failure && second.inconclusive == first.inconclusive,
        "not all probes succeeded: {second:?}"
    );
    per_probe(before, after, second.all() - first.all(), plan)
}

async fn bare(
    folder: &Path,
    cloud: &Cloud,
    web: &Web,
    plan: Plan,
    reuse: bool,
) -> anyhow::Result<f64> {
    let client = Bare::start(folder, cloud, plan.sites(), plan.rate, reuse).await?;
    tokio::time::sleep(plan.warm).await;
    let answered = async || {
        let counts = cloud.answered(web).await?;
        anyhow::Ok(counts.get("graph 200").copied().unwrap_or_default())
    };
    let (first, before) = (answered().await?, client.usage()?);
    tokio::time::sleep(plan.window).await;
    let (second, after) = (answered().await?, client.usage()?);
    client.stop().await?;
    per_probe(before, after, second - first, plan)
}
