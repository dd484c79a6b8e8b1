//! Bytes of answers, some of which are tokens and names of a tenant: wiped when
//! they are dropped, and where they were before they grew.

use bytes::Bytes;
use zeroize::Zeroizing;

/// Less is never allocated; most answers fit.
const LEAST: usize = 4096;

/// A buffer that grows and is wiped.
#[derive(Default)]
pub(super) struct Wiped(Zeroizing<Vec<u8>>);

impl Wiped {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn extend(&mut self, more: &[u8]) {
        let wanted = self.0.len() + more.len();
        if wanted > self.0.capacity() {
            // A vector that grows by itself leaves what it held behind.
            let room = wanted.next_power_of_two().max(LEAST);
            let mut larger = Zeroizing::new(Vec::with_capacity(room));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(more);
    }

    /// The same bytes, wiped when the last handle on them is dropped.
    pub(super) fn into_bytes(self) -> Bytes {
        if self.0.is_empty() {
            return Bytes::new();
        }
        Bytes::from_owner(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_and_keeps_everything() {
        let mut wiped = Wiped::default();
        let mut expected = Vec::new();
        for number in 0..1000_u32 {
            let more = number.to_be_bytes();
            wiped.extend(&more[..number as usize % 5]);
            expected.extend_from_slice(&more[..number as usize % 5]);
        }
        assert_eq!(wiped.len(), expected.len());
        assert_eq!(wiped.into_bytes(), expected);
        assert!(Wiped::default().into_bytes().is_empty());
    }
}
