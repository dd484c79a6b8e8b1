use proptest::prelude::*;

use super::*;

const HASH: &str = "$2b$04$abcdefghijklmnopqrstuu5Lo0g67CiD3M4RpN1BmBb4Crp5w7dbK";

fn read(text: &str) -> Result<WebFile, String> {
    parse(text, Path::new("/etc/m365mon/web.yml")).map_err(|errors| errors.to_string())
}

fn diagnostics(text: &str) -> String {
    read(text).unwrap_err().replace("/etc/m365mon/web.yml:", "")
}

/// As Prometheus' own reader takes it; promtool was seen to.
#[test]
fn words_and_numbers_as_yaml_1_1_has_them() {
    for (word, expected) in [
        ("off", false),
        ("OFF", false),
        ("no", false),
        ("n", false),
        ("False", false),
        ("on", true),
        ("Yes", true),
        ("y", true),
        ("TRUE", true),
    ] {
        let web = read(&format!("http_server_config: {{http2: {word}}}"));
        assert_eq!(web.unwrap().http2, expected, "{word}");
    }
    assert!(diagnostics("http_server_config: {http2: 1}").contains("true or false"));
    assert!(diagnostics("http_server_config: {http2: maybe}").contains("true or false"));
    for (value, expected) in [
        ("0", "0"),
        ("yes", "yes"),
        ("true", "true"),
        ("1; mode=block", "1; mode=block"),
    ] {
        let web = read(&format!(
            "http_server_config:\n  headers:\n    X-XSS-Protection: {value}\n"
        ));
        assert_eq!(
            web.unwrap().headers,
            [("X-XSS-Protection", expected.to_owned())]
        );
    }
    // Elsewhere a number stays one.
    assert!(diagnostics("rate_limit: {interval: 5, burst: 1}").contains("1:24"));
}

#[test]
fn everything() {
    let web = read(&format!(
        "tls_server_config:\n\
         \x20 cert_file: tls/server.crt\n\
         \x20 key: |\n    -----BEGIN PRIVATE KEY-----\n\
         \x20 client_auth_type: RequireAndVerifyClientCert\n\
         \x20 client_ca_file: /ca.pem\n\
         \x20 client_allowed_sans: [prometheus.contoso.com]\n\
         \x20 min_version: TLS12\n\
         \x20 max_version: TLS13\n\
         \x20 cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]\n\
         \x20 prefer_server_cipher_suites: false\n\
         \x20 curve_preferences: [CurveP384, X25519]\n\
         http_server_config:\n\
         \x20 http2: false\n\
         \x20 headers: {{X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}\n\
         basic_auth_users: {{alice: {HASH}, 7: {HASH}}}\n\
         rate_limit: {{interval: 1.5s, burst: 20}}\n"
    ))
    .unwrap();
    let tls = web.tls.as_ref().unwrap();
    let PemSource::File(path) = &tls.certificate.source else {
        panic!("{tls:?}");
    };
    assert_eq!(path, Path::new("/etc/m365mon/tls/server.crt"));
    assert!(matches!(tls.key.source, PemSource::Text(_)));
    assert!(matches!(tls.client_auth, ClientAuth::RequireAndVerify(_)));
    assert_eq!(tls.allowed_sans, ["prometheus.contoso.com"]);
    assert_eq!(tls.cipher_suites, Some(vec![0xc02f]));
    assert_eq!(tls.curves, Some(vec![0x18, 0x1d]));
    assert!(tls.tls12 && tls.tls13 && !tls.prefer_server_order && !web.http2);
    let headers = [
        ("Strict-Transport-Security", "max-age=1".to_owned()),
        ("X-Frame-Options", "deny".to_owned()),
    ];
    assert_eq!(web.headers, headers);
    let names: Vec<&str> = web.users.iter().map(|user| &*user.name).collect();
    assert_eq!(names, ["alice", "7"]);
    let limit = RequestRate {
        interval: Duration::from_millis(1_500),
        burst: 20,
    };
    assert_eq!(web.rate_limit, Some(limit));
    assert_eq!(web.warnings.len(), 1, "{:?}", web.warnings);
    let shown = format!("{web:?}");
    assert!(
        !shown.contains("BEGIN") && !shown.contains("$2b$"),
        "{shown}"
    );
}

#[test]
fn nothing() {
    for text in ["", "# only a comment\n", "tls_server_config:\n", "{}"] {
        let web = read(text).unwrap();
        assert!(web.is_empty && web.http2 && web.tls.is_none(), "{text:?}");
    }
}

#[test]
fn no_complaint_quotes_a_secret() {
    for text in [
        "basic_auth_users: {alice: canary}",
        "basic_auth_users: canary",
        "basic_auth_users: [canary]",
        "basic_auth_users: {alice: [canary]}",
        "basic_auth_user: {alice: canary}",
        "basic_auth_users: {alice: pass, canary}",
        "tls_server_config: {key: [canary]}",
        "tls_server_config: {key: canary, key_file: canary.pem}",
        "tls_server_config: {cert_file: a, key_file: \"-----BEGIN PRIVATE KEY-----\\ncanary\"}",
        "tls_server_config: {cert_file: a, privkey: canary}",
        "tls_server_config: canary",
        "tls_server_config: {key: a, canary, cert: b}",
    ] {
        let diagnostics = diagnostics(text);
        assert!(!diagnostics.contains("canary"), "{text}: {diagnostics}");
    }
}

#[test]
fn suggestions() {
    for (text, diagnostic) in [
        (
            "tls_server_confg: {}",
            "1:1: unknown key \"tls_server_confg\", did you mean \"tls_server_config\"?",
        ),
        (
            "cert_file: a",
            "1:1: unknown key \"cert_file\" here; it belongs to \"tls_server_config\"",
        ),
        (
            "http_server_config:\n  headers:\n    x-frame-options: deny",
            "3:5: unknown key \"x-frame-options\", did you mean \"X-Frame-Options\"?",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, min_version: TLS1.2}",
            "1:61: \"min_version\" must be \"TLS12\" or \"TLS13\", not \"TLS1.2\", did you mean \"TLS12\"?",
        ),
        (
            "rate_limit: {interval: 5, burst: 1}",
            "1:24: \"interval\" must be a duration of at most a day such as \"500ms\", \"1.5s\" or \"1m\", not the number 5",
        ),
    ] {
        assert_eq!(diagnostics(text), diagnostic);
    }
}

proptest! {
    #[test]
    fn anything_is_survived(text in "[a-z_:{}\\[\\], \n\"-]{0,200}") {
        _ = read(&text);
    }
}
