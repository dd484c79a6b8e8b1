//! A volume as a pod has it: root's folder, in which the container's user may write.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use crate::support::stack::Process;

/// Of the image.
const USER: u32 = 65_532;

/// As the user of the image.
fn contained(program: &Path, volume: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args([&format!("--reuid={USER}"), &format!("--regid={USER}")])
        .args(["--clear-groups", "--"])
        .arg(program)
        .current_dir("/")
        .env("STATE_DIRECTORY", volume)
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("M365MON_WEB_OPERATOR_FILE");
    command
}

/// Needs root, as the machines of continuous integration give it.
#[test]
fn a_link_from_a_volume_that_belongs_to_root() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let volume = folder.path().join("volume");
    std::fs::create_dir(&volume).unwrap();
    if chown(&volume, Some(0), Some(USER)).is_err() {
        return;
    }
    std::fs::set_permissions(&volume, PermissionsExt::from_mode(0o2777)).unwrap();
    let program = folder.path().join("m365mon");
    std::fs::copy(env!("CARGO_BIN_EXE_m365mon"), &program).unwrap();
    let configuration = folder.path().join("m365mon.yml");
    std::fs::write(&configuration, "accounts: []\nresources: []\n").unwrap();
    let serve = Process::start(
        "m365mon",
        contained(&program, &volume)
            .args(["serve", "--web.listen-address", "127.0.0.1:0"])
            .arg("--config.file")
            .arg(&configuration),
    );
    serve.wait_for("ready", |log| log.contains("msg=ready").then_some(()));
    let opened = contained(&program, &volume).arg("open").output().unwrap();
    assert!(opened.status.success(), "{opened:?}");
    let link = String::from_utf8(opened.stdout).unwrap();
    assert!(link.contains("/operator#"), "{link}");
    // Root takes nothing from a folder of its own that somebody else laid there.
    let as_root = Command::new(&program)
        .arg("open")
        .env("STATE_DIRECTORY", &volume)
        .current_dir("/")
        .output()
        .unwrap();
    assert!(!as_root.status.success(), "{as_root:?}");
}
