//! TLS as a client meets it: versions, suites, curves, HTTP/2, headers.

use super::{Serving, TLS, folder_with_tls};
use crate::support::stack::eventually;

fn serve(more: &str) -> Serving {
    let (folder, _) = folder_with_tls();
    Serving::start(folder, &format!("{TLS}{more}"), &[])
}

#[test]
fn http2_and_http1() {
    let serving = serve("");
    let reply = serving.tls("/metrics", &[]).unwrap();
    assert_eq!((reply.status, &*reply.version), (200, "2"));
    assert!(reply.text.contains("m365mon_build_info"));
    let reply = serving.tls("/metrics", &["--http1.1"]).unwrap();
    assert_eq!((reply.status, &*reply.version), (200, "1.1"));
    // Many requests on one connection, more than streams are allowed at once.
    let url = format!("https://localhost:{}/-/healthy", serving.address.port());
    let many: Vec<&str> = std::iter::repeat_n(&*url, 100).collect();
    let parallel = [&["--parallel", "--parallel-max", "50"], &many[..]].concat();
    let reply = serving.tls("/-/healthy", &parallel).unwrap();
    assert_eq!(reply.text.matches("m365mon is healthy").count(), 101);
    // The page of targets says how to come back.
    let reply = serving.tls("/sd", &[]).unwrap();
    assert!(
        reply.text.contains(r#""__scheme__":"https""#),
        "{}",
        reply.text
    );
    // Plain HTTP gets no answer, and no certificate that is not trusted one.
    assert!(serving.curl("/metrics", &[]).is_err());
    let error = serving.curl(
        "/metrics",
        &["--cacert", "/etc/ssl/certs/ca-certificates.crt"],
    );
    assert!(error.unwrap_err().contains("certificate"));
    assert!(serving.process.output().contains("url=https://127.0.0.1:"));
}

#[test]
fn http2_off() {
    let serving = serve("http_server_config:\n  http2: false\n");
    let reply = serving.tls("/metrics", &["--http2"]).unwrap();
    assert_eq!((reply.status, &*reply.version), (200, "1.1"));
}

#[test]
fn versions_and_suites_and_curves() {
    let serving = serve(
        "  min_version: TLS12\n  max_version: TLS12\n\
         \x20 cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n\
         \x20 curve_preferences: [CurveP384]\n",
    );
    let suite = ["--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"];
    let reply = |arguments: &[&str]| serving.tls("/", arguments).map(|reply| reply.status);
    assert_eq!(reply(&suite), Ok(200));
    assert_eq!(reply(&["--curves", "P-384:P-256"]), Ok(200));
    for refused in [
        ["--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384"],
        ["--curves", "P-256:X25519"],
    ] {
        let error = reply(&refused).unwrap_err();
        assert!(
            error.contains("handshake") || error.contains("alert"),
            "{error}"
        );
    }
    let error = reply(&["--tlsv1.3"]).unwrap_err();
    assert!(error.contains("alert"), "{error}");

    // Changed while it runs.
    serving.replace("web.yml", &format!("{TLS}  min_version: TLS13\n"));
    eventually("only TLS 1.3 is spoken", || {
        let tls13 = reply(&["--tlsv1.3"]) == Ok(200);
        (tls13 && reply(&["--tls-max", "1.2"]).is_err()).then_some(())
    });
}

#[test]
fn headers() {
    let serving = serve(
        "http_server_config:\n  headers:\n\
         \x20   Strict-Transport-Security: max-age=31536000\n\
         \x20   X-Frame-Options: deny\n\
         \x20   Content-Security-Policy: upgrade-insecure-requests\n",
    );
    for path in ["/", "/metrics", "/nowhere"] {
        let reply = serving.tls(path, &[]).unwrap();
        assert_eq!(
            reply.header("strict-transport-security"),
            ["max-age=31536000"]
        );
        assert_eq!(reply.header("x-frame-options"), ["deny"]);
        let policies = reply.header("content-security-policy");
        assert_eq!(
            policies.last(),
            Some(&"upgrade-insecure-requests"),
            "{path}"
        );
        let own = if path == "/" { 2 } else { 1 };
        assert_eq!(policies.len(), own, "{path}: {policies:?}");
    }
}

#[test]
fn a_broken_file_is_3_with_its_place() {
    let (folder, _) = folder_with_tls();
    std::fs::write(
        folder.path().join("web.yml"),
        format!("{TLS}  min_version: TLS10\n"),
    )
    .unwrap();
    std::fs::write(folder.path().join("m365mon.yml"), "accounts: 5\n").unwrap();
    for command in ["serve", "check-config"] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_m365mon"))
            .current_dir(folder.path())
            .args([command, "--web.config.file", "web.yml"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{command}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        // Both files at once.
        for part in ["web.yml:4:16: \"min_version\": TLS 1.0", "m365mon.yml:1:"] {
            assert!(stderr.contains(part), "{stderr}");
        }
    }
}
