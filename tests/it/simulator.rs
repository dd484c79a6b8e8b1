//! The simulated tenant over real sockets.

mod faults;
mod graph;
mod made_up;
mod openapi;
mod running;
mod sharepoint;
mod support;
