//! As much of X.509 (RFC 5280) as it takes to register a certificate: the
//! public key and the validity. Nothing is verified; whoever registers a
//! certificate vouches for it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::directory::Certificate;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// 1.2.840.113549.1.1.1, rsaEncryption.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// DER, read from the front.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element: its tag and content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if bytes.len() > 4 {
                return None;
            }
            rest = after;
            bytes.iter().fold(0, |n, b| (n << 8) | usize::from(*b))
        };
        let (content, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((tag, content))
    }

    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next()
            .and_then(|(found, content)| (found == tag).then_some(content))
    }

    fn inside(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(Self)
    }
}

fn time(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let text = match tag {
        // Two digits of a year: 1950 to 2049.
        UTC_TIME => {
            let century = if text < "5" { "20" } else { "19" };
            format!("{century}{text}")
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", text.strip_suffix('Z')?).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Reads a certificate of an RSA key; `None` for anything else.
pub(super) fn read(der: &[u8]) -> Option<Certificate> {
    let mut body = Der(der).inside(SEQUENCE)?.inside(SEQUENCE)?;
    if body.0.first() == Some(&VERSION) {
        body.next()?;
    }
    body.take(INTEGER)?; // serial number
    body.take(SEQUENCE)?; // signature algorithm
    body.take(SEQUENCE)?; // issuer
    let mut validity = body.inside(SEQUENCE)?;
    let (tag, text) = validity.next()?;
    let starts = time(tag, text)?;
    let (tag, text) = validity.next()?;
    let ends = time(tag, text)?;
    body.take(SEQUENCE)?; // subject
    let mut key = body.inside(SEQUENCE)?;
    if key.inside(SEQUENCE)?.take(OBJECT)? != RSA {
        return None;
    }
    // The first octet counts unused bits of the last: none in a key.
    let key = key.take(BIT_STRING)?.strip_prefix(&[0])?;
    Some(Certificate {
        der: der.to_vec(),
        rsa_public_key: key.to_vec(),
        starts,
        ends,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject as _;

    use super::*;

    #[test]
    fn the_fixture() {
        let pem = include_bytes!("../../../../tests/data/app-certificate.pem");
        let der = CertificateDer::from_pem_slice(pem).unwrap();
        let certificate = read(&der).unwrap();
        assert_eq!(certificate.starts.to_string().get(..4), Some("2026"));
        assert_eq!(certificate.ends.to_string().get(..4), Some("2126"));
        assert_eq!(certificate.rsa_public_key.len(), 270);
        for length in 0..der.len() {
            assert!(read(&der[..length]).is_none());
        }
    }

    #[test]
    fn times() {
        let read = |tag, text: &str| time(tag, text.as_bytes()).map(|t| t.to_string());
        let expected = Some("2049-12-31T23:59:59Z".to_owned());
        assert_eq!(read(UTC_TIME, "491231235959Z"), expected);
        assert_eq!(read(GENERALIZED_TIME, "20491231235959Z"), expected);
        assert_eq!(
            read(UTC_TIME, "500101000000Z").as_deref(),
            Some("1950-01-01T00:00:00Z")
        );
        assert_eq!(read(UTC_TIME, "4912312359Z"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            _ = read(&bytes);
        }
    }
}
