//! What a file is that is not what was wanted, and the line that turns it into
//! that. Administrators hold what a portal or Windows gave them (PFX, DER) or
//! what another program takes (OpenSSH, EC); PEM with an RSA key is read here.

use std::path::Path;

use super::der::{SEQUENCE, element, expect};
use super::{pem, read, text};

/// What a file was named for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedForm {
    /// A certificate in PEM.
    Certificate,
    /// A private key in PEM.
    Key,
    /// Certificates of authorities, in PEM.
    Roots,
    /// One line that is a secret.
    Secret,
}

/// What a file is, where that can be told from its beginning or its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileForm {
    /// PKCS#12: `.pfx`, `.p12`.
    Pfx,
    /// A Java keystore of the old kind.
    JavaKeystore,
    /// A certificate in DER: `.cer`, `.crt`, `.der`.
    DerCertificate,
    /// A private key in DER, or PKCS#8 under a passphrase.
    DerKey,
    /// PKCS#7, `.p7b`: certificates without a key; true in DER.
    Pkcs7 {
        /// Not in PEM.
        der: bool,
    },
    /// A request for a certificate.
    Request,
    /// A public key.
    PublicKey,
    /// A certificate in PEM.
    PemCertificate,
    /// A private key in PEM, of a form that is read.
    PemKey,
    /// A private key as OpenSSH writes it.
    OpenSshKey,
    /// A private key as PuTTY writes it.
    PuttyKey,
    /// A certificate with OpenSSL's own additions.
    TrustedCertificate,
    /// Nothing, or white space.
    Empty,
    /// Text, but none of these.
    Text,
    /// No text, and none of these.
    Unknown,
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const VERSION: u8 = 0xa0;
/// 1.2.840.113549.1.7.2, signedData.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

