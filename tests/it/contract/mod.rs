//! What others build on: names of metrics and labels, rules, dashboards,
//! documents that are made from the code.

mod dashboards;
mod exposition;
mod manual;
pub(crate) mod queries;
mod rooms;
mod rules;
mod series;
mod stack_example;
