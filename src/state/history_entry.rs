//! One report as the history keeps it: 56 bytes, and a text only where there is
//! something to say, shared by neighbours that say the same.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::packed::{Micros, PackedId};
use crate::model::{Phase, Phases, Reason, Repeat, Report, Timestamp, Verdict};

/// What is left of one report.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    finished: Micros,
    guid: [u8; 16],
    words: Option<Arc<Words>>,
    /// Microseconds, in the order of [`Phase::ALL`].
    phases: [u32; 5],
    status: u16,
    /// Index of the reason, or [`SUCCESS`].
    reason: u8,
    flags: u8,
}

/// What is rarely there or mostly the same.
#[derive(Debug, PartialEq, Eq)]
struct Words {
    detail: Box<str>,
    /// An id that is no GUID.
    id: Option<PackedId>,
}

/// What many resources say alike: "answered", or what an outage makes of all of
/// them. One copy for all, for ten thousand small ones also hold on to the
/// memory around them.
static COMMON: Mutex<Vec<Arc<Words>>> = Mutex::new(Vec::new());
/// Different words in [`COMMON`].
const MOST_COMMON: usize = 32;

impl Words {
    /// These words, the common copy where there is one.
    fn shared(self) -> Arc<Self> {
        if self.id.is_some() {
            return Arc::new(self);
        }
        let mut common = COMMON.lock();
        if let Some(same) = common.iter().find(|other| ***other == self) {
            return same.clone();
        }
        if common.len() >= MOST_COMMON {
            common.retain(|words| Arc::strong_count(words) > 1);
        }
        let words = Arc::new(self);
        if common.len() < MOST_COMMON {
            common.push(words.clone());
        }
        words
    }
}

const SUCCESS: u8 = u8::MAX;
const HAS_GUID: u8 = 1;
const HAS_PHASES: u8 = 2;
const FRESH_TOKEN: u8 = 4;
const NEW_CONNECTION: u8 = 8;
/// The id is ours: the service named none.
const OUR_ID: u8 = 16;
/// One more than the place of the phase in [`Phase::ALL`], in the upper bits.
const BROKE_SHIFT: u8 = 5;

impl HistoryEntry {
    /// Packs a report. Words that one of `others` has already are shared with it.
    #[must_use]
    pub fn of<'a>(report: &Report, others: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut flags = 0;
        let id = report
            .exchange
            .request_id
            .as_ref()
            .or(report.exchange.client_request_id.as_ref())
            .map(PackedId::of);
        if report.exchange.request_id.is_none() {
            flags |= OUR_ID;
        }
        let guid = id.as_ref().and_then(PackedId::as_guid);
        let words = Words {
            detail: report.detail.clone(),
            id: id.filter(|id| id.as_guid().is_none()),
        };
        let words = if words.detail.is_empty() && words.id.is_none() {
            None
        } else {
            let mut others = others.into_iter().filter_map(|entry| entry.words.as_ref());
            let same = others.find(|other| ***other == words).cloned();
            Some(same.unwrap_or_else(|| words.shared()))
        };
        if guid.is_some() {
            flags |= HAS_GUID;
        }
        let phases = report.exchange.phases.map(|phases| {
            flags |= HAS_PHASES;
            Phase::ALL.map(|phase| micros(phases.get(phase)))
        });
        match report.exchange.repeat {
            Some(Repeat::FreshToken) => flags |= FRESH_TOKEN,
            Some(Repeat::NewConnection) => flags |= NEW_CONNECTION,
            None => {}
        }
        for (number, phase) in (1..).zip(Phase::ALL) {
            if report.exchange.broke_in == Some(phase) {
                flags |= number << BROKE_SHIFT;
            }
        }
        Self {
            finished: Micros::of(report.finished),
            guid: guid.unwrap_or_default(),
            words,
            phases: phases.unwrap_or_default(),
            status: report.exchange.status.unwrap_or_default(),
            reason: report
                .verdict
                .reason()
                .and_then(|reason| u8::try_from(reason.index()).ok())
                .unwrap_or(SUCCESS),
            flags,
        }
    }

    /// When the probe ended, to the microsecond.
    #[must_use]
    pub fn finished(&self) -> Timestamp {
        self.finished.timestamp()
    }

    /// Success or the reason.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        Reason::ALL
            .get(usize::from(self.reason))
            .map_or(Verdict::Success, |reason| Verdict::Problem(*reason))
    }

    /// Phases of the measured request, to the microsecond; `None` when no
    /// request was sent.
    #[must_use]
    pub fn phases(&self) -> Option<Phases> {
        let micros = self.phase_micros()?;
        let mut phases = Phases::default();
        for (phase, micros) in Phase::ALL.into_iter().zip(micros) {
            phases.set(phase, Duration::from_micros(micros.into()));
        }
        Some(phases)
    }

    pub(super) const fn phase_micros(&self) -> Option<[u32; 5]> {
        if self.flags & HAS_PHASES == 0 {
            None
        } else {
            Some(self.phases)
        }
    }

    /// The latency: the sum of the phases.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        self.phases().map(|phases| phases.total())
    }

    /// HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        (self.status != 0).then_some(self.status)
    }

    /// The service's request id, else ours.
    #[must_use]
    pub fn request_id(&self) -> Option<PackedId> {
        if self.flags & HAS_GUID == 0 {
            self.words.as_ref().and_then(|words| words.id.clone())
        } else {
            Some(PackedId::from_guid(self.guid))
        }
    }

    /// Whether [`Self::request_id`] is ours, because the service named none.
    #[must_use]
    pub const fn is_our_id(&self) -> bool {
        self.flags & OUR_ID != 0
    }

    /// One sentence for people; empty if there is nothing to say.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.words.as_ref().map_or("", |words| &words.detail)
    }

    /// The phase in which it broke or ran out of time.
    #[must_use]
    pub fn broke_in(&self) -> Option<Phase> {
        let number = usize::from(self.flags >> BROKE_SHIFT);
        Phase::ALL.get(number.checked_sub(1)?).copied()
    }

    /// Whether the request was sent twice, and why.
    #[must_use]
    pub const fn repeat(&self) -> Option<Repeat> {
        if self.flags & FRESH_TOKEN != 0 {
            Some(Repeat::FreshToken)
        } else if self.flags & NEW_CONNECTION != 0 {
            Some(Repeat::NewConnection)
        } else {
            None
        }
    }
}

