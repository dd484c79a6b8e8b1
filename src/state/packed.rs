//! Compact forms of what is kept ten thousand times over: a moment in eight
//! bytes, a request id without a second allocation.

use std::fmt;

use crate::model::{RequestId, Timestamp};

/// Civil time in whole microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micros(i64);

impl Micros {
    /// Cuts off what is finer than a microsecond.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        Self(time.as_microsecond())
    }

    /// Back again.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or_default()
    }

    /// From seconds; rounds to the microsecond.
    #[must_use]
    pub fn of_seconds(seconds: f64) -> Self {
        Self((seconds * 1e6).round() as i64)
    }

    /// Whole seconds and the microseconds that remain; nothing before 1970.
    #[must_use]
    pub fn split(self) -> (u64, u64) {
        let micros = u64::try_from(self.0).unwrap_or_default();
        (micros / 1_000_000, micros % 1_000_000)
    }

    /// Seconds since 1970, as metrics want them.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// A request id. Almost all are GUIDs in lower case, which need sixteen bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct PackedId(Packing);

#[derive(Clone, PartialEq, Eq)]
enum Packing {
    Guid([u8; 16]),
    Other(RequestId),
}

/// Where a GUID has its dashes, counted in characters.
const DASHES: [usize; 4] = [8, 13, 18, 23];

impl PackedId {
    /// Packs an id.
    #[must_use]
    pub fn of(id: &RequestId) -> Self {
        Self(match guid(id.as_str()) {
            Some(bytes) => Packing::Guid(bytes),
            None => Packing::Other(id.clone()),
        })
    }

    /// The sixteen bytes, if it is a GUID in lower case.
    pub(super) const fn as_guid(&self) -> Option<[u8; 16]> {
        match self.0 {
            Packing::Guid(bytes) => Some(bytes),
            Packing::Other(_) => None,
        }
    }

    pub(super) const fn from_guid(bytes: [u8; 16]) -> Self {
        Self(Packing::Guid(bytes))
    }
}

fn guid(text: &str) -> Option<[u8; 16]> {
    let text = text.as_bytes();
    if text.len() != 36 || DASHES.iter().any(|&place| text[place] != b'-') {
        return None;
    }
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 16];
    let mut digits = (0..36)
        .filter(|place| !DASHES.contains(place))
        .map(|place| digit(text[place]));
    for byte in &mut bytes {
        *byte = digits.next()?? << 4 | digits.next()??;
    }
    Some(bytes)
}

impl PackedId {
    /// Writes the id behind a text.
    pub fn append_to(&self, text: &mut String) {
        self.read(|id| text.push_str(id));
    }

    fn read<T>(&self, use_it: impl FnOnce(&str) -> T) -> T {
        match &self.0 {
            Packing::Other(id) => use_it(id.as_str()),
            Packing::Guid(bytes) => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let mut text = [b'-'; 36];
                let mut place = 0;
                for byte in bytes {
                    if DASHES.contains(&place) {
                        place += 1;
                    }
                    for digit in [byte >> 4, byte & 15] {
                        text[place] = HEX[usize::from(digit)];
                        place += 1;
                    }
                }
                use_it(str::from_utf8(&text).unwrap_or_default())
            }
        }
    }
}

impl fmt::Display for PackedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(|id| f.write_str(id))
    }
}

impl fmt::Debug for PackedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small() {
        assert_eq!(size_of::<PackedId>(), 24);
        assert_eq!(size_of::<Option<PackedId>>(), 24);
    }

    proptest! {
        #[test]
        fn ids_come_back_as_they_went(text in "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-Za-z-]{1,64}|[0-9a-f-]{36}") {
            let id = RequestId::parse(&text).unwrap();
            prop_assert_eq!(PackedId::of(&id).to_string(), text);
        }

        #[test]
        fn times_come_back_to_the_microsecond(micros in 0..4_102_444_800_000_000_i64) {
            let time = Timestamp::from_microsecond(micros).unwrap();
            prop_assert_eq!(Micros::of(time).timestamp(), time);
        }
    }
}
