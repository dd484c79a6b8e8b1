//! What the pages say about a resource, read from the state at one moment.

use crate::model::{Clock, Outcome, Reason, Resource, Timestamp};
use crate::state::{ClosedGates, Entry, ResourceSlot};

/// What a person wants to know first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// The last conclusive probe failed.
    Down,
    /// There is no fresh conclusive probe.
    Unknown,
    /// The last conclusive probe succeeded.
    Up,
}

impl Standing {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

/// One resource in a table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) standing: Standing,
    /// When the standing began, as far as the history tells.
    pub(super) since: Option<Since>,
    /// Why the last probe did not succeed.
    pub(super) problem: Option<Reason>,
    /// The sentence that goes with it.
    pub(super) detail: String,
    /// Seconds.
    pub(super) latency: Option<f64>,
    /// When the last probe ended.
    pub(super) last_probe: Option<Timestamp>,
}

/// The beginning of a standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Since {
    pub(super) at: Timestamp,
    /// The history does not reach back to the change.
    pub(super) at_least: bool,
}

impl Row {
    pub(super) fn of(slot: &ResourceSlot, clock: &Clock, gates: &ClosedGates) -> Self {
        let resource: &Resource = slot.resource();
        let interval = resource.interval;
        let gate_closed = gates.until(slot.gate_key()).is_some();
        let now = clock.moment();
        slot.read(|record| {
            let conclusion = record.fresh_conclusion(interval, now);
            let standing = match conclusion {
                Some((conclusion, _)) if conclusion.up => Standing::Up,
                Some(_) => Standing::Down,
                None => Standing::Unknown,
            };
            let problem = record.problem(interval, now, gate_closed);
            let history: Vec<&Entry> = record.history().collect();
            Self {
                standing,
                since: since(standing, &history),
                problem,
                detail: problem
                    .and_then(|_| history.last())
                    .map(|entry| entry.detail().to_owned())
                    .unwrap_or_default(),
                latency: record.fresh_good(interval, now).map(|good| good.latency()),
                last_probe: record.last().map(|last| last.finished.timestamp()),
            }
        })
    }
}

/// The first of the conclusive entries at the end that all say the same.
fn since(standing: Standing, history: &[&Entry]) -> Option<Since> {
    let wanted = match standing {
        Standing::Up => Outcome::Success,
        Standing::Down => Outcome::Failure,
        Standing::Unknown => return None,
    };
    let mut first = None;
    let conclusive = history
        .iter()
        .rev()
        .filter(|entry| entry.verdict().outcome() != Outcome::Inconclusive);
    for entry in conclusive {
        if entry.verdict().outcome() != wanted {
            return first.map(|at| Since {
                at,
                at_least: false,
            });
        }
        first = Some(entry.finished());
    }
    first.map(|at| Since { at, at_least: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Report, Verdict};

    fn history(verdicts: &[Verdict]) -> Vec<Entry> {
        (1_i64..)
            .zip(verdicts)
            .map(|(second, verdict)| {
                let time = Timestamp::from_second(second).unwrap();
                Entry::of(&Report::without_request(time, time, *verdict, ""), None)
            })
            .collect()
    }

    #[test]
    fn since_the_change() {
        const GOOD: Verdict = Verdict::Success;
        const BAD: Verdict = Verdict::Problem(Reason::Dns);
        const VAGUE: Verdict = Verdict::Problem(Reason::Throttled);
        let cases = [
            (
                &[GOOD, BAD, VAGUE, BAD][..],
                Standing::Down,
                Some((2, false)),
            ),
            (&[BAD, VAGUE, GOOD, VAGUE], Standing::Up, Some((3, false))),
            (&[GOOD, VAGUE, GOOD], Standing::Up, Some((1, true))),
            (&[VAGUE], Standing::Unknown, None),
            (&[], Standing::Unknown, None),
        ];
        for (verdicts, standing, expected) in cases {
            let history = history(verdicts);
            let entries: Vec<&Entry> = history.iter().collect();
            let since = since(standing, &entries);
            let found = since.map(|since| (since.at.as_second(), since.at_least));
            assert_eq!(found, expected, "{verdicts:?}");
        }
    }
}
