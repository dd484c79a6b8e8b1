//! The cache against a scripted endpoint, under paused time.

mod cache;
mod script;
mod sign_in;
