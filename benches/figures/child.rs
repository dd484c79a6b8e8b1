//! Programs that are measured: they end with their handle.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::usage::{self, Usage};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running program.
pub(crate) struct Program {
    child: Child,
    name: String,
}

impl Program {
    /// Starts it; what it says goes into `name.log` of `folder`.
    pub(crate) fn start(name: &str, folder: &Path, command: &mut Command) -> anyhow::Result<Self> {
        let log = std::fs::File::create(folder.join(format!("{name}.log")))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{name} does not start; is it installed?"))?;
        Ok(Self {
            child,
            name: name.to_owned(),
        })
    }

    /// The exporter's own binary, or the one that the environment names.
    pub(crate) fn m365mon() -> Command {
        Command::new(
            std::env::var_os("M365MON").unwrap_or_else(|| env!("CARGO_BIN_EXE_m365mon").into()),
        )
    }

    /// What it used so far; an error once it has ended.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        usage::of(self.child.id()).with_context(|| format!("{} ended", self.name))
    }

    /// Asks it to end and waits for that.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.terminate();
        eventually(&format!("{} ends", self.name), async || {
            Ok(self.child.try_wait()?.map(drop))
        })
        .await
    }

    fn terminate(&self) {
        let pid = self.child.id().to_string();
        _ = Command::new("kill").args(["-TERM", &pid]).status();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.terminate();
            let until = Instant::now() + Duration::from_secs(10);
            while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::yield_now();
            }
        }
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Asks until there is an answer.
pub(crate) async fn eventually<T>(
    what: &str,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        ensure!(Instant::now() < until, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An address that was free a moment ago.
pub(crate) fn free_address() -> anyhow::Result<std::net::SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
