//! Files that are on disk when they are said to be: temporary file, fsync,
//! rename, fsync of the folder. Whoever reads sees the old file or the new one,
//! never half of it.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::owner::chown_like;

/// What the store cannot do. `Display` says what and where; never a secret.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("{0}")]
    Io(String),
    /// Another process holds the lock.
    #[error("{0} is held by another process")]
    Locked(String),
    /// The file is not a store.
    #[error("{0}")]
    Damaged(String),
    /// A key is missing, unfit or the wrong one.
    #[error("{0}")]
    Key(String),
}

impl StoreError {
    pub(super) fn io(path: &Path, doing: &str, error: &io::Error) -> Self {
        Self::Io(format!("cannot {doing} {}: {error}", path.display()))
    }
}

/// Puts `bytes` in the place of the file at `path`, mode 0600, owned as
/// `like` is. Only under the lock of that file: what lies beside it as
/// `PATH.new` was left behind by a process that was killed, and goes.
pub(super) fn replace(path: &Path, bytes: &[u8], like: &Path) -> io::Result<()> {
    #[cfg(test)]
    if let Some(written) = crate::simulation::disk::write() {
        return written;
    }
    let mut left = path.to_owned().into_os_string();
    left.push(".new");
    _ = std::fs::remove_file(PathBuf::from(left));
    // It is made anew or not at all, never through a link.
    let file = tempfile::Builder::new()
        .prefix(path.file_name().unwrap_or_default())
        .suffix(".new")
        .rand_bytes(0)
        .tempfile_in(folder(path))?;
    let file = written(file, bytes, like)?;
    file.persist(path)?;
    sync_folder(path)
}

/// Makes the file at `path` with `bytes`, mode 0600, owned as its folder is;
/// fails if something is there.
pub(super) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder(path);
    let file = written(tempfile::NamedTempFile::new_in(folder)?, bytes, folder)?;
    file.persist_noclobber(path)?;
    sync_folder(path)
}

fn written(
    mut file: tempfile::NamedTempFile,
    bytes: &[u8],
    like: &Path,
) -> io::Result<tempfile::NamedTempFile> {
    chown_like(file.as_file(), like);
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// The folder that holds `path`.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes a rename last.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder(path))?.sync_all()?;
    }
    Ok(())
}
