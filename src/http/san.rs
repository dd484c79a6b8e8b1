//! The subject alternative names of a certificate (RFC 5280, 4.2.1.6), as text.

use std::net::IpAddr;

use crate::files::der::{SEQUENCE, element, expect};

const EXTENSIONS: u8 = 0xa3;
const OID: u8 = 0x06;
const BOOLEAN: u8 = 0x01;
const OCTET_STRING: u8 = 0x04;
const VERSION: u8 = 0xa0;
/// 2.5.29.17, subjectAltName.
const ALTERNATIVE_NAMES: [u8; 3] = [0x55, 0x1d, 0x11];
const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const IP: u8 = 0x87;

/// DNS names, e-mail addresses, URIs and IP addresses (as
/// `std::net::IpAddr` writes them); empty if there are none. `None` if the
/// certificate cannot be read.
pub(crate) fn alternative_names(der: &[u8]) -> Option<Vec<String>> {
    let (certificate, _) = expect(der, SEQUENCE)?;
    let (mut body, _) = expect(certificate, SEQUENCE)?;
    if let Some((VERSION, _, rest)) = element(body) {
        body = rest;
    }
    // serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo.
    for _ in 0..6 {
        (_, _, body) = element(body)?;
    }
    // Unique identifiers, if any, stand before the extensions.
    while !body.is_empty() {
        let (tag, content, rest) = element(body)?;
        if tag == EXTENSIONS {
            let (extensions, _) = expect(content, SEQUENCE)?;
            return among(extensions);
        }
        body = rest;
    }
    Some(Vec::new())
}

fn among(mut extensions: &[u8]) -> Option<Vec<String>> {
    while !extensions.is_empty() {
        let (extension, rest) = expect(extensions, SEQUENCE)?;
        extensions = rest;
        let (oid, mut value) = expect(extension, OID)?;
        if oid != ALTERNATIVE_NAMES {
            continue;
        }
        if let Some((BOOLEAN, _, rest)) = element(value) {
            value = rest;
        }
        let (names, _) = expect(value, OCTET_STRING)?;
        let (mut names, _) = expect(names, SEQUENCE)?;
        let mut found = Vec::new();
        while !names.is_empty() {
            let (tag, name, rest) = element(names)?;
            names = rest;
            found.extend(as_text(tag, name));
        }
        return Some(found);
    }
    Some(Vec::new())
}

fn as_text(tag: u8, name: &[u8]) -> Option<String> {
    match tag {
        EMAIL | DNS | URI => std::str::from_utf8(name).ok().map(str::to_owned),
        IP => match name.len() {
            4 => <[u8; 4]>::try_from(name).ok().map(IpAddr::from),
            16 => <[u8; 16]>::try_from(name).ok().map(IpAddr::from),
            _ => None,
        }
        .map(|address| address.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::SanType;

    use super::*;

    fn certificate(names: Vec<SanType>) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::default();
        params.subject_alt_names = names;
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    fn all() -> Vec<u8> {
        certificate(vec![
            SanType::DnsName("prometheus.contoso.com".try_into().unwrap()),
            SanType::Rfc822Name("steve@contoso.com".try_into().unwrap()),
            SanType::URI("spiffe://contoso/prometheus".try_into().unwrap()),
            SanType::IpAddress("192.0.2.7".parse().unwrap()),
            SanType::IpAddress("2001:db8::7".parse().unwrap()),
        ])
    }

    #[test]
    fn every_kind() {
        let names = [
            "prometheus.contoso.com",
            "steve@contoso.com",
            "spiffe://contoso/prometheus",
            "192.0.2.7",
            "2001:db8::7",
        ];
        assert_eq!(alternative_names(&all()).unwrap(), names);
        assert_eq!(alternative_names(&certificate(vec![])), Some(vec![]));
        assert_eq!(alternative_names(b"junk"), None);
    }

    proptest! {
        #[test]
        fn damaged_certificates_are_survived(at in 0_usize..600, by in 1_u8..) {
            let mut der = all();
            let at = at % der.len();
            der[at] ^= by;
            _ = alternative_names(&der);
            _ = alternative_names(&der[..at]);
        }
    }
}
