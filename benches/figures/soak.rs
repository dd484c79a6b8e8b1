//! Hours of trouble: a fleet of accounts of which some are throttled, hang, are
//! cut off or lose their tokens, again and again, while the others are left in
//! peace. Memory, descriptors and threads must stay flat, every tick must be
//! accounted for, and whoever was left in peace must notice nothing.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use http::Method;
use serde::Deserialize;

use crate::cloud::{Cloud, Connections, Fleet};
use crate::exporter::{Exporter, Probes};
use crate::say;
use crate::usage::Usage;
use crate::web::{Web, sample, values};

/// How long, how much, how often.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) time: Duration,
    pub(crate) resources: usize,
    pub(crate) interval: Duration,
    /// Each kind of trouble lasts so long, and the peace after all of them.
    pub(crate) step: Duration,
    /// Whether growth and failures of those left in peace are looked for, or
    /// the accounting alone.
    pub(crate) strict: bool,
}

/// Accounts that get into trouble, by their place; the rest is left in peace.
const TROUBLED: usize = 4;

/// What is put in force, in turn, for one account each. `APP` is its client id.
const TROUBLES: [(&str, &str, &str); 8] = [
    (
        "throttled, with Retry-After",
        "/faults",
        r#"{"scope": {"service": "graph", "app": "APP"}, "kind": {"throttled": {"retry_after": {"seconds": 15}}}}"#,
    ),
    (
        "hanging",
        "/faults",
        r#"{"scope": {"service": "graph", "app": "APP"}, "kind": "hang"}"#,
    ),
    (
        "connections reset",
        "/faults",
        r#"{"scope": {"service": "graph", "app": "APP"}, "kind": "reset_before", "share": 0.5}"#,
    ),
    ("tokens revoked", "/revoke", r#"{"app": "APP"}"#),
    (
        "throttled, without a word",
        "/faults",
        r#"{"scope": {"service": "graph", "app": "APP"}, "kind": {"throttled": {}}, "share": 0.3}"#,
    ),
    (
        "bodies that hang",
        "/faults",
        r#"{"scope": {"service": "graph", "app": "APP"}, "kind": "hang_body", "share": 0.5}"#,
    ),
    (
        "answers of several seconds",
        "/faults",
        r#"{"scope": {"service": "graph", "app": "APP"}, "kind": {"latency": {"from": "2s", "to": "9s"}}}"#,
    ),
    (
        "Entra refuses",
        "/faults",
        r#"{"scope": {"service": "login", "app": "APP"}, "kind": {"unavailable": {}}}"#,
    ),
];

/// One resource as `/api/v1/resources` tells of it.
#[derive(Deserialize)]
struct Told {
    name: String,
    account: String,
    ticks: Ticks,
    probes: BTreeMap<String, u64>,
}

#[derive(Deserialize, Clone, Copy)]
struct Ticks {
    due: u64,
    reported: u64,
    skipped: u64,
    running: u64,
    waiting: u64,
}

#[derive(Deserialize)]
struct All {
    resources: Vec<Told>,
}

/// The sums over one look at everything.
#[derive(Default)]
struct Account {
    due: u64,
    reported: u64,
    skipped: u64,
    under_way: u64,
}

struct Soak<'a> {
    plan: Plan,
    cloud: &'a Cloud,
    exporter: &'a Exporter,
    web: Web,
    began: Instant,
    at_rest: Vec<Usage>,
    peak: u64,
    troubles: usize,
    log: std::fs::File,
}

/// Runs it and says what came of it; an error if something is wrong.
pub(crate) async fn run(folder: &Path, plan: Plan, log: &Path) -> anyhow::Result<()> {
    let half = plan.resources / 2;
    let cloud = Cloud::start(folder, plan.resources - half, half).await?;
    let fleet = Fleet {
        connections: Connections::Half,
        ..Fleet::of(plan.resources - half, half, plan.interval)
    };
    let configuration = cloud.configure("soak", fleet)?;
    let exporter = Exporter::start("soak", folder, &configuration, &[]).await?;
    let mut soak = Soak {
        plan,
        cloud: &cloud,
        exporter: &exporter,
        web: Web::new(),
        began: Instant::now(),
        at_rest: Vec::new(),
        peak: 0,
        troubles: 0,
        log: std::fs::File::create(log)?,
    };
    writeln!(
        soak.log,
        "seconds,what,cpu_seconds,resident,descriptors,threads,in_flight"
    )?;
    while soak.began.elapsed() < plan.time {
        soak.cycle().await?;
    }
    soak.verdict().await?;
    exporter.stop().await
}

