//! Private keys under a passphrase: `ENCRYPTED PRIVATE KEY` (RFC 5958) by
//! PBES2 with PBKDF2 and AES-CBC (RFC 8018), which is what OpenSSL writes.

use std::num::NonZeroU32;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use aes::{Aes128, Aes192, Aes256};
use ring::pbkdf2;
use zeroize::Zeroizing;

use crate::files::der::{SEQUENCE, element, expect};
use crate::model::Secret;

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

/// Why a key was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotOpened {
    /// By a cipher or a derivation that is not supported.
    Unsupported,
    /// The passphrase is another one.
    WrongPassphrase,
}

/// The PKCS#8 key in DER, from an `EncryptedPrivateKeyInfo` in DER.
pub(super) fn open(der: &[u8], passphrase: &Secret) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
    Sealed::read(der)
        .ok_or(NotOpened::Unsupported)?
        .open(passphrase)
        .ok_or(NotOpened::WrongPassphrase)
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

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            _ = Sealed::read(&bytes);
        }

        #[test]
        fn survives_damage(at in 0_usize..120, by in 1_u8..) {
            let pem = include_str!("../../tests/data/rsa-test-key-aes128.pem");
            let mut der = crate::files::pem::sections(pem).remove(0).der.unwrap();
            der[at] ^= by;
            _ = Sealed::read(&der);
        }
    }
}
