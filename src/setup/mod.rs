//! What an administrator runs so that an account can do what is configured for
//! it and no more: PowerShell for Microsoft Graph and Exchange Online.
//!
//! What it promises: nothing here is run and nothing is sent; the text holds no
//! secret, and values of the configuration stand in it as literals. Names of
//! permissions come from the kinds, redirect URIs
//! from [`crate::entra`], so that what is granted is what is asked for.
//!
//! `m365mon setup` prints a whole script; `doctor` prints single commands.

mod application;
mod commands;
mod delegated;
mod mailboxes;
mod plan;
mod script;
mod text;

pub use commands::{Commands, shell};
pub use script::script;
