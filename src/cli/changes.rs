//! What a reload changes, for the log.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// What a new configuration changes.
#[derive(Debug)]
pub(crate) struct Changes {
    /// Its resources.
    pub(crate) resources: Changed,
    /// Its accounts.
    pub(crate) accounts: Changed,
}

/// How many are new, gone and different. `Display` is `+1 -0 ~2`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    added: usize,
    removed: usize,
    different: usize,
}

impl Changed {
    /// Compares by name.
    pub(crate) fn between<'a, T: PartialEq + 'a>(
        before: impl Iterator<Item = &'a Arc<T>>,
        after: &'a [Arc<T>],
        name: impl Fn(&T) -> &str,
    ) -> Self {
        let mut known: HashMap<&str, &Arc<T>> = before.map(|one| (name(one), one)).collect();
        let mut changed = Self::default();
        for one in after {
            match known.remove(name(one)) {
                None => changed.added += 1,
                Some(before) if before != one => changed.different += 1,
                Some(_) => {}
            }
        }
        changed.removed = known.len();
        changed
    }
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            added,
            removed,
            different,
        } = self;
        write!(f, "+{added} -{removed} ~{different}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_gone_and_different() {
        let all = |names: &[(&'static str, u32)]| -> Vec<Arc<(&'static str, u32)>> {
            names.iter().map(|one| Arc::new(*one)).collect()
        };
        for (before, after, expected) in [
            (all(&[]), all(&[("a", 1)]), "+1 -0 ~0"),
            (all(&[("a", 1)]), all(&[("a", 1)]), "+0 -0 ~0"),
            (
                all(&[("a", 1), ("b", 1), ("c", 1)]),
                all(&[("b", 2), ("c", 2), ("d", 1)]),
                "+1 -1 ~2",
            ),
        ] {
            let changed = Changed::between(before.iter(), &after, |one| one.0);
            assert_eq!(changed.to_string(), expected);
        }
    }
}
