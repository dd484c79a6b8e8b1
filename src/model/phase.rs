//! The five phases of a timed request.

use std::time::Duration;

use super::words;

words! {
    /// One phase of a request, spelled as the blackbox exporter spells them.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    Phase {
        /// Name resolution.
        Resolve = "resolve",
        /// TCP, and CONNECT where there is a proxy.
        Connect = "connect",
        /// The TLS handshake with the service.
        Tls = "tls",
        /// From the request's first byte out to the first byte of the answer in.
        Processing = "processing",
        /// From there to the end of the body.
        Transfer = "transfer",
    }
}

/// How long each phase took; zero for what a reused connection did not need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Phases {
    /// Name resolution.
    pub resolve: Duration,
    /// TCP and CONNECT.
    pub connect: Duration,
    /// TLS.
    pub tls: Duration,
    /// Waiting for the answer.
    pub processing: Duration,
    /// Reading the answer.
    pub transfer: Duration,
}

impl Phases {
    /// The sum: the latency of the request.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.resolve + self.connect + self.tls + self.processing + self.transfer
    }

    /// The time of one phase.
    #[must_use]
    pub const fn get(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Resolve => self.resolve,
            Phase::Connect => self.connect,
            Phase::Tls => self.tls,
            Phase::Processing => self.processing,
            Phase::Transfer => self.transfer,
        }
    }

    /// Adds the times of another request.
    pub fn add(&mut self, other: &Self) {
        for phase in Phase::ALL {
            self.set(phase, self.get(phase) + other.get(phase));
        }
    }

    /// Sets the time of one phase.
    pub const fn set(&mut self, phase: Phase, took: Duration) {
        match phase {
            Phase::Resolve => self.resolve = took,
            Phase::Connect => self.connect = took,
            Phase::Tls => self.tls = took,
            Phase::Processing => self.processing = took,
            Phase::Transfer => self.transfer = took,
        }
    }
}
