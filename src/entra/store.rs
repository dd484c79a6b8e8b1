//! The store of sign-ins: one JSON file, its refresh tokens sealed.
//!
//! The file is the truth for every process that opens it. A change is made
//! under a lock file, on what the file holds then, and is on disk before the
//! call returns (`durable`). What cannot be read or opened is an error and is
//! never overwritten.
//!
//! All calls block on the disk.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::durable::{self, StoreError, folder};
use super::invitation::SealedInvitation;
use super::lock_file::LockFile;
use super::seal::SealKeys;
use super::signed_in::{SealedRow, SignInEnd, SignedIn};
use crate::files;
use crate::model::{Account, Secret, Storage};

const FORMAT: u32 = 1;
const MOST_BYTES: u64 = 16 << 20;
/// A store with its first sign-in is smaller.
const LEAST_ROOM: u64 = 4096;

/// Tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(Option<(SystemTime, u64, u64)>);

impl Stamp {
    /// Of whatever is at `path` now.
    pub(super) fn of(path: &Path) -> Self {
        Self(std::fs::metadata(path).ok().map(|meta| Self::parts(&meta)))
    }

    fn parts(meta: &std::fs::Metadata) -> (SystemTime, u64, u64) {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(meta);
        #[cfg(not(unix))]
        let inode = 0;
        (
            meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            meta.len(),
            inode,
        )
    }
}

/// How a renewal ended in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saved {
    /// It is on disk.
    Stored,
    /// Somebody signed in anew meanwhile: theirs counts.
    Superseded,
    /// Somebody signed out meanwhile.
    Gone,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreContents {
    format: u32,
    /// Counts changes.
    generation: u64,
    rows: Vec<SealedRow>,
    /// At most one an account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) invitations: Vec<SealedInvitation>,
}

impl StoreContents {
    /// Nothing is sealed yet: a key may be made.
    pub(super) const fn is_new(&self) -> bool {
        self.rows.is_empty() && self.invitations.is_empty()
    }
}

impl Default for StoreContents {
    fn default() -> Self {
        Self {
            format: FORMAT,
            generation: 0,
            rows: Vec::new(),
            invitations: Vec::new(),
        }
    }
}

/// A handle on the store. Cheap to clone; opening touches no file.
#[derive(Clone)]
pub struct TokenStore(Arc<Inner>);

struct Inner {
    file: PathBuf,
    key_file: PathBuf,
    key: Option<Secret>,
    read: Mutex<Option<(Stamp, Arc<StoreContents>)>>,
    /// How the last attempt to write ended, or to find out whether one could.
    writable: Mutex<Option<Result<(), Arc<str>>>>,
}

impl std::fmt::Debug for TokenStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenStore({})", self.0.file.display())
    }
}

impl TokenStore {
    /// The store of a configuration. `key` is the content of
    /// `M365MON_STORAGE_KEY` and goes before the key file. Neither file is
    /// made before something must last.
    #[must_use]
    pub fn new(storage: &Storage, key: Option<Secret>) -> Self {
        Self(Arc::new(Inner {
            file: storage.file.clone(),
            key_file: storage.key_file.clone(),
            key: key.filter(|key| !key.is_empty()),
            read: Mutex::new(None),
            writable: Mutex::new(None),
        }))
    }

    /// The same, with `M365MON_STORAGE_KEY` of this process.
    #[must_use]
    pub fn from_environment(storage: &Storage) -> Self {
        let key = std::env::var("M365MON_STORAGE_KEY").ok().map(Secret::new);
        Self::new(storage, key)
    }

