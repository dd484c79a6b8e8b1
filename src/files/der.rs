//! Walking over DER (X.690): enough for certificates and keys.

/// SEQUENCE.
pub(crate) const SEQUENCE: u8 = 0x30;

/// Tag, content and what follows the first element.
pub(crate) fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        // The long form; 0x80 alone would be indefinite, which DER forbids.
        let octets = usize::from(first & 0x7f);
        if !(1..=4).contains(&octets) {
            return None;
        }
        let (digits, rest) = rest.split_at_checked(octets)?;
        let length = digits
            .iter()
            .fold(0_u64, |sum, &digit| sum << 8 | u64::from(digit));
        (usize::try_from(length).ok()?, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Content and what follows the first element, if it has this tag.
pub(crate) fn expect(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    match element(input)? {
        (found, content, rest) if found == tag => Some((content, rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn anything_is_read_within_its_bounds(input: Vec<u8>, tag: u8) {
            if let Some((_, content, rest)) = element(&input) {
                proptest::prop_assert!(content.len() + rest.len() < input.len());
            }
            _ = expect(&input, tag);
        }
    }
}
