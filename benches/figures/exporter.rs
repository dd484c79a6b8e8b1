//! A running `m365mon serve`.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::child::{Program, eventually, free_address};
use crate::usage::Usage;
use crate::web::{Web, values};

/// The exporter under test.
pub(crate) struct Exporter {
    program: Program,
    pub(crate) address: SocketAddr,
    web: Web,
    /// From the start of the process to its first answer to `/-/ready`.
    pub(crate) ready_after: Duration,
    /// What it had used by then.
    pub(crate) ready_cpu: Duration,
}

/// How many probes it counted, by outcome in the order of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Probes {
    pub(crate) success: u64,
    pub(crate) failure: u64,
    pub(crate) inconclusive: u64,
}

impl Probes {
    pub(crate) fn of(page: &str) -> Self {
        let count = |outcome: &str| {
            let label = format!("outcome=\"{outcome}\"");
            values(page, "m365_resource_probes_total", &label).sum::<f64>() as u64
        };
        Self {
            success: count("success"),
            failure: count("failure"),
            inconclusive: count("inconclusive"),
        }
    }

    pub(crate) const fn all(self) -> u64 {
        self.success + self.failure + self.inconclusive
    }
}

impl Exporter {
    /// Starts it with a configuration and waits until it is ready.
    pub(crate) async fn start(
        name: &str,
        folder: &Path,
        configuration: &Path,
        flags: &[&str],
    ) -> anyhow::Result<Self> {
        let (address, web) = (free_address()?, Web::new());
        let began = Instant::now();
        let program = Program::start(
            name,
            folder,
            Program::m365mon()
                .arg("serve")
                .arg("--config.file")
                .arg(configuration)
                .arg(format!("--web.listen-address={address}"))
                .args(["--log.level=warn"])
                .args(flags),
        )?;
        let until = began + Duration::from_secs(120);
        let ready = async || {
            web.get(address, "/-/ready")
                .await
                .is_ok_and(|_| Instant::now() < until)
        };
        while !ready().await {
            program.usage()?;
            anyhow::ensure!(Instant::now() < until, "{name} is never ready");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let ready_after = began.elapsed();
        Ok(Self {
            ready_cpu: program.usage()?.cpu,
            program,
            address,
            web,
            ready_after,
        })
    }

    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        self.program.usage()
    }

    pub(crate) async fn scrape(&self) -> anyhow::Result<String> {
        self.web.scrape(self.address).await
    }

    /// Waits until so many resources have been probed at least once; answers
    /// how long after the start of the waiting that was.
    pub(crate) async fn all_probed(&self, resources: usize) -> anyhow::Result<Duration> {
        let began = Instant::now();
        eventually("every resource was probed", async || {
            tokio::time::sleep(Duration::from_millis(480)).await;
            let page = self.scrape().await?;
            let name = "m365_resource_last_probe_timestamp_seconds";
            Ok((values(&page, name, "resource=").count() >= resources).then_some(()))
        })
        .await?;
        Ok(began.elapsed())
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.program.stop().await
    }
}
