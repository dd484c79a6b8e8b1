//! One tenant of ten hangs: what the other nine notice.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use http::Method;

use crate::cloud::{Cloud, Fleet};
use crate::exporter::Exporter;
use crate::say;
use crate::web::{Web, sample, values};

/// What the others saw in one window.
struct Seen {
    starts: f64,
    within_10_ms: f64,
    within_50_ms: f64,
    successes: f64,
    others: f64,
    in_flight: f64,
}

const WINDOW: Duration = Duration::from_secs(90);
const INTERVAL: Duration = Duration::from_secs(30);
const RESOURCES: usize = 2_000;

/// Watches a window in peace and one with a tenant that never answers.
pub(crate) async fn run(folder: &Path) -> anyhow::Result<()> {
    let cloud = Cloud::start(folder, RESOURCES, 0).await?;
    let fleet = Fleet::of(RESOURCES, 0, INTERVAL);
    let configuration = cloud.configure("hang", fleet)?;
    let exporter = Exporter::start("hang", folder, &configuration, &[]).await?;
    tokio::time::sleep(INTERVAL * 2).await;
    let victim = cloud.owner(3)?;
    let peace = window(&exporter, &victim.name).await?;
    let order = format!(
        r#"{{"scope": {{"service": "graph", "app": "{}"}}, "kind": "hang"}}"#,
        victim.client_id
    );
    Web::new()
        .tell(cloud.control, Method::POST, "/faults", &order)
        .await?;
    tokio::time::sleep(INTERVAL).await;
    let trouble = window(&exporter, &victim.name).await?;
    exporter.stop().await?;
    say("| nine of ten tenants | all answer | one hangs |")?;
    say("| --- | --- | --- |")?;
    let row = |what: &str, figure: fn(&Seen) -> f64, unit: &str| {
        let (one, other) = (figure(&peace), figure(&trouble));
        say(&format!("| {what} | {one:.0}{unit} | {other:.0}{unit} |"))
    };
    row(
        "their probes that succeeded",
        |s| s.successes / s.others * 100.0,
        " %",
    )?;
    row("their probes", |s| s.others, "")?;
    row("starts of all ten tenants", |s| s.starts, "")?;
    row("of these at most 10 ms late", |s| s.within_10_ms, "")?;
    row("of these at most 50 ms late", |s| s.within_50_ms, "")?;
    row("in flight at the end", |s| s.in_flight, "")
}

async fn window(exporter: &Exporter, victim: &str) -> anyhow::Result<Seen> {
    let before = exporter.scrape().await?;
    tokio::time::sleep(WINDOW).await;
    let after = exporter.scrape().await?;
    let delays = |bound: &str| {
        let name = format!("m365mon_probe_start_delay_seconds_bucket{{le=\"{bound}\"}}");
        let of = |page: &str| sample(page, &name).context("no start delays");
        anyhow::Ok(of(&after)? - of(&before)?)
    };
    let others = |page: &str, outcome: &str| -> f64 {
        let victim = format!("account=\"{victim}\"");
        let rest = page.lines().filter(|line| !line.contains(&victim));
        let page: String = rest.map(|line| format!("{line}\n")).collect();
        values(&page, "m365_resource_probes_total", outcome).sum()
    };
    let success = "outcome=\"success\"";
    Ok(Seen {
        starts: delays("+Inf")?,
        within_10_ms: delays("0.01")?,
        within_50_ms: delays("0.05")?,
        successes: others(&after, success) - others(&before, success),
        others: others(&after, "outcome=") - others(&before, "outcome="),
        in_flight: sample(&after, "m365mon_probes_in_flight ").unwrap_or(f64::NAN),
    })
}
