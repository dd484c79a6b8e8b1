//! Files of roots and of proxies: each form, each fault, with what is to be done.

use std::fs;

use super::command::check_config_with;
use super::files::{CANARY, check, data, serve_exits, write, write_with};

#[test]
fn roots_and_proxies() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.crt");
    let of = |name: &str| fs::read(data().join(name)).unwrap();
    let damaged = String::from_utf8(of("files/authority.pem")).unwrap();
    let damaged = damaged.replacen("MII", &format!("{CANARY}!"), 1);
    let unended = damaged.replace("-----END CERTIFICATE-----", "-----END canary-----");
    for (content, expected) in [
        (of("files/authority.pem"), ""),
        (
            [b"\xef\xbb\xbf".to_vec(), of("files/authority.pem")].concat(),
            "",
        ),
        (
            b"no certificate".to_vec(),
            "F/ca.crt holds text that is no PEM, where certificates in PEM are wanted",
        ),
        (Vec::new(), "F/ca.crt is empty"),
        (
            damaged.into_bytes(),
            "F/ca.crt holds a certificate that is damaged",
        ),
        (
            unended.into_bytes(),
            "F/ca.crt holds a certificate that is damaged",
        ),
        (
            of("files/certificate.der"),
            "`openssl x509 -inform DER -in F/ca.crt",
        ),
        (
            of("files/pair.pfx"),
            "`openssl pkcs12 -in F/ca.crt -nokeys -out ca.pem`",
        ),
        (
            of("files/chain.p7b"),
            "`openssl pkcs7 -print_certs -in F/ca.crt",
        ),
        (of("rsa-test-key.pem"), "F/ca.crt holds a private key"),
    ] {
        fs::write(&file, content).unwrap();
        let person = "delegated: {username: steve@contoso.com}";
        let configuration = write_with(folder.path(), "http: {ca_file: ca.crt}", person);
        let (code, err) = check(&configuration);
        let shown = err.replace(folder.path().to_str().unwrap(), "F");
        assert!(shown.contains(expected), "{shown}");
        if expected.is_empty() {
            assert_eq!((code, &*shown), (Some(0), ""));
            continue;
        }
        assert_eq!(code, Some(3), "{shown}");
        assert!(shown.starts_with("F/m365mon.yml:1:17: http: "), "{shown}");
        assert_eq!(serve_exits(&configuration, &[]), (Some(3), err));
    }
    let proxy = folder.path().join("proxy.txt");
    let canary = &CANARY[6..];
    for (content, expected) in [
        (
            format!("http://steve:{canary}@proxy.contoso.com:3128\n"),
            "",
        ),
        (
            format!("\u{feff}http://steve:{canary}@proxy.contoso.com:3128\r\n"),
            "",
        ),
        (String::new(), "F/proxy.txt is empty"),
        (
            format!("socks5://{canary}"),
            "F/proxy.txt holds no address of a proxy",
        ),
        (canary.to_owned(), "F/proxy.txt holds no address of a proxy"),
        (
            format!("http://a\n{canary}"),
            "F/proxy.txt holds more than one line",
        ),
    ] {
        fs::write(&proxy, content).unwrap();
        let person = "delegated: {username: steve@contoso.com}";
        let configuration = write_with(folder.path(), "http: {proxy_url_file: proxy.txt}", person);
        let (code, err) = check(&configuration);
        let shown = err.replace(folder.path().to_str().unwrap(), "F");
        let fine = expected.is_empty();
        assert_eq!(code, Some(if fine { 0 } else { 3 }), "{shown}");
        assert!(
            fine || shown.starts_with("F/m365mon.yml:1:24: http: "),
            "{shown}"
        );
        assert!(shown.contains(expected), "{shown}");
    }
    let configuration = write(folder.path(), "delegated: {username: steve@contoso.com}");
    let quoted = format!("\"http://a:{CANARY}@127.0.0.1:3128\"");
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let arguments = ["--config.file", &configuration];
        let pairs = [(variable, &*quoted)];
        let (code, _, err) = check_config_with(&arguments, &pairs);
        assert_eq!(code, Some(3), "{err}");
        assert!(
            err.contains(&format!(
                "http: {variable} in the environment has quotation marks"
            )),
            "{err}"
        );
        assert!(!err.contains(&CANARY[6..]), "{err}");
        let last = err.lines().last().unwrap().to_owned();
        assert_eq!(serve_exits(&configuration, &pairs), (Some(3), last));
    }
}
