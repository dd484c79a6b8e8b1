//! Files that clients put into drives, and the addresses that they are
//! downloaded from. Other content of a drive is only named by the directory.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use m365mon_base::Timestamp;
use parking_lot::Mutex;

/// Files that are remembered; the oldest are forgotten.
const MOST: usize = 10_000;
/// An address of a download lives so long.
const LINK_LIFE: Duration = Duration::from_secs(300);

/// What drives do with files today.
#[derive(Debug, Clone, Default)]
pub struct FileRules {
    /// A retention policy keeps them: removing is refused.
    pub kept: bool,
    /// `permanentDelete` is not there, as in a cloud that has not got it.
    pub no_permanent_delete: bool,
    /// What is downloaded is not what was uploaded.
    pub spoiled: bool,
    /// The redirect to the download has no address.
    pub no_location: bool,
    /// The redirect leads to another host, as through a box on the way.
    pub elsewhere: bool,
    /// The drive is full: 507.
    pub full: bool,
    /// Somebody has the file open: 423.
    pub locked: bool,
    /// Writing answers 503, and the file is written all the same.
    pub unsure: bool,
    /// The redirect leads to the page of those who ask too much.
    pub throttle_page: bool,
}

/// A file in a drive.
#[derive(Debug, Clone)]
pub struct StoredFile {
    /// `01…`.
    pub id: String,
    /// Id of the drive.
    pub drive: String,
    /// Names of folders below the root, parted by slashes; empty for the root.
    pub folder: String,
    /// Its name.
    pub name: String,
    /// What is in it.
    pub content: Bytes,
    /// First written.
    pub created: Timestamp,
    /// In the recycle bin.
    pub deleted: bool,
}

#[derive(Debug)]
struct Link {
    file: String,
    ends: Timestamp,
}

/// All of them.
#[derive(Debug, Default)]
pub struct FileStore {
    rules: Mutex<FileRules>,
    files: Mutex<Vec<StoredFile>>,
    links: Mutex<HashMap<String, Link>>,
}

impl FileStore {
    /// What drives do with files.
    #[must_use]
    pub fn rules(&self) -> FileRules {
        self.rules.lock().clone()
    }

    /// Changes it from now on.
    pub fn change(&self, change: impl FnOnce(&mut FileRules)) {
        change(&mut self.rules.lock());
    }

    /// Writes a file; true if there was none of its name, which is replaced.
    pub fn put(&self, file: StoredFile) -> bool {
        let mut files = self.files.lock();
        let same = |other: &StoredFile| {
            !other.deleted
                && other.drive == file.drive
                && other.folder.eq_ignore_ascii_case(&file.folder)
                && other.name.eq_ignore_ascii_case(&file.name)
        };
        if let Some(place) = files.iter().position(same) {
            files[place].content = file.content;
            return false;
        }
        if files.len() >= MOST {
            files.remove(0);
        }
        files.push(file);
        true
    }

    /// A file by where it is.
    #[must_use]
    pub fn at(&self, drive: &str, folder: &str, name: &str) -> Option<StoredFile> {
        let files = self.files.lock();
        let found = files.iter().find(|file| {
            !file.deleted
                && file.drive == drive
                && file.folder.eq_ignore_ascii_case(folder)
                && file.name.eq_ignore_ascii_case(name)
        });
        found.cloned()
    }

    /// A file by its id.
    #[must_use]
    pub fn by_id(&self, drive: &str, id: &str) -> Option<StoredFile> {
        let files = self.files.lock();
        let found = files
            .iter()
            .find(|file| !file.deleted && file.drive == drive && file.id.eq_ignore_ascii_case(id));
        found.cloned()
    }

    /// The files in a folder; `None` if there never was one in it.
    #[must_use]
    pub fn inside(&self, drive: &str, folder: &str) -> Option<Vec<StoredFile>> {
        let files = self.files.lock();
        let of_it =
            |file: &&StoredFile| file.drive == drive && file.folder.eq_ignore_ascii_case(folder);
        files.iter().any(|file| of_it(&file)).then(|| {
            let there = files.iter().filter(of_it);
            there.filter(|file| !file.deleted).cloned().collect()
        })
    }

    /// Everything, also what is in a recycle bin.
    #[must_use]
    pub fn all(&self) -> Vec<StoredFile> {
        self.files.lock().clone()
    }

    /// Removes a file for good or into the recycle bin; false if it is not there.
    pub fn remove(&self, drive: &str, id: &str, for_good: bool) -> bool {
        let mut files = self.files.lock();
        let place = files
            .iter()
            .position(|file| !file.deleted && file.drive == drive && file.id == id);
        let Some(place) = place else {
            return false;
        };
        if for_good {
            files.remove(place);
        } else {
            files[place].deleted = true;
        }
        true
    }

    /// Makes an address good for one download; `key` is the secret in it.
    pub fn link(&self, key: String, file: &StoredFile, now: Timestamp) {
        let ends = now.checked_add(LINK_LIFE).unwrap_or(now);
        let mut links = self.links.lock();
        links.retain(|_, link| link.ends > now);
        let file = file.id.clone();
        links.insert(key, Link { file, ends });
    }

    /// What is behind an address, which is good no more then.
    #[must_use]
    pub fn follow(&self, key: &str, now: Timestamp) -> Option<Bytes> {
        let link = self.links.lock().remove(key)?;
        if link.ends <= now {
            return None;
        }
        let files = self.files.lock();
        let file = files.iter().find(|file| file.id == link.file)?;
        Some(file.content.clone())
    }
}
