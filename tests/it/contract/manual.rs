//! The manual pages in `packaging/man` are what the command line says now.
//! `M365MON_UPDATE_DOCS=1` writes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::documents;

fn pages(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries
        .map(|entry| entry.unwrap().path())
        .map(|path: PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn the_manual_pages_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/man");
    // Without revision and compiler, which change with every build.
    let command = m365mon::cli::command().version(env!("CARGO_PKG_VERSION"));
    let new = tempfile::tempdir().unwrap();
    clap_mangen::generate_to(command, new.path()).unwrap();
    let new = pages(new.path());
    assert!(new["m365mon.1"].contains("SUBCOMMANDS"));
    assert!(new["m365mon-serve.1"].contains("M365MON_WEB_CONFIG_FILE"));
    if documents::to_be_written() {
        std::fs::create_dir_all(&folder).unwrap();
        for name in pages(&folder).keys() {
            std::fs::remove_file(folder.join(name)).unwrap();
        }
        for (name, text) in &new {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }
    let old = pages(&folder);
    let hint = "write them by M365MON_UPDATE_DOCS=1 cargo test --test it manual::";
    assert_eq!(
        old.keys().collect::<Vec<_>>(),
        new.keys().collect::<Vec<_>>(),
        "{hint}"
    );
    for (name, text) in &new {
        assert!(old[name] == *text, "{name} is not current; {hint}");
    }
}
