//! Every grant against the simulated Entra, over TLS.

mod cloud;
mod command;
mod crash;
mod days;
mod grants;
mod house;
mod machine;
mod people;
mod trouble;
