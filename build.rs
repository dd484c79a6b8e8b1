//! Tells the program which revision it was built from and with which compiler.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=M365MON_REVISION");
    let revision = std::env::var("M365MON_REVISION")
        .ok()
        .filter(|revision| !revision.is_empty())
        .or_else(|| output("git", &["rev-parse", "--short=12", "HEAD"]))
        .unwrap_or_else(|| "unknown".into());
    println!("cargo:rustc-env=M365MON_BUILD_REVISION={revision}");

    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = output(&rustc, &["--version"])
        .and_then(|line| line.split(' ').nth(1).map(str::to_owned))
        .unwrap_or_else(|| "unknown".into());
    println!("cargo:rustc-env=M365MON_RUSTC_VERSION={version}");

    // A release must know its revision; a debug build is not worth building
    // again for every commit.
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        let head = output("git", &["symbolic-ref", "-q", "HEAD"]).unwrap_or_else(|| "HEAD".into());
        for name in ["HEAD", &head, "packed-refs"] {
            if let Some(path) = output("git", &["rev-parse", "--git-path", name])
                && Path::new(&path).exists()
            {
                println!("cargo:rerun-if-changed={path}");
            }
        }
    }
}

/// The first line that a program prints, if it ends well.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}
