//! PEM (RFC 7468), read as files have it: text before and between, indented
//! lines, any line ends, the old encryption headers, `\n` written out where
//! somebody put a file into a variable and back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// One `-----BEGIN …-----` to its end.
pub(crate) struct Section {
    /// What follows `BEGIN`, as `CERTIFICATE`.
    pub(crate) label: String,
    /// What stands between, decoded; `None` if that cannot be done.
    pub(crate) der: Option<Zeroizing<Vec<u8>>>,
    /// True if headers say that it is encrypted (RFC 1421), which is OpenSSL's
    /// old form.
    pub(crate) old_encryption: bool,
}

/// Everything in this text that is PEM, in its order. One that never ends has
/// no content.
pub(crate) fn sections(text: &str) -> Vec<Section> {
    let written_out = !text.contains(['\n', '\r']) && text.contains("\\n");
    let unfolded: Zeroizing<String> = match written_out {
        true => text.replace("\\r", "").replace("\\n", "\n"),
        false => String::new(),
    }
    .into();
    let text = if written_out { &**unfolded } else { text };

    let mut sections = Vec::new();
    let mut lines = text.split(['\n', '\r']).map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = marker(line, "BEGIN") else {
            continue;
        };
        let mut base64 = Zeroizing::new(String::with_capacity(text.len()));
        let mut old_encryption = false;
        let mut ended = false;
        for line in lines.by_ref() {
            if line.starts_with("-----") {
                ended = marker(line, "END") == Some(label);
                break;
            }
            match line.split_once(':') {
                Some((name, value)) => {
                    old_encryption |= name == "Proc-Type" && value.contains("ENCRYPTED");
                }
                None => base64.extend(line.split_ascii_whitespace()),
            }
        }
        // The header that names the cipher may be folded; its bytes are no use.
        let der = ended.then(|| STANDARD.decode(&*base64).ok()).flatten();
        sections.push(Section {
            label: label.to_owned(),
            der: der.map(Zeroizing::new),
            old_encryption,
        });
    }
    sections
}

/// The label of `-----BEGIN label-----`.
fn marker<'l>(line: &'l str, word: &str) -> Option<&'l str> {
    line.strip_prefix("-----")?
        .strip_suffix("-----")?
        .strip_prefix(word)
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Vec<(String, Option<Vec<u8>>)> {
        sections(text)
            .into_iter()
            .map(|section| (section.label, section.der.map(|der| der.to_vec())))
            .collect()
    }

    #[test]
    fn as_files_have_it() {
        let one = |text: &str| {
            let mut all = labels(text);
            assert_eq!(all.len(), 1, "{text}");
            all.remove(0)
        };
        for text in [
            "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\r\nAQ\r\nID\r\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\rAQID\r-----END CERTIFICATE-----\r",
            "Bag Attributes\n  subject=CN = x\n  -----BEGIN CERTIFICATE-----\n  AQID \n  -----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\\nAQID\\n-----END CERTIFICATE-----\\n",
        ] {
            assert_eq!(
                one(text),
                ("CERTIFICATE".into(), Some(vec![1, 2, 3])),
                "{text}"
            );
        }
        for damaged in [
            "-----BEGIN CERTIFICATE-----\nAQ?D\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nAQID\n",
            "-----BEGIN CERTIFICATE-----\nAQID\n-----END PRIVATE KEY-----\n",
        ] {
            assert_eq!(one(damaged), ("CERTIFICATE".into(), None), "{damaged}");
        }
        assert!(labels("no PEM").is_empty());
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAQID\n-----END RSA PRIVATE KEY-----\n";
        let all = sections(old);
        assert!(all[0].old_encryption && all[0].label == "RSA PRIVATE KEY");
    }

    proptest::proptest! {
        #[test]
        fn survives_anything(text in "(-----(BEGIN|END) [A-Z]{0,3}-----|[A-Za-z0-9=:\\n ]{0,8}|\\PC){0,20}") {
            _ = sections(&text);
        }
    }
}
