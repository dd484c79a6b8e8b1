//! The files of credentials: what is wrong with them is said by the part of the
//! credential, so that it can be shown where the configuration names it.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::files::{self, FileError, FileForm, Unfit, WantedForm};
use crate::model::{Secret, SecretSource};

const MOST_BYTES: u64 = 64 * 1024;

/// A part of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `client_secret`.
    Secret,
    /// `certificate_file`.
    Certificate,
    /// `key_file`.
    Key,
    /// `key_passphrase`.
    Passphrase,
    /// `token_file`.
    Token,
}

/// What is wrong with a part, as far as what mends it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialTrouble {
    /// There is nothing there.
    Missing,
    /// This user may not read it.
    Denied,
    /// The id of a secret in the place of its value.
    SecretId,
    /// Key and certificate do not belong together.
    WrongPair,
    /// The certificate where the key belongs, and the key where it belongs.
    Swapped,
    /// An encrypted key, and no passphrase is named.
    NoPassphrase,
    /// A passphrase that does not open the key.
    WrongPassphrase,
    /// A key that Entra does not take.
    NotRsa,
    /// Anything else: a wrong form, damage. The sentence names the command that
    /// helps, if there is one.
    Content,
}

/// Why a credential cannot be used. `Display` is a sentence for people; it
/// names the place, never the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFault {
    /// What is wrong.
    pub part: Part,
    /// And how.
    pub trouble: CredentialTrouble,
    sentence: String,
}

impl CredentialFault {
    pub(super) fn of(part: Part, sentence: impl Into<String>) -> Self {
        Self {
            part,
            trouble: CredentialTrouble::Content,
            sentence: sentence.into(),
        }
    }

    pub(super) fn unreadable(part: Part, error: &FileError) -> Self {
        let trouble = if error.is_missing() {
            CredentialTrouble::Missing
        } else if error.is_denied() {
            CredentialTrouble::Denied
        } else {
            CredentialTrouble::Content
        };
        Self::of(part, error.to_string()).that(trouble)
    }

    pub(super) fn that(self, trouble: CredentialTrouble) -> Self {
        Self { trouble, ..self }
    }

    /// True if there is nothing there, which may come yet.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.trouble == CredentialTrouble::Missing
    }

    /// The commands that its sentence names, between backquotes.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.sentence.split('`').skip(1).step_by(2)
    }
}

impl fmt::Display for CredentialFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for CredentialFault {}

/// A file of at most 64 KiB.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    files::read(path, MOST_BYTES)
}

/// The secret as it is now, one line without white space around it, as
/// Prometheus reads its own `password_file`. Blocks.
///
/// # Errors
/// A sentence that names the place, never the content: it cannot be read, is
/// longer than 64 KiB, empty or no such line.
pub fn secret(source: &SecretSource) -> Result<Secret, CredentialFault> {
    one_line(source, Part::Secret, "the secret")
}

/// The passphrase of a key, likewise.
pub(super) fn passphrase(source: &SecretSource) -> Result<Secret, CredentialFault> {
    one_line(source, Part::Passphrase, "the passphrase")
}

/// The token of another identity provider, likewise.
pub(super) fn token(path: &Path) -> Result<Secret, CredentialFault> {
    let source = SecretSource::File(path.to_owned());
    one_line(&source, Part::Token, "the token")
}

fn one_line(source: &SecretSource, part: Part, name: &str) -> Result<Secret, CredentialFault> {
    let line = |text: &str, place: &str| {
        files::line(text)
            .map(|line| Secret::new(line.to_owned()))
            .map_err(|unfit| CredentialFault::of(part, format!("{place} {unfit}")))
    };
    match source {
        SecretSource::Inline(secret) => line(secret.expose(), name),
        SecretSource::Environment(variable) => {
            let place = format!("the environment variable {variable}");
            let value = std::env::var(&**variable).map_err(|_| {
                CredentialFault::of(part, format!("{place} is not set"))
                    .that(CredentialTrouble::Missing)
            })?;
            line(&Zeroizing::new(value), &place)
        }
        SecretSource::File(path) => {
            let bytes = read(path).map_err(|error| CredentialFault::unreadable(part, &error))?;
            let place = files::shown(path);
            let text = match files::decode(&bytes) {
                Ok(text) if files::line(&text) != Err(Unfit::Lines) => text,
                // What else it may be is told apart by its form.
                Ok(text) => match FileForm::of(&bytes) {
                    FileForm::Text => text,
                    form => return Err(of_form(form, part, path, &place)),
                },
                Err(_) => return Err(of_form(FileForm::of(&bytes), part, path, &place)),
            };
            line(&text, &place)
        }
    }
}

fn of_form(form: FileForm, part: Part, path: &Path, place: &str) -> CredentialFault {
    let advice = form.advice(WantedForm::Secret, path);
    CredentialFault::of(part, format!("{place} {advice}"))
}
