//! What we want to know of a certificate: when it begins and ends, and for
//! which key it is. A small walker over DER (X.690) and the first fields of
//! RFC 5280, instead of a parser of everything. A peer's chain was verified
//! already, or is not trusted at all, and our own is for Entra to verify;
//! nothing is trusted because of what is read here.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::files::der::{SEQUENCE, element, expect};
use crate::model::Timestamp;

const BIT_STRING: u8 = 0x03;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// A chain longer than this is not walked further.
const MOST_CERTIFICATES: usize = 16;

/// The earliest `notAfter` of a chain; what cannot be read is left out.
pub(super) fn earliest_expiry<'a>(chain: impl IntoIterator<Item = &'a [u8]>) -> Option<Timestamp> {
    chain
        .into_iter()
        .take(MOST_CERTIFICATES)
        .filter_map(not_after)
        .min()
}

/// What is read from a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CertificateFacts<'a> {
    /// From when it is valid.
    pub(crate) not_before: Timestamp,
    /// Until when; one without an end (`99991231235959Z`) gives the latest
    /// timestamp there is.
    pub(crate) not_after: Timestamp,
    /// The key's bits: for RSA a DER `RSAPublicKey`.
    pub(crate) public_key: &'a [u8],
}

/// Reads one certificate in DER.
pub(crate) fn certificate_facts(der: &[u8]) -> Option<CertificateFacts<'_>> {
    let (certificate, _) = expect(der, SEQUENCE)?;
    let (mut body, _) = expect(certificate, SEQUENCE)?;
    if let Some((VERSION, _, rest)) = element(body) {
        body = rest;
    }
    // serialNumber, signature, issuer.
    for _ in 0..3 {
        (_, _, body) = element(body)?;
    }
    let (validity, body) = expect(body, SEQUENCE)?;
    let (tag, time, rest) = element(validity)?;
    let not_before = timestamp(tag, time)?;
    let (tag, time, _) = element(rest)?;
    let not_after = timestamp(tag, time)?;
    let (_, _, body) = element(body)?; // subject
    let (key, _) = expect(body, SEQUENCE)?;
    let (_, _, bits) = element(key)?; // algorithm
    let (bits, _) = expect(bits, BIT_STRING)?;
    Some(CertificateFacts {
        not_before,
        not_after,
        // The first byte counts unused bits: none in a key.
        public_key: bits.strip_prefix(&[0])?,
    })
}

fn not_after(der: &[u8]) -> Option<Timestamp> {
    certificate_facts(der).map(|facts| facts.not_after)
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` (RFC 5280, 4.1.2.5).
fn timestamp(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let (digits, year) = match (tag, text) {
        (UTC_TIME, [digits @ .., b'Z']) if digits.len() == 12 => {
            let (year, rest) = digits.split_at(2);
            let year = number(year)?;
            (rest, if year >= 50 { 1900 + year } else { 2000 + year })
        }
        (GENERALIZED_TIME, [digits @ .., b'Z']) if digits.len() == 14 => {
            let (year, rest) = digits.split_at(4);
            (rest, number(year)?)
        }
        _ => return None,
    };
    let mut parts = digits.chunks_exact(2).map(|pair| {
        let value = number(pair)?;
        i8::try_from(value).ok()
    });
    let mut part = || parts.next().flatten();
    let (month, day, hour, minute, second) = (part()?, part()?, part()?, part()?, part()?);
    let civil = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let utc = civil.to_zoned(TimeZone::UTC);
    Some(utc.map_or(Timestamp::MAX, |zoned| zoned.timestamp()))
}

fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0_i16, |sum, digit| {
        if !digit.is_ascii_digit() {
            return None;
        }
        Some(sum * 10 + i16::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn certificate(year: i32, month: u8, day: u8) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(["contoso.sharepoint.com".into()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, month, day);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn real_certificates() {
        let utc = certificate(2031, 2, 28);
        assert_eq!(not_after(&utc), "2031-02-28T00:00:00Z".parse().ok());
        let generalized = certificate(2051, 1, 1);
        assert_eq!(not_after(&generalized), "2051-01-01T00:00:00Z".parse().ok());
        let earliest = earliest_expiry([&*generalized, b"junk", &*utc]);
        assert_eq!(earliest, "2031-02-28T00:00:00Z".parse().ok());
    }

    #[test]
    fn the_key_is_the_key() {
        use rcgen::PublicKeyData as _;
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(["contoso".into()]).unwrap();
        params.not_before = rcgen::date_time_ymd(1999, 2, 3);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let facts = certificate_facts(&der).unwrap();
        assert_eq!(facts.not_before.to_string(), "1999-02-03T00:00:00Z");
        assert_eq!(facts.public_key, key.der_bytes());
    }

    #[test]
    fn no_end_is_the_latest_time() {
        let at = timestamp(GENERALIZED_TIME, b"99991231235959Z");
        assert_eq!(at, Some(Timestamp::MAX));
        assert_eq!(timestamp(UTC_TIME, b"310231000000Z"), None);
        assert_eq!(timestamp(UTC_TIME, b"3102310000Z"), None);
    }

    proptest! {
        #[test]
        fn anything_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            _ = not_after(&bytes);
        }

        #[test]
        fn damaged_certificates_are_survived(at in 0_usize..300, by in 1_u8..) {
            let mut der = certificate(2030, 1, 1);
            let at = at % der.len();
            der[at] ^= by;
            _ = not_after(&der);
            _ = not_after(&der[..at]);
        }

        #[test]
        fn every_second_is_read(seconds in 0_i64..1_577_836_800) {
            let at = Timestamp::from_second(946_684_800 + seconds).unwrap();
            let text = at.strftime("%Y%m%d%H%M%SZ").to_string();
            prop_assert_eq!(timestamp(GENERALIZED_TIME, text.as_bytes()), Some(at));
            prop_assert_eq!(timestamp(UTC_TIME, &text.as_bytes()[2..]), Some(at));
        }
    }
}
