//! What people put into the files that a configuration names, and what
//! `check-config` and `serve` say of it: the same, and never a word of it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::ID;
use super::command::{check_config, check_config_with};
use crate::support::stack::Process;

/// Never to be seen in anything that comes out.
pub(super) const CANARY: &str = "C4n8Q~aryaryaryaryaryaryaryaryaryaryary";

/// A configuration with one account that signs in so.
pub(super) fn write(folder: &Path, credential: &str) -> String {
    write_with(folder, "", credential)
}

pub(super) fn write_with(folder: &Path, http: &str, credential: &str) -> String {
    let text = format!(
        "{http}\naccounts:\n  - name: contoso\n    tenant: contoso.com\n    client_id: {ID}\n    {credential}\n"
    );
    let path = folder.join("m365mon.yml");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// What is said on stderr, with the code; but for what is of no interest here.
pub(super) fn check(configuration: &str) -> (Option<i32>, String) {
    let (code, err) = check_all(configuration);
    let told = |line: &&str| !line.contains("no resources") && !line.contains("every user");
    let lines: Vec<&str> = err.lines().filter(told).collect();
    (code, lines.join("\n"))
}

fn check_all(configuration: &str) -> (Option<i32>, String) {
    let (code, _, err) = check_config(&["--config.file", configuration]);
    assert!(
        !err.contains(CANARY) && !err.contains(&CANARY[6..]),
        "{err}"
    );
    (code, err)
}

pub(super) fn data() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data"))
}

#[test]
fn certificates_and_keys_of_every_form() {
    const KEY: &str = "rsa-test-key.pem";
    const LEAF: &str = "files/certificate.pem";
    let folder = tempfile::tempdir().unwrap();
    let spaced = folder.path().join("a pair.pfx");
    fs::copy(data().join("files/pair.pfx"), &spaced).unwrap();
    for (certificate, key, expected) in [
        (LEAF, KEY, ""),
        ("files/chain-reversed.pem", KEY, ""),
        (LEAF, "rsa-test-key-pkcs1.pem", ""),
        (
            "files/pair.pfx",
            "files/pair.pfx",
            "6:44: account \"contoso\": D/files/pair.pfx is a PFX (PKCS#12) file, where PEM is wanted: `openssl pkcs12 -in D/files/pair.pfx -nodes -out m365mon.pem`",
        ),
        ("files/pair-legacy.pfx", KEY, "(with `-legacy` where"),
        (spaced.to_str().unwrap(), KEY, "-in 'F/a pair.pfx' -nodes"),
        (
            "files/certificate.der",
            KEY,
            "`openssl x509 -inform DER -in D/files/certificate.der -out certificate.pem`",
        ),
        (
            LEAF,
            "files/key.der",
            "`openssl pkey -inform DER -in D/files/key.der -out key.pem`",
        ),
        (LEAF, "files/key-pkcs1.der", "`openssl pkey -inform DER"),
        (LEAF, "files/key-sec1.der", "`openssl pkey -inform DER"),
        (LEAF, "files/key-encrypted.der", "`openssl pkey -inform DER"),
        (
            "files/chain.p7b",
            KEY,
            "`openssl pkcs7 -print_certs -in D/files/chain.p7b",
        ),
        (
            "files/chain-der.p7b",
            KEY,
            "`openssl pkcs7 -inform DER -print_certs -in D/files/chain-der.p7b",
        ),
        (
            "files/trusted.pem",
            KEY,
            "`openssl x509 -in D/files/trusted.pem -out certificate.pem`",
        ),
        ("files/request.pem", KEY, "is a request for a certificate"),
        ("files/request.der", KEY, "is a request for a certificate"),
        (
            LEAF,
            "files/public.pem",
            "is a public key, where a private key in PEM",
        ),
        (
            LEAF,
            "files/public.der",
            "is a public key, where a private key in PEM",
        ),
        (
            LEAF,
            "files/ec.pem",
            "an elliptic-curve (EC) key, and Entra takes",
        ),
        (
            LEAF,
            "files/ec-sec1.pem",
            "an elliptic-curve (EC) key, and Entra takes",
        ),
        (LEAF, "files/ed25519.pem", "an Ed25519 or Ed448 key"),
        (
            LEAF,
            "files/openssh-key",
            "`ssh-keygen -p -m PKCS8 -f D/files/openssh-key`",
        ),
        (
            LEAF,
            "files/key.ppk",
            "`puttygen D/files/key.ppk -O private-openssh",
        ),
        (LEAF, "files/keystore.jks", "is a Java keystore"),
        (
            LEAF,
            "files/key-old-encryption.pem",
            "`openssl pkcs8 -topk8 -in D/files/key-old-encryption.pem -out key.pem`",
        ),
        (
            LEAF,
            "rsa-test-key-aes256.pem",
            "name its passphrase in key_passphrase_file",
        ),
        (KEY, LEAF, "they are swapped"),
        (
            "files/authority.pem",
            KEY,
            "holds another key than that of the certificate",
        ),
        (LEAF, "config", "D/config is a folder; name the file in it"),
        (
            "/dev/null",
            KEY,
            "/dev/null is empty, where a certificate in PEM is wanted",
        ),
    ] {
        let pair = format!(
            "client_certificate: {{certificate_file: {}, key_file: {}}}",
            serde_json::json!(data().join(certificate)),
            serde_json::json!(data().join(key))
        );
        let (code, err) = check(&write(folder.path(), &pair));
        let shown = err
            .replace(data().to_str().unwrap(), "D")
            .replace(folder.path().to_str().unwrap(), "F");
        assert!(shown.contains(expected), "{certificate} {key}\n{shown}");
        let fine = expected.is_empty();
        assert_eq!(
            code,
            Some(if fine { 0 } else { 3 }),
            "{certificate} {key}\n{shown}"
        );
    }
}