    /// Where it is.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp::of(&self.0.file)
    }

    /// Whether what must last can be written, or why not, as far as is known:
    /// by the last change, or by [`Self::check`].
    pub(super) fn writable(&self) -> Option<Result<(), Arc<str>>> {
        self.0.writable.lock().clone()
    }

    /// Nobody waits for the disk any longer.
    pub(super) fn hangs(&self) {
        let why = format!("{}: the disk does not answer", self.0.file.display());
        *self.0.writable.lock() = Some(Err(why.into()));
    }

    fn note<T>(&self, written: &Result<T, StoreError>) {
        let writable = match written {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string().into()),
        };
        *self.0.writable.lock() = Some(writable);
    }

    /// Finds out whether a change could be written now, and changes nothing:
    /// the file must be readable and its key there, the lock must open, and the
    /// folder must take a file of the same size.
    pub(super) fn check(&self) {
        self.note(&self.check_all());
    }

    fn check_all(&self) -> Result<(), StoreError> {
        let (_, contents) = self.load()?;
        if !contents.is_new() {
            self.keys(false)?;
        }
        LockFile::of(&self.0.file).check()?;
        let path = &self.0.file;
        let failed = |error: &std::io::Error| StoreError::io(path, "write", error);
        let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
        let room = usize::try_from(size.clamp(LEAST_ROOM, MOST_BYTES)).unwrap_or_default();
        // Without a name: nothing is left behind, whatever happens.
        let mut file = tempfile::tempfile_in(folder(path)).map_err(|e| failed(&e))?;
        file.write_all(&vec![0; room]).map_err(|e| failed(&e))
    }

    /// The sign-in of an account, if there is one.
    pub(super) fn find(&self, account: &Account) -> Result<Option<SignedIn>, StoreError> {
        let contents = self.read()?;
        if !contents.rows.iter().any(|row| row.may_belong_to(account)) {
            return Ok(None);
        }
        let keys = self.keys(false)?;
        self.find_in(&contents, account, &keys)
    }

    /// Keeps a new sign-in in the place of any earlier one of the account.
    pub(super) fn sign_in(&self, account: &Account, new: &SignedIn) -> Result<(), StoreError> {
        self.change(|contents| {
            let keys = self.keys(contents.is_new())?;
            self.forget_in(contents, account, &keys)?;
            contents.rows.push(new.seal(&keys)?);
            Ok((true, ()))
        })
    }

    /// Keeps a renewed refresh token, unless the sign-in it belongs to is no
    /// longer there.
    pub(super) fn renew(&self, account: &Account, new: &SignedIn) -> Result<Saved, StoreError> {
        self.change(|contents| {
            let keys = self.keys(false)?;
            let Some(old) = self.find_in(contents, account, &keys)? else {
                return Ok((false, Saved::Gone));
            };
            if old.sign_in != new.sign_in {
                return Ok((false, Saved::Superseded));
            }
            self.forget_in(contents, account, &keys)?;
            contents.rows.push(new.seal(&keys)?);
            Ok((true, Saved::Stored))
        })
    }

    /// Notes that Entra takes `refused` no longer, unless it was renewed or
    /// replaced meanwhile. The first end of a sign-in counts.
    pub(super) fn end(
        &self,
        account: &Account,
        refused: &SignedIn,
        end: SignInEnd,
    ) -> Result<(), StoreError> {
        self.change(|contents| {
            let keys = self.keys(false)?;
            let same = |row: &SignedIn| {
                row.sign_in == refused.sign_in
                    && row.refresh_token == refused.refresh_token
                    && row.renewed_at == refused.renewed_at
                    && row.ended.is_none()
            };
            let Some(mut row) = self.find_in(contents, account, &keys)?.filter(same) else {
                return Ok((false, ()));
            };
            row.record.ended = Some(end);
            self.forget_in(contents, account, &keys)?;
            contents.rows.push(row.seal(&keys)?);
            Ok((true, ()))
        })
    }

    /// Forgets the sign-in of an account; false if there was none.
    pub(super) fn sign_out(&self, account: &Account) -> Result<bool, StoreError> {
        if self.stamp() == Stamp(None) {
            return Ok(false);
        }
        self.change(|contents| {
            if !contents.rows.iter().any(|row| row.may_belong_to(account)) {
                return Ok((false, false));
            }
            let keys = self.keys(false)?;
            let found = self.forget_in(contents, account, &keys)?;
            Ok((found, found))
        })
    }

    fn find_in(
        &self,
        contents: &StoreContents,
        account: &Account,
        keys: &SealKeys,
    ) -> Result<Option<SignedIn>, StoreError> {
        for row in &contents.rows {
            if row.may_belong_to(account)
                && let Some(row) = Some(row.open(keys).ok_or_else(|| self.will_not_open())?)
                && row.belongs_to(account)
            {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    fn forget_in(
        &self,
        contents: &mut StoreContents,
        account: &Account,
        keys: &SealKeys,
    ) -> Result<bool, StoreError> {
        let mut kept = Vec::with_capacity(contents.rows.len());
        for row in &contents.rows {
            let mine = row.may_belong_to(account)
                && row
                    .open(keys)
                    .ok_or_else(|| self.will_not_open())?
                    .belongs_to(account);
            if !mine {
                kept.push(row.clone());
            }
        }
        let found = kept.len() < contents.rows.len();
        contents.rows = kept;
        Ok(found)
    }

    fn will_not_open(&self) -> StoreError {
        StoreError::Key(format!(
            "{}: a sign-in was sealed with another storage key, or was altered; \
             bring the key back, or remove the file and sign in again",
            self.0.file.display()
        ))
    }

    pub(super) fn keys(&self, may_make: bool) -> Result<SealKeys, StoreError> {
        if let Some(key) = &self.0.key {
            return SealKeys::parse(key, "M365MON_STORAGE_KEY");
        }
        match SealKeys::read(&self.0.key_file)? {
            Some(keys) => Ok(keys),
            None if may_make => SealKeys::make(&self.0.key_file),
            None => Err(StoreError::Key(format!(
                "the storage key {} is missing, but {} was sealed with it",
                self.0.key_file.display(),
                self.0.file.display()
            ))),
        }
    }

    /// What the file holds now; read only if it changed.
    pub(super) fn read(&self) -> Result<Arc<StoreContents>, StoreError> {
        let mut read = self.0.read.lock();
        let stamp = self.stamp();
        if let Some((then, contents)) = &*read
            && *then == stamp
        {
            return Ok(contents.clone());
        }
        let (stamp, contents) = self.load()?;
        let contents = Arc::new(contents);
        *read = Some((stamp, contents.clone()));
        Ok(contents)
    }

    fn load(&self) -> Result<(Stamp, StoreContents), StoreError> {
        let path = &self.0.file;
        // Before it is read: what is put in its place meanwhile is read again.
        let stamp = self.stamp();
        let bytes = match files::read(path, MOST_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.is_missing() => {
                return Ok((Stamp(None), StoreContents::default()));
            }
            Err(error) => return Err(StoreError::Io(error.to_string())),
        };
        let damaged = |why: String| StoreError::Damaged(format!("{}: {why}", path.display()));
        let contents: StoreContents = serde_json::from_slice(&bytes).map_err(|error| {
            damaged(format!(
                "not a token store (line {}, column {})",
                error.line(),
                error.column()
            ))
        })?;
        if contents.format != FORMAT {
            return Err(damaged(format!(
                "written in format {} by another version of m365mon",
                contents.format
            )));
        }
        Ok((stamp, contents))
    }

    /// Runs `apply` on what the file holds, under the lock, and writes what it
    /// made of it if it says so.
    pub(super) fn change<T>(
        &self,
        apply: impl FnOnce(&mut StoreContents) -> Result<(bool, T), StoreError>,
    ) -> Result<T, StoreError> {
        let applied = self.apply(apply);
        match &applied {
            Ok((false, _)) => {}
            written => self.note(written),
        }
        applied.map(|(_, result)| result)
    }

    fn apply<T>(
        &self,
        apply: impl FnOnce(&mut StoreContents) -> Result<(bool, T), StoreError>,
    ) -> Result<(bool, T), StoreError> {
        let _lock = LockFile::of(&self.0.file).take(self.owned_like())?;
        let (_, mut contents) = self.load()?;
        let (changed, result) = apply(&mut contents)?;
        if changed {
            contents.generation += 1;
            self.write(&contents)?;
        }
        Ok((changed, result))
    }

    /// What says whose the store is: the file, or else its folder.
    fn owned_like(&self) -> &Path {
        let path = &self.0.file;
        if path.exists() { path } else { folder(path) }
    }

    fn write(&self, contents: &StoreContents) -> Result<(), StoreError> {
        let path = &self.0.file;
        let failed = |error: &std::io::Error| StoreError::io(path, "write", error);
        let text = serde_json::to_vec_pretty(contents)
            .map_err(|error| StoreError::Damaged(format!("{}: {error}", path.display())))?;
        durable::replace(path, &text, self.owned_like()).map_err(|error| failed(&error))
    }
}
