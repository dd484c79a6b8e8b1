//! What a process or a thread has used, as the kernel counts it.

use std::time::Duration;

use anyhow::Context as _;

/// CPU time of the calling thread.
pub(crate) fn this_thread() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split(' ').next().context("no schedstat")?.parse()?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// What one process used and holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// User and system time of all its threads, ended ones included.
    pub(crate) cpu: Duration,
    /// Resident memory in bytes.
    pub(crate) resident: u64,
    /// Open file descriptors.
    pub(crate) descriptors: u64,
    /// Threads.
    pub(crate) threads: u64,
}

/// The kernel's unit of CPU time in `/proc/PID/stat` (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// What the process `pid` used so far.
pub(crate) fn of(pid: u32) -> anyhow::Result<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; fields count from behind it.
    let (_, fields) = stat.rsplit_once(") ").context("no stat")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let field = |place: usize| -> anyhow::Result<u32> {
        // Field 3 is the first behind the name.
        Ok(fields.get(place - 3).context("a short stat")?.parse()?)
    };
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kilobytes = |name: &str| -> anyhow::Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.context("a short status")?.parse()?)
    };
    Ok(Usage {
        cpu: TICK * (field(14)? + field(15)?),
        resident: kilobytes("VmRSS:")? * 1024,
        descriptors: std::fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64,
        threads: kilobytes("Threads:")?,
    })
}
