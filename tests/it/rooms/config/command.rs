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
        assert!(out.starts_with(&format!("{name} is fine")), "{out}");
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

#[test]
fn check_config_takes_a_file_or_stdin() {
    use std::io::Write as _;
    use std::process::Stdio;

    let (code, out, _) = check_config(&["tests/data/config/good/warnings.yml"]);
    assert_eq!(code, Some(0));
    assert!(
        out.starts_with("tests/data/config/good/warnings.yml is fine"),
        "{out}"
    );
    let (code, _, err) = check_config(&["not/there.yml"]);
    assert_eq!(code, Some(3));
    assert!(
        err.starts_with("not/there.yml: there is no such file"),
        "{err}"
    );
    for arguments in [
        ["check-config", "-"].as_slice(),
        &["check-config", "--config.file=-"],
    ] {
        for (text, says) in [
            ("labels: {a: b}\n", "stdin is fine"),
            ("lables: {}\n", "stdin:1:1: unknown key"),
        ] {
            let mut child = Command::new(env!("CARGO_BIN_EXE_m365mon"))
                .args(arguments)
                .env_clear()
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            child
                .stdin
                .take()
                .unwrap()
                .write_all(text.as_bytes())
                .unwrap();
            let out = child.wait_with_output().unwrap();
            let told = [out.stdout, out.stderr].concat();
            let told = String::from_utf8(told).unwrap();
            assert!(told.contains(says), "{arguments:?}: {told}");
        }
    }
}

#[test]
fn what_probes_send_and_leave_is_added_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m365mon.yml");
    let person = "client_id: 11111111-2222-3333-4444-555555555555, client_secret: {secret_env: SECRET, expires: 2033-03-01}";
    let text = format!(
        "accounts:\n  - {{name: contoso, tenant: contoso.com, {person}}}\n  - {{name: other, tenant: other.contoso.com, {person}}}\nresources:\n  - {{name: there, account: contoso, kind: mail_round_trip, from: probe@contoso.onmicrosoft.com, to: in@other.contoso.com, to_account: other}}\n  - {{name: here, account: contoso, kind: mail_round_trip, from: Probe@contoso.onmicrosoft.com, to: in@contoso.com, interval: 10m}}\n"
    );
    std::fs::write(&path, text).unwrap();
    let (code, out, err) = check_config_with(&[path.to_str().unwrap()], &[("SECRET", "x")]);
    assert_eq!(code, Some(0), "{err}");
    for says in [
        // Three steps each, every 5 and every 10 minutes.
        "2 mail_round_trip, background: 0.9 calls a minute\n",
        "probe@contoso.onmicrosoft.com sends 432 messages a day: 4.3 % of what Exchange takes from one mailbox (10,000 recipients a day, 30 messages a minute); 288 of them leave the tenant, and all its addresses under onmicrosoft.com together may write to 100 recipients outside a day\n",
        "a retention tag of Exchange (delete after 1 day) on in@contoso.com clears what the probes leave",
    ] {
        assert!(out.contains(says), "{says}\n{out}");
    }
    assert!(err.contains("Exchange will refuse what is beyond"), "{err}");
}

#[test]
fn a_storage_key_that_cannot_be_used_is_not_fine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m365mon.yml");
    let text = "storage_key_file: key\naccounts: [{name: contoso, tenant: contoso.com, client_id: 11111111-2222-3333-4444-555555555555, delegated: {username: steve@contoso.com}}]\n";
    std::fs::write(&path, text).unwrap();
    let name = path.to_str().unwrap();
    assert_eq!(check_config(&[name]).0, Some(0), "it is made on first use");
    std::fs::create_dir(folder.path().join("key")).unwrap();
    let (code, _, err) = check_config(&[name]);
    assert_eq!(code, Some(3));
    assert!(
        err.contains(":1:19: \"storage_key_file\": ") && err.contains("is a folder"),
        "{err}"
    );
}
