//! Every grant against the simulated Entra, over TLS.

mod cloud;
mod command;
mod crash;
mod grants;
mod people;
mod trouble;
