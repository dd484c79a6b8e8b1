//! What the exporter and the simulated tenant both stand on: time, chance and
//! secrets, each replaceable or harmless in a test, and the form of a GUID.
//! It knows neither of the two, and neither can see the other through it.
#![forbid(unsafe_code)]

mod clock;
mod guid;
mod random;
mod secret;

pub use clock::{Clock, Moment};
pub use guid::is_guid;
pub use random::{Random, SystemRandom};
pub use secret::Secret;

/// A point in civil time, UTC, nanosecond precision.
pub use jiff::Timestamp;