#[test]
fn secrets_of_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret.txt");
    let wide = |text: &str| -> Vec<u8> {
        let marked = format!("\u{feff}{text}");
        marked.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    let of = |name: &str| fs::read(data().join(name)).unwrap();
    for (content, expected) in [
        (CANARY.as_bytes().to_vec(), ""),
        (format!("\u{feff}{CANARY}\r\n").into_bytes(), ""),
        (wide(&format!("{CANARY}\r\n")), ""),
        (Vec::new(), "F/secret.txt is empty"),
        (b"\xef\xbb\xbf \n".to_vec(), "F/secret.txt is empty"),
        (
            format!("{CANARY}\n{CANARY}\n").into_bytes(),
            "F/secret.txt holds more than one line",
        ),
        (
            format!("{CANARY}\u{7}x").into_bytes(),
            "a character that is not seen (U+0007)",
        ),
        (
            format!("{CANARY}\u{200b}x").into_bytes(),
            "a character that is not seen (U+200B)",
        ),
        (
            ID.as_bytes().to_vec(),
            "holds a GUID, which is the id of a secret and not its value",
        ),
        (ID.to_uppercase().into_bytes(), "holds a GUID"),
        (vec![b'x'; 70_000], "F/secret.txt is longer than 64 KiB"),
        (
            b"\xff\x00\xc0".to_vec(),
            "is of a form that is not known here, and a secret is one line",
        ),
        (
            of("files/pair.pfx"),
            "is a PFX (PKCS#12) file, and a secret is one line of text",
        ),
        (
            of("rsa-test-key.pem"),
            "holds a private key, and a secret is one line of text",
        ),
        (
            of("files/certificate.pem"),
            "holds a certificate, and a secret is one line of text",
        ),
    ] {
        fs::write(&file, &content).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let secret = "client_secret: {secret_file: secret.txt, expires: 2099-01-01}";
        let (code, err) = check(&write(folder.path(), secret));
        let shown = err.replace(folder.path().to_str().unwrap(), "F");
        if expected.is_empty() {
            assert_eq!((code, &*shown), (Some(0), ""));
        } else {
            assert_eq!(code, Some(3), "{shown}");
            assert!(
                shown.starts_with("F/m365mon.yml:6:34: account \"contoso\": "),
                "{shown}"
            );
            assert!(shown.contains(expected), "{shown}");
        }
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    for (credential, says) in [
        (
            "client_secret: {secret_file: secret.txt}".to_owned(),
            "is a folder",
        ),
        (
            "client_secret: {secret_env: SECRET}".to_owned(),
            "the environment variable SECRET holds a GUID",
        ),
        (
            format!("client_secret: {{secret: {ID}}}"),
            "the secret holds a GUID",
        ),
        (
            format!("client_secret: {{secret: \"{CANARY}\\nx\"}}"),
            "the secret holds more than one line",
        ),
        // Typed where its file belongs.
        (
            format!("client_secret: {{secret_file: {CANARY}}}"),
            "this looks like the secret itself",
        ),
        (
            format!("client_secret: {{secret_file: \"{}\"}}", CANARY.repeat(20)),
            "cannot read",
        ),
        (
            format!("client_secret: {{secret_file: m365mon.yml/{CANARY}}}"),
            "cannot read",
        ),
        (
            "workload_identity: {token_file: m365mon.yml}".to_owned(),
            "holds more than one line",
        ),
    ] {
        let configuration = write(folder.path(), &credential);
        let arguments = ["--config.file", &configuration];
        let (code, _, err) = check_config_with(&arguments, &[("SECRET", ID)]);
        assert_eq!(code, Some(3), "{credential}\n{err}");
        assert!(err.contains(says), "{credential}\n{err}");
        assert!(!err.contains(&CANARY[6..]), "{err}");
    }
    // It may come yet, and may be the secret itself.
    let canary = &CANARY[6..];
    let (code, err) = check(&write(
        folder.path(),
        &format!("client_secret: {{secret_file: {canary}, expires: 2099-01-01}}"),
    ));
    assert_eq!(code, Some(0), "{err}");
    assert!(
        err.contains(":6:34: warning: \"secret_file\": cannot read a file in "),
        "{err}"
    );
}

/// What `serve` says last before it gives up.
pub(super) fn serve_exits(configuration: &str, pairs: &[(&str, &str)]) -> (Option<i32>, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_m365mon"))
        .args([
            "serve",
            "--web.listen-address",
            "127.0.0.1:0",
            "--config.file",
            configuration,
        ])
        .env_clear()
        .envs(pairs.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let err = String::from_utf8(out.stderr).unwrap();
    let last = err.lines().last().unwrap_or_default();
    (out.status.code(), last.to_owned())
}

#[test]
fn serve_says_the_same_and_watches_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let credential = format!(
        "client_secret: {{secret: {ID}, expires: 2099-01-01}}\n  - name: pair\n    tenant: contoso.com\n    client_id: {ID}\n    client_certificate: {{certificate_file: {}}}",
        data().join("files/pair.pfx").display()
    );
    let configuration = write(folder.path(), &credential);
    let (code, err) = check(&configuration);
    assert_eq!((code, err.lines().count()), (Some(3), 2), "{err}");
    let (serving, _) = Process::serve(Path::new(&configuration), &[]);
    for line in err.lines() {
        let message = line.split_once(": account").unwrap().1;
        // Quotes are escaped in logfmt.
        let end = message.split_once("\": ").unwrap().1;
        serving.wait_for("the same sentence", |log| log.contains(end).then_some(()));
    }
}

#[test]
fn what_everybody_may_read_is_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    open(folder.path(), 0o755);
    let secret = folder.path().join("secret.txt");
    fs::write(&secret, CANARY).unwrap();
    let key = folder.path().join("key.pem");
    fs::copy(data().join("rsa-test-key.pem"), &key).unwrap();
    let pair = format!(
        "client_certificate: {{certificate_file: {}, key_file: key.pem}}",
        data().join("files/certificate.pem").display()
    );
    let in_file = "client_secret: {secret_file: secret.txt, expires: 2099-01-01}";
    let inline = "client_secret: {secret: abc, expires: 2099-01-01}";
    for (credential, file, at) in [
        (in_file, &secret, "6:34"),
        (&*pair, &key, ""),
        (inline, &folder.path().join("m365mon.yml"), "6:29"),
    ] {
        let configuration = write(folder.path(), credential);
        for (mode, warned) in [(0o644, true), (0o640, false)] {
            open(file, mode);
            let (code, err) = check_all(&configuration);
            assert_eq!(code, Some(0), "{err}");
            let warning = format!(
                "{at}: warning: every user of this machine may read {}",
                file.display()
            );
            let warning = warning.trim_start_matches(": ");
            assert_eq!(err.contains(warning), warned, "{mode:o} {err}");
        }
    }
    // What it is stands in the environment, and nobody reads it here.
    let variable = "client_secret: {secret: \"${CONTOSO_SECRET}\", expires: 2099-01-01}";
    let configuration = write(folder.path(), variable);
    open(Path::new(&configuration), 0o644);
    let output = Command::new(env!("CARGO_BIN_EXE_m365mon"))
        .args(["check-config", &configuration])
        .env("CONTOSO_SECRET", CANARY)
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && !err.contains("may read"),
        "{err}"
    );
}
