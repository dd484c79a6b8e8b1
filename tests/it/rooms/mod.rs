//! One room of `src` each, by its public face or by the command that shows it.

mod command_line;
mod config;
pub(crate) mod doctor;
mod entra;
mod faults;
mod http;
mod kinds;
mod metrics;
mod probe;
mod report;
mod scheduler;
mod setup;
pub(crate) mod sign_in;
mod simulate;
mod web;
mod web_config;
