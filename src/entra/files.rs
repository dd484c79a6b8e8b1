//! Secrets in files, read with a bound.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::model::{Secret, SecretSource};

const MOST_BYTES: u64 = 64 * 1024;

/// Reads a text file of at most 64 KiB, white space around it removed.
pub(super) fn read(path: &Path) -> io::Result<Secret> {
    let mut text = Zeroizing::new(String::with_capacity(4096));
    File::open(path)?
        .take(MOST_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "longer than 64 KiB",
        ));
    }
    Ok(Secret::new(text.trim().to_owned()))
}

/// The secret as it is now; files are read as Prometheus reads its own
/// `password_file`, without white space around. Blocks.
///
/// # Errors
/// A sentence that names the place, never the content: it cannot be read, is
/// longer than 64 KiB or empty.
pub fn secret(source: &SecretSource) -> Result<Secret, String> {
    let secret = match source {
        SecretSource::Inline(secret) => secret.clone(),
        SecretSource::File(path) => {
            read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?
        }
        SecretSource::Environment(name) => std::env::var(&**name)
            .map(Secret::new)
            .map_err(|_| format!("the environment variable {name} is not set"))?,
    };
    if secret.is_empty() {
        return Err(match source {
            SecretSource::File(path) => format!("{} is empty", path.display()),
            SecretSource::Environment(name) => format!("the environment variable {name} is empty"),
            SecretSource::Inline(_) => "the secret is empty".to_owned(),
        });
    }
    Ok(secret)
}
