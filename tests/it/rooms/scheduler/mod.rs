//! When probes run: the whole scheduler with a scripted prober, on paused time.

mod daily;
mod gates;
mod house;
mod reload;
mod requests;
mod schedule;
mod wishes;
