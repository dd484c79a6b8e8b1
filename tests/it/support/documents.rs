//! Documents that are made from code, held against the files in the repository.

use std::path::Path;

/// Whether the files are to be written anew, by `M365MON_UPDATE_DOCS=1`.
pub(crate) fn to_be_written() -> bool {
    std::env::var_os("M365MON_UPDATE_DOCS").is_some()
}

/// This file of the repository says `now`; the first line that differs is shown.
pub(crate) fn is_current(file: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if to_be_written() {
        std::fs::write(&path, now).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let hint = format!("{file} is old; run this test once with M365MON_UPDATE_DOCS=1");
    for (known, now) in known.lines().zip(now.lines()) {
        assert_eq!(known, now, "{hint}");
    }
    assert!(known == now, "{hint}");
}
