use super::*;
use crate::model::{Clock, Exchange, Phases, RequestId, Sample, Step};
use crate::state::StepLatency;

/// What one resource may take, all switches on and everything that can be
/// filled filled: 10,000 of them must fit beside the rest in 64 MB. The last 24
/// hours are 240 bytes of it; problems with their ids, which most never have,
/// are 1,300; three readings and two steps, which most kinds do not have, are 270.
const MOST: usize = 3_984;
/// What an allocation takes beyond what was asked for.
const OVERHEAD: usize = 16;

/// A kind that reads numbers in several steps.
fn of_folders() -> &'static Info {
    let mut kinds = crate::kinds::ALL.iter();
    kinds.find(|info| info.name == "mailbox_folder").unwrap()
}

#[tokio::test]
async fn a_full_record_is_small() {
    let clock = Clock::following_tokio(Timestamp::UNIX_EPOCH);
    let bounds: Arc<[f64]> = crate::model::DEFAULT_BUCKETS.into();
    let mut record = Record::default();
    record.prepare(of_folders(), Some(&bounds), 20);
    let id = RequestId::parse("81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f");
    for number in 0..200_u64 {
        let verdict = match number % 4 {
            0 => Verdict::Problem(Reason::Timeout),
            1 => Verdict::Problem(Reason::Throttled),
            _ => Verdict::Success,
        };
        let report = Report {
            exchange: Exchange {
                phases: Some(Phases {
                    // Every third bucket or so is hit.
                    processing: Duration::from_millis(100 + 90 * (number % 5)),
                    ..Phases::default()
                }),
                request_id: id.clone(),
                client_request_id: id.clone(),
                ..Exchange::default()
            },
            ..Report::without_request(clock.now(), clock.now(), verdict, "")
        };
        record.add(&report, clock.moment(), 20, &Spares::new());
    }
    let entries = record.history().count();
    assert_eq!(entries, 40);
    let histogram = record.histogram().unwrap();
    let heap = [
        entries * size_of::<HistoryEntry>(),
        record.problems.capacity() * size_of::<ProblemCount>(),
        size_of::<Histogram>(),
        size_of_val(histogram.counts()),
        histogram.exemplar_bytes(),
        record.asked.capacity() * size_of::<(Micros, PackedId)>(),
        size_of::<Found>(),
        record.found.as_ref().unwrap().readings.capacity() * size_of::<Sample>(),
        record.found.as_ref().unwrap().steps.capacity() * size_of::<StepLatency>(),
    ];
    let total = size_of::<Record>()
        + heap.iter().sum::<usize>()
        + (heap.len() + 1) * OVERHEAD
        + size_of::<crate::state::ResourceSlot>();
    assert!(
        total < MOST,
        "{total} of {MOST}: {} + {heap:?}",
        size_of::<Record>()
    );
}
/// What is found is written over what was found before: whatever is allocated between
/// the short-lived buffers of ten thousand probes pins their memory, megabytes of it.
#[tokio::test]
async fn what_is_found_stays_in_its_place() {
    let clock = Clock::following_tokio(Timestamp::UNIX_EPOCH);
    let mut record = Record::default();
    record.prepare(of_folders(), None, 20);
    let place = |record: &Record| {
        let found = record.found.as_deref().unwrap();
        (
            std::ptr::from_ref(found).addr(),
            found.readings.as_ptr().addr(),
            found.steps.as_ptr().addr(),
        )
    };
    let (before, minute) = (place(&record), Duration::from_secs(60));
    assert!(record.fresh_found(minute, clock.moment()).is_none());
    for value in [3.0, 4.0] {
        let step = |name| Step {
            name,
            phases: Phases {
                processing: Duration::from_millis(250),
                ..Phases::default()
            },
        };
        let report = Report {
            readings: (0..3).map(|one| Sample::plain(one, value)).collect(),
            steps: Box::new([step("counts"), step("oldest")]),
            ..Report::without_request(clock.now(), clock.now(), Verdict::Success, "")
        };
        record.add(&report, clock.moment(), 20, &Spares::new());
        assert_eq!(place(&record), before);
        let found = record.fresh_found(minute, clock.moment()).unwrap();
        assert_eq!(*found.readings, *report.readings);
        assert_eq!(
            found.steps.iter().map(|step| step.name).collect::<Vec<_>>(),
            ["counts", "oldest"]
        );
        assert!(
            found
                .steps
                .iter()
                .all(|step| (step.seconds() - 0.25).abs() < 1e-9)
        );
    }
    // A success that finds nothing leaves nothing to be shown.
    let empty = Report::without_request(clock.now(), clock.now(), Verdict::Success, "");
    record.add(&empty, clock.moment(), 20, &Spares::new());
    assert!(record.fresh_found(minute, clock.moment()).is_none());
    assert_eq!(place(&record), before);
}

#[test]
fn our_ids_of_the_latest_runs_of_problems_are_kept() {
    let mut record = Record::default();
    let clock = Clock::following_tokio(Timestamp::UNIX_EPOCH);
    let mut probe = |second: i64, reason: Reason| {
        let at = Timestamp::from_second(second).unwrap();
        let id = format!("81170202-4f3e-4c4b-9e3c-{second:012}");
        let report = Report {
            exchange: Exchange {
                client_request_id: RequestId::parse(&id),
                ..Exchange::default()
            },
            ..Report::without_request(at, at, Verdict::Problem(reason), "")
        };
        record.add(&report, clock.moment(), 20, &Spares::new());
        record.clone()
    };
    for second in 1..=3 {
        probe(second, Reason::Timeout);
    }
    let record = probe(4, Reason::Dns);
    let kept = |record: &Record, second| {
        let at = Timestamp::from_second(second).unwrap();
        record.client_request_id(at).is_some()
    };
    assert_eq!(
        [1, 2, 3, 4].map(|second| kept(&record, second)),
        [false, false, true, true]
    );
    for second in 5..100 {
        let reasons = [Reason::Timeout, Reason::Dns];
        probe(second, reasons[usize::try_from(second % 2).unwrap()]);
    }
    let record = probe(100, Reason::Locked);
    assert_eq!(record.asked.len(), MOST_ASKED);
    assert!(kept(&record, 100) && kept(&record, 97) && !kept(&record, 96));
}

#[test]
fn since_the_change() {
    const GOOD: Verdict = Verdict::Success;
    const BAD: Verdict = Verdict::Problem(Reason::Dns);
    const VAGUE: Verdict = Verdict::Problem(Reason::Throttled);
    let clock = Clock::following_tokio(Timestamp::UNIX_EPOCH);
    let cases = [
        (&[GOOD, BAD, VAGUE, BAD][..], Some((2, false))),
        (&[BAD, VAGUE, GOOD, VAGUE], Some((3, false))),
        (&[GOOD, VAGUE, GOOD], Some((1, true))),
        (&[VAGUE], None),
        (&[], None),
    ];
    for (verdicts, expected) in cases {
        let mut record = Record::default();
        for (second, verdict) in (1..).zip(verdicts) {
            let at = Timestamp::from_second(second).unwrap();
            let report = Report::without_request(at, at, *verdict, "");
            // However long ago that is: the history has long forgotten it.
            record.add(&report, clock.moment(), 1, &Spares::new());
        }
        let since = record.conclusive.map(|conclusive| {
            let second = conclusive.since.timestamp().as_second();
            (second, conclusive.since_at_least)
        });
        assert_eq!(since, expected, "{verdicts:?}");
    }
}
