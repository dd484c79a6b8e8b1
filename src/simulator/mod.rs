//! A simulated Microsoft cloud with one tenant: Entra, Graph and SharePoint
//! over TLS with a certificate authority of its own, and faults on command.
//! It follows Microsoft's documents, not our client, and of our code it uses
//! only `model`. `m365mon simulate`, `m365mon demo`, tests and benchmarks
//! start it.

pub mod chance;
pub mod clock;
pub mod directory;
pub mod entra;
pub mod faults;
pub mod hosts;
pub mod journal;
pub mod span;
mod tenant;
pub mod throttle;
pub mod tokens;

pub use tenant::Tenant;
