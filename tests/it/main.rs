//! Integration tests: the thing itself, over real sockets. One binary, because
//! linking is most of what they cost.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets what it does not expect has failed"
)]

mod canary;
mod config;
mod doctor;
mod entra;
mod hostile;
mod http;
mod lifecycle;
mod manual;
mod metrics;
mod oncall;
mod origin;
mod probe;
mod prometheus;
mod queries;
mod raw;
mod reloads;
mod report;
mod rules;
mod scheduler;
mod serve;
mod setup;
mod shard;
mod sign_in;
mod simulate;
mod stack;
mod stack_example;
mod standard;
mod storm;
mod tls;
mod vitals;
mod web;
mod web_config;
