//! Where the operator key lies: a file that only its owner can read.
//!
//! Without a name it is made anew at each start, at the first of
//! [`key_places`] that can be written, and removed at the end. A named file
//! that exists is kept as it is: replicas that share it accept each other's
//! cookies.

use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::key::OperatorKey;
use crate::model::Random;

/// The file's name where nobody gave it one.
const NAME: &str = "operator";
/// A key in any of its forms is shorter.
const MOST_BYTES: u64 = 1024;

/// A key file that cannot be used. Holds nothing of its content.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file system refused.
    #[error("operator key {}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can read it, it is no plain file, or it holds something else.
    #[error("operator key {}: {why}", path.display())]
    Unfit {
        /// Where.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: &'static str,
    },
}

/// The places of a key without a name, the best first: `$STATE_DIRECTORY`,
/// beside the store of sign-ins, `$XDG_RUNTIME_DIR/m365mon`.
pub fn key_places(store: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let folder = |name: &str| {
        let value = variable(name).filter(|value| !value.is_empty())?;
        // systemd names several with a colon between; the first is ours.
        let first = value.to_str().and_then(|text| text.split(':').next());
        Some(first.map_or_else(|| PathBuf::from(&value), PathBuf::from))
    };
    let beside = match store.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let runtime = folder("XDG_RUNTIME_DIR").map(|folder| folder.join("m365mon"));
    [folder("STATE_DIRECTORY"), Some(beside), runtime]
        .into_iter()
        .flatten()
        .map(|folder| folder.join(NAME))
        .collect()
}

/// The key of a running process, and its file.
#[derive(Debug)]
pub struct OperatorKeyFile {
    path: PathBuf,
    key: OperatorKey,
    /// To be removed at the end.
    ours: bool,
}