/// Whole microseconds; more than 71 minutes count as that.
pub(super) fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Exchange;
    use crate::model::RequestId;

    fn report() -> Report {
        let time = Timestamp::from_microsecond(1_764_028_800_123_456).unwrap();
        Report::without_request(time, time, Verdict::Success, "")
    }

    #[test]
    fn small() {
        assert_eq!(size_of::<HistoryEntry>(), 56);
    }

    #[test]
    fn what_many_say_is_kept_once() {
        let said = |detail: &str| {
            let report = Report {
                detail: detail.into(),
                ..report()
            };
            HistoryEntry::of(&report, []).words.unwrap()
        };
        let [one, other] = [said("answered"), said("answered")];
        assert!(Arc::ptr_eq(&one, &other));
        for number in 0..1_000 {
            said(&format!("something of its own, number {number}"));
        }
        assert!(COMMON.lock().len() <= MOST_COMMON);
        assert!(Arc::ptr_eq(&one, &said("answered")));
    }

    #[test]
    fn everything_comes_back() {
        let mut phases = Phases::default();
        for (number, phase) in (1..).zip(Phase::ALL) {
            phases.set(phase, Duration::from_micros(number));
        }
        for reason in Reason::ALL {
            for broke_in in Phase::ALL {
                let report = Report {
                    exchange: Exchange {
                        phases: Some(phases),
                        broke_in: Some(broke_in),
                        status: Some(503),
                        request_id: RequestId::parse("81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f"),
                        repeat: Some(Repeat::NewConnection),
                        ..Exchange::default()
                    },
                    verdict: Verdict::Problem(reason),
                    detail: "the service is unwell".into(),
                    ..report()
                };
                let entry = HistoryEntry::of(&report, None);
                assert_eq!(entry.finished(), report.finished);
                assert_eq!(entry.verdict(), report.verdict);
                assert_eq!(entry.phases(), report.exchange.phases);
                assert_eq!(entry.broke_in(), report.exchange.broke_in);
                assert_eq!(entry.status(), report.exchange.status);
                assert_eq!(entry.detail(), &*report.detail);
                assert_eq!(entry.repeat(), report.exchange.repeat);
                assert!(!entry.is_our_id());
                assert_eq!(
                    entry.request_id().map(|id| id.to_string()),
                    report.exchange.request_id.map(|id| id.to_string())
                );
            }
        }
    }

    #[test]
    fn nothing_comes_back_as_nothing() {
        let entry = HistoryEntry::of(&report(), None);
        assert_eq!(entry.verdict(), Verdict::Success);
        assert_eq!(entry.phases(), None);
        assert_eq!(entry.broke_in(), None);
        assert_eq!(entry.status(), None);
        assert_eq!(entry.request_id(), None);
        assert_eq!(entry.repeat(), None);
        assert!(entry.words.is_none());
    }

    #[test]
    fn our_id_stands_in_and_odd_ids_are_kept() {
        let report = Report {
            exchange: Exchange {
                client_request_id: RequestId::parse("Odd-1"),
                ..Exchange::default()
            },
            ..report()
        };
        let entry = HistoryEntry::of(&report, None);
        assert_eq!(entry.request_id().unwrap().to_string(), "Odd-1");
        assert!(entry.is_our_id());
    }

    #[test]
    fn equal_words_are_kept_once() {
        let report = Report {
            detail: "refused".into(),
            ..report()
        };
        let first = HistoryEntry::of(&report, None);
        let second = HistoryEntry::of(&report, Some(&first));
        assert!(Arc::ptr_eq(
            first.words.as_ref().unwrap(),
            second.words.as_ref().unwrap()
        ));
    }
}
