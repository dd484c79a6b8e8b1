//! The simulated Entra ID, rule by rule, in raw HTTP.

mod assertions;
mod clients;
mod codes;
mod devices;
mod documents;
mod faults;
mod machines;
mod pages;
mod refresh;
mod support;
