//! Bytes as the text that people meant: byte order marks and UTF-16 (what
//! PowerShell's `>` and Notepad write) are read, not sent along.

use std::fmt;

use zeroize::Zeroizing;

/// What no such text can be; `Display` continues a sentence about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// Neither UTF-8 nor UTF-16.
    NoText,
    /// Nothing but white space.
    Empty,
    /// More than one line, where it is one word.
    Lines,
    /// A character that is not seen and that nobody types.
    Invisible(char),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoText => f.write_str("holds no text (neither UTF-8 nor UTF-16)"),
            Self::Empty => f.write_str("is empty"),
            Self::Lines => f.write_str("holds more than one line, and it must be one alone"),
            Self::Invisible(c) => write!(
                f,
                "holds a character that is not seen (U+{:04X}); write or copy it anew",
                u32::from(*c)
            ),
        }
    }
}

impl std::error::Error for Unfit {}

/// The text of these bytes: UTF-8, or UTF-16 where a byte order mark or every
/// other byte says so; without the mark.
///
/// # Errors
/// [`Unfit::NoText`].
pub fn decode(bytes: &[u8]) -> Result<Zeroizing<String>, Unfit> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes
            .chunks(2)
            .map(|pair| match pair {
                [first, second] => Ok(unit([*first, *second])),
                _ => Err(Unfit::NoText),
            })
            .collect::<Result<Vec<u16>, _>>()
            .map(Zeroizing::new)?;
        // Each unit becomes at most three bytes.
        let mut text = Zeroizing::new(String::with_capacity(3 * units.len()));
        for c in char::decode_utf16(units.iter().copied()) {
            text.push(c.map_err(|_| Unfit::NoText)?);
        }
        Ok(text)
    };
    match bytes {
        [0xef, 0xbb, 0xbf, text @ ..] => utf8(text),
        [0xff, 0xfe, text @ ..] => wide(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => wide(text, u16::from_be_bytes),
        // Without a mark: what people write begins in ASCII, and no text has
        // a NUL in it.
        [1..=0x7f, 0, ..] => wide(bytes, u16::from_le_bytes),
        [0, 1..=0x7f, ..] => wide(bytes, u16::from_be_bytes),
        text => utf8(text),
    }
}

fn utf8(bytes: &[u8]) -> Result<Zeroizing<String>, Unfit> {
    std::str::from_utf8(bytes)
        .map(|text| Zeroizing::new(text.to_owned()))
        .map_err(|_| Unfit::NoText)
}

/// The one line that a text is, without what stands around it unseen: a
/// secret, a passphrase, a token.
///
/// # Errors
/// What it cannot be.
pub fn line(text: &str) -> Result<&str, Unfit> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || (is_invisible(c) && c != '\0'));
    if text.is_empty() {
        return Err(Unfit::Empty);
    }
    if text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
        return Err(Unfit::Lines);
    }
    match text.chars().find(|c| is_invisible(*c)) {
        Some(c) => Err(Unfit::Invisible(c)),
        None => Ok(text),
    }
}

/// Controls (a tab is one) and what word processors and web pages put between
/// letters.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn every_way_to_write_it_is_the_same_secret() {
        const SECRET: &str = "abc8Q~ö";
        let marked = format!("\u{feff}{SECRET}");
        for bytes in [
            SECRET.as_bytes().to_vec(),
            format!("{SECRET}\n").into_bytes(),
            format!("{SECRET}\r\n\r\n").into_bytes(),
            format!(" \t{SECRET}\u{a0}").into_bytes(),
            format!("{marked}\n").into_bytes(),
            format!("\u{200b}{SECRET}\u{200b}\n").into_bytes(),
            utf16(&marked, u16::to_le_bytes),
            utf16(&marked, u16::to_be_bytes),
            utf16(&format!("{marked}\r\n"), u16::to_le_bytes),
            utf16(SECRET, u16::to_le_bytes),
            utf16(SECRET, u16::to_be_bytes),
        ] {
            let text = decode(&bytes).unwrap();
            assert_eq!(line(&text), Ok(SECRET), "{bytes:?}");
        }
    }

    #[test]
    fn what_it_cannot_be() {
        for (bytes, unfit) in [
            (&b""[..], Unfit::Empty),
            (b" \r\n", Unfit::Empty),
            (b"\xef\xbb\xbf\n", Unfit::Empty),
            (b"\xff\xfe", Unfit::Empty),
            (b"one\ntwo", Unfit::Lines),
            (b"one\r\ntwo\r\n", Unfit::Lines),
            (b"one\rtwo", Unfit::Lines),
            (b"a\tb", Unfit::Invisible('\t')),
            (b"a\x07b", Unfit::Invisible('\x07')),
            (b"ab\0", Unfit::Invisible('\0')),
            ("a\u{200b}b".as_bytes(), Unfit::Invisible('\u{200b}')),
            ("a\u{feff}b".as_bytes(), Unfit::Invisible('\u{feff}')),
            (b"\x30\x82\xff", Unfit::NoText),
            (b"\xff\xfea\0b", Unfit::NoText),
            (b"\xff\xfe\x00\xd8", Unfit::NoText),
        ] {
            let found = decode(bytes).and_then(|text| line(&text).map(str::to_owned));
            assert_eq!(found, Err(unfit), "{bytes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn survives_anything(bytes: Vec<u8>) {
            if let Ok(text) = decode(&bytes) {
                _ = line(&text);
            }
        }

        #[test]
        fn whatever_is_written_is_read(text in "[a-z]\\PC{0,20}") {
            let marked = format!("\u{feff}{text}");
            proptest::prop_assert_eq!(&**decode(text.as_bytes()).unwrap(), &text);
            proptest::prop_assert_eq!(&**decode(&utf16(&marked, u16::to_le_bytes)).unwrap(), &text);
            proptest::prop_assert_eq!(&**decode(&utf16(&marked, u16::to_be_bytes)).unwrap(), &text);
        }
    }
}
