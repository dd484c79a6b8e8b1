//! Certificates of clients, each policy.

use super::{ALICE, Authority, HASH, Serving, TLS, dns, folder_with_tls};

const GOOD: [&str; 4] = ["--cert", "client.crt", "--key", "client.key"];
const STRANGE: [&str; 4] = ["--cert", "strange.crt", "--key", "strange.key"];
const CA: &str = "  client_ca_file: ca.pem\n";

/// A server, a client of its authority, and one of another.
fn serve(more: &str, flags: &[&str]) -> Serving {
    let (folder, authority) = folder_with_tls();
    let name = |name: &str| vec![dns(name)];
    authority.sign(folder.path(), "client", name("prometheus.contoso.com"));
    authority.sign(folder.path(), "nameless", Vec::new());
    let other = Authority::new(folder.path(), "other");
    other.sign(folder.path(), "strange", name("prometheus.contoso.com"));
    Serving::start(folder, &format!("{TLS}{more}"), flags)
}

/// The status, or `None` where the connection fails.
fn ask(serving: &Serving, path: &str, certificate: &[&str]) -> Option<u16> {
    match serving.tls(path, certificate) {
        Ok(reply) => Some(reply.status),
        Err(error) => {
            // A refused certificate fails the handshake, or, where the client
            // has it behind itself by then, its first write or read.
            let ends = [
                "curl: (16)",
                "curl: (35)",
                "curl: (52)",
                "curl: (55)",
                "curl: (56)",
                "curl: (92)",
                "curl: (98)",
            ];
            assert!(ends.iter().any(|end| error.contains(end)), "{error}");
            None
        }
    }
}

/// What no certificate, a good one and a strange one get.
fn each(serving: &Serving) -> [Option<u16>; 3] {
    [&[][..], &GOOD, &STRANGE].map(|certificate| ask(serving, "/metrics", certificate))
}

#[test]
fn not_asked_for() {
    assert_eq!(each(&serve("", &[])), [Some(200); 3]);
}

#[test]
fn requested() {
    let serving = serve("  client_auth_type: RequestClientCert\n", &[]);
    assert_eq!(each(&serving), [Some(200); 3]);
}

#[test]
fn any_required() {
    for word in ["RequireAnyClientCert", "RequireClientCert"] {
        let serving = serve(&format!("  client_auth_type: {word}\n"), &[]);
        assert_eq!(each(&serving), [None, Some(200), Some(200)], "{word}");
    }
}

#[test]
fn verified_if_given() {
    let more = format!("  client_auth_type: VerifyClientCertIfGiven\n{CA}");
    let serving = serve(&more, &[]);
    assert_eq!(each(&serving), [Some(200), Some(200), None]);
}

#[test]
fn required_and_verified() {
    let more = format!("  client_auth_type: RequireAndVerifyClientCert\n{CA}");
    let serving = serve(&more, &[]);
    assert_eq!(each(&serving), [None, Some(200), None]);
    for version in ["1.2", "1.3"] {
        let with = [&GOOD[..], &["--tls-max", version]].concat();
        assert_eq!(ask(&serving, "/metrics", &with), Some(200), "{version}");
        let without = ["--tls-max", version];
        assert_eq!(ask(&serving, "/metrics", &without), None, "{version}");
    }
}

#[test]
fn one_certificate_that_is_listed_itself() {
    // Self-signed and, as openssl makes them, a CA in its own words.
    let (folder, _) = folder_with_tls();
    let made = std::process::Command::new("openssl")
        .current_dir(folder.path())
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-subj", "/CN=client", "-days", "2"])
        .args(["-keyout", "client.key", "-out", "client.crt"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let more = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: client.crt\n";
    let serving = Serving::start(folder, &format!("{TLS}{more}"), &[]);
    assert_eq!(ask(&serving, "/metrics", &GOOD), Some(200));
    assert_eq!(ask(&serving, "/metrics", &[]), None);
}

#[test]
fn allowed_names() {
    const NAMELESS: [&str; 4] = ["--cert", "nameless.crt", "--key", "nameless.key"];
    let more = format!(
        "  client_auth_type: RequireAndVerifyClientCert\n{CA}\
         \x20 client_allowed_sans: [192.0.2.7, prometheus.contoso.com]\n"
    );
    let serving = serve(&more, &[]);
    assert_eq!(each(&serving), [None, Some(200), None]);
    assert_eq!(ask(&serving, "/metrics", &NAMELESS), None);
}

#[test]
fn health_without_a_certificate() {
    let more = format!("  client_auth_type: RequireAndVerifyClientCert\n{CA}");
    let serving = serve(&more, &["--web.health-without-auth"]);
    for (path, expected) in [
        ("/-/healthy", [Some(200), Some(200), None]),
        ("/-/ready", [Some(200), Some(200), None]),
        ("/metrics", [Some(403), Some(200), None]),
        ("/", [Some(403), Some(200), None]),
        ("/-/healthy/", [Some(403), Some(404), None]),
        ("//-/healthy", [Some(403), Some(404), None]),
        (
            "/-/healthy%2f..%2f..%2fmetrics",
            [Some(403), Some(404), None],
        ),
    ] {
        let found = [&[][..], &GOOD, &STRANGE].map(|certificate| ask(&serving, path, certificate));
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn who_may_act() {
    const OUTSIDE: [&str; 2] = ["-H", "Host: monitor.contoso.com"];
    // A user's name is no certificate's and the other way round.
    let flags = [
        "--web.external-url=https://monitor.contoso.com/",
        "--web.operators=user:alice,cert:prometheus.contoso.com",
    ];
    let sees = |serving: &Serving, certificate: &[&str]| {
        let arguments = [certificate, &OUTSIDE].concat();
        let reply = serving.tls_as_everyone("/config", &arguments).unwrap();
        reply.status == 200 && reply.text.contains("contoso.onmicrosoft.com")
    };
    let verified = format!("  client_auth_type: VerifyClientCertIfGiven\n{CA}");
    let serving = serve(&verified, &flags);
    assert!(sees(&serving, &GOOD), "a verified client is known");
    assert!(!sees(&serving, &[]), "one without is a stranger");
    let serving = serve("  client_auth_type: RequireAnyClientCert\n", &flags);
    assert!(!sees(&serving, &GOOD), "anybody can sign a certificate");
    let serving = serve(&format!("basic_auth_users: {{alice: {HASH}}}\n"), &flags);
    assert!(sees(&serving, &["-u", ALICE]), "a user is known");
}
