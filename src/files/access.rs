//! Who may read a file.

use std::path::Path;

/// True if every user of this machine may read the file: by its own mode, and
/// by those of the folders that lead to it. False where that cannot be told.
#[cfg(unix)]
#[must_use]
pub fn readable_by_everyone(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    const OTHERS_READ: u32 = 0o004;
    const OTHERS_PASS: u32 = 0o001;
    let has = |path: &Path, bit: u32| {
        path.metadata()
            .is_ok_and(|found| found.permissions().mode() & bit != 0)
    };
    // Where links end, for those are the folders that count.
    path.canonicalize().is_ok_and(|path| {
        path.is_file()
            && has(&path, OTHERS_READ)
            && path
                .ancestors()
                .skip(1)
                .all(|folder| has(folder, OTHERS_PASS))
    })
}

/// Modes say nothing here.
#[cfg(not(unix))]
#[must_use]
pub const fn readable_by_everyone(_: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_whole_way_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let link = folder.path().join("link");
        std::fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let with = |folder_mode, file_mode| {
            set_permissions(&file, Permissions::from_mode(file_mode)).unwrap();
            set_permissions(folder.path(), Permissions::from_mode(folder_mode)).unwrap();
            assert_eq!(readable_by_everyone(&link), readable_by_everyone(&file));
            readable_by_everyone(&file)
        };
        assert!(with(0o755, 0o644));
        assert!(!with(0o755, 0o640));
        assert!(!with(0o750, 0o644));
        assert!(!readable_by_everyone(&folder.path().join("none")));
    }
}
