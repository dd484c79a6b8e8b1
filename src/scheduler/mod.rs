//! When probes run: phases, intervals, gates, concurrency, single flight.

mod wish;

pub use wish::{ProbeAnswer, ProbeWish};
