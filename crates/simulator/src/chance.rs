//! Chance that repeats: the same seed gives the same ids, jitter and secrets.
//! Good enough for a simulated tenant, and for nothing that must be kept secret.

use std::sync::atomic::{AtomicU64, Ordering};

use ring::digest;

use m365mon_base::Random;

/// SplitMix64 (Steele, Lea, Flood 2014): a counter and a mixing function, so
/// that threads share it without a lock.
#[derive(Debug)]
pub struct Seeded(AtomicU64);

impl Seeded {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    /// Begins at `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next 64 bits.
    pub fn next(&self) -> u64 {
        let mut z = self
            .0
            .fetch_add(Self::STEP, Ordering::Relaxed)
            .wrapping_add(Self::STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A text of `length` characters of `[0-9A-Za-z]`.
    pub fn text(&self, length: usize) -> String {
        const ALPHABET: &[u8; 62] =
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        (0..length)
            .map(|_| ALPHABET[(self.next() % 62) as usize] as char)
            .collect()
    }
}

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A GUID that always belongs to `name`.
#[must_use]
pub fn guid_of(name: &str) -> String {
    struct Digest([u8; 16]);
    impl Random for Digest {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0[..bytes.len()]);
        }
    }
    let hash = digest::digest(&digest::SHA256, name.as_bytes());
    let mut first = [0; 16];
    first.copy_from_slice(&hash.as_ref()[..16]);
    Digest(first).uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_repeats() {
        let (one, two) = (Seeded::new(7), Seeded::new(7));
        assert_eq!(one.uuid(), two.uuid());
        assert_eq!(one.text(40), two.text(40));
        assert_ne!(one.uuid(), one.uuid());
        assert_ne!(Seeded::new(8).uuid(), Seeded::new(7).uuid());
    }

    #[test]
    fn guids_belong_to_names() {
        assert_eq!(guid_of("site"), guid_of("site"));
        assert!(m365mon_base::is_guid(&guid_of("other")));
    }
}
