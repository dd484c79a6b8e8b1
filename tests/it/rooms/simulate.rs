//! The command `simulate`: the folder that it writes, its end, and sites and
//! mailboxes by the number, in organizations of their own, behind a
//! certificate that somebody else made.

use std::path::Path;
use std::process::Command;

use crate::support::stack::{Process, get};

fn openssl(folder: &Path, arguments: &str) {
    let done = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "openssl {arguments}: {said}");
}

#[test]
fn made_up_accounts_work_behind_an_rsa_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let names = "subjectAltName=DNS:graph.microsoft.com,DNS:login.microsoftonline.com\n";
    std::fs::write(folder.path().join("names.txt"), names).unwrap();
    openssl(
        folder.path(),
        "req -x509 -newkey rsa:2048 -nodes -keyout authority.key -out authority.pem -days 2 -subj /CN=authority",
    );
    openssl(
        folder.path(),
        "req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf",
    );
    openssl(
        folder.path(),
        "x509 -req -in leaf.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -extfile names.txt -out leaf.pem",
    );
    let [leaf, authority] = ["leaf.pem", "authority.pem"]
        .map(|file| std::fs::read_to_string(folder.path().join(file)).unwrap());
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("chain.pem"), format!("{leaf}{authority}")).unwrap();

    let simulate = Process::m365mon(&[
        "simulate",
        "--listen=127.0.0.1:0",
        "--dir",
        &path("cloud"),
        "--sites=3",
        "--mailboxes=3",
        "--accounts=2",
        "--tls-certificate",
        &path("chain.pem"),
        "--tls-key",
        &path("leaf.key"),
    ]);
    simulate.wait_for("configuration", |text| {
        text.contains("configuration").then_some(())
    });
    assert_eq!(
        std::fs::read_to_string(path("cloud/ca.pem")).unwrap(),
        authority
    );
    let configuration = std::fs::read_to_string(path("cloud/m365mon.yml")).unwrap();
    for line in [
        "{name: site-00002, account: load-02, kind: sharepoint_site, url: \"https://contoso-load-02.sharepoint.com/sites/load-00002\"}",
        "{name: site-00003, account: load-01, kind: sharepoint_site, url: \"https://contoso-load-01.sharepoint.com/sites/load-00003\"}",
        "{name: mailbox-00002, account: load-02, kind: exchange_mailbox, user: load-00002@contoso-load-02.onmicrosoft.com}",
    ] {
        assert!(configuration.contains(line), "{configuration}");
    }
    for resource in [
        "site-00002",
        "site-00003",
        "mailbox-00001",
        "mailbox-00002",
        "intranet",
    ] {
        let mut probe = Process::m365mon(&[
            "probe",
            resource,
            "--config.file",
            &path("cloud/m365mon.yml"),
        ]);
        let code = probe.exit_code();
        assert_eq!(code, 0, "{resource}: {}", probe.output());
    }
}

