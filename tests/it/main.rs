//! Integration tests: the thing itself, over real sockets. One binary, because
//! linking is most of what they cost.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets what it does not expect has failed"
)]

mod contract;
mod rooms;
mod scenarios;
mod support;
