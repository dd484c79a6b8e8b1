//! The last few entries of a resource, and the problems among those before
//! them: a resource that is well again still shows what it had.

use super::HistoryEntry;
use super::spare::Lists;

/// A bounded ring that allocates as it fills, unless room was made before.
#[derive(Debug, Clone, Default)]
struct RingBuffer {
    entries: Vec<HistoryEntry>,
    /// Where the oldest is, once full.
    oldest: u32,
}

/// The default of `--history.limit`.
const USUAL: usize = 20;

impl RingBuffer {
    /// Adds an entry and returns the one that had to go.
    fn push(
        &mut self,
        entry: HistoryEntry,
        limit: usize,
        spares: &Lists<HistoryEntry>,
    ) -> Option<HistoryEntry> {
        if limit == 0 {
            return Some(entry);
        }
        if self.entries.len() < limit {
            spares.make_room(&mut self.entries);
            self.entries.push(entry);
            return None;
        }
        let place = self.oldest as usize % self.entries.len();
        self.oldest = u32::try_from((place + 1) % self.entries.len()).unwrap_or_default();
        self.entries
            .get_mut(place)
            .map(|old| std::mem::replace(old, entry))
    }

    fn iter(&self) -> impl Iterator<Item = &HistoryEntry> {
        let (newer, older) = self
            .entries
            .split_at((self.oldest as usize).min(self.entries.len()));
        older.iter().chain(newer)
    }
}

/// Two rings of at most `limit` entries each.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    recent: RingBuffer,
    problems: RingBuffer,
}

impl History {
    /// Makes room for what every resource will have: its latest entries, as
    /// many as are usual.
    pub(super) fn reserve(&mut self, limit: usize) {
        let entries = &mut self.recent.entries;
        entries.reserve_exact(limit.min(USUAL).saturating_sub(entries.len()));
    }

    pub(super) fn push(&mut self, entry: HistoryEntry, limit: usize, spares: &Lists<HistoryEntry>) {
        if let Some(gone) = self.recent.push(entry, limit, spares)
            && gone.verdict().reason().is_some()
        {
            self.problems.push(gone, limit, spares);
        }
    }

    /// Oldest first, without a gap.
    pub(super) fn recent(&self) -> impl Iterator<Item = &HistoryEntry> {
        self.recent.iter()
    }

    /// Oldest first: the older problems, then everything recent.
    pub(super) fn iter(&self) -> impl Iterator<Item = &HistoryEntry> {
        self.problems.iter().chain(self.recent.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Reason, Report, Timestamp, Verdict};
    use crate::state::spare::Spares;
    use proptest::prelude::*;

    fn entry(second: i64, good: bool) -> HistoryEntry {
        let time = Timestamp::from_second(second).unwrap();
        let verdict = if good {
            Verdict::Success
        } else {
            Verdict::Problem(Reason::Dns)
        };
        HistoryEntry::of(&Report::without_request(time, time, verdict, ""), None)
    }

    proptest! {
        #[test]
        fn keeps_the_last_and_the_problems_before_them(
            verdicts in prop::collection::vec(any::<bool>(), 0..60),
            limit in 0..8_usize,
        ) {
            let (mut history, spares) = (History::default(), Spares::new());
            for (second, good) in (0..).zip(&verdicts) {
                history.push(entry(second, *good), limit, &spares.older);
            }
            let split = verdicts.len().saturating_sub(limit);
            let mut expected: Vec<i64> = (0..)
                .zip(&verdicts[..split])
                .filter(|(_, good)| !**good)
                .map(|(second, _)| second)
                .collect();
            expected.drain(..expected.len().saturating_sub(limit));
            expected.extend((0..).zip(&verdicts).skip(split).map(|(second, _)| second));
            let kept: Vec<i64> = history.iter().map(|e| e.finished().as_second()).collect();
            prop_assert_eq!(kept, expected);
            prop_assert!(history.recent.entries.len() <= limit);
        }
    }
}
