//! The peer: Debian's `prometheus-blackbox-exporter`, probing the same URLs.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::bare;
use crate::child::{Program, eventually, free_address};
use crate::cloud::{Cloud, GRAPH};
use crate::usage::Usage;
use crate::web::Web;

const PROGRAM: &str = "prometheus-blackbox-exporter";

/// A running blackbox_exporter.
pub(crate) struct Blackbox {
    program: Program,
    address: SocketAddr,
    web: Web,
    targets: Arc<[String]>,
}

/// What happened while it was driven.
pub(crate) struct Driven {
    pub(crate) probes: u64,
    pub(crate) successes: u64,
}

impl Blackbox {
    /// What it says of itself, in one line.
    pub(crate) fn version() -> anyhow::Result<String> {
        let said = Command::new(PROGRAM).arg("--version").output()?;
        // Older ones say it where complaints go.
        let all = [said.stdout, said.stderr].concat();
        let all = String::from_utf8_lossy(&all);
        let line = all.lines().next().unwrap_or_default();
        Ok(line.split(" (").next().unwrap_or_default().to_owned())
    }

    /// Starts it with a module that asks as the exporter does.
    pub(crate) async fn start(
        folder: &std::path::Path,
        cloud: &Cloud,
        sites: usize,
    ) -> anyhow::Result<Self> {
        let token = bare::token(cloud, cloud.owner(1)?).await?;
        let module = format!(
            "modules:\n  graph:\n    prober: http\n    timeout: 10s\n    http:\n      \
             preferred_ip_protocol: ip4\n      headers:\n        Authorization: Bearer {token}\n        \
             Accept: application/json\n      tls_config: {{ca_file: {}}}\n",
            cloud.authority_file().display()
        );
        std::fs::write(folder.join("blackbox.yml"), module)?;
        let address = free_address()?;
        let program = Program::start(
            "blackbox_exporter",
            folder,
            Command::new(PROGRAM)
                .arg("--config.file=blackbox.yml")
                .arg(format!("--web.listen-address={address}"))
                .arg("--log.level=warn")
                .current_dir(folder),
        )?;
        let web = Web::new();
        eventually("blackbox_exporter answers", async || {
            program.usage()?;
            Ok(web.get(address, "/-/healthy").await.ok())
        })
        .await?;
        // One application may ask for the sites of its own tenant only.
        let step = crate::cloud::ACCOUNTS;
        let targets = (1..=sites)
            .step_by(step)
            .map(|site| {
                let url = format!("https://{}{}", cloud.address, cloud.path(site)?);
                let url: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
                Ok(format!("/probe?module=graph&hostname={GRAPH}&target={url}"))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            program,
            address,
            web,
            targets,
        })
    }

    /// Asks it for `rate` probes a second.
    pub(crate) async fn drive(&self, rate: f64, time: Duration) -> anyhow::Result<Driven> {
        let successes = Arc::new(AtomicU64::new(0));
        let mut asked = JoinSet::new();
        let mut tick = interval(Duration::from_secs_f64(1.0 / rate));
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let until = Instant::now() + time;
        let mut probes = 0;
        while Instant::now() < until {
            tick.tick().await;
            let target = self.targets.get(probes % self.targets.len()).cloned();
            let (web, address, successes) = (self.web.clone(), self.address, successes.clone());
            probes += 1;
            asked.spawn(async move {
                let page = web.get(address, &target.unwrap_or_default()).await;
                if page.is_ok_and(|page| page.contains("\nprobe_success 1\n")) {
                    successes.fetch_add(1, Ordering::Relaxed);
                }
            });
            while asked.try_join_next().is_some() {}
        }
        asked.join_all().await;
        Ok(Driven {
            probes: probes as u64,
            successes: successes.load(Ordering::Relaxed),
        })
    }

    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        self.program.usage()
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.program.stop().await
    }
}