impl OperatorKeyFile {
    /// Reads the named file, or makes it.
    ///
    /// # Errors
    ///
    /// If it is unfit, or cannot be read or made.
    pub fn named(path: &Path, random: &dyn Random) -> Result<Self, KeyFileError> {
        match open(path, Links::Followed) {
            Ok(file) => Ok(Self {
                key: parse(path, &file)?,
                path: path.to_owned(),
                ours: false,
            }),
            Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::make(path, random).map_err(|source| io_error(path, source))
            }
            Err(error) => Err(error),
        }
    }

    /// Makes it at the first place where that works; `None` if there is none.
    #[must_use]
    pub fn anywhere(places: &[PathBuf], random: &dyn Random) -> Option<Self> {
        places.iter().find_map(|path| {
            let made = Self::make(path, random);
            if let Err(error) = &made {
                tracing::debug!(path = %path.display(), %error, "no operator key there");
            }
            made.ok()
        })
    }

    /// In the place of one that an earlier process left behind.
    fn make(path: &Path, random: &dyn Random) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("."));
        if folder.ends_with("m365mon") && !folder.exists() {
            make_private_folder(folder)?;
        }
        let key = OperatorKey::generate(random);
        // Made with mode 0600, and renamed: a link that lies there is replaced,
        // never followed.
        let mut file = tempfile::Builder::new()
            .prefix(".operator-")
            .tempfile_in(folder)?;
        file.write_all(key.text().expose().as_bytes())?;
        file.write_all(b"\n")?;
        give_to_owner(file.as_file(), folder);
        file.persist(path).map_err(|error| error.error)?;
        Ok(Self {
            path: path.to_owned(),
            key,
            ours: true,
        })
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &OperatorKey {
        &self.key
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file if this process made it and no other took its place.
    pub fn remove(&self) {
        if self.ours && read_key(&self.path).is_ok_and(|there| there.is(&self.key)) {
            _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Drop for OperatorKeyFile {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Reads the key of another process, for `m365mon open`. Follows no link (but
/// for those inside a mounted Secret) and takes only a plain file that belongs
/// to whoever its folder belongs to, for the command may run as root, or to the
/// user who reads it: a volume in Kubernetes belongs to root, what is made there
/// to the user of the container.
///
/// # Errors
///
/// If there is none that is fit.
pub fn read_key(path: &Path) -> Result<OperatorKey, KeyFileError> {
    let file = open(path, Links::Refused)?;
    let meta = file.metadata().map_err(|source| io_error(path, source))?;
    if !same_owner(&meta, path) && !is_of_this_user(&meta) {
        return Err(unfit(
            path,
            "it belongs neither to the owner of its folder nor to you",
        ));
    }
    parse(path, &file)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    Followed,
    Refused,
}

fn open(path: &Path, links: Links) -> Result<File, KeyFileError> {
    let mut options = OpenOptions::new();
    options.read(true);
    let follow = links == Links::Followed || is_of_mounted_secret(path);
    never_wait(&mut options, follow);
    let file = options.open(path).map_err(|source| match links {
        Links::Refused if std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) => {
            unfit(path, "it is a link, which is not followed")
        }
        _ => io_error(path, source),
    })?;
    let meta = file.metadata().map_err(|source| io_error(path, source))?;
    if !meta.is_file() {
        return Err(unfit(path, "it is no plain file"));
    }
    if readable_by_others(&meta) {
        return Err(unfit(
            path,
            "others can read or change it; `chmod 600` it (in Kubernetes, mount the secret with \
             `defaultMode: 0440`)",
        ));
    }
    Ok(file)
}

fn parse(path: &Path, file: &File) -> Result<OperatorKey, KeyFileError> {
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(MOST_BYTES).unwrap_or(0)));
    file.take(MOST_BYTES)
        .read_to_end(&mut content)
        .map_err(|source| io_error(path, source))?;
    OperatorKey::parse(&content).ok_or_else(|| {
        unfit(
            path,
            "it must hold 32 bytes, as `openssl rand -base64 32` prints them",
        )
    })
}

fn io_error(path: &Path, source: io::Error) -> KeyFileError {
    KeyFileError::Io {
        path: path.to_owned(),
        source,
    }
}

fn unfit(path: &Path, why: &'static str) -> KeyFileError {
    KeyFileError::Unfit {
        path: path.to_owned(),
        why,
    }
}

/// In a mounted Secret each key is a link to `..data/KEY`, and `..data` one to
/// the folder of the present version; both stay in the mounted folder.
fn is_of_mounted_secret(path: &Path) -> bool {
    let inside = || {
        let folder = path.parent()?.canonicalize().ok()?;
        let target = std::fs::read_link(path).ok()?;
        let whole = path.canonicalize().ok()?;
        Some(target == Path::new("..data").join(path.file_name()?) && whole.starts_with(folder))
    };
    inside().unwrap_or(false)
}

/// Neither a pipe without a writer nor a link keeps us.
#[cfg(unix)]
fn never_wait(options: &mut OpenOptions, follow: bool) {
    use rustix::fs::OFlags;
    let mut flags = OFlags::NONBLOCK;
    if !follow {
        flags |= OFlags::NOFOLLOW;
    }
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
}

#[cfg(unix)]
fn readable_by_others(meta: &Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o027 != 0
}

#[cfg(unix)]
fn same_owner(meta: &Metadata, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::metadata(folder).is_ok_and(|folder| folder.uid() == meta.uid())
}

/// Root reads no file because it is root's.
#[cfg(unix)]
fn is_of_this_user(meta: &Metadata) -> bool {
    let user = rustix::process::geteuid();
    !user.is_root() && std::os::unix::fs::MetadataExt::uid(meta) == user.as_raw()
}

/// Where root makes the file, it is the service's all the same.
#[cfg(unix)]
fn give_to_owner(file: &File, folder: &Path) {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    if let Ok(owner) = std::fs::metadata(folder) {
        // Only root can, and only root has to.
        _ = fchown(file, Some(owner.uid()), Some(owner.gid()));
    }
}

#[cfg(unix)]
fn make_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn never_wait(_: &mut OpenOptions, _: bool) {}

#[cfg(not(unix))]
fn readable_by_others(_: &Metadata) -> bool {
    false
}

#[cfg(not(unix))]
fn same_owner(_: &Metadata, _: &Path) -> bool {
    true
}

#[cfg(not(unix))]
fn is_of_this_user(_: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
fn give_to_owner(_: &File, _: &Path) {}

#[cfg(not(unix))]
fn make_private_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir(folder)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::model::SystemRandom;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn places_in_order() {
        let variables = |name: &str| match name {
            "STATE_DIRECTORY" => Some("/var/lib/m365mon:/var/lib/other".into()),
            "XDG_RUNTIME_DIR" => Some("/run/user/1000".into()),
            _ => None,
        };
        let found = key_places(Path::new("/srv/m365mon/tokens.json"), variables);
        let expected = [
            "/var/lib/m365mon/operator",
            "/srv/m365mon/operator",
            "/run/user/1000/m365mon/operator",
        ];
        assert_eq!(found, expected.map(PathBuf::from));
        let found = key_places(Path::new("tokens.json"), |_| None);
        assert_eq!(found, [PathBuf::from("./operator")]);
    }

    #[test]
    fn made_anew_and_removed() {
        let (random, folder) = (SystemRandom::new(), tempfile::tempdir().unwrap());
        let path = folder.path().join("operator");
        let elsewhere = folder.path().join("elsewhere");
        std::fs::write(&elsewhere, "not ours").unwrap();
        symlink(&elsewhere, &path).unwrap();
        let places = [folder.path().join("no/such/folder/operator"), path.clone()];
        let first = OperatorKeyFile::anywhere(&places, &random).unwrap();
        assert_eq!(first.path(), path);
        assert_eq!(mode(&path), 0o600);
        assert_eq!(std::fs::read(&elsewhere).unwrap(), b"not ours");
        assert!(read_key(&path).unwrap().is(first.key()));
        let second = OperatorKeyFile::anywhere(&places, &random).unwrap();
        assert!(!second.key().is(first.key()));
        drop(first);
        assert!(path.exists(), "it is the second's by now");
        drop(second);
        assert!(!path.exists());
        assert!(OperatorKeyFile::anywhere(&places[..1], &random).is_none());
    }

    #[test]
    fn a_named_file_is_kept() {
        let (random, folder) = (SystemRandom::new(), tempfile::tempdir().unwrap());
        let path = folder.path().join("key");
        drop(OperatorKeyFile::named(&path, &random).unwrap());
        assert!(!path.exists(), "who made it removes it");
        let key = OperatorKey::generate(&random);
        std::fs::write(&path, key.text().expose()).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let named = OperatorKeyFile::named(&path, &random).unwrap();
        assert!(named.key().is(&key));
        drop(named);
        assert!(path.exists());
        // As Kubernetes mounts a Secret.
        let version = folder.path().join("..2026");
        std::fs::create_dir(&version).unwrap();
        std::fs::rename(&path, version.join("key")).unwrap();
        symlink("..2026", folder.path().join("..data")).unwrap();
        symlink("..data/key", &path).unwrap();
        assert!(read_key(&path).unwrap().is(&key));
        assert!(
            OperatorKeyFile::named(&path, &random)
                .unwrap()
                .key()
                .is(&key)
        );
    }

    #[test]
    fn what_is_not_taken() {
        let (random, folder) = (SystemRandom::new(), tempfile::tempdir().unwrap());
        let path = folder.path().join("operator");
        let refused = |what: &str| {
            let error = read_key(&path).unwrap_err().to_string();
            assert!(error.contains(what), "{what}: {error}");
            std::fs::remove_file(&path).unwrap();
        };
        let text = OperatorKey::generate(&random).text();
        let write = |to: &Path, mode| {
            std::fs::write(to, text.expose()).unwrap();
            std::fs::set_permissions(to, PermissionsExt::from_mode(mode)).unwrap();
        };
        let other = folder.path().join("other");
        write(&other, 0o600);
        symlink(&other, &path).unwrap();
        refused("link");
        for mode in [0o644, 0o620, 0o604] {
            write(&path, mode);
            refused("chmod 600");
        }
        std::fs::write(&path, "canary").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let error = OperatorKeyFile::named(&path, &random)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("openssl") && !error.contains("canary"),
            "{error}"
        );
        refused("openssl");
        std::fs::create_dir(&path).unwrap();
        assert!(
            read_key(&path)
                .unwrap_err()
                .to_string()
                .contains("plain file")
        );
        std::fs::remove_dir(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        refused("plain file");
        assert!(read_key(&path).is_err(), "there is none");
    }
}
