//! As much of X.509 (RFC 5280 section 4.1) as a client assertion needs: when
//! a certificate is valid, and for which RSA key. Nothing is verified here;
//! that is for Entra to do.

use jiff::civil;

use crate::model::Timestamp;

/// What is read from a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// The key's bits: for RSA a DER `RSAPublicKey`.
    pub(super) public_key: Vec<u8>,
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// Reads a DER certificate; `None` if it is none.
pub(super) fn read(der: &[u8]) -> Option<Facts> {
    let certificate = Der(der).take(SEQUENCE)?;
    let mut body = Der(Der(certificate).take(SEQUENCE)?);
    _ = body.take(VERSION);
    body.take(INTEGER)?;
    body.take(SEQUENCE)?;
    body.take(SEQUENCE)?;
    let mut validity = Der(body.take(SEQUENCE)?);
    let not_before = validity.time()?;
    let not_after = validity.time()?;
    body.take(SEQUENCE)?;
    let mut key = Der(body.take(SEQUENCE)?);
    key.take(SEQUENCE)?;
    // The first byte counts unused bits: none in a key.
    let public_key = key.take(BIT_STRING)?.strip_prefix(&[0])?.to_vec();
    Some(Facts {
        not_before,
        not_after,
        public_key,
    })
}

/// What is left to read.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, if it has this tag; else nothing moves.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        if found != tag {
            return None;
        }
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if bytes.is_empty() || bytes.len() > 4 {
                return None;
            }
            let length = bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            (length, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    /// UTCTime until 2049, GeneralizedTime from then on; always with `Z`.
    fn time(&mut self) -> Option<Timestamp> {
        let (century, digits) = match self.take(UTC_TIME) {
            Some(text) => {
                let two = number(text.get(..2)?)?;
                (if two < 50 { 2000 } else { 1900 }, text)
            }
            None => {
                let text = self.take(GENERALIZED_TIME)?;
                (number(text.get(..2)?)? * 100, text.get(2..)?)
            }
        };
        let digits = digits.strip_suffix(b"Z")?;
        if digits.len() != 12 {
            return None;
        }
        let mut parts = digits.chunks(2).map(number);
        let mut next = || parts.next().flatten();
        let year = i16::try_from(century + next()?).ok()?;
        let mut small = || next().and_then(|n| i8::try_from(n).ok());
        let (month, day) = (small()?, small()?);
        let (hour, minute, second) = (small()?, small()?, small()?);
        civil::DateTime::new(year, month, day, hour, minute, second.min(59), 0)
            .ok()?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    }
}

fn number(digits: &[u8]) -> Option<i32> {
    digits.iter().try_fold(0, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + i32::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made(from: (i32, u8, u8), until: (i32, u8, u8)) -> (Vec<u8>, rcgen::KeyPair) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec!["contoso".into()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
        parameters.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        (parameters.self_signed(&key).unwrap().der().to_vec(), key)
    }

    #[test]
    fn validity_and_key() {
        use rcgen::PublicKeyData as _;
        let (der, key) = made((1999, 2, 3), (2061, 12, 31));
        let facts = read(&der).unwrap();
        assert_eq!(facts.not_before.to_string(), "1999-02-03T00:00:00Z");
        assert_eq!(facts.not_after.to_string(), "2061-12-31T00:00:00Z");
        assert_eq!(facts.public_key, key.der_bytes());
    }

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            _ = read(&bytes);
        }

        #[test]
        fn survives_damage(at in 0_usize..400, byte: u8, cut in 0_usize..400) {
            let (mut der, _) = made((2026, 1, 1), (2027, 1, 1));
            if let Some(place) = der.get_mut(at) {
                *place = byte;
            }
            _ = read(&der);
            _ = read(&der[..cut.min(der.len())]);
        }
    }
}
