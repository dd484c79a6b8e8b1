use super::*;

const KEY: &str = include_str!("../../../tests/data/rsa-test-key.pem");
const PKCS1: &str = include_str!("../../../tests/data/rsa-test-key-pkcs1.pem");
const AES128: &str = include_str!("../../../tests/data/rsa-test-key-aes128.pem");
const AES256: &str = include_str!("../../../tests/data/rsa-test-key-aes256.pem");

fn certificate(key: &rcgen::KeyPair) -> String {
    let mut parameters = rcgen::CertificateParams::new(vec!["m365mon".into()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(2031, 1, 1);
    parameters.self_signed(key).unwrap().pem()
}

fn parse(
    certificate: &[u8],
    key: &[u8],
    passphrase: Option<&Secret>,
) -> Result<Certificate, String> {
    let files = Files {
        certificate: (Path::new("."), certificate),
        key: (Path::new(".."), key),
    };
    files.pair(passphrase).map_err(|fault| fault.to_string())
}

#[test]
fn keys_of_every_form() {
    let pem = certificate(&rcgen::KeyPair::from_pem(KEY).unwrap());
    let passphrase = Secret::new("contoso".into());
    let with = |key: &str, passphrase| parse(pem.as_bytes(), key.as_bytes(), passphrase);
    for (key, passphrase) in [
        (KEY, None),
        (KEY, Some(&passphrase)),
        (PKCS1, None),
        (AES128, Some(&passphrase)),
        (AES256, Some(&passphrase)),
    ] {
        let parsed = with(key, passphrase).unwrap();
        assert_eq!(parsed.not_after.to_string(), "2031-01-01T00:00:00Z");
    }
    let wrong = Secret::new("contoso2".into());
    for (key, passphrase, says) in [
        (AES256, None, "key_passphrase_file"),
        (AES256, Some(&wrong), "the passphrase does not open"),
        ("", None, ".. is empty, where a private key in PEM"),
        ("", Some(&wrong), "a private key in PEM"),
    ] {
        let error = with(key, passphrase).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

/// As editors and portals leave it; one file or two, a chain in any order.
#[test]
fn pairs_in_every_dress() {
    let leaf = certificate(&rcgen::KeyPair::from_pem(KEY).unwrap());
    let other = certificate(&rcgen::KeyPair::generate().unwrap());
    let expected = parse(leaf.as_bytes(), KEY.as_bytes(), None).unwrap().shown;
    let utf16 = |text: &str| -> Vec<u8> {
        let marked = format!("\u{feff}{text}");
        marked.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    let both = format!("{KEY}{leaf}");
    for (certificate, key) in [
        (both.clone().into_bytes(), both.clone().into_bytes()),
        (format!("{other}{leaf}").into(), KEY.into()),
        (format!("{leaf}{other}").into(), KEY.into()),
        (format!("{other}{other}{leaf}{KEY}").into(), both.into()),
        (utf16(&leaf), utf16(KEY)),
        (
            format!("\u{feff}{leaf}").into(),
            format!("\u{feff}{KEY}").into(),
        ),
        (
            leaf.replace('\n', "\r\n").into(),
            KEY.replace('\n', "\r\n").into(),
        ),
        (
            leaf.replace('\n', "\n   ").into(),
            KEY.replace('\n', "\n   ").into(),
        ),
        (
            leaf.replace('\n', "\\n").into(),
            KEY.replace('\n', "\\n").into(),
        ),
    ] {
        let parsed = parse(&certificate, &key, None).unwrap();
        assert_eq!(parsed.shown, expected);
    }
}

#[test]
fn what_is_wrong_is_named() {
    let leaf = certificate(&rcgen::KeyPair::from_pem(KEY).unwrap());
    let other = certificate(&rcgen::KeyPair::generate().unwrap());
    let ec = rcgen::KeyPair::generate().unwrap();
    let sec1 = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let damaged = leaf.replacen("MII", "M!I", 1);
    let of = |text: &str, label: &str| {
        let mut all = sections(text);
        assert_eq!(all[0].label, label);
        all.remove(0).der.unwrap().to_vec()
    };
    let (leaf_der, key_der) = (of(&leaf, "CERTIFICATE"), of(KEY, "PRIVATE KEY"));
    for (certificate, key, says) in [
        (
            other.as_bytes(),
            KEY.as_bytes(),
            ".. holds another key than that of the certificate",
        ),
        (KEY.as_bytes(), leaf.as_bytes(), "swapped"),
        (
            leaf.as_bytes(),
            ec.serialize_pem().as_bytes(),
            ".. holds an elliptic-curve (EC) key",
        ),
        (leaf.as_bytes(), sec1.as_bytes(), "rsa:2048"),
        (
            leaf.as_bytes(),
            old.as_bytes(),
            "`openssl pkcs8 -topk8 -in .. -out key.pem`",
        ),
        (
            damaged.as_bytes(),
            KEY.as_bytes(),
            ". holds a certificate that is damaged",
        ),
        (
            &leaf_der,
            KEY.as_bytes(),
            "`openssl x509 -inform DER -in . -out certificate.pem`",
        ),
        (
            leaf.as_bytes(),
            &key_der,
            "`openssl pkey -inform DER -in .. -out key.pem`",
        ),
        (
            leaf.as_bytes(),
            leaf.as_bytes(),
            ".. holds a certificate, where a private key",
        ),
        (
            KEY.as_bytes(),
            KEY.as_bytes(),
            ". holds a private key, where a certificate",
        ),
    ] {
        let error = parse(certificate, key, None).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}
