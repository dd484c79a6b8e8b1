//! A number for this machine: the same for as long as the machine is, and
//! telling nothing about it. Microsoft's list of addresses wants one.

use std::fs;
use std::sync::OnceLock;

use ring::digest::{SHA256, digest};

use crate::model::Random;

/// What tells machines apart, the best first (machine-id(5)). In a container it
/// is the container's own, where it has one.
const FILES: [&str; 3] = [
    "/etc/machine-id",
    "/var/lib/dbus/machine-id",
    "/proc/sys/kernel/hostname",
];

/// A GUID for this machine. Where nothing tells it from others one is drawn,
/// which lives as long as the process.
pub(super) fn guid(random: &dyn Random) -> String {
    static GUID: OnceLock<String> = OnceLock::new();
    GUID.get_or_init(|| {
        let known = FILES.iter().find_map(|path| {
            let text = fs::read_to_string(path).ok()?;
            let text = text.trim();
            (!text.is_empty() && text != "uninitialized").then(|| from_id(text))
        });
        known.unwrap_or_else(|| random.uuid())
    })
    .clone()
}

/// Hashed, for a machine's id is to be told to nobody.
fn from_id(id: &str) -> String {
    let hash = digest(&SHA256, format!("m365mon machine {id}").as_bytes());
    let mut bytes = [0; 16];
    for (byte, hashed) in bytes.iter_mut().zip(hash.as_ref()) {
        *byte = *hashed;
    }
    let number = u128::from_be_bytes(bytes);
    // As a random one: version 4, variant 1 (RFC 9562).
    let number = number & !(0xf << 76) | 0x4 << 76;
    let number = number & !(0x3 << 62) | 0x2 << 62;
    let digits = format!("{number:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts: Vec<&str> = parts.into_iter().filter_map(|at| digits.get(at)).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::is_guid;

    #[test]
    fn the_same_for_one_machine_and_another_for_another() {
        let one = from_id("0123456789abcdef0123456789abcdef");
        assert!(is_guid(&one), "{one}");
        assert_eq!(one.as_bytes()[14], b'4', "{one}");
        assert!(matches!(one.as_bytes()[19], b'8'..=b'b'), "{one}");
        assert_eq!(one, from_id("0123456789abcdef0123456789abcdef"));
        assert_ne!(one, from_id("0123456789abcdef0123456789abcdee"));
        assert!(!one.contains("0123456789"), "{one}");
    }
}
