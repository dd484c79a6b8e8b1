//! A map that forgets its oldest entries, so that nothing asked from outside
//! can fill the memory.

use std::collections::{HashMap, VecDeque};

const MOST: usize = 20_000;

/// Values by name, at most [`MOST`] of them.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    values: HashMap<String, T>,
    order: VecDeque<String>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<T> Shelf<T> {
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
        let mut shelf = Shelf::default();
        for n in 0..=MOST {
            shelf.put(n.to_string(), n);
        }
        assert_eq!(shelf.get("0"), None);
        assert_eq!(shelf.get("1"), Some(&1));
        assert_eq!(shelf.put("1".into(), 7), Some(1));
        assert_eq!(shelf.values().count(), MOST);
    }
}
