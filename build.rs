//! Tells the program which revision it was built from and with which compiler,
//! and puts the runbooks into it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

fn main() -> std::io::Result<()> {
    runbooks()?;
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
    Ok(())
}

/// Writes `runbooks.rs`: name and text of every page below `docs/runbooks`, in
/// the order of their names.
fn runbooks() -> std::io::Result<()> {
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let mut pages = std::collections::BTreeMap::new();
    for part in ["docs/runbooks", "docs/runbooks/reasons"] {
        println!("cargo:rerun-if-changed={part}");
        for entry in std::fs::read_dir(Path::new(&folder).join(part))? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == "md")
                && let Some(name) = path.file_stem().and_then(|name| name.to_str())
                && name != "README"
            {
                pages.insert(name.to_owned(), path.display().to_string());
            }
        }
    }
    let mut code = String::from("&[\n");
    for (name, path) in pages {
        _ = writeln!(code, "    ({name:?}, include_str!({path:?})),");
    }
    code.push_str("]\n");
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    std::fs::write(Path::new(&out).join("runbooks.rs"), code)
}

/// The first line that a program prints, if it ends well.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}
