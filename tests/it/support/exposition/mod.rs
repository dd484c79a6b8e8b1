//! Expositions to look at: a state that is filled as a test likes, and a
//! parser that knows nothing of our encoder.

pub(crate) mod eventful;
pub(crate) mod parser;
pub(crate) mod stage;
