//! What it takes to register a certificate (RFC 5280): the public key and the
//! validity. Nothing is verified; whoever registers a certificate vouches for it.

use jiff::Timestamp;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::time::Time;

use crate::directory::Certificate;

/// rsaEncryption (RFC 8017).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

fn timestamp(time: &Time) -> Option<Timestamp> {
    Timestamp::from_second(time.to_unix_duration().as_secs().try_into().ok()?).ok()
}

/// Reads a certificate of an RSA key; `None` for anything else.
pub(super) fn read(der: &[u8]) -> Option<Certificate> {
    let certificate = x509_cert::Certificate::from_der(der).ok()?;
    let body = certificate.tbs_certificate();
    let key = body.subject_public_key_info();
    if key.algorithm.oid != RSA {
        return None;
    }
    Some(Certificate {
        der: der.to_vec(),
        rsa_public_key: key.subject_public_key.as_bytes()?.to_vec(),
        starts: timestamp(&body.validity().not_before)?,
        ends: timestamp(&body.validity().not_after)?,
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

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            _ = read(&bytes);
        }
    }
}
