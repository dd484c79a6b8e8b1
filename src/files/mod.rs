//! Files that people have: secrets, keys, certificates, roots, in whatever form
//! an editor, a portal or another program left them. One reader for all of
//! them, so that a byte order mark, a trailing newline or UTF-16 means the same
//! everywhere, and one that recognizes what is no use and says what makes it
//! so.
//!
//! Promises: reads are bounded and do not hang on a pipe; no error holds a
//! word of a file's content, nor a path that leads nowhere, for it may be a
//! secret in the wrong place. `config`, `http`, `entra`, `web` and `cli` call
//! this room.

mod access;
pub(crate) mod der;
mod form;
pub(crate) mod pem;
mod read;
mod text;

pub use access::readable_by_everyone;
pub use form::{FileForm, WantedForm};
pub(crate) use form::{other_than_rsa, shell};
pub use read::{FileError, missing, read, read_text, shown, text_of, there};
pub use text::{Unfit, decode, line};