impl FileForm {
    /// Looks at the content of a file.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        if let Some(form) = Self::of_binary(bytes) {
            return form;
        }
        let Ok(text) = text::decode(bytes) else {
            return Self::Unknown;
        };
        if text.trim().is_empty() {
            return Self::Empty;
        }
        if text.trim_start().starts_with("PuTTY-User-Key-File-") {
            return Self::PuttyKey;
        }
        // A key counts most: it is what must not be shown around.
        let of_label = |label: &str| match label {
            "OPENSSH PRIVATE KEY" => Some(Self::OpenSshKey),
            label if label.ends_with("PRIVATE KEY") => Some(Self::PemKey),
            "CERTIFICATE" | "X509 CERTIFICATE" => Some(Self::PemCertificate),
            "TRUSTED CERTIFICATE" => Some(Self::TrustedCertificate),
            "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => Some(Self::Pkcs7 { der: false }),
            label if label.ends_with("CERTIFICATE REQUEST") => Some(Self::Request),
            label if label.ends_with("PUBLIC KEY") => Some(Self::PublicKey),
            _ => None,
        };
        let sections = pem::sections(&text);
        let forms = || sections.iter().filter_map(|one| of_label(&one.label));
        forms()
            .find(|form| matches!(form, Self::OpenSshKey | Self::PemKey))
            .or_else(|| forms().next())
            .unwrap_or(Self::Text)
    }

    fn of_binary(bytes: &[u8]) -> Option<Self> {
        match bytes {
            // Of indefinite length, as Java and macOS write it.
            [0x30, 0x80, INTEGER, 1, 3, ..] => return Some(Self::Pfx),
            [0xfe, 0xed, 0xfe, 0xed, ..] => return Some(Self::JavaKeystore),
            _ => {}
        }
        let (whole, _) = expect(bytes, SEQUENCE)?;
        let (first, content, rest) = element(whole)?;
        let next = element(rest).map(|(tag, _, _)| tag);
        match (first, content, next) {
            (INTEGER, [3], Some(SEQUENCE)) => Some(Self::Pfx),
            // PKCS#8, PKCS#1 and SEC1, by what follows the version.
            (INTEGER, [0 | 1], Some(SEQUENCE | INTEGER | OCTET_STRING)) => Some(Self::DerKey),
            // PKCS#8 under a passphrase.
            (SEQUENCE, _, Some(OCTET_STRING)) => Some(Self::DerKey),
            (SEQUENCE, _, Some(BIT_STRING)) => Some(Self::PublicKey),
            (SEQUENCE, [VERSION, ..], Some(SEQUENCE)) => Some(Self::DerCertificate),
            (SEQUENCE, [INTEGER, ..], Some(SEQUENCE)) => Some(Self::Request),
            (OID, SIGNED_DATA, _) => Some(Self::Pkcs7 { der: true }),
            _ => None,
        }
    }

    /// What it is and what to do, to follow the file's name in a sentence.
    #[must_use]
    pub fn advice(self, wanted: WantedForm, path: &Path) -> String {
        if wanted == WantedForm::Secret {
            return format!("{}, and a secret is one line of text", self.what());
        }
        let file = shell(path);
        let lines = match (self, wanted) {
            (Self::Pfx, WantedForm::Roots) => {
                format!("`openssl pkcs12 -in {file} -nokeys -out ca.pem`")
            }
            (Self::Pfx, _) => format!(
                "`openssl pkcs12 -in {file} -nodes -out m365mon.pem` makes a file of certificate \
                 and key, to be named for both (with `-legacy` where OpenSSL 3 refuses an old one)"
            ),
            (Self::JavaKeystore, _) => format!(
                "`keytool -importkeystore -srckeystore {file} -destkeystore m365mon.p12 \
                 -deststoretype PKCS12` and `openssl pkcs12 -in m365mon.p12 -nodes -out m365mon.pem`"
            ),
            (Self::DerCertificate, WantedForm::Certificate | WantedForm::Roots) => {
                format!("`openssl x509 -inform DER -in {file} -out certificate.pem`")
            }
            (Self::TrustedCertificate, WantedForm::Certificate | WantedForm::Roots) => {
                format!("`openssl x509 -in {file} -out certificate.pem`")
            }
            (Self::Pkcs7 { der }, WantedForm::Certificate | WantedForm::Roots) => {
                let inform = if der { "-inform DER " } else { "" };
                format!("`openssl pkcs7 {inform}-print_certs -in {file} -out certificates.pem`")
            }
            (Self::DerKey, WantedForm::Key) => {
                format!("`openssl pkey -inform DER -in {file} -out key.pem`")
            }
            (Self::OpenSshKey, WantedForm::Key) => {
                format!("`ssh-keygen -p -m PKCS8 -f {file}` rewrites it")
            }
            (Self::PuttyKey, WantedForm::Key) => format!(
                "`puttygen {file} -O private-openssh -o key` and `ssh-keygen -p -m PKCS8 -f key`"
            ),
            _ => {
                let wanted = match wanted {
                    WantedForm::Key => "a private key in PEM (PKCS#8 or PKCS#1) is",
                    WantedForm::Certificate => "a certificate in PEM is",
                    WantedForm::Roots => "certificates in PEM are",
                    WantedForm::Secret => "a secret is",
                };
                return format!("{}, where {wanted} wanted", self.what());
            }
        };
        format!("{}, where PEM is wanted: {lines}", self.what())
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Pfx => "is a PFX (PKCS#12) file",
            Self::JavaKeystore => "is a Java keystore",
            Self::DerCertificate => "is a certificate in DER",
            Self::DerKey => "is a private key in DER",
            Self::Pkcs7 { .. } => "holds certificates in PKCS#7, without a key",
            Self::Request => "is a request for a certificate, not what was made of it",
            Self::PublicKey => "is a public key",
            Self::PemCertificate => "holds a certificate",
            Self::PemKey => "holds a private key",
            Self::OpenSshKey => "holds a private key in OpenSSH's own form",
            Self::PuttyKey => "holds a private key in PuTTY's own form",
            Self::TrustedCertificate => "holds a certificate in a form of OpenSSL's own",
            Self::Empty => "is empty",
            Self::Text => "holds text that is no PEM",
            Self::Unknown => "is of a form that is not known here",
        }
    }
}

/// The kind of key in PKCS#8 (RFC 5958), if it is not RSA.
pub(crate) fn other_than_rsa(pkcs8: &[u8]) -> Option<&'static str> {
    let (info, _) = expect(pkcs8, SEQUENCE)?;
    let (_, rest) = expect(info, INTEGER)?;
    let (algorithm, _) = expect(rest, SEQUENCE)?;
    let (oid, _) = expect(algorithm, OID)?;
    match oid {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => Some("an elliptic-curve (EC) key"),
        [0x2b, 0x65, 0x70 | 0x71] => Some("an Ed25519 or Ed448 key"),
        [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01] => Some("a DSA key"),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a] => Some("an RSA-PSS key"),
        _ => None,
    }
}

/// A path as a shell takes it for one word.
pub(crate) fn shell(path: &Path) -> String {
    let text = read::shown(path);
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | '~');
    if text.chars().all(plain) && !text.starts_with('~') {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
