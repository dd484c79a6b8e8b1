//! A secret that cannot be printed, serialized or left behind in memory.

use secrecy::{ExposeSecret, SecretString};

/// A token, secret, key or code. It has no `Serialize`, its `Debug` shows
/// nothing, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret over; the caller's copy is moved, not cloned.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(SecretString::from(value))
    }

    /// The secret itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// True if there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// True if this secret may be the one of which `hint` is the beginning, as a
    /// directory keeps it to tell secrets apart. An empty hint fits none.
    #[must_use]
    pub fn begins_with(&self, hint: &Self) -> bool {
        let (all, first) = (self.expose().as_bytes(), hint.expose().as_bytes());
        !first.is_empty()
            && all.len() >= first.len()
            && all.iter().zip(first).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}

impl PartialEq for Secret {
    /// Constant in time for equal lengths.
    fn eq(&self, other: &Self) -> bool {
        let (left, right) = (self.expose().as_bytes(), other.expose().as_bytes());
        left.len() == right.len()
            && left.iter().zip(right).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("canary".into())), "<secret>");
    }

    #[test]
    fn hints() {
        let begins = |secret: &str, hint: &str| {
            Secret::new(secret.into()).begins_with(&Secret::new(hint.into()))
        };
        assert!(begins("Xy7~abc", "Xy7") && begins("Xy7", "Xy7") && begins("Xy7", "X"));
        for (secret, hint) in [
            ("Xy7~abc", ""),
            ("", ""),
            ("Xy", "Xy7"),
            ("xy7", "Xy7"),
            ("", "X"),
        ] {
            assert!(!begins(secret, hint), "{secret} {hint}");
        }
    }

    #[test]
    fn equality() {
        assert_eq!(Secret::new("a".into()), Secret::new("a".into()));
        assert_ne!(Secret::new("a".into()), Secret::new("b".into()));
        assert_ne!(Secret::new("a".into()), Secret::new("aa".into()));
    }
}
