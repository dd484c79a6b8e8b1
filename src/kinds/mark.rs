//! What a probe makes carries a name that nobody else would choose: the subject of
//! a mail, the name of a file. Only what carries such a name is ever removed.

use std::time::Duration;

/// What every one of these names begins with.
pub(super) const MARK: &str = "m365mon-";
/// What is older was left behind by a probe that was cut off; what is younger may
/// be another exporter's, still under way. So long that clocks may differ by much.
pub(super) const LEFT_BEHIND: Duration = Duration::from_secs(3600);

/// The name of what this probe makes.
pub(super) fn named(nonce: &str) -> String {
    format!("{MARK}{nonce}")
}

/// True for a whole name as probes make it: the mark, and 16 hexadecimal digits
/// that nobody could guess. "m365mon-notes" is a person's.
pub(super) fn is_ours(name: &str) -> bool {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    name.strip_prefix(MARK)
        .is_some_and(|nonce| nonce.len() == 16 && nonce.bytes().all(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_only() {
        assert!(is_ours(&named("0123456789abcdef")));
        for of_a_person in [
            "",
            "m365mon-",
            "m365mon-notes",
            "m365mon-upgrade on Friday",
            "m365mon-0123456789abcde",
            "m365mon-0123456789abcdef0",
            "m365mon-0123456789abcdef is late",
            "m365mon-0123456789ABCDEF",
            "m365mon-0123456789abcdeg",
            "m365mon-0123456789abcdeé",
            " m365mon-0123456789abcdef",
            "RE: m365mon-0123456789abcdef",
            "M365mon-0123456789abcdef",
        ] {
            assert!(!is_ours(of_a_person), "{of_a_person:?}");
        }
    }
}
