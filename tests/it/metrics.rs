//! The exposition: what is shown, in both formats, and when it is not.

mod contract;
mod eventful;
mod parser;
mod series;
mod shown;
mod stage;
mod stream;
