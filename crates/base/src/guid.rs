//! The form that Microsoft writes ids of tenants, applications and objects in.

/// True for 8-4-4-4-12 hexadecimal digits.
#[must_use]
pub fn is_guid(text: &str) -> bool {
    let mut parts = text.split('-');
    [8, 4, 4, 4, 12].iter().all(|&length| {
        parts
            .next()
            .is_some_and(|p| p.len() == length && p.bytes().all(|b| b.is_ascii_hexdigit()))
    }) && parts.next().is_none()
}
