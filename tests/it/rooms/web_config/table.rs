//! One file a case: the cases of the exporter-toolkit's own table in our own
//! words, and where we are stricter. Prometheus' `promtool` takes the good
//! ones as well.

use std::path::{Path, PathBuf};
use std::process::Command;

use m365mon::web::WebConfig;

use crate::support::documents;

/// Keys that are younger than the promtool of Debian 12.
const NEWER: [&str; 5] = [
    "cert",
    "client_allowed_sans",
    "client_ca",
    "key",
    "rate_limit",
];

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/web_config")
        .join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 20);
    files
}

#[test]
fn good() {
    for file in files("good") {
        for health_without_auth in [false, true] {
            if let Err(complaints) = WebConfig::load(&file, health_without_auth) {
                panic!("{}: {complaints:?}", file.display());
            }
        }
    }
}

#[test]
fn warnings() {
    // What a checkout lets everybody read is not what these files are about.
    let tells = |file: &PathBuf| {
        let web = WebConfig::load(file, false).unwrap();
        let mut warnings = web.warnings().iter();
        warnings.any(|one| !one.message.contains("every user of this machine"))
    };
    let with_warnings: Vec<String> = files("good")
        .iter()
        .filter(|file| tells(file))
        .map(|file| file.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let expected = [
        "all_ciphers",
        "client_allowed_sans_any_cert",
        "client_ca_unused",
    ];
    assert_eq!(with_warnings, expected);
}

/// A private key that others can read, in its own file or in the configuration.
#[test]
fn a_key_that_everybody_may_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/web_config/tls");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(folder.path(), 0o755);
    for name in ["server.crt", "server.key"] {
        std::fs::copy(data.join(name), at(name)).unwrap();
    }
    let inline: String = std::fs::read_to_string(at("server.key"))
        .unwrap()
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect();
    let web = at("web.yml");
    for (text, secret, line) in [
        ("  key_file: server.key\n".to_owned(), at("server.key"), 3),
        (format!("  key: |\n{inline}"), web.clone(), 4),
    ] {
        std::fs::write(
            &web,
            format!("tls_server_config:\n  cert_file: server.crt\n{text}"),
        )
        .unwrap();
        for (permissions, warned) in [(0o644, true), (0o640, false), (0o600, false)] {
            mode(&web, 0o644);
            mode(&secret, permissions);
            let loaded = WebConfig::load(&web, false).unwrap();
            let told: Vec<_> = loaded.warnings().iter().map(ToString::to_string).collect();
            assert_eq!(told.len(), usize::from(warned), "{permissions:o} {told:?}");
            if warned {
                assert!(
                    told[0].starts_with(&format!("{}:{line}:", web.display())),
                    "{told:?}"
                );
                assert!(told[0].contains("`chmod o-r` it"), "{told:?}");
            }
        }
        mode(&secret, 0o600);
    }
}

#[test]
fn bad() {
    for file in files("bad") {
        let text = std::fs::read_to_string(&file).unwrap();
        let expected = text.lines().next().unwrap();
        let expected = expected.strip_prefix("# expect: ").unwrap();
        let shown = file.display();
        let Err(complaints) = WebConfig::load(&file, false) else {
            panic!("{shown} was taken");
        };
        let expected = format!("{shown}:{expected}");
        let said: Vec<String> = complaints.iter().map(ToString::to_string).collect();
        assert!(
            said.iter().any(|said| said.starts_with(&expected)),
            "{expected}\nis not among\n{}",
            said.join("\n")
        );
    }
}

#[test]
fn promtool_takes_what_we_take() {
    for file in files("good") {
        let output = Command::new("promtool")
            .args(["check", "web-config"])
            .arg(&file)
            .output()
            .expect("promtool is needed by the tests (scripts/test installs it)");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let strange: Vec<&str> = stderr
            .lines()
            .filter(|line| !line.is_empty())
            .filter(|line| !line.ends_with("FAILED: yaml: unmarshal errors:"))
            .filter(|line| !line.ends_with(" SUCCESS"))
            .filter(|line| {
                let newer = |key| line.contains(&format!("field {key} not found"));
                !NEWER.into_iter().any(newer)
            })
            .collect();
        assert!(strange.is_empty(), "{}: {stderr}", file.display());
        let newer = stderr.contains("not found in type");
        assert_eq!(
            output.status.success(),
            !newer,
            "{}: {stderr}",
            file.display()
        );
    }
}

#[test]
fn the_documentation_is_current() {
    const BEGIN: &str =
        "<!-- keys: written by the test web_config::table from src/config/web/schema.rs -->\n";
    const END: &str = "\n<!-- keys: end -->";
    let file = "docs/web-config.md";
    let page = std::fs::read_to_string(file).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let new = format!(
        "{before}{BEGIN}{}{END}{after}",
        m365mon::config::web::documentation()
    );
    documents::is_current(file, &new);
}
