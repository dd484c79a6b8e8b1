//! Whose a file of the store is. A command that root runs beside the service
//! (`login`, `probe`, `doctor`) writes the store as well; a file that then
//! belonged to root would be lost to the service.

use std::fs::File;
use std::path::Path;

/// Gives a file that was just made (by `O_EXCL`, so that it is no link of
/// anybody's) to whoever owns `like`: the file that it takes the place of, or
/// the folder. Only root can do that, and only root has
/// to: for everybody else nothing happens.
#[cfg(unix)]
pub(super) fn chown_like(file: &File, like: &Path) {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let (Ok(mine), Ok(theirs)) = (file.metadata(), std::fs::metadata(like)) else {
        return;
    };
    if (mine.uid(), mine.gid()) != (theirs.uid(), theirs.gid()) {
        // Where it is refused, the file stays with who made it.
        _ = fchown(file, Some(theirs.uid()), Some(theirs.gid()));
    }
}

/// Files have no owner of this kind.
#[cfg(not(unix))]
pub(super) fn chown_like(_: &File, _: &Path) {}
