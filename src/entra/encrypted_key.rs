//! Private keys under a passphrase: `ENCRYPTED PRIVATE KEY` (RFC 5958) by
//! PBES2 with PBKDF2 and AES-CBC (RFC 8018), which is what OpenSSL writes.

use std::num::NonZeroU32;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use aes::{Aes128, Aes192, Aes256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::pbkdf2;
use zeroize::Zeroizing;

use crate::http::der::{SEQUENCE, element, expect};
use crate::model::Secret;

const BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";
/// What `Proc-Type` names: OpenSSL's older form, whose key derivation is weak.
const OLD_FORM: &str = "Proc-Type: 4,ENCRYPTED";

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;

const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
/// 1.2.840.113549.2; the next number names the hash.
const HMAC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
/// 2.16.840.1.101.3.4.1; the next number names the size and the mode.
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];

/// More would only keep us busy.
const MOST_ROUNDS: u32 = 10_000_000;

/// True if the text holds a key under a passphrase.
pub(super) fn is_encrypted(pem: &[u8]) -> bool {
    std::str::from_utf8(pem).is_ok_and(|pem| pem.contains(BEGIN) || pem.contains(OLD_FORM))
}

/// The PKCS#8 key in DER. The error quotes nothing.
pub(super) fn open(pem: &[u8], passphrase: &Secret) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let pem = std::str::from_utf8(pem).unwrap_or_default();
    if pem.contains(OLD_FORM) {
        return Err(
            "holds a key in OpenSSL's old encrypted form: convert it by `openssl pkcs8 -topk8`",
        );
    }
    let text: Zeroizing<String> = pem
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END))
        .map(|(text, _)| text.split_ascii_whitespace().collect::<String>().into())
        .ok_or("holds no PEM private key (PKCS#8 or PKCS#1)")?;
    let der = STANDARD
        .decode(&*text)
        .map_err(|_| "holds an encrypted key that is damaged")?;
    let sealed = Sealed::read(&der).ok_or(
        "holds an encrypted key of a kind that is not supported: \
         convert it by `openssl pkcs8 -topk8 -v2 aes-256-cbc`",
    )?;
    sealed
        .open(passphrase)
        .ok_or("holds an encrypted key that the passphrase does not open")
}

/// `EncryptedPrivateKeyInfo`, read.
struct Sealed<'a> {
    hash: pbkdf2::Algorithm,
    salt: &'a [u8],
    rounds: NonZeroU32,
    key_bytes: usize,
    iv: &'a [u8],
    text: &'a [u8],
}

impl<'a> Sealed<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let (info, _) = expect(der, SEQUENCE)?;
        let (algorithm, rest) = expect(info, SEQUENCE)?;
        let (text, _) = expect(rest, OCTET_STRING)?;
        let (oid, parameters) = expect(algorithm, OID)?;
        if oid != PBES2 {
            return None;
        }
        let (parameters, _) = expect(parameters, SEQUENCE)?;
        let (derivation, rest) = expect(parameters, SEQUENCE)?;
        let (cipher, _) = expect(rest, SEQUENCE)?;

        let (oid, rest) = expect(derivation, OID)?;
        if oid != PBKDF2 {
            return None;
        }
        let (derivation, _) = expect(rest, SEQUENCE)?;
        let (salt, rest) = expect(derivation, OCTET_STRING)?;
        let (rounds, mut rest) = expect(rest, INTEGER)?;
        if let Some((INTEGER, _, after)) = element(rest) {
            rest = after; // the key's length, which the cipher says as well
        }
        let hash = match expect(rest, SEQUENCE) {
            Some((hash, _)) => hash_of(expect(hash, OID)?.0)?,
            // The default that is not written down.
            None => pbkdf2::PBKDF2_HMAC_SHA1,
        };

        let (oid, rest) = expect(cipher, OID)?;
        let key_bytes = match oid.strip_prefix(AES)? {
            [2] => 16,
            [22] => 24,
            [42] => 32,
            _ => return None,
        };
        let (iv, _) = expect(rest, OCTET_STRING)?;
        Some(Self {
            hash,
            salt,
            rounds: number(rounds).filter(|rounds| rounds.get() <= MOST_ROUNDS)?,
            key_bytes,
            iv,
            text,
        })
    }

    fn open(&self, passphrase: &Secret) -> Option<Zeroizing<Vec<u8>>> {
        let mut key = Zeroizing::new([0; 32]);
        let key = key.get_mut(..self.key_bytes)?;
        let passphrase = passphrase.expose().as_bytes();
        pbkdf2::derive(self.hash, self.rounds, self.salt, passphrase, key);
        let mut text = Zeroizing::new(self.text.to_vec());
        macro_rules! decrypt {
            ($cipher:ty) => {
                cbc::Decryptor::<$cipher>::new_from_slices(key, self.iv)
                    .ok()?
                    .decrypt_padded::<Pkcs7>(&mut text)
                    .ok()?
                    .len()
            };
        }
        let length = match self.key_bytes {
            16 => decrypt!(Aes128),
            24 => decrypt!(Aes192),
            _ => decrypt!(Aes256),
        };
        text.truncate(length);
        // Padding fits by chance now and then; a key is a sequence.
        expect(&text, SEQUENCE)?;
        Some(text)
    }
}

fn hash_of(oid: &[u8]) -> Option<pbkdf2::Algorithm> {
    Some(match oid.strip_prefix(HMAC)? {
        [7] => pbkdf2::PBKDF2_HMAC_SHA1,
        [9] => pbkdf2::PBKDF2_HMAC_SHA256,
        [10] => pbkdf2::PBKDF2_HMAC_SHA384,
        [11] => pbkdf2::PBKDF2_HMAC_SHA512,
        _ => return None,
    })
}

fn number(bytes: &[u8]) -> Option<NonZeroU32> {
    let bytes = bytes.strip_prefix(&[0]).unwrap_or(bytes);
    if bytes.len() > 4 {
        return None;
    }
    NonZeroU32::new(
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_old_form_is_named() {
        let pem = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n";
        assert!(is_encrypted(pem));
        let error = open(pem, &Secret::new("x".into())).unwrap_err();
        assert!(error.contains("pkcs8 -topk8"));
    }

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            _ = Sealed::read(&bytes);
        }

        #[test]
        fn survives_damage(at in 0_usize..120, by in 1_u8..) {
            let pem = include_str!("../../tests/data/rsa-test-key-aes128.pem");
            let (_, rest) = pem.split_once(BEGIN).unwrap();
            let (text, _) = rest.split_once(END).unwrap();
            let text: String = text.split_ascii_whitespace().collect();
            let mut der = STANDARD.decode(text).unwrap();
            der[at] ^= by;
            _ = Sealed::read(&der);
        }
    }
}
