//! The cache against a scripted endpoint, under paused time.

mod anything;
mod cache;
mod certificate;
mod recorded;
mod rights;
mod script;
mod sign_in;
mod simulated;
mod store;
