//! Whether files changed: by what they hold, not by their inodes or times, so
//! that an editor's rename, a copy in place and Kubernetes' swap of symlinks
//! are all the same.

use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use super::glob;
use crate::files;

type Hash = [u8; 32];

/// What some files were like at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDigest {
    /// Changes with every byte, and when a file comes or goes.
    pub content: Hash,
    /// Changes when a file is written, also if the same is written: while it
    /// does, somebody is at work.
    pub written: Hash,
}

/// Takes files in, one after the other.
pub struct DigestBuilder {
    content: Context,
    written: Context,
}

impl Default for DigestBuilder {
    fn default() -> Self {
        Self {
            content: Context::new(&SHA256),
            written: Context::new(&SHA256),
        }
    }
}

impl DigestBuilder {
    /// A file whose content was read already; `None` if it could not be.
    pub fn add(&mut self, path: &Path, content: Option<&[u8]>) {
        match content {
            Some(bytes) => {
                self.content.update(&(bytes.len() as u64 + 1).to_be_bytes());
                self.content.update(bytes);
            }
            None => self.content.update(&0_u64.to_be_bytes()),
        }
        let modified = std::fs::metadata(path).and_then(|found| found.modified());
        self.written.update(format!("{modified:?}").as_bytes());
    }

    /// The result.
    #[must_use]
    pub fn finish(self) -> FileDigest {
        FileDigest {
            content: hash(self.content),
            written: hash(self.written),
        }
    }
}

fn hash(context: Context) -> Hash {
    let mut hash = Hash::default();
    for (to, from) in hash.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    hash
}

/// Looks at files; blocks. Of each at most `most` bytes are read.
#[must_use]
pub fn of_files<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>, most: u64) -> FileDigest {
    let mut builder = DigestBuilder::default();
    for path in paths {
        let path = path.as_ref();
        let read = files::read(path, most);
        builder.add(path, read.as_deref().map(Vec::as_slice).ok());
    }
    builder.finish()
}

/// Looks at a configuration, at the files of resources that these patterns find by
/// now and at the files that hold values, in the order in which [`super::load`]
/// reads them; blocks.
#[must_use]
pub fn of_configuration(
    path: &Path,
    resource_files: &[PathBuf],
    value_files: &[PathBuf],
) -> FileDigest {
    let mut paths = vec![path.to_owned()];
    for pattern in resource_files {
        for found in glob::files(pattern).unwrap_or_default() {
            // Few folders hold so many that a set would be quicker than this.
            if !paths[1..].contains(&found) {
                paths.push(found);
            }
        }
    }
    paths.extend_from_slice(value_files);
    of_files(paths, super::MOST_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_content() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        let seen = || of_files([&one, &two], 100).content;
        let neither = seen();
        std::fs::write(&one, "").unwrap();
        let empty = seen();
        assert_ne!(neither, empty);
        std::fs::write(&one, "a").unwrap();
        std::fs::write(&two, "b").unwrap();
        let both = seen();
        assert_ne!(both, empty);
        // What belongs to which file counts, another inode does not.
        std::fs::write(&one, "ab").unwrap();
        std::fs::write(&two, "").unwrap();
        assert_ne!(seen(), both);
        let new = folder.path().join("new");
        std::fs::write(&new, "a").unwrap();
        std::fs::rename(new, &one).unwrap();
        std::fs::write(&two, "b").unwrap();
        assert_eq!(seen(), both);
    }
}
