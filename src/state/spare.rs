//! Memory for what a record comes to need later: its first problem, a bucket of
//! its histogram that it had not met.
//!
//! It is made by the dozen, side by side. One by one, each would lie between the
//! short-lived buffers of the probe that asked for it (16 kB of TLS), and keep the
//! memory around it from being used again: 1,000 resources in trouble took four
//! megabytes more every five minutes, of which they used a tenth.

use parking_lot::Mutex;

use super::histogram::Exemplar;
use super::history_entry::HistoryEntry;
use super::last::ProblemCount;
use super::packed::{Micros, PackedId};

/// So many are made at once.
const AT_ONCE: usize = 64;

/// Empty lists with room for so many.
#[derive(Debug)]
struct Pool<T> {
    room: usize,
    ready: Mutex<Vec<Vec<T>>>,
}

impl<T> Pool<T> {
    const fn new(room: usize) -> Self {
        Self {
            room,
            ready: Mutex::new(Vec::new()),
        }
    }

    fn take(&self) -> Vec<T> {
        let mut ready = self.ready.lock();
        if ready.is_empty() {
            ready.extend((0..AT_ONCE).map(|_| Vec::with_capacity(self.room)));
        }
        ready.pop().unwrap_or_default()
    }
}

/// Lists of one type, in sizes.
#[derive(Debug)]
pub(super) struct Lists<T>([Pool<T>; 3]);

impl<T> Lists<T> {
    /// With room for so many, ascending.
    pub(super) const fn new([small, middle, large]: [usize; 3]) -> Self {
        Self([Pool::new(small), Pool::new(middle), Pool::new(large)])
    }

    /// Makes room for one more; beyond the largest size by itself.
    pub(super) fn make_room(&self, list: &mut Vec<T>) {
        if list.len() < list.capacity() {
            return;
        }
        match self.0.iter().find(|pool| pool.room > list.len()) {
            Some(pool) => {
                let mut larger = pool.take();
                larger.append(list);
                *list = larger;
            }
            None => list.reserve_exact(self.0[0].room),
        }
    }
}

/// What records come to need.
#[derive(Debug)]
pub(super) struct Spares {
    /// The reasons that a resource has met.
    pub(super) problems: Lists<ProblemCount>,
    /// Our ids of its latest problems.
    pub(super) asked: Lists<(Micros, PackedId)>,
    /// Problems that recent entries pushed out.
    pub(super) older: Lists<HistoryEntry>,
    /// Of the buckets that it hits.
    pub(super) exemplars: Lists<(u8, Exemplar)>,
}

impl Spares {
    pub(super) const fn new() -> Self {
        Self {
            problems: Lists::new([2, 4, 8]),
            asked: Lists::new([2, 3, 4]),
            older: Lists::new([5, 10, 20]),
            exemplars: Lists::new([4, 7, 13]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing that is allocated in between can lie between them.
    #[test]
    fn lists_are_made_side_by_side() {
        let lists = Lists::<u64>::new([2, 4, 8]);
        let left = || lists.0[0].ready.lock().len();
        for number in 0..AT_ONCE * 3 {
            lists.make_room(&mut Vec::new());
            assert_eq!(left(), AT_ONCE - 1 - number % AT_ONCE);
        }
    }

    #[test]
    fn a_list_grows_and_keeps_what_it_has() {
        let lists = Lists::<usize>::new([2, 4, 8]);
        let mut list = Vec::new();
        for number in 0..40 {
            lists.make_room(&mut list);
            assert!(list.capacity() > list.len());
            assert!(list.capacity() <= (list.len() + 1).max(2) * 2);
            list.push(number);
        }
        assert_eq!(list, (0..40).collect::<Vec<_>>());
    }
}
