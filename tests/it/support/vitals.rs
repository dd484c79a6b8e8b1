//! What a running process takes of the machine, from `/proc`.

/// Memory, open files, threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vitals {
    /// Resident memory in KiB.
    pub(crate) memory: u64,
    pub(crate) files: usize,
    pub(crate) threads: u64,
}

impl Vitals {
    pub(crate) fn of(process: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let number = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            let number = line.split_ascii_whitespace().nth(1).unwrap();
            number.parse().unwrap()
        };
        let files = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
        Self {
            memory: number("VmRSS:"),
            files: files.count(),
            threads: number("Threads:"),
        }
    }
}
