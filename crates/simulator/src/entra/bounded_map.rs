//! A map that forgets its oldest entries, so that nothing asked from outside
//! can fill the memory.

use std::collections::{HashMap, VecDeque};

const MOST: usize = 20_000;

/// Values by name, at most [`MOST`] of them.
#[derive(Debug)]
pub(super) struct BoundedMap<T> {
    values: HashMap<String, T>,
    order: VecDeque<String>,
}

impl<T> Default for BoundedMap<T> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<T> BoundedMap<T> {
    /// Puts a value there; the one of the same name before it is returned.
    pub(super) fn put(&mut self, name: String, value: T) -> Option<T> {
        let before = self.values.insert(name.clone(), value);
        if before.is_none() {
            self.order.push_back(name);
            if self.order.len() > MOST
                && let Some(oldest) = self.order.pop_front()
            {
                self.values.remove(&oldest);
            }
        }
        before
    }

    /// A value.
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.values.get(name)
    }

    /// A value, to be changed.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.values.get_mut(name)
    }

    /// All values.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.values.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_the_oldest() {
        let mut bounded_map = BoundedMap::default();
        for n in 0..=MOST {
            bounded_map.put(n.to_string(), n);
        }
        assert_eq!(bounded_map.get("0"), None);
        assert_eq!(bounded_map.get("1"), Some(&1));
        assert_eq!(bounded_map.put("1".into(), 7), Some(1));
        assert_eq!(bounded_map.values().count(), MOST);
    }
}