impl Soak<'_> {
    /// All troubles once, and peace.
    async fn cycle(&mut self) -> anyhow::Result<()> {
        for (place, (what, path, order)) in TROUBLES.iter().enumerate() {
            // In another cycle it is another account's turn.
            let account = self.cloud.owner((place + self.troubles) % TROUBLED + 1)?;
            let order = order.replace("APP", &account.client_id);
            self.web
                .tell(self.cloud.control, Method::POST, path, &order)
                .await?;
            self.watch(what, self.plan.step).await?;
            self.web
                .tell(self.cloud.control, Method::DELETE, "/faults", "")
                .await?;
        }
        self.troubles += 1;
        self.watch("peace", self.plan.step * 2).await?;
        self.at_rest.push(self.exporter.usage()?);
        self.account().await.map(drop)
    }

    /// Writes down how things stand until `time` has passed.
    async fn watch(&mut self, what: &str, time: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            tokio::time::sleep(left.min(Duration::from_secs(10))).await;
            let page = self.exporter.scrape().await?;
            let usage = self.exporter.usage()?;
            self.peak = self.peak.max(usage.resident);
            writeln!(
                self.log,
                "{:.0},{what},{:.2},{},{},{},{}",
                self.began.elapsed().as_secs_f64(),
                usage.cpu.as_secs_f64(),
                usage.resident,
                usage.descriptors,
                usage.threads,
                sample(&page, "m365mon_probes_in_flight ").unwrap_or(f64::NAN),
            )?;
        }
        Ok(())
    }

    async fn told(&self) -> anyhow::Result<Vec<Told>> {
        let text = self.web.get(self.exporter.address, "/api/v1/resources");
        Ok(serde_json::from_str::<All>(&text.await?)?.resources)
    }

    /// Every tick of every resource: due = reported + skipped + under way; what
    /// was due is what the time that passed says; what was reported is what the
    /// metrics count by outcome; what was skipped is what they count by cause.
    async fn account(&self) -> anyhow::Result<Account> {
        let earlier = self.told().await?;
        let page = self.exporter.scrape().await?;
        let passed = self.began.elapsed().as_secs_f64() / self.plan.interval.as_secs_f64();
        let later = self.told().await?;
        let mut sums = Account::default();
        ensure!(later.len() == self.plan.resources, "resources are missing");
        let counted = by_resource(&page);
        for (before, after) in earlier.iter().zip(&later) {
            let (name, ticks) = (&after.name, after.ticks);
            let under_way = ticks.running + ticks.waiting;
            ensure!(
                ticks.due == ticks.reported + ticks.skipped + under_way,
                "{name}: of {} due ticks {} were reported, {} skipped, {under_way} are under way",
                ticks.due,
                ticks.reported,
                ticks.skipped
            );
            let off = (ticks.due as f64 - passed).abs();
            ensure!(
                off <= 2.0,
                "{name}: {} ticks in {passed:.1} intervals",
                ticks.due
            );
            let outcomes: u64 = after.probes.values().sum();
            let in_metrics = counted.get(name.as_str()).copied().unwrap_or_default();
            ensure!(
                (before.ticks.reported..=ticks.reported).contains(&in_metrics),
                "{name}: {in_metrics} outcomes in the metrics, {} reports",
                ticks.reported
            );
            ensure!(
                outcomes.abs_diff(ticks.reported) <= 1,
                "{name}: {outcomes} outcomes, {} reports",
                ticks.reported
            );
            sums.due += ticks.due;
            sums.reported += ticks.reported;
            sums.skipped += ticks.skipped;
            sums.under_way += under_way;
        }
        let skipped = values(&page, "m365mon_probes_skipped_total", "cause=").sum::<f64>() as u64;
        let before: u64 = earlier.iter().map(|told| told.ticks.skipped).sum();
        ensure!(
            (before..=sums.skipped).contains(&skipped),
            "{skipped} skipped ticks in the metrics, {} of all resources",
            sums.skipped
        );
        Ok(sums)
    }

    async fn verdict(&self) -> anyhow::Result<()> {
        let sums = self.account().await?;
        let page = self.exporter.scrape().await?;
        let probes = Probes::of(&page);
        let usage = self.exporter.usage()?;
        let minutes = self.began.elapsed().as_secs_f64() / 60.0;
        say(&format!(
            "{minutes:.0} minutes, {} resources every {} s, {} troubles in {} cycles",
            self.plan.resources,
            self.plan.interval.as_secs(),
            self.troubles * TROUBLES.len(),
            self.troubles,
        ))?;
        say(&format!(
            "ticks: {} due = {} reported + {} skipped + {} under way, for each of the resources",
            sums.due, sums.reported, sums.skipped, sums.under_way
        ))?;
        say(&format!(
            "probes: {} success, {} failure, {} inconclusive; {:.2} s of CPU",
            probes.success,
            probes.failure,
            probes.inconclusive,
            usage.cpu.as_secs_f64()
        ))?;
        if self.plan.strict {
            self.peaceful(&page).await?;
            self.flat()?;
        }
        say("verdict: every tick is accounted for")
    }

    /// Whoever was left in peace saw nothing but successes, on time.
    async fn peaceful(&self, page: &str) -> anyhow::Result<()> {
        let troubled: Vec<&str> = (1..=TROUBLED)
            .map(|place| Ok(self.cloud.owner(place)?.name.as_str()))
            .collect::<anyhow::Result<_>>()?;
        let told = self.told().await?;
        let (mut resources, mut probes) = (0, 0);
        for told in told
            .iter()
            .filter(|told| !troubled.contains(&&*told.account))
        {
            resources += 1;
            probes += told.ticks.reported;
            let success = told.probes.get("success").copied().unwrap_or_default();
            ensure!(
                told.ticks.skipped == 0 && success + 1 >= told.ticks.reported,
                "{} was left in peace: {} of {} probes succeeded, {} ticks were skipped",
                told.name,
                success,
                told.ticks.reported,
                told.ticks.skipped
            );
        }
        let bucket = |bound: &str| {
            let name = format!("m365mon_probe_start_delay_seconds_bucket{{le=\"{bound}\"}}");
            sample(page, &name).context("no start delays")
        };
        say(&format!(
            "left in peace: {resources} resources, {probes} probes, all successful, none skipped; \
             {:.3} % of all starts at most 50 ms late",
            bucket("0.05")? / bucket("+Inf")? * 100.0
        ))
    }

    /// At rest everything is as it was after half of the time: until then the
    /// histories, twenty probes of each resource, are filling.
    fn flat(&self) -> anyhow::Result<()> {
        let settled = self.at_rest.get(self.at_rest.len().saturating_sub(1) / 2);
        let (first, last) = settled.zip(self.at_rest.last()).context("no cycle ended")?;
        say(&format!(
            "at rest, after half of the cycles and at the end: {:.1} and {:.1} MB resident \
             (peak {:.1}), {} and {} descriptors, {} and {} threads",
            first.resident as f64 / 1e6,
            last.resident as f64 / 1e6,
            self.peak as f64 / 1e6,
            first.descriptors,
            last.descriptors,
            first.threads,
            last.threads
        ))?;
        ensure!(
            last.resident < first.resident + first.resident / 10 + 2_000_000,
            "memory grows"
        );
        ensure!(
            last.descriptors <= first.descriptors + 20,
            "descriptors grow"
        );
        ensure!(last.threads <= first.threads + 2, "threads grow");
        Ok(())
    }
}

/// Probes of all outcomes in a page, by resource.
fn by_resource(page: &str) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for line in page.lines() {
        let Some(rest) = line.strip_prefix("m365_resource_probes_total{resource=\"") else {
            continue;
        };
        let Some((name, rest)) = rest.split_once('"') else {
            continue;
        };
        let count = rest
            .rsplit_once("} ")
            .and_then(|(_, count)| count.parse::<u64>().ok());
        *counts.entry(name).or_default() += count.unwrap_or_default();
    }
    counts
}
