//! The operator key, and what is made from it: links and cookies.
//!
//! A link or a cookie is the moment at which it ends, a number of its own, and
//! an HMAC with the key over both and over what it is for. So who holds the key
//! can make one without asking the process, and processes that share a key
//! accept each other's.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use ring::hmac;
use zeroize::Zeroizing;

use crate::model::{Random, Secret, Timestamp};

/// How long a link of `m365mon open` is good for.
pub const LINK_LIFE: Duration = Duration::from_secs(5 * 60);
/// How long the cookie is good for that it is exchanged for.
pub const COOKIE_LIFE: Duration = Duration::from_secs(12 * 3600);

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Moment (8), number (16), HMAC-SHA256 (32).
const TOKEN_BYTES: usize = 8 + NUMBER_BYTES + 32;
const NUMBER_BYTES: usize = 16;

/// Tells one token from another of the same key.
pub(super) type Number = [u8; NUMBER_BYTES];

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be exchanged for a cookie, once.
    Link,
    /// To be an operator in one browser.
    Cookie,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Link => b"m365mon operator link",
            Self::Cookie => b"m365mon operator cookie",
        }
    }
}

/// Makes whoever holds it an operator.
#[derive(Clone)]
pub struct OperatorKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    mac: hmac::Key,
}

impl std::fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OperatorKey")
    }
}

impl OperatorKey {
    fn of(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self {
            mac: hmac::Key::new(hmac::HMAC_SHA256, &*bytes),
            bytes,
        }
    }

    /// A new one.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        random.fill(&mut *bytes);
        Self::of(bytes)
    }

    /// Reads one: 32 bytes as they are, or in base64 or hexadecimal with white
    /// space around them. `None` if it is something else.
    #[must_use]
    pub fn parse(content: &[u8]) -> Option<Self> {
        let bytes = match content.len() {
            KEY_BYTES => Zeroizing::new(content.to_vec()),
            _ => {
                let text = std::str::from_utf8(content).ok()?.trim();
                let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
                let found = if text.len() == KEY_BYTES * 2 {
                    hexadecimal(text)
                } else {
                    engines.iter().find_map(|one| one.decode(text).ok())
                };
                Zeroizing::new(found?)
            }
        };
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != key.len() {
            return None;
        }
        key.copy_from_slice(&bytes);
        Some(Self::of(key))
    }

    /// The key in base64, as it stands in its file and in the header of scripts.
    #[must_use]
    pub fn text(&self) -> Secret {
        Secret::new(STANDARD.encode(*self.bytes))
    }

    /// Whether somebody else's is the same; in constant time.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        const SAME: &[u8] = b"m365mon operator key";
        hmac::verify(&self.mac, SAME, hmac::sign(&other.mac, SAME).as_ref()).is_ok()
    }

    /// What a link of `m365mon open` ends with, good for [`LINK_LIFE`].
    #[must_use]
    pub fn link(&self, now: Timestamp, random: &dyn Random) -> Secret {
        self.token(Purpose::Link, now, random)
    }

    pub(super) fn token(&self, purpose: Purpose, now: Timestamp, random: &dyn Random) -> Secret {
        let life = match purpose {
            Purpose::Link => LINK_LIFE,
            Purpose::Cookie => COOKIE_LIFE,
        };
        let mut number = Number::default();
        random.fill(&mut number);
        let ends = now.as_second().saturating_add_unsigned(life.as_secs());
        let mut token = Zeroizing::new(Vec::with_capacity(TOKEN_BYTES));
        token.extend_from_slice(&ends.to_be_bytes());
        token.extend_from_slice(&number);
        let tag = hmac::sign(&self.mac, &signed(purpose, &token));
        token.extend_from_slice(tag.as_ref());
        Secret::new(URL_SAFE_NO_PAD.encode(&*token))
    }

    /// The number of a token that is good now, and when it ends; `None` for
    /// what is no token of this key and purpose, and for one that has ended.
    pub(super) fn accepts(
        &self,
        purpose: Purpose,
        token: &str,
        now: Timestamp,
    ) -> Option<(Number, Timestamp)> {
        if token.len() > TOKEN_BYTES * 2 {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(token).ok()?);
        let (said, tag) = bytes.split_at_checked(8 + NUMBER_BYTES)?;
        hmac::verify(&self.mac, &signed(purpose, said), tag).ok()?;
        let (ends, number) = said.split_first_chunk::<8>()?;
        let ends = Timestamp::from_second(i64::from_be_bytes(*ends)).ok()?;
        (ends > now).then_some((number.try_into().ok()?, ends))
    }
}

/// No purpose's label is the beginning of another's.
fn signed(purpose: Purpose, said: &[u8]) -> Vec<u8> {
    [purpose.label(), b"\0", said].concat()
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16);
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| {
            let (high, low) = (digit(*pair.first()?)?, digit(*pair.last()?)?);
            u8::try_from(high << 4 | low).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SystemRandom;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn forms_of_a_key() {
        let key = OperatorKey::parse(&[7; 32]).unwrap();
        let text = key.text();
        for form in [
            text.expose().to_owned(),
            format!(" {}\r\n", text.expose()),
            text.expose().trim_end_matches('=').to_owned(),
            "07".repeat(32),
            format!("{}\n", "07".repeat(32)),
        ] {
            assert!(
                OperatorKey::parse(form.as_bytes()).unwrap().is(&key),
                "{form}"
            );
        }
        for bad in [
            "",
            "x",
            &"07".repeat(31),
            &"0x".repeat(32),
            &"A".repeat(44),
            "\u{e9}",
        ] {
            assert!(OperatorKey::parse(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(!OperatorKey::parse(&[8; 32]).unwrap().is(&key));
        assert_eq!(format!("{key:?}"), "OperatorKey");
    }

    #[test]
    fn tokens_are_for_one_purpose_one_key_and_a_time() {
        let random = SystemRandom::new();
        let key = OperatorKey::generate(&random);
        let link = key.link(at(0), &random);
        let good = |token: &str, second| key.accepts(Purpose::Link, token, at(second)).is_some();
        assert!(good(link.expose(), 0) && good(link.expose(), 299));
        assert!(!good(link.expose(), 300));
        assert!(key.accepts(Purpose::Cookie, link.expose(), at(0)).is_none());
        let other = OperatorKey::generate(&random);
        assert!(other.accepts(Purpose::Link, link.expose(), at(0)).is_none());
        let cookie = key.token(Purpose::Cookie, at(0), &random);
        let ends = key.accepts(Purpose::Cookie, cookie.expose(), at(43_199));
        assert_eq!(ends.unwrap().1, at(43_200));
        assert!(
            key.accepts(Purpose::Cookie, cookie.expose(), at(43_200))
                .is_none()
        );
        let text = link.expose();
        let flipped = if text.starts_with('A') { "B" } else { "A" };
        for bad in [
            "",
            "AAAA",
            &text[1..],
            &format!("{text}A"),
            &format!("{flipped}{}", &text[1..]),
            &"A".repeat(75),
            &"A".repeat(10_000),
        ] {
            assert!(!good(bad, 0), "{bad}");
        }
        assert_ne!(key.link(at(0), &random).expose(), text);
    }
}
