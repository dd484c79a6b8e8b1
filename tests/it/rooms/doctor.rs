//! Least privilege, proven: rights beyond need on the page and in metrics, and
//! `m365mon doctor` against the simulated tenant with everything that can be
//! wrong.

mod examine;
mod rights;
pub(crate) mod stage;
mod trouble;
