//! Every grant against the simulated Entra, over TLS.

mod cloud;
mod command;
mod grants;
mod people;
mod trouble;