#[test]
fn it_writes_a_folder_and_stops_cleanly() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut simulate = Process::m365mon(&[
        "simulate",
        "--listen=127.0.0.1:0",
        "--sites=3",
        "--mailboxes=2",
        "--dir",
        &folder.path().display().to_string(),
    ]);
    simulate.wait_for("configuration", |text| {
        text.contains("configuration").then_some(())
    });
    assert!(simulate.output().contains("control endpoint"));
    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
    let mode = |name: &str| std::fs::metadata(path(name)).unwrap().permissions().mode() & 0o777;
    assert!(read("ca.pem").starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!((mode("app-secret.txt"), mode("ca.key")), (0o600, 0o600));
    let configuration = read("m365mon.yml");
    assert_eq!(
        configuration.matches("kind: sharepoint_site").count(),
        9 + 3
    );
    assert_eq!(
        configuration.matches("kind: exchange_mailbox").count(),
        4 + 2
    );
    let mut check = Process::m365mon(&[
        "check-config",
        "--config.file",
        &path("m365mon.yml").display().to_string(),
    ]);
    assert_eq!(check.exit_code(), 0, "{}", check.output());

    let endpoints: serde_json::Value = serde_json::from_str(&read("simulator.json")).unwrap();
    let control = endpoints["control"].as_str().unwrap();
    let control = control.strip_prefix("http://").unwrap().parse().unwrap();
    // Who sees it for the first time is told how to go on.
    let said = simulate.output();
    for words in [
        "whose password is ",
        "m365mon probe --all --config.file ",
        "--proxy-server=http://",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let help = get(control, "/");
    for words in [
        "POST /faults ",
        "GET /requests[?latest=100] ",
        "GET /entra, PUT /entra ",
        "server_error",
    ] {
        assert!(help.contains(words), "{words}: {help}");
    }
    assert!(!help.contains(['`', '|']), "{help}");
    let state = get(control, "/state");
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    // Of people, of the other tenant, and those that were asked for.
    assert_eq!(state["sites"]["count"], 8 + 2 + 1 + 3);

    simulate.signal("TERM");
    assert_eq!(simulate.exit_code(), 0);
}

fn utf16(text: &str) -> Vec<u8> {
    let marked = format!("\u{feff}{text}");
    marked.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Files as Windows writes them are read as they are meant, by `simulate` and
/// by `demo`.
#[test]
fn files_are_read_as_they_are_meant() {
    const SCENARIO: &str = "steps: [{at: 1h, do: {clear_faults: {}}}]\r\n";
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    openssl(
        folder.path(),
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out certificate.pem -days 2 -subj /CN=contoso",
    );
    let certificate = std::fs::read_to_string(path("certificate.pem")).unwrap();
    for file in ["certificate.pem", "key.pem"] {
        let text = std::fs::read_to_string(path(file)).unwrap();
        std::fs::write(path(file), utf16(&text)).unwrap();
    }
    std::fs::write(path("scenario.yml"), utf16(SCENARIO)).unwrap();
    std::fs::write(path("marked.yml"), format!("\u{feff}{SCENARIO}")).unwrap();
    let mut simulate = Process::m365mon(&[
        "simulate",
        "--listen=127.0.0.1:0",
        "--dir",
        &path("cloud"),
        "--scenario",
        &path("scenario.yml"),
        "--tls-certificate",
        &path("certificate.pem"),
        "--tls-key",
        &path("key.pem"),
    ]);
    simulate.wait_for("configuration", |text| {
        text.contains("configuration").then_some(())
    });
    let shown = std::fs::read_to_string(path("cloud/ca.pem")).unwrap();
    assert_eq!(shown.trim(), certificate.trim());
    let mut demo = Process::m365mon(&[
        "demo",
        "--web.listen-address=127.0.0.1:0",
        "--scenario",
        &path("marked.yml"),
    ]);
    demo.listening();
    for process in [&mut simulate, &mut demo] {
        process.signal("TERM");
        assert_eq!(process.exit_code(), 0);
    }
}

/// What is no such file is told as of every other file, before anything begins
/// and without waiting for it.
#[test]
fn what_is_no_such_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let cloud = path("cloud");
    let made = Command::new("mkfifo").arg(path("pipe.yml")).status();
    assert!(made.unwrap().success());
    std::fs::create_dir(path("folder.yml")).unwrap();
    std::fs::write(path("long.yml"), vec![b'#'; 5 << 20]).unwrap();
    std::fs::write(path("binary.yml"), b"steps: \xff\xfe\xff").unwrap();
    std::fs::write(path("empty.pem"), "\u{feff}\r\n").unwrap();
    std::fs::write(path("wrong.yml"), "steps: [{at: 1s, do: {explode: {}}}]").unwrap();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/");
    let file = |name: &str| match name.split_once('/') {
        Some((_, name)) => format!("{data}{name}"),
        None => path(name),
    };
    let simulate = |more: &[(&str, &str)]| {
        let own = ["simulate", "--listen=127.0.0.1:0", "--dir", &cloud];
        let more = more.iter();
        let more = more.flat_map(|(flag, name)| [(*flag).to_owned(), file(name)]);
        own.map(str::to_owned).into_iter().chain(more).collect()
    };
    let demo = |name: &str| {
        let own = ["demo", "--web.listen-address=127.0.0.1:0", "--scenario"];
        let own = own.map(str::to_owned);
        own.into_iter().chain([file(name)]).collect::<Vec<String>>()
    };
    let pair =
        |certificate, key| simulate(&[("--tls-certificate", certificate), ("--tls-key", key)]);
    let mut cases: Vec<(Vec<String>, &str)> = vec![
        (
            pair("pipe.yml", "D/rsa-test-key.pem"),
            "pipe.yml is no regular file",
        ),
        (
            pair("D/files/certificate.pem", "missing.pem"),
            "missing.pem: there is no such file",
        ),
        (
            pair("D/files/pair.pfx", "D/files/pair.pfx"),
            "is a PFX (PKCS#12) file, where PEM is wanted: `openssl pkcs12",
        ),
        (
            pair("D/rsa-test-key.pem", "D/rsa-test-key.pem"),
            "holds a private key, where a certificate in PEM is wanted",
        ),
        (
            pair("D/files/certificate.pem", "empty.pem"),
            "empty.pem is empty",
        ),
    ];
    for (name, words) in [
        ("pipe.yml", "pipe.yml is no regular file"),
        ("folder.yml", "folder.yml is a folder; name the file in it"),
        ("long.yml", "long.yml is longer than 4 MiB"),
        ("binary.yml", "binary.yml holds no text"),
        ("missing.yml", "missing.yml: there is no such file"),
        (
            "wrong.yml",
            "wrong.yml: the step in line 1: unknown variant",
        ),
    ] {
        cases.push((simulate(&[("--scenario", name)]), words));
        cases.push((demo(name), words));
    }
    for (arguments, words) in cases {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut process = Process::m365mon(&arguments);
        assert_eq!(
            process.exit_code(),
            3,
            "{arguments:?}: {}",
            process.output()
        );
        process.wait_for(words, |text| text.contains(words).then_some(()));
    }
    assert!(!Path::new(&cloud).exists(), "nothing has begun");
}
