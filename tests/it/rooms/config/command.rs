//! `m365mon check-config`, as people run it.

use std::path::Path;
use std::process::Command;

use m365mon::config;

use super::{Variables, expected, files};

pub(super) fn check_config(arguments: &[&str]) -> (Option<i32>, String, String) {
    check_config_with(arguments, &[])
}

/// With nothing of the environment that a configuration asks for but `pairs`.
pub(super) fn check_config_with(
    arguments: &[&str],
    pairs: &[(&str, &str)],
) -> (Option<i32>, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_m365mon"))
        .arg("check-config")
        .args(arguments)
        .env_clear()
        .envs(pairs.iter().copied())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

#[test]
fn every_example_passes_check_config() {
    let mut credentials = Vec::new();
    for path in files("examples") {
        let name = path.to_str().unwrap();
        let (code, out, err) = check_config(&["--config.file", name]);
        assert_eq!(code, Some(0), "{err}");
        assert!(out.starts_with(&format!("{name} is fine\n")), "{out}");
        // The files that hold the secrets are the reader's own.
        for line in err.lines() {
            let about_a_file =
                line.contains("there is no such file") || line.contains("is not set here");
            assert!(line.contains(": warning: ") && about_a_file, "{line}");
        }
        let configuration = config::load(&path, &Variables::new())
            .unwrap()
            .configuration;
        credentials.extend(
            configuration
                .accounts
                .iter()
                .map(|one| one.credential_label()),
        );
        assert!(!configuration.resources.is_empty());
    }
    for credential in [
        "delegated",
        "client_secret",
        "client_certificate",
        "workload_identity",
        "managed_identity",
    ] {
        assert!(credentials.contains(&credential), "{credential}");
    }
}

#[test]
fn check_config_says_what_it_found() {
    let (code, out, err) = check_config(&["--config.file", "tests/data/config/good/warnings.yml"]);
    assert_eq!(code, Some(0), "{err}");
    for says in [
        "3 accounts\n",
        "  busy: client_secret, contoso.com, cloud global\n",
        "6 resources\n  6 sharepoint_site, background: 242 calls a minute\n",
        "242 calls a minute, every 1s to 1m\n",
        "(busy, busy too): 241 calls a minute, 482 resource units a minute: 38.6 % of the smallest quota for a minute (1,250)",
    ] {
        assert!(out.contains(says), "{says}\n{out}");
    }
    assert!(err.contains("20:64: warning: the host"), "{err}");

    let (code, out, err) = check_config(&["--config.file", "tests/data/config/bad/sites.yml"]);
    assert_eq!(code, Some(3));
    assert_eq!(out, "");
    assert_eq!(
        err.lines().map(str::to_owned).collect::<Vec<_>>(),
        expected(Path::new("tests/data/config/bad/sites.yml"), "#! ")
    );

    let (code, out, err) = check_config(&[]);
    assert_eq!((code, &*out), (Some(3), ""));
    assert!(
        err.starts_with("m365mon.yml: there is no such file"),
        "{err}"
    );
}

#[test]
fn check_config_takes_the_path_from_the_environment() {
    let out = Command::new(env!("CARGO_BIN_EXE_m365mon"))
        .arg("check-config")
        .env("M365MON_CONFIG_FILE", "tests/data/config/good/design.yml")
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(0));
    assert!(
        out.stdout
            .starts_with(b"tests/data/config/good/design.yml is fine")
    );
}
