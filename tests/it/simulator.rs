//! The simulated tenant over real sockets.

mod faults;
mod graph;
mod openapi;
mod running;
mod sharepoint;
mod support;
