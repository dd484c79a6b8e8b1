//! The table of `docs/performance.md`, measured.

use std::path::Path;
use std::time::Duration;

use crate::blackbox::Blackbox;
use crate::cloud::Cloud;
use crate::exposition::{self, Cost};
use crate::fleet::{self, Figures};
use crate::probes::{self, Costs, Plan, median};
use crate::say;

/// One line of the table.
fn line(what: &str, reach: &str, got: &str, from: &str) -> anyhow::Result<()> {
    say(&format!("| {what} | {reach} | {got} | {from} |"))
}

fn head() -> anyhow::Result<()> {
    line("figure", "to reach", "measured", "from")?;
    line("---", "---", "---", "---")
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The ratio of two costs that were measured in turn.
fn ratio(one: &[f64], other: &[f64]) -> (f64, String) {
    let each: Vec<f64> = one
        .iter()
        .zip(other)
        .map(|(one, other)| one / other)
        .collect();
    let all: Vec<String> = each.iter().map(|ratio| format!("{ratio:.3}")).collect();
    (median(&each), all.join(", "))
}

/// What one probe costs.
pub(crate) async fn probes(folder: &Path, plan: Plan) -> anyhow::Result<Costs> {
    let peer = Blackbox::version()?;
    say(&format!("The peer: {peer}."))?;
    let costs = probes::costs(folder, plan).await?;
    head()?;
    for (what, reach, one, other, names) in [
        (
            "CPU per probe, new connection, against a bare client with a new one each",
            "≤ 1.3",
            &costs.new,
            &costs.bare_new,
            "bare hyper",
        ),
        (
            "CPU per probe, new connection, against blackbox_exporter",
            "≤ 0.30",
            &costs.new,
            &costs.blackbox,
            "blackbox_exporter",
        ),
        (
            "CPU per probe, reused connection, against blackbox_exporter",
            "≤ 0.03",
            &costs.reused,
            &costs.blackbox,
            "blackbox_exporter",
        ),
        (
            "CPU per probe, reused connection, against bare hyper",
            "≤ 2.5",
            &costs.reused,
            &costs.bare,
            "bare hyper",
        ),
    ] {
        let (middle, each) = ratio(one, other);
        let from = format!(
            "{:.0} µs against {:.0} µs of {names}; rounds: {each}",
            median(one) * 1e6,
            median(other) * 1e6
        );
        line(what, reach, &format!("{middle:.3}"), &from)?;
    }
    say(&format!(
        "\nThe simulated cloud used {:.0} % of one core meanwhile.",
        costs.cloud_share * 100.0
    ))?;
    Ok(costs)
}

/// What a page costs.
pub(crate) fn expositions(rounds: usize) -> anyhow::Result<()> {
    head()?;
    for (gzip, what, reach) in [
        (
            false,
            "`/metrics` of 10,000 resources against a hand-written writer",
            "≤ 5",
        ),
        (
            true,
            "the same with gzip against zlib-rs level 1 on the same bytes",
            "≤ 1.5",
        ),
    ] {
        let cost = exposition::cost(10_000, gzip, rounds)?;
        line(what, reach, &format!("{:.2}", cost.ratio()), &told(&cost))?;
    }
    let costs = [100, 1_000, 10_000].map(|resources| exposition::cost(resources, false, rounds));
    let [hundred, thousand, ten_thousand] = costs;
    let seconds = [hundred?, thousand?, ten_thousand?].map(|cost| cost.ours.as_secs_f64());
    let (marginal, from) = marginal(seconds.map(|seconds| seconds * 1e6), "µs");
    line(
        "scrape, marginal cost per resource",
        "≤ 1.3",
        &format!("{marginal:.2}"),
        &from,
    )
}

fn told(cost: &Cost) -> String {
    format!(
        "{:.1} ms against {:.1} ms; {:.1} MB, {} lines",
        cost.ours.as_secs_f64() * 1e3,
        cost.reference.as_secs_f64() * 1e3,
        cost.bytes as f64 / 1e6,
        cost.lines
    )
}

/// (10,000 − 1,000)/9,000 against (1,000 − 100)/900.
fn marginal([hundred, thousand, ten_thousand]: [f64; 3], unit: &str) -> (f64, String) {
    let (few, many) = (
        (thousand - hundred) / 900.0,
        (ten_thousand - thousand) / 9_000.0,
    );
    (
        many / few,
        format!("{many:.2} {unit} against {few:.2} {unit}"),
    )
}

/// Many resources.
pub(crate) async fn fleets(folder: &Path, window: Duration) -> anyhow::Result<()> {
    let cloud = Cloud::start(folder, 5_000, 5_000).await?;
    let (ours, theirs) = fleet::at_rest(folder, &cloud).await?;
    let mut all = Vec::new();
    for resources in [100, 1_000, 10_000].map(fleet::plain) {
        let figures = fleet::figures(folder, &cloud, resources, window).await?;
        say(&told_fleet(&figures))?;
        all.push(figures);
    }
    let readings = fleet::with_readings(10_000);
    let readings = fleet::figures(folder, &cloud, readings, window).await?;
    say(&format!("each with readings, {}", told_fleet(&readings)))?;
    head()?;
    line(
        "resident memory with 10 resources, against blackbox_exporter at rest",
        "≤ 0.6",
        &format!("{:.2}", ours as f64 / theirs as f64),
        &format!(
            "{:.1} MB against {:.1} MB",
            megabytes(ours),
            megabytes(theirs)
        ),
    )?;
    let [hundred, thousand, ten_thousand] = all.as_slice() else {
        return Ok(());
    };
    line(
        "resident memory with 10,000 resources, each probed",
        "≤ 64 MB",
        &format!("{:.1} MB", megabytes(ten_thousand.resident)),
        "all metrics, after a scrape",
    )?;
    line(
        "the same, each with two readings",
        "≤ 64 MB",
        &format!("{:.1} MB", megabytes(readings.resident)),
        &format!("{:.1} series each", readings.series_each()),
    )?;
    let three = |figure: fn(&Figures) -> f64| [hundred, thousand, ten_thousand].map(figure);
    let (middle, from) = marginal(three(|f| f.cpu.as_secs_f64() * 1e6), "µs");
    line(
        "probes, marginal CPU per resource",
        "≤ 1.15",
        &format!("{middle:.2}"),
        &from,
    )?;
    let (middle, from) = marginal(three(|f| f.resident as f64 / 1e3), "kB");
    line(
        "memory, marginal per resource",
        "≤ 1.3",
        &format!("{middle:.2}"),
        &from,
    )?;
    line(
        "start to `/-/ready` with 1,000 resources",
        "≤ 100 ms",
        &format!("{:.0} ms", thousand.ready_after.as_secs_f64() * 1e3),
        &format!(
            "{:.0} ms of CPU time",
            thousand.ready_cpu.as_secs_f64() * 1e3
        ),
    )?;
    line(
        "starts at most 50 ms late, 10,000 resources",
        "≥ 99 %",
        &format!("{:.2} %", ten_thousand.within_50_ms * 100.0),
        &format!("{:.2} % at most 10 ms", ten_thousand.within_10_ms * 100.0),
    )?;
    line(
        "busiest 5 seconds against their share, 10,000 resources",
        "≤ 1.5",
        &format!("{:.2}", ten_thousand.densest),
        &format!("{} ticks skipped", ten_thousand.skipped),
    )
}

fn told_fleet(figures: &Figures) -> String {
    format!(
        "{} resources: ready after {:.0} ms ({:.0} ms of CPU), all probed {:.1} s later; \
         {} probes for {:.2} s of CPU; {:.1} MB resident; {:.2} % of starts within 50 ms, \
         {:.2} % within 10 ms; {} skipped; densest 5 s at {:.2} of their share; {:.1} series each",
        figures.resources,
        figures.ready_after.as_secs_f64() * 1e3,
        figures.ready_cpu.as_secs_f64() * 1e3,
        figures.all_probed_after.as_secs_f64(),
        figures.probes,
        figures.cpu.as_secs_f64(),
        megabytes(figures.resident),
        figures.within_50_ms * 100.0,
        figures.within_10_ms * 100.0,
        figures.skipped,
        figures.densest,
        figures.series_each(),
    )
}
