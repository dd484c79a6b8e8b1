//! The hash behind phases and shards: the same on every machine, in every
//! build and after every restart, which the standard library's hasher does not
//! promise. Not for anything an attacker could profit from.

use crate::kinds::Resource;

/// 64-bit FNV-1a (Fowler, Noll, Vo) over parts that are each
/// preceded by their length, with a final mix, because the high bits of plain
/// FNV-1a barely move between names that differ in their last letter.
pub(super) struct StableHasher(u64);

impl StableHasher {
    pub(super) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) fn part(mut self, bytes: &[u8]) -> Self {
        self.bytes(&(bytes.len() as u64).to_le_bytes());
        self.bytes(bytes);
        self
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The result, every bit of the input felt in every bit of it (the
    /// finalizer of `MurmurHash3`, which is a bijection).
    pub(super) const fn finish(self) -> u64 {
        let mut h = self.0;
        h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        h ^ (h >> 33)
    }
}

/// What the offset of a resource follows from: its labels (so that two
/// locations do not knock at the same moment), its account and its name.
pub(super) fn of_resource(resource: &Resource) -> u64 {
    let mut hasher = StableHasher::new();
    for (name, value) in resource.labels.iter() {
        hasher = hasher.part(name.as_bytes()).part(value.as_bytes());
    }
    hasher
        .part(resource.account.name.as_bytes())
        .part(resource.name.as_bytes())
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_never_change() {
        // Pinned: another value would move every offset and every shard at the
        // next upgrade.
        assert_eq!(StableHasher::new().finish(), 0xefd0_1f60_ba99_2926);
        assert_eq!(
            StableHasher::new()
                .part(b"contoso")
                .part(b"intranet")
                .finish(),
            0xd816_6099_c4d6_02c4
        );
    }

    #[test]
    fn parts_do_not_run_together() {
        let split = |a: &str, b: &str| {
            StableHasher::new()
                .part(a.as_bytes())
                .part(b.as_bytes())
                .finish()
        };
        assert_ne!(split("ab", "c"), split("a", "bc"));
        assert_ne!(split("", "x"), split("x", ""));
    }
}
