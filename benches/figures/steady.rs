//! Whether every resource keeps its phase over a reload and a restart.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use http::Method;

use crate::cloud::{Cloud, Fleet};
use crate::exporter::Exporter;
use crate::say;
use crate::web::{Web, values};

const INTERVAL: Duration = Duration::from_secs(60);

/// When each resource was last probed, in seconds of its interval.
fn phases(page: &str) -> BTreeMap<String, f64> {
    let name = "m365_resource_last_probe_timestamp_seconds{resource=\"";
    let lines = page.lines().filter_map(|line| line.strip_prefix(name));
    lines
        .filter_map(|line| {
            let (resource, rest) = line.split_once('"')?;
            let (_, at) = rest.split_once("} ")?;
            let at: f64 = at.parse().ok()?;
            Some((resource.to_owned(), at.rem_euclid(INTERVAL.as_secs_f64())))
        })
        .collect()
}

/// How far apart, around the clock: the 99th of a hundred, and the most.
fn apart(one: &BTreeMap<String, f64>, other: &BTreeMap<String, f64>) -> (f64, f64) {
    let whole = INTERVAL.as_secs_f64();
    let mut apart: Vec<f64> = one
        .iter()
        .map(|(resource, phase)| {
            let other = other.get(resource).copied().unwrap_or(f64::INFINITY);
            let distance = (phase - other).rem_euclid(whole);
            distance.min(whole - distance)
        })
        .collect();
    apart.sort_by(f64::total_cmp);
    let at = |place: usize| apart.get(place).copied().unwrap_or(f64::NAN);
    (
        at(apart.len() * 99 / 100),
        at(apart.len().saturating_sub(1)),
    )
}

/// Reloads and restarts an exporter with so many resources.
pub(crate) async fn run(folder: &Path, resources: usize) -> anyhow::Result<()> {
    let half = resources / 2;
    let cloud = Cloud::start(folder, resources - half, half).await?;
    let fleet = Fleet::of(resources - half, half, INTERVAL);
    let configuration = cloud.configure("steady", fleet)?;
    let key = cloud.operator_key()?;
    let key_file = format!("--web.operator-file={}", key.display());
    let flags = ["--web.enable-lifecycle", &key_file];
    let start = || Exporter::start("steady", folder, &configuration, &flags);
    // From the third tick on each is on its phase.
    let settle = INTERVAL * 5 / 2;
    let exporter = start().await?;
    tokio::time::sleep(settle).await;
    let first = phases(&exporter.scrape().await?);
    let key = std::fs::read_to_string(&key)?;
    let operator = [("x-m365mon-operator", key.trim())];
    let web = Web::new();
    let asked = web.ask(Method::POST, exporter.address, "/-/reload", &operator, "");
    let (status, said) = asked.await?;
    anyhow::ensure!(status == 200, "reload: {status} {said:?}");
    tokio::time::sleep(INTERVAL * 5 / 4).await;
    let page = exporter.scrape().await?;
    let reloaded = phases(&page);
    let skipped: f64 = values(&page, "m365mon_probes_skipped_total", "cause=").sum();
    exporter.stop().await?;
    let exporter = start().await?;
    tokio::time::sleep(settle).await;
    let restarted = phases(&exporter.scrape().await?);
    exporter.stop().await?;
    say(&format!(
        "{} resources, {skipped} ticks skipped",
        first.len()
    ))?;
    for (what, other) in [("reload", reloaded), ("restart", restarted)] {
        let (usual, most) = apart(&first, &other);
        say(&format!(
            "after a {what}: 99 % of the probes end within {:.0} ms of the same time of the \
             minute, the farthest at {:.0} ms",
            usual * 1e3,
            most * 1e3
        ))?;
    }
    Ok(())
}
