//! What others build on: names of metrics and labels, rules, dashboards,
//! documents that are made from the code.

mod dashboards;
mod documents;
mod exposition;
mod manual;
mod names;
pub(crate) mod queries;
mod rooms;
mod rules;
mod series;
mod stack_example;
