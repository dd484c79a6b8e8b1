//! m365mon: a Prometheus exporter that tells, from where you stand, whether
//! Microsoft 365 works, how fast, and when your access to it runs out.
//!
//! The rooms of the house and which may use which are in `CONTRIBUTING.md`;
//! arrows run down only, from `cli` and `web` to `model`. The simulated tenant is a crate beside it,
//! `m365mon-simulator`, which cannot see this one.
#![forbid(unsafe_code)]

// Unit tests share their fixtures with `tests/it`, which knows this crate by its name.
#[cfg(test)]
extern crate self as m365mon;
#[cfg(test)]
#[path = "../tests/it/support/fixtures.rs"]
mod fixtures;
#[cfg(test)]
#[path = "../tests/simulation/mod.rs"]
mod simulation;

/// What reads foreign bytes, for `cargo fuzz` and for the test of its corpus.
#[cfg(any(test, fuzzing))]
#[path = "../fuzz/entries.rs"]
pub mod fuzz_entries;

pub mod cli;
pub mod config;
pub mod discover;
pub mod doctor;
pub mod entra;
pub mod files;
pub mod graph;
pub mod http;
pub mod kinds;
pub mod metrics;
pub mod model;
pub mod probe;
pub mod report;
pub mod scheduler;
pub mod setup;
pub mod state;
pub mod web;
