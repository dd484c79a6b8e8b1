//! Files that change while it runs.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::{ALICE, Authority, HASH, Serving, TLS, folder_with_tls};
use crate::support::stack::eventually;

/// The serial number of the certificate that the server shows.
fn shown(serving: &Serving) -> String {
    let output = Command::new("sh")
        .args([
            "-c",
            "openssl s_client -connect $0 </dev/null 2>/dev/null | openssl x509 -noout -serial",
        ])
        .arg(serving.address.to_string())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_new_certificate() {
    let (folder, authority) = folder_with_tls();
    let serving = Serving::start(folder, TLS, &[]);
    let first = shown(&serving);
    assert!(first.starts_with("serial="), "{first}");
    authority.sign_server(serving.folder.path());
    eventually("the new certificate is shown", || {
        (shown(&serving) != first).then_some(())
    });
    assert_eq!(serving.status("/metrics", &[]), 200);
    serving.wait_for_reload(true, &["--cacert", "ca.pem"]);

    // Half of a rotation: a key that is another's.
    let second = shown(&serving);
    let key = std::fs::read_to_string(serving.path("server.key")).unwrap();
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    serving.replace("server.key", &other);
    serving.wait_for_reload(false, &["--cacert", "ca.pem"]);
    assert_eq!(shown(&serving), second, "the last good one goes on");
    let log = serving.process.output();
    assert!(log.contains("web.yml:3:13: "), "{log}");
    assert!(log.contains("is not the key of the certificate"), "{log}");
    assert_eq!(
        log.matches("web configuration not reloaded").count(),
        1,
        "said once: {log}"
    );
    serving.replace("server.key", &key);
    serving.wait_for_reload(true, &["--cacert", "ca.pem"]);
}

#[test]
fn symlinks_as_kubernetes_swaps_them() {
    let (folder, authority) = folder_with_tls();
    let at = |name: &str| folder.path().join(name);
    // NAME -> ..data/NAME, ..data -> ..1; then ..data is renamed over.
    for version in ["..1", "..2"] {
        std::fs::create_dir(at(version)).unwrap();
        authority.sign_server(&at(version));
    }
    symlink("..1", at("..data")).unwrap();
    for name in ["server.crt", "server.key"] {
        std::fs::remove_file(at(name)).unwrap();
        symlink(format!("..data/{name}"), at(name)).unwrap();
    }
    let serving = Serving::start(folder, TLS, &[]);
    let first = shown(&serving);
    symlink("..2", serving.path("..tmp")).unwrap();
    std::fs::rename(serving.path("..tmp"), serving.path("..data")).unwrap();
    eventually("the new certificate is shown", || {
        (shown(&serving) != first).then_some(())
    });
}

#[test]
fn users_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let users = |users: &str| format!("basic_auth_users: {{{users}}}\n");
    let serving = Serving::start(folder, &users(&format!("alice: {HASH}")), &[]);
    let status = |user: &str| serving.curl("/metrics", &["-u", user]).unwrap().status;
    let bob = "bob:correct horse";
    assert_eq!((status(ALICE), status(bob)), (200, 401));
    serving.replace("web.yml", &users(&format!("bob: {HASH}")));
    eventually("bob instead of alice", || {
        ((status(ALICE), status(bob)) == (401, 200)).then_some(())
    });

    // What is broken, empty or gone changes nothing: nobody else comes in.
    for broken in [
        users("bob: hunter2"),
        String::new(),
        // Cut before its users.
        "http_server_config: {http2: false}\n".into(),
        users("").replace("{}", ""),
        "basic_auth_user: {}\n".into(),
        "http_server_config: {http2: false}\n".into(),
    ] {
        serving.replace("web.yml", &broken);
        serving.wait_for_reload(false, &["-u", bob]);
        assert_eq!(
            (status(ALICE), status("nobody:"), status(bob)),
            (401, 401, 200)
        );
        serving.replace("web.yml", &users(&format!("bob: {HASH}")));
        serving.wait_for_reload(true, &["-u", bob]);
    }
    std::fs::remove_file(serving.path("web.yml")).unwrap();
    serving.wait_for_reload(false, &["-u", bob]);
    assert_eq!((status(ALICE), status(bob)), (401, 200));
    let log = serving.process.output();
    assert!(log.contains("the file is empty"), "{log}");
    assert!(log.contains("web.yml: there is no such file"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

#[test]
fn a_file_in_the_making_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(
        folder,
        &format!("basic_auth_users: {{alice: {HASH}}}\n"),
        &[],
    );
    // Written in place, piece by piece, again and again: at no moment may
    // somebody without a password come in.
    for _ in 0..200 {
        let mut file = std::fs::File::create(serving.path("web.yml")).unwrap();
        file.write_all(b"http_server_config: {http2: false}\n")
            .unwrap();
        file.flush().unwrap();
        if serving.curl("/metrics", &[]).unwrap().status == 200 {
            panic!("access was open to everybody");
        }
        writeln!(file, "basic_auth_users: {{alice: {HASH}}}").unwrap();
    }
    assert_eq!(
        serving.curl("/metrics", &["-u", ALICE]).unwrap().status,
        200
    );
}

#[test]
fn reload_reads_it_too_and_both_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let web = format!("basic_auth_users: {{alice: {HASH}}}\n");
    let serving = Serving::start(folder, &web, &["--web.enable-lifecycle"]);
    let reload = |user: &str| {
        let arguments = ["-u", user, "-X", "POST"];
        serving.curl("/-/reload", &arguments).unwrap()
    };
    assert_eq!(reload("alice:wrong").status, 401);
    serving.replace("web.yml", &format!("basic_auth_users: {{bob: {HASH}}}\n"));
    // The very next request: no look of the watcher is waited for.
    let reply = reload(ALICE);
    assert_eq!(reply.status, 200, "{}", reply.text);
    let bob = "bob:correct horse";
    assert_eq!(reload(ALICE).status, 401);

    // The configuration is broken: the web configuration, though fine, is not
    // taken over by this reload, and the other way round.
    let main = std::fs::read_to_string(serving.path("m365mon.yml")).unwrap();
    serving.replace("m365mon.yml", "accounts: 5\n");
    serving.replace("web.yml", "basic_auth_users: {bob: doe}\n");
    let reply = reload(bob);
    assert_eq!(reply.status, 500);
    for part in ["m365mon.yml:1:11: ", "web.yml:1:25: "] {
        assert!(reply.text.contains(part), "{}", reply.text);
    }
    serving.wait_for_reload(false, &["-u", bob]);
    serving.replace("m365mon.yml", &main);
    assert_eq!(reload(bob).status, 500, "one of both is still broken");
    serving.replace("web.yml", &format!("basic_auth_users: {{bob: {HASH}}}\n"));
    serving.process.signal("HUP");
    serving.wait_for_reload(true, &["-u", bob]);
}

#[test]
fn tls_stays_as_it_was_started() {
    let (folder, _) = folder_with_tls();
    let serving = Serving::start(folder, TLS, &[]);
    let trust = ["--cacert", "ca.pem"];
    serving.replace("web.yml", "http_server_config: {http2: false}\n");
    serving.wait_for_reload(false, &trust);
    let log = serving.process.output();
    assert!(
        log.contains("TLS is not switched off while running"),
        "{log}"
    );
    serving.replace(
        "web.yml",
        &format!("{TLS}http_server_config: {{http2: false}}\n"),
    );
    serving.wait_for_reload(true, &trust);
    assert_eq!(
        serving.tls("/", &[]).unwrap().version,
        "1.1",
        "HTTP/2 can be switched"
    );
}

#[test]
fn an_authority_that_is_trusted_no_longer() {
    let (folder, authority) = folder_with_tls();
    authority.sign(folder.path(), "client", Vec::new());
    let other = Authority::new(folder.path(), "other");
    other.sign(folder.path(), "new", Vec::new());
    let web = |ca: &str| {
        format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {ca}\n")
    };
    let serving = Serving::start(folder, &web("ca.pem"), &[]);
    let comes_in = |name: &str| {
        let (cert, key) = (format!("{name}.crt"), format!("{name}.key"));
        serving
            .tls("/metrics", &["--cert", &cert, "--key", &key])
            .is_ok()
    };
    assert!(comes_in("client") && !comes_in("new"));
    // A connection of the old times is closed as well once it is idle.
    let (mut reader, mut idle) = keep_alive(&serving);
    serving.replace("web.yml", &web("other.pem"));
    eventually("the other authority", || {
        (!comes_in("client") && comes_in("new")).then_some(())
    });
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut reader, &mut rest).unwrap();
    _ = idle.wait();
}

/// `openssl s_client` that asked once and stays connected.
fn keep_alive(serving: &Serving) -> (impl std::io::BufRead + use<>, std::process::Child) {
    use std::io::BufRead as _;
    use std::process::Stdio;
    let mut child = Command::new("openssl")
        .current_dir(serving.folder.path())
        .args([
            "s_client",
            "-quiet",
            "-no_ign_eof",
            "-connect",
            &serving.address.to_string(),
        ])
        .args(["-cert", "client.crt", "-key", "client.key"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"GET /-/healthy HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let mut reader = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.contains("200"), "{line}");
    // Kept open: what ends it is the server.
    std::mem::forget(stdin);
    (reader, child)
}
