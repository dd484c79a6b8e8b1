//! The lock of a file that several processes change: a file beside it, which
//! stays; only its lock is given back when the handle (or the process) goes.
//!
//! All calls block on the disk.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::durable::StoreError;
use super::owner::chown_like;

const PATIENCE: Duration = Duration::from_secs(10);
const IS_A_LINK: &str = "it is a link, which is not followed; remove it";

/// Where the lock is.
pub(super) struct LockFile(PathBuf);

impl LockFile {
    /// The lock of `file`.
    pub(super) fn of(file: &Path) -> Self {
        let mut path = file.as_os_str().to_owned();
        path.push(".lock");
        Self(path.into())
    }

    /// Finds out whether it would open, and makes none.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match without_links(File::options().write(true)).open(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(self.unusable(&error))
            }
            _ => Ok(()),
        }
    }

    /// Waits until no other process has it. A new one goes to the owner of
    /// `owned_like`.
    pub(super) fn take(&self, owned_like: &Path) -> Result<File, StoreError> {
        let path = &self.0;
        let mut options = File::options();
        without_links(options.write(true));
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = match options.create_new(true).open(path) {
            Ok(new) => {
                chown_like(&new, owned_like);
                Ok(new)
            }
            // Whatever lies there is opened, never given away: it may be one
            // that the owner of the folder put there.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => options
                .create_new(false)
                .create(true)
                .truncate(false)
                .open(path),
            Err(error) => Err(error),
        };
        let file = file.map_err(|error| self.unusable(&error))?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => {
                    wait_for_another_process();
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Locked(path.display().to_string()));
                }
                Err(TryLockError::Error(error)) => {
                    return Err(StoreError::io(path, "lock", &error));
                }
            }
        }
    }

    fn unusable(&self, error: &std::io::Error) -> StoreError {
        match self.0.is_symlink() {
            true => StoreError::io(&self.0, "write", &std::io::Error::other(IS_A_LINK)),
            false => StoreError::io(&self.0, "write", error),
        }
    }
}

/// A link in the place of the lock leads to where its owner wants root to write,
/// a pipe to where nobody ever reads.
fn without_links(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(
            options,
            i32::try_from(flags.bits()).unwrap_or_default(),
        );
    }
    options
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing tells when another process gives a file lock back"
)]
fn wait_for_another_process() {
    std::thread::sleep(Duration::from_millis(20));
}
