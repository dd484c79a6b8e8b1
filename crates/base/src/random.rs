//! Chance, replaceable: jitter, request ids, nonces.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom as Ring};

use super::Secret;

/// A source of random bytes. Implementations must be fit for secrets, except
/// in tests.
pub trait Random: Send + Sync {
    /// Fills `bytes`. Falls back to nothing weaker: an operating system that
    /// has no randomness makes this panic at start, not later.
    fn fill(&self, bytes: &mut [u8]);

    /// A uniform fraction in `0.0..1.0`.
    fn fraction(&self) -> f64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        // 53 bits are what a double holds exactly.
        (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A version 4 UUID in lower-case hexadecimal with dashes (RFC 9562).
    fn uuid(&self) -> String {
        let mut b = [0_u8; 16];
        self.fill(&mut b);
        b[6] = (b[6] & 0x0f) | 0x40;
        b[8] = (b[8] & 0x3f) | 0x80;
        let n = u128::from_be_bytes(b);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            n >> 96,
            (n >> 80) & 0xffff,
            (n >> 64) & 0xffff,
            (n >> 48) & 0xffff,
            n & 0xffff_ffff_ffff
        )
    }

    /// A secret of `bytes` random bytes, base64url without padding.
    fn secret(&self, bytes: usize) -> Secret {
        let mut buffer = zeroize::Zeroizing::new(vec![0; bytes]);
        self.fill(&mut buffer);
        Secret::new(URL_SAFE_NO_PAD.encode(&*buffer))
    }

    /// `base` times a uniform factor in `1 - spread ..= 1 + spread`.
    fn jitter(&self, base: Duration, spread: f64) -> Duration {
        let spread = spread.clamp(0.0, 1.0);
        base.mul_f64(1.0 - spread + 2.0 * spread * self.fraction())
    }
}

/// The operating system's generator.
#[derive(Debug)]
pub struct SystemRandom(Ring);

impl Default for SystemRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl SystemRandom {
    /// Opens the generator.
    #[must_use]
    pub fn new() -> Self {
        Self(Ring::new())
    }
}

impl Random for SystemRandom {
    #[expect(
        clippy::panic,
        reason = "a machine without randomness must not go on: ids and secrets would repeat"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        if self.0.fill(bytes).is_err() {
            panic!("the operating system gave no random bytes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn uuid_has_version_and_variant() {
        assert_eq!(Fixed(0xff).uuid(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(Fixed(0).uuid(), "00000000-0000-4000-8000-000000000000");
        assert_eq!(SystemRandom::new().uuid().len(), 36);
    }

    #[test]
    fn jitter_stays_in_its_bounds() {
        let base = Duration::from_secs(10);
        assert_eq!(Fixed(0).jitter(base, 0.2), Duration::from_secs(8));
        assert!(Fixed(0xff).jitter(base, 0.2) <= Duration::from_secs(12));
        assert!(Fixed(0xff).fraction() < 1.0);
    }
}
