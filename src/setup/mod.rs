//! What an administrator runs so that an account can do what is configured for
//! it and no more: PowerShell for Microsoft Graph and Exchange Online.
//!
//! What it promises: nothing here is run and nothing is sent; the text holds no
//! secret, and values of the configuration stand in it as literals. Names of
//! permissions come from [`crate::probe::needed_permissions`], redirect URIs
//! from [`crate::entra`], so that what is granted is what is asked for.
//!
//! `m365mon setup` prints a whole script; `doctor` prints single commands.

mod application;
mod delegated;
mod mailboxes;
mod mend;
mod plan;
mod script;

pub use mend::{Mend, read_mailbox, shell};
pub use script::script;
