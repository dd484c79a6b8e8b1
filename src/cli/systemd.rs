//! What a service manager wants to hear (`sd_notify(3)`): ready, reloading,
//! stopping, and signs of life while the scheduler gives them. Without
//! `NOTIFY_SOCKET` in the environment nothing of this happens.

use std::time::Duration;

/// The socket of the service manager.
#[derive(Debug, Default)]
pub(crate) struct Manager {
    #[cfg(target_os = "linux")]
    socket: Option<(
        std::os::unix::net::UnixDatagram,
        std::os::unix::net::SocketAddr,
    )>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// From the environment.
    #[cfg(target_os = "linux")]
    pub(crate) fn from_environment() -> Self {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::net::{SocketAddr, UnixDatagram};

        let socket = || {
            let name = std::env::var_os("NOTIFY_SOCKET")?;
            let address = match name.as_bytes().strip_prefix(b"@") {
                Some(name) => SocketAddr::from_abstract_name(name),
                None => SocketAddr::from_pathname(&name),
            };
            let socket = UnixDatagram::unbound().ok()?;
            // A manager that does not listen must not stop us.
            socket.set_nonblocking(true).ok()?;
            Some((socket, address.ok()?))
        };
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        Self {
            socket: socket(),
            watchdog: number("WATCHDOG_USEC")
                .filter(|micros| ours && *micros > 0)
                .map(Duration::from_micros),
        }
    }

    /// Only Linux has one.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn from_environment() -> Self {
        Self::default()
    }

    /// Everything runs; `status` is for people.
    pub(crate) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// The configuration is being read again; [`Manager::ready`] ends it.
    pub(crate) fn reloading(&self) {
        self.tell(&format!(
            "RELOADING=1\nMONOTONIC_USEC={}",
            monotonic_micros()
        ));
    }

    /// The end has begun.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// A sign of life.
    pub(crate) fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// How often to give a sign of life: twice as often as the manager wants
    /// one. `None` if it does not.
    pub(crate) fn heartbeat(&self) -> Option<Duration> {
        self.watchdog
            .map(|watchdog| (watchdog / 2).max(Duration::from_millis(10)))
    }

    #[cfg(target_os = "linux")]
    fn tell(&self, state: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(state.as_bytes(), address)
        {
            tracing::debug!(%error, "the service manager does not listen");
        }
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "the same signature everywhere")]
    fn tell(&self, _state: &str) {}
}

/// `CLOCK_MONOTONIC`, by which the manager tells this reload from the last.
#[cfg(unix)]
fn monotonic_micros() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
    u64::try_from(micros).unwrap_or_default()
}

#[cfg(not(unix))]
const fn monotonic_micros() -> u64 {
    0
}
