//! The standard `process_*` metrics, read from `/proc` (Linux, proc(5)). Where
//! there is none, or a line cannot be read, the metric is absent.

use std::fs;

/// Clock ticks per second in `/proc`: the kernel's USER_HZ, 100 wherever this
/// runs (proc_pid_stat(5), times(7)).
const USER_HZ: f64 = 100.0;

/// What the operating system says about this process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct ProcessFacts {
    pub(super) cpu_seconds: Option<f64>,
    pub(super) open_fds: Option<u64>,
    pub(super) max_fds: Option<u64>,
    pub(super) virtual_bytes: Option<u64>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) start_seconds: Option<f64>,
    pub(super) threads: Option<u64>,
}

impl ProcessFacts {
    pub(super) fn read() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let mut facts = Self::parse(
            &read("/proc/self/stat"),
            &read("/proc/self/status"),
            &read("/proc/self/limits"),
            &read("/proc/stat"),
        );
        // The descriptor that lists them is one of them.
        facts.open_fds = fs::read_dir("/proc/self/fd")
            .ok()
            .and_then(|fds| u64::try_from(fds.count().saturating_sub(1)).ok());
        facts
    }

    fn parse(stat: &str, status: &str, limits: &str, system: &str) -> Self {
        // The second field is the command in parentheses and may hold anything;
        // the third is the first after the last parenthesis.
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .map(|(_, rest)| rest.split_whitespace().collect())
            .unwrap_or_default();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let kilobytes = |name: &str| {
            let kilobytes: u64 = line(status, name)?.strip_suffix(" kB")?.parse().ok()?;
            kilobytes.checked_mul(1024)
        };
        let seconds = |ticks: f64| ticks / USER_HZ;
        let boot = || line(system, "btime ")?.parse::<f64>().ok();
        Self {
            cpu_seconds: field(14)
                .zip(field(15))
                .map(|(user, kernel)| seconds(user + kernel)),
            open_fds: None,
            max_fds: line(limits, "Max open files")
                .and_then(|values| values.split_whitespace().next()?.parse().ok()),
            virtual_bytes: kilobytes("VmSize:"),
            resident_bytes: kilobytes("VmRSS:"),
            start_seconds: field(22)
                .zip(boot())
                .map(|(ticks, boot)| boot + seconds(ticks)),
            threads: line(status, "Threads:").and_then(|count| count.parse().ok()),
        }
    }
}

/// What follows `name` on the line that begins with it.
fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_writes() {
        let facts = ProcessFacts::parse(
            "7 (odd) name) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 8 0 12300 9 9 9",
            "Name:\tm365mon\nVmSize:\t  2048 kB\nVmRSS:\t     100 kB\nThreads:\t8\n",
            "Limit Soft Hard Units\nMax open files            1024      524288     files\n",
            "cpu 1 2 3\nbtime 1764000000\n",
        );
        let expected = ProcessFacts {
            cpu_seconds: Some(3.0),
            open_fds: None,
            max_fds: Some(1024),
            virtual_bytes: Some(2048 * 1024),
            resident_bytes: Some(100 * 1024),
            start_seconds: Some(1_764_000_123.0),
            threads: Some(8),
        };
        assert_eq!(facts, expected);
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(ProcessFacts::parse("", "", "", ""), ProcessFacts::default());
        assert_eq!(
            ProcessFacts::parse("1 (a) S", "VmRSS: x kB", "Max open files", "btime"),
            ProcessFacts::default()
        );
    }

    #[test]
    fn this_process_is_there() {
        let facts = ProcessFacts::read();
        assert!(facts.resident_bytes > Some(0), "{facts:?}");
        assert!(facts.open_fds > Some(0), "{facts:?}");
        assert!(facts.start_seconds > Some(0.0), "{facts:?}");
    }
}
