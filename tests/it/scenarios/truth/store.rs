//! A store of sign-ins that worked at the start and does no longer: on a disk
//! that is full or became read-only, or damaged by somebody else.

use std::process::Command;

use super::{FAST, value, wait_for};
use crate::rooms::doctor::stage::{Stage, site, steve};
use crate::support::stack::{Process, get};

/// Runs a program in a mount namespace of its own, where the folder of the
/// store is a small disk.
const ON_A_SMALL_DISK: &str = r#"copy=$(mktemp -d) && cp -a "$0/." "$copy" &&
mount -t tmpfs -o size=256k,mode=700 tmpfs "$0" && cp -a "$copy/." "$0" && rm -r "$copy" && exec "$@""#;

/// How a store breaks, as a command that is told its folder, and how it is mended.
const WAYS: [(&str, &str, &str); 3] = [
    (
        "full",
        r#"! head -c 1M /dev/zero >"$0/other" 2>/dev/null"#,
        r#"rm "$0/other""#,
    ),
    (
        "read-only",
        r#"mount -o remount,ro "$0""#,
        r#"mount -o remount,rw "$0""#,
    ),
    (
        "damaged",
        r#"cp "$0/m365mon.tokens" "$0/kept" && echo '{' >"$0/m365mon.tokens""#,
        r#"mv "$0/kept" "$0/m365mon.tokens""#,
    ),
];

#[test]
fn a_store_that_breaks_while_it_is_used_is_said() {
    let stage = Stage::set();
    let folder = stage.path("store");
    std::fs::create_dir(&folder).unwrap();
    let small = |program: &str| {
        let mut command = Command::new("unshare");
        let words = ["--mount", "sh", "-c", ON_A_SMALL_DISK];
        command.args(words).arg(&folder).arg(program);
        command
    };
    if !small("true").status().unwrap().success() {
        println!("not tried: this user may make no mount namespace");
        return;
    }
    let fast = site("steve", "sites/intranet", FAST);
    stage.configure(&steve(), &fast);
    let file = stage.path("m365mon.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("storage: m365mon.tokens", "storage: store/m365mon.tokens");
    std::fs::write(&file, &text).unwrap();
    stage.sign_in("steve");
    let mut command = small(env!("CARGO_BIN_EXE_m365mon"));
    command
        .args(["serve", "--web.listen-address=127.0.0.1:0", "--config.file"])
        .arg(&file);
    let mut exporter = Process::start("m365mon", &mut command);
    let address = exporter.listening();
    let disk = |script: &str| {
        let process = exporter.id().to_string();
        let mut command = Command::new("nsenter");
        let words = ["--target", &process, "--mount", "sh", "-c", script];
        let done = command.args(words).arg(&folder).status().unwrap();
        assert!(done.success(), "{script}");
    };
    let writable = "m365mon_storage_writable";
    let up = "m365_resource_up{";
    wait_for(address, up, |up| up == 1.0);
    wait_for(address, writable, |can| can == 1.0);
    for (number, (what, break_it, mend_it)) in WAYS.into_iter().enumerate() {
        // It is looked at now and then, and with each configuration: that takes
        // no time here.
        let reload = |step: usize| {
            let number = 2 * number + step;
            std::fs::write(&file, format!("{text}# {number}\n")).unwrap();
            exporter.signal("HUP");
        };
        disk(break_it);
        reload(0);
        let metrics = wait_for(address, writable, |can| can == 0.0);
        // What was signed in goes on from memory.
        assert_eq!(value(&metrics, up), Some(1.0), "{what}: {metrics}");
        let needed = "m365_account_sign_in_required{";
        assert_eq!(value(&metrics, needed), Some(0.0), "{what}: {metrics}");
        disk(mend_it);
        reload(1);
        wait_for(address, writable, |can| can == 1.0);
    }
    let metrics = get(address, "/metrics");
    assert_eq!(value(&metrics, up), Some(1.0), "{metrics}");
    exporter.signal("TERM");
    assert_eq!(exporter.exit_code(), 0);
}
