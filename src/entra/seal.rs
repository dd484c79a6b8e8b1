//! The keys that seal refresh tokens, and the sealing: ChaCha20-Poly1305
//! (RFC 8439) with a random nonce, bound to the row by associated data.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::durable::{self, StoreError};
use crate::files;
use crate::model::{Random, Secret, SystemRandom};

const KEY_BYTES: usize = 32;
const MOST_KEYS: usize = 16;
/// Of a key file.
const MOST_BYTES: u64 = 4 * 1024;

/// The keys of a store: the first seals, all open.
pub(super) struct SealKeys(Vec<SealKey>);

struct SealKey {
    id: String,
    key: LessSafeKey,
}

/// What sealing leaves.
pub(super) struct Sealed {
    /// Which key; a hash, not the key.
    pub(super) key: String,
    /// Nonce and cipher text, base64.
    pub(super) text: String,
}

/// Whether the key file of a store can be used, as far as it is needed: not
/// where it is not there yet, nor where the environment holds the key.
///
/// # Errors
/// What is wrong with it.
pub fn check_key_file(path: &Path) -> Result<(), StoreError> {
    if std::env::var_os("M365MON_STORAGE_KEY").is_some() {
        return Ok(());
    }
    SealKeys::read(path).map(|_| ())
}

impl SealKeys {
    /// Reads base64 keys of 32 bytes, separated by white space.
    pub(super) fn parse(text: &Secret, from: &str) -> Result<Self, StoreError> {
        let keys = text
            .expose()
            .split_ascii_whitespace()
            .take(MOST_KEYS)
            .map(|line| {
                let bytes = STANDARD.decode(line).ok().map(Zeroizing::new);
                bytes.and_then(|bytes| SealKey::new(&bytes)).ok_or_else(|| {
                    StoreError::Key(format!(
                        "{from}: every line must be 32 bytes in base64, as `openssl rand -base64 32` prints them"
                    ))
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(StoreError::Key(format!("{from} holds no key")));
        }
        Ok(Self(keys))
    }

    /// Reads a key file; `Ok(None)` if there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let text = match files::read_text(path, MOST_BYTES) {
            Ok(text) => text,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(StoreError::Key(error.to_string())),
        };
        check_mode(path)?;
        Self::parse(&Secret::new(text.to_string()), &path.display().to_string()).map(Some)
    }

    /// Makes a key file, mode 0600, durable; fails if one is there.
    pub(super) fn make(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: &std::io::Error| StoreError::io(path, "write", error);
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        SystemRandom::new().fill(&mut *bytes);
        let line = Zeroizing::new(STANDARD.encode(*bytes) + "\n");
        durable::create(path, line.as_bytes()).map_err(|error| failed(&error))?;
        tracing::info!(path = %path.display(), "made a storage key; back it up apart from the store");
        Self::parse(&Secret::new(line.to_string()), &path.display().to_string())
    }

    /// Seals `plain` with the first key, bound to `bound_to`.
    pub(super) fn seal(&self, plain: &[u8], bound_to: &[u8]) -> Result<Sealed, StoreError> {
        let failed = || StoreError::Key("sealing failed".into());
        let key = self.0.first().ok_or_else(failed)?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce);
        // Sealing in place overwrites the plain text; room for the tag first.
        let mut text = Vec::with_capacity(plain.len() + CHACHA20_POLY1305.tag_len());
        text.extend_from_slice(plain);
        key.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound_to),
                &mut text,
            )
            .map_err(|_| failed())?;
        Ok(Sealed {
            key: key.id.clone(),
            text: STANDARD.encode([&nonce[..], &text].concat()),
        })
    }

    /// Opens what any of the keys sealed; `None` if none did, if it was
    /// altered, or if it was bound to something else.
    pub(super) fn open(&self, sealed: &Sealed, bound_to: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = STANDARD.decode(&sealed.text).ok()?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN)?;
        self.0
            .iter()
            .filter(|key| key.id == sealed.key)
            .find_map(|key| {
                let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
                let mut text = Zeroizing::new(text.to_vec());
                let length = key
                    .key
                    .open_in_place(nonce, Aad::from(bound_to), &mut text)
                    .ok()?
                    .len();
                text.truncate(length);
                Some(text)
            })
    }
}

impl SealKey {
    fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != KEY_BYTES {
            return None;
        }
        let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
        hash.update(b"m365mon storage key id");
        hash.update(bytes);
        let id = hash
            .finish()
            .as_ref()
            .iter()
            .take(4)
            .map(|b| format!("{b:02x}"))
            .collect();
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, bytes).ok()?);
        Some(Self { id, key })
    }
}

/// A key that others can read seals nothing.
#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = path
        .metadata()
        .map_err(|error| StoreError::io(path, "read", &error))?
        .permissions()
        .mode()
        & 0o777;
    if mode & 0o027 != 0 {
        return Err(StoreError::Key(format!(
            "{}: mode {mode:04o} lets others use the storage key; `chmod 600` it \
             (in Kubernetes, mount the secret with `defaultMode: 0440`)",
            path.display()
        )));
    }
    if mode & 0o040 != 0 {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            tracing::warn!(path = %path.display(), "the group can read the storage key");
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(seeds: &[u8]) -> SealKeys {
        let text: Vec<_> = seeds
            .iter()
            .map(|seed| STANDARD.encode([*seed; 32]))
            .collect();
        SealKeys::parse(&Secret::new(text.join("\n")), "test").unwrap()
    }

    #[test]
    fn opens_only_what_it_sealed_and_where_it_belongs() {
        let sealed = keys(&[1]).seal(b"canary", b"row").unwrap();
        assert_eq!(
            keys(&[1]).open(&sealed, b"row").unwrap().as_slice(),
            b"canary"
        );
        assert!(keys(&[1]).open(&sealed, b"another row").is_none());
        assert!(keys(&[2]).open(&sealed, b"row").is_none());
        let twice = keys(&[1]).seal(b"canary", b"row").unwrap();
        assert_ne!(sealed.text, twice.text);
    }

    #[test]
    fn rotation_opens_old_rows() {
        let old = keys(&[1]).seal(b"canary", b"row").unwrap();
        let rotated = keys(&[2, 1]);
        assert!(rotated.open(&old, b"row").is_some());
        let new = rotated.seal(b"canary", b"row").unwrap();
        assert!(keys(&[1]).open(&new, b"row").is_none());
    }

    #[test]
    fn wrong_keys_are_named_without_being_shown() {
        for bad in ["", "canary", "Y2FuYXJ5"] {
            let error = SealKeys::parse(&Secret::new(bad.into()), "m365mon.key")
                .err()
                .unwrap();
            let text = format!("{error} {error:?}");
            assert!(
                text.contains("m365mon.key") && !text.contains("canary") && !text.contains("Y2Fu")
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn others_must_not_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(SealKeys::read(&path).unwrap().is_none());
        SealKeys::make(&path).unwrap();
        assert!(SealKeys::make(&path).is_err());
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        assert!(SealKeys::read(&path).unwrap().is_some());
        for (mode, good) in [(0o644, false), (0o620, false), (0o440, true), (0o400, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(SealKeys::read(&path).is_ok(), good, "{mode:o}");
        }
    }
}
