//! Bytes from the disk.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::text::{self, Unfit};

/// Why a file could not be read. `Display` says where and what, as a sentence
/// without its full stop.
#[derive(Debug)]
pub struct FileError {
    path: PathBuf,
    problem: ReadProblem,
}

#[derive(Debug)]
enum ReadProblem {
    Io(io::Error),
    Folder,
    NoFile,
    TooLong(u64),
    Unfit(Unfit),
}

impl FileError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        let problem = match error.kind() {
            io::ErrorKind::IsADirectory => ReadProblem::Folder,
            _ => ReadProblem::Io(error),
        };
        Self::new(path, problem)
    }

    fn new(path: &Path, problem: ReadProblem) -> Self {
        Self {
            path: path.to_owned(),
            problem,
        }
    }

    /// What is wrong, for a message that names the file already.
    #[must_use]
    pub fn without_path(&self) -> String {
        match &self.problem {
            ReadProblem::Io(error) => match error.kind() {
                io::ErrorKind::NotFound => "there is no such file".to_owned(),
                io::ErrorKind::PermissionDenied => {
                    "the file may not be read by the user that runs m365mon".to_owned()
                }
                _ => format!("the file cannot be read: {error}"),
            },
            ReadProblem::Folder => "this is a folder; name the file in it".to_owned(),
            ReadProblem::NoFile => {
                "this is no regular file (\"-\" reads a configuration from stdin)".to_owned()
            }
            ReadProblem::TooLong(most) => format!(
                "the file is too large, at most {} MiB are allowed",
                most / (1024 * 1024)
            ),
            ReadProblem::Unfit(unfit) => format!("the file {unfit}"),
        }
    }

    /// True if there is no such file, which may come yet.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.is(io::ErrorKind::NotFound)
    }

    /// True if this user may not read it.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.is(io::ErrorKind::PermissionDenied)
    }

    fn is(&self, kind: io::ErrorKind) -> bool {
        matches!(&self.problem, ReadProblem::Io(error) if error.kind() == kind)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = shown(&self.path);
        match &self.problem {
            ReadProblem::Io(error) => match error.kind() {
                io::ErrorKind::NotFound => write!(f, "cannot read {path}: there is no such file"),
                io::ErrorKind::PermissionDenied => {
                    write!(f, "cannot read {path}: the user that runs m365mon may not")
                }
                _ => write!(f, "cannot read {path}: {error}"),
            },
            ReadProblem::Folder => write!(f, "{path} is a folder; name the file in it"),
            ReadProblem::NoFile => write!(f, "{path} is no regular file"),
            ReadProblem::TooLong(most) if most % (1024 * 1024) == 0 => {
                write!(f, "{path} is longer than {} MiB", most / (1024 * 1024))
            }
            ReadProblem::TooLong(most) => write!(f, "{path} is longer than {} KiB", most / 1024),
            ReadProblem::Unfit(unfit) => write!(f, "{path} {unfit}"),
        }
    }
}

impl std::error::Error for FileError {}

/// The content of a regular file of at most `most` bytes. Blocks, but not on a
/// pipe.
///
/// # Errors
/// If it cannot be read, is something else or longer.
pub fn read(path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let io = |error| FileError::io(path, error);
    let file = open(path).map_err(io)?;
    let found = file.metadata().map_err(io)?;
    if found.is_dir() {
        return Err(FileError::new(path, ReadProblem::Folder));
    }
    if !found.is_file() && !is_null(path) {
        return Err(FileError::new(path, ReadProblem::NoFile));
    }
    // Room for everything at once: growing would leave copies behind.
    let room = usize::try_from(found.len().min(most) + 1).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(most + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > most {
        return Err(FileError::new(path, ReadProblem::TooLong(most)));
    }
    Ok(bytes)
}

/// The same as [`decode`](super::decode)d text.
///
/// # Errors
/// As [`read`], and if it is no text.
pub fn read_text(path: &Path, most: u64) -> Result<Zeroizing<String>, FileError> {
    text_of(path, &read(path, most)?)
}

/// What was [`read`] from this file, as text.
///
/// # Errors
/// If it is no text.
pub fn text_of(path: &Path, bytes: &[u8]) -> Result<Zeroizing<String>, FileError> {
    text::decode(bytes).map_err(|unfit| FileError::new(path, ReadProblem::Unfit(unfit)))
}

/// The error of a file that is not there; `None` if there is something.
#[must_use]
pub fn missing(path: &Path) -> Option<FileError> {
    path.metadata()
        .err()
        .map(|error| FileError::io(path, error))
        .filter(FileError::is_missing)
}

/// Opened so that a pipe without a writer, or a terminal, makes nobody wait.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

/// The usual way to say "an empty file".
fn is_null(path: &Path) -> bool {
    path == Path::new("/dev/null")
}

/// A path for a message: as far as it leads to something, and with a last part
/// that has the form of a file's name. What else leads nowhere may be a secret
/// that was written where its file belongs.
#[must_use]
pub fn shown(path: &Path) -> String {
    match there(path) {
        Some(found) if found == path => path.display().to_string(),
        Some(found) if path.parent() == Some(found) && has_usual_name(path) => {
            path.display().to_string()
        }
        Some(found) => format!("a file in {} (not shown)", found.display()),
        None if path.parent() == Some(Path::new("")) && has_usual_name(path) => {
            path.display().to_string()
        }
        None => "a file (not shown)".to_owned(),
    }
}

/// True for `client-secret.txt`, by its end: no secret has one by chance.
fn has_usual_name(path: &Path) -> bool {
    const ENDS: [&str; 16] = [
        "txt", "pem", "key", "crt", "cer", "der", "pfx", "p12", "p7b", "jks", "json", "yml",
        "yaml", "conf", "secret", "token",
    ];
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    path.extension()
        .and_then(|end| end.to_str())
        .is_some_and(|end| ENDS.contains(&end))
        && path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.len() <= 64 && name.bytes().all(plain))
}

/// The path as far as it leads to something.
#[must_use]
pub fn there(path: &Path) -> Option<&Path> {
    path.ancestors()
        .find(|path| path.symlink_metadata().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.txt");
        let error = || read(&file, 10).unwrap_err().to_string();
        assert_eq!(
            error(),
            format!("cannot read {}: there is no such file", file.display())
        );
        assert!(read(&file, 10).unwrap_err().is_missing());
        for canary in [
            "canary",
            "canary/canary",
            &"canary".repeat(100),
            "a\ncanary",
        ] {
            let error = read(&folder.path().join(canary), 10).unwrap_err();
            assert!(!error.to_string().contains("canary"), "{error}");
            let error = read(Path::new(canary), 10).unwrap_err();
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        std::fs::write(&file, "01234567890").unwrap();
        assert!(
            error().contains("secret.txt is longer than 0 KiB"),
            "{}",
            error()
        );
        let error = read(folder.path(), 10).unwrap_err().to_string();
        assert!(
            error.ends_with("is a folder; name the file in it"),
            "{error}"
        );
        // What is below a file leads nowhere either.
        let error = read(&file.join("canary"), 10).unwrap_err().to_string();
        assert!(!error.contains("canary"), "{error}");
        assert_eq!(read(Path::new("/dev/null"), 10).unwrap().len(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_makes_nobody_wait() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let error = read(&pipe, 10).unwrap_err().to_string();
        assert!(error.ends_with("pipe is no regular file"), "{error}");
        let error = read(Path::new("/dev/zero"), 10).unwrap_err().to_string();
        assert!(error.ends_with("zero is no regular file"), "{error}");
    }
}
