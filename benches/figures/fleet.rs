//! An exporter with many resources: its start, its memory, how evenly and how
//! punctually it probes, what each further resource costs.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::blackbox::Blackbox;
use crate::cloud::{Cloud, Fleet};
use crate::exporter::{Exporter, Probes};
use crate::web::{sample, values};

/// One exporter, watched for a while.
pub(crate) struct Figures {
    pub(crate) resources: usize,
    /// From the start of the process to `/-/ready`, and the CPU time until then.
    pub(crate) ready_after: Duration,
    pub(crate) ready_cpu: Duration,
    /// From then until every resource had a report.
    pub(crate) all_probed_after: Duration,
    /// Bytes, when every resource had been probed and the page was scraped.
    pub(crate) resident: u64,
    /// CPU time of the window in which [`Self::probes`] ran.
    pub(crate) cpu: Duration,
    pub(crate) probes: u64,
    /// Of all starts, the share that was at most 50 ms late, and 10 ms.
    pub(crate) within_50_ms: f64,
    pub(crate) within_10_ms: f64,
    pub(crate) skipped: u64,
    /// The busiest five seconds of a minute against their share.
    pub(crate) densest: f64,
    /// Lines of the page that are samples of resources.
    pub(crate) series: usize,
}

impl Figures {
    /// Lines of the page for one resource.
    pub(crate) fn series_each(&self) -> f64 {
        self.series as f64 / self.resources as f64
    }
}

/// As people have it.
const INTERVAL: Duration = Duration::from_secs(60);

/// So many resources, half of them mailboxes.
pub(crate) const fn plain(resources: usize) -> Fleet {
    Fleet::of(resources - resources / 2, resources / 2, INTERVAL)
}

/// So many resources, each of which reads two numbers.
pub(crate) const fn with_readings(resources: usize) -> Fleet {
    Fleet {
        folders: resources,
        ..plain(0)
    }
}

/// Runs an exporter with these resources until each was probed and then for
/// another `window`.
pub(crate) async fn figures(
    folder: &Path,
    cloud: &Cloud,
    fleet: Fleet,
    window: Duration,
) -> anyhow::Result<Figures> {
    let resources = fleet.sites + fleet.mailboxes + fleet.folders;
    let configuration = cloud.configure("fleet", fleet)?;
    let exporter = Exporter::start("fleet", folder, &configuration, &[]).await?;
    let (ready_after, ready_cpu) = (exporter.ready_after, exporter.ready_cpu);
    let all_probed_after = exporter.all_probed(resources).await?;
    // Past the second probe each has its own phase.
    let settled = (INTERVAL * 2).saturating_sub(all_probed_after);
    tokio::time::sleep(settled.min(window)).await;
    let first = Probes::of(&exporter.scrape().await?);
    let before = exporter.usage()?;
    tokio::time::sleep(window).await;
    let after = exporter.usage()?;
    let page = exporter.scrape().await?;
    let second = Probes::of(&page);
    let usage = exporter.usage()?;
    exporter.stop().await?;
    ensure!(
        second.success == second.all(),
        "not all probes succeeded: {second:?}"
    );
    let bucket = |bound: &str| {
        sample(
            &page,
            &format!("m365mon_probe_start_delay_seconds_bucket{{le=\"{bound}\"}}"),
        )
    };
    let starts = bucket("+Inf").context("no start delays")?;
    let last_probes = values(
        &page,
        "m365_resource_last_probe_timestamp_seconds",
        "resource=",
    );
    let last_probes: Vec<f64> = last_probes.collect();
    let of_resources = |line: &&str| line.starts_with("m365_") && line.contains("resource=\"");
    Ok(Figures {
        resources,
        ready_after,
        ready_cpu,
        all_probed_after,
        resident: usage.resident,
        cpu: after.cpu - before.cpu,
        probes: second.all() - first.all(),
        within_50_ms: bucket("0.05").context("no start delays")? / starts,
        within_10_ms: bucket("0.01").context("no start delays")? / starts,
        skipped: values(&page, "m365mon_probes_skipped_total", "cause=").sum::<f64>() as u64,
        densest: densest(&last_probes, INTERVAL.as_secs_f64(), 5.0),
        series: page.lines().filter(of_resources).count(),
    })
}

/// Of moments that repeat every `period`, how many fall into the busiest
/// `width` of it, against the share that would be even.
fn densest(moments: &[f64], period: f64, width: f64) -> f64 {
    let mut phases: Vec<f64> = moments.iter().map(|at| at.rem_euclid(period)).collect();
    phases.sort_by(f64::total_cmp);
    let again: Vec<f64> = phases.iter().map(|phase| phase + period).collect();
    let all: Vec<f64> = phases.iter().chain(&again).copied().collect();
    let (mut end, mut most) = (0, 0);
    for (begin, from) in phases.iter().enumerate() {
        while all.get(end).is_some_and(|at| *at < from + width) {
            end += 1;
        }
        most = most.max(end - begin);
    }
    most as f64 / (phases.len() as f64 * width / period)
}

/// Resident memory in bytes: of an exporter with ten resources, all probed and
/// scraped, and of blackbox_exporter that was never asked for anything.
pub(crate) async fn at_rest(folder: &Path, cloud: &Cloud) -> anyhow::Result<(u64, u64)> {
    let fleet = Fleet::of(5, 5, Duration::from_secs(10));
    let configuration = cloud.configure("few", fleet)?;
    let peer = Blackbox::start(folder, cloud, 10).await?;
    let exporter = Exporter::start("few", folder, &configuration, &[]).await?;
    exporter.all_probed(10).await?;
    tokio::time::sleep(Duration::from_secs(20)).await;
    exporter.scrape().await?;
    let figures = (exporter.usage()?.resident, peer.usage()?.resident);
    exporter.stop().await?;
    peer.stop().await?;
    Ok(figures)
}
