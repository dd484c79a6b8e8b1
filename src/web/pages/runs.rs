//! The last probes, those that ended alike together: nine equal failures are
//! one line.

use std::time::Duration;

use super::time::At;
use super::words;
use crate::model::Timestamp;
use crate::web::view::EntryView;

/// Neighbours that ended alike.
pub(super) struct Run {
    pub(super) count: usize,
    pub(super) first: At,
    pub(super) last: At,
    /// `success`, `failure`, `inconclusive`.
    pub(super) outcome: &'static str,
    pub(super) class: &'static str,
    /// The reason in words, and its id.
    pub(super) reason: Option<(&'static str, &'static str)>,
    pub(super) http_status: Option<u16>,
    pub(super) latency: String,
    pub(super) detail: String,
    pub(super) broke_in: Option<&'static str>,
    /// Of the last of them.
    pub(super) request_id: Option<String>,
    pub(super) client_request_id: Option<String>,
    /// Probes between this run and the one before it are not kept.
    pub(super) is_after_a_gap: bool,
}

/// The runs, the latest first.
pub(super) fn runs(entries: &[EntryView], interval: Duration, now: Timestamp) -> Vec<Run> {
    let mut groups: Vec<Vec<&EntryView>> = Vec::new();
    for entry in entries {
        match groups.last_mut() {
            Some(group)
                if group
                    .last()
                    .is_some_and(|last| alike(last, entry, interval)) =>
            {
                group.push(entry);
            }
            _ => groups.push(vec![entry]),
        }
    }
    let mut runs: Vec<Run> = Vec::with_capacity(groups.len());
    let mut before: Option<&EntryView> = None;
    for group in groups {
        let Some((first, last)) = group.first().zip(group.last()) else {
            continue;
        };
        let is_after_a_gap =
            before.is_some_and(|before| !before.is_recent && is_late(before, first, interval));
        runs.push(run(&group, first, last, now, is_after_a_gap));
        before = Some(last);
    }
    runs.reverse();
    runs
}

/// Of the older problems the successes between them are gone.
fn is_late(before: &EntryView, entry: &EntryView, interval: Duration) -> bool {
    let passed = entry.finished.duration_since(before.finished);
    passed.as_secs_f64() > interval.as_secs_f64() * 2.5
}

fn alike(before: &EntryView, entry: &EntryView, interval: Duration) -> bool {
    let what = |entry: &EntryView| (entry.reason, entry.http_status, entry.broke_in);
    what(before) == what(entry)
        && before.repeated == entry.repeated
        && (before.reason.is_none() || before.detail == entry.detail)
        && (before.is_recent || !is_late(before, entry, interval))
}

fn run(
    group: &[&EntryView],
    first: &EntryView,
    last: &EntryView,
    now: Timestamp,
    is_after_a_gap: bool,
) -> Run {
    let latencies = || group.iter().filter_map(|entry| entry.latency_seconds);
    let least = latencies().fold(f64::INFINITY, f64::min);
    let most = latencies().fold(0.0, f64::max);
    let (least, most) = (
        least.is_finite().then(|| words::latency(least)),
        words::latency(most),
    );
    let mut detail = last.detail.clone().unwrap_or_default();
    if let Some(repeated) = last.repeated {
        let why = match repeated {
            "fresh_token" => "sent twice, the second time with a fresh token",
            _ => "sent twice, the second time on a new connection",
        };
        if !detail.is_empty() {
            detail.push_str("; ");
        }
        detail.push_str(why);
    }
    Run {
        count: group.len(),
        first: At::from(first.finished, last.finished, now),
        last: At::of(last.finished, now),
        outcome: last.outcome,
        class: match last.outcome {
            "success" => "up",
            "failure" => "down",
            _ => "unsure",
        },
        reason: last
            .reason
            .and_then(words::reason_of)
            .map(|reason| (words::reason(reason), reason.as_str())),
        http_status: last.http_status,
        latency: match least {
            Some(least) if least == most => most,
            Some(least) => match (least.strip_suffix(" ms"), most.ends_with(" ms")) {
                (Some(least), true) => format!("{least} to {most}"),
                _ => format!("{least} to {most}"),
            },
            None => String::new(),
        },
        detail,
        broke_in: last.broke_in.map(words::phase_of),
        request_id: last.request_id.clone().filter(|_| !last.is_our_id),
        client_request_id: last.client_request_id.clone(),
        is_after_a_gap,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(second: i64, reason: Option<&'static str>, is_recent: bool) -> EntryView {
        EntryView {
            finished: Timestamp::from_second(1_764_028_800 + second).unwrap(),
            outcome: if reason.is_some() {
                "failure"
            } else {
                "success"
            },
            reason,
            http_status: Some(200),
            latency_seconds: Some(0.1 + second as f64 / 1e3),
            phases_seconds: None,
            broke_in: None,
            repeated: None,
            request_id: Some(second.to_string()),
            is_our_id: false,
            client_request_id: None,
            is_recent,
            detail: None,
        }
    }

    #[test]
    fn equal_probes_are_one_line() {
        let mut entries = Vec::new();
        // Two outages, of which only the failures are kept, then the latest.
        entries.extend((0..3).map(|n| entry(n * 10, Some("dns"), false)));
        entries.extend((0..2).map(|n| entry(1_000 + n * 10, Some("dns"), false)));
        entries.extend((0..4).map(|n| entry(2_000 + n * 10, None, true)));
        entries.extend((0..9).map(|n| entry(2_040 + n * 10, Some("timeout"), true)));
        let now = Timestamp::from_second(1_764_028_800 + 3_000).unwrap();
        let runs = runs(&entries, Duration::from_secs(10), now);
        let found: Vec<_> = runs
            .iter()
            .map(|run| (run.count, run.reason.map(|(_, id)| id), run.is_after_a_gap))
            .collect();
        assert_eq!(
            found,
            [
                (9, Some("timeout"), false),
                (4, None, true),
                (2, Some("dns"), true),
                (3, Some("dns"), false)
            ]
        );
        let both = format!("{} to {}", runs[0].first, runs[0].last);
        assert!(both.contains(">00:34:00</time> to <time"), "{both}");
        assert!(both.ends_with(">00:35:20 UTC</time>"), "{both}");
        assert_eq!(runs[0].request_id.as_deref(), Some("2120"), "of the last");
        assert_eq!(runs[1].latency, "2,100 to 2,130 ms");
    }
}
