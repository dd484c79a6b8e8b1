//! Stories that cross rooms: the binary, real neighbours, and what goes wrong.

mod canary;
mod discover;
mod hostile;
mod kinds;
mod lifecycle;
mod log;
mod memory;
pub(crate) mod oncall;
mod operators;
mod own_secret;
mod planned;
pub(crate) mod prometheus;
mod reloads;
mod serve;
mod shard;
pub(crate) mod standard;
mod storm;
mod truth;
