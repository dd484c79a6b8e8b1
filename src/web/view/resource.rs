//! What is said about one resource.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::{Reader, UpState};
use crate::kinds::{Impact, PlannedDowntime, Resource};
use crate::model::{Moment, Outcome, Phase, Phases, Reason, Repeat, Sample, Timestamp};
use crate::state::{ClosedGates, Found, HistoryEntry, Micros, Record, ResourceSlot, State};

/// One resource as it stood at one moment.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ResourceView {
    pub(in crate::web) name: String,
    pub(in crate::web) kind: &'static str,
    /// The kind for people.
    #[serde(skip)]
    pub(in crate::web) title: &'static str,
    /// Whether users feel its failure.
    #[serde(skip)]
    pub(in crate::web) impact: Impact,
    /// The URL of a site, the user of a mailbox; for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) target: Option<String>,
    pub(in crate::web) account: String,
    pub(in crate::web) labels: BTreeMap<String, String>,
    pub(in crate::web) mode: &'static str,
    pub(in crate::web) interval_seconds: f64,
    pub(in crate::web) timeout_seconds: f64,
    /// Of the last conclusive probe, while that is fresh.
    pub(in crate::web) state: UpState,
    /// When that began, as far as this process knows.
    pub(in crate::web) since: Option<Timestamp>,
    /// It was so from the first probe on: it may have begun earlier.
    pub(in crate::web) since_at_least: bool,
    /// Present while the last probe did not succeed.
    pub(in crate::web) problem: Option<ProbeProblemView>,
    /// Of the last probe, if it was a success.
    pub(in crate::web) latency_seconds: Option<f64>,
    /// The same, in phases.
    pub(in crate::web) phases_seconds: Option<BTreeMap<&'static str, f64>>,
    pub(in crate::web) server_latency_seconds: Option<f64>,
    /// Numbers that the answer of the last success carried.
    pub(in crate::web) readings: Vec<ReadingView>,
    pub(in crate::web) http_status: Option<u16>,
    pub(in crate::web) consecutive_failures: Option<u32>,
    pub(in crate::web) last_probe: Option<Timestamp>,
    pub(in crate::web) last_success: Option<Timestamp>,
    /// Why a downtime of now is planned; empty where it is not.
    pub(in crate::web) planned: Vec<PlannedView>,
    /// Microsoft asked us to wait until then.
    pub(in crate::web) throttled_until: Option<Timestamp>,
    /// From then on nothing can be probed unless a person acts.
    pub(in crate::web) token_expiry: Option<Timestamp>,
    /// By outcome, since this process began.
    pub(in crate::web) probes: BTreeMap<&'static str, u64>,
    /// Oldest first; only where one resource is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) history: Option<Vec<EntryView>>,
    /// Only where one resource is asked for, by an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) permissions: Option<Vec<PermissionView>>,
}

/// Why a probe did not succeed.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ProbeProblemView {
    pub(in crate::web) outcome: &'static str,
    pub(in crate::web) reason: &'static str,
    /// One sentence for people; for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) detail: Option<String>,
    /// When the probe ended that had it last.
    pub(in crate::web) finished: Option<Timestamp>,
    /// The phase in which it broke or ran out of time.
    pub(in crate::web) broke_in: Option<&'static str>,
    /// The service's request id, which Microsoft's support asks for.
    pub(in crate::web) request_id: Option<String>,
    /// Ours; for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) client_request_id: Option<String>,
}

/// A window that makes a downtime of now a planned one.
#[derive(Debug, Serialize)]
pub(in crate::web) struct PlannedView {
    pub(in crate::web) window: String,
    /// `maintenance` or `service_hours`.
    #[serde(rename = "type")]
    pub(in crate::web) kind: &'static str,
    /// Absent if it is for ever.
    pub(in crate::web) until: Option<Timestamp>,
}

impl PlannedView {
    fn of(planned: &PlannedDowntime) -> Self {
        Self {
            window: planned.window.name.to_string(),
            kind: planned.window.r#type.as_str(),
            until: planned.until,
        }
    }
}

/// One probe of the past.
#[derive(Debug, Serialize)]
pub(in crate::web) struct EntryView {
    pub(in crate::web) finished: Timestamp,
    pub(in crate::web) outcome: &'static str,
    pub(in crate::web) reason: Option<&'static str>,
    pub(in crate::web) http_status: Option<u16>,
    pub(in crate::web) latency_seconds: Option<f64>,
    pub(in crate::web) phases_seconds: Option<BTreeMap<&'static str, f64>>,
    /// The phase in which it broke or ran out of time.
    pub(in crate::web) broke_in: Option<&'static str>,
    /// Why the request was sent twice.
    pub(in crate::web) repeated: Option<&'static str>,
    /// What Microsoft's support asks for; ours where the service named none.
    pub(in crate::web) request_id: Option<String>,
    #[serde(skip)]
    pub(in crate::web) is_our_id: bool,
    /// Ours, as far as it is kept; for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) client_request_id: Option<String>,
    /// It is one of the latest, between which nothing is missing.
    #[serde(skip)]
    pub(in crate::web) is_recent: bool,
    /// For operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) detail: Option<String>,
}

/// A number that an answer carried beside the verdict.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ReadingView {
    /// The metric that shows it.
    pub(in crate::web) metric: &'static str,
    pub(in crate::web) labels: BTreeMap<&'static str, String>,
    pub(in crate::web) value: f64,
}

impl ReadingView {
    fn of(resource: &Resource, found: &Found) -> Vec<Self> {
        let declared = resource.kind.info().readings;
        let view = |sample: &Sample| {
            let reading = declared.get(usize::from(sample.reading))?;
            let values = sample.labels.iter().map(ToString::to_string);
            Some(Self {
                metric: reading.metric,
                labels: reading.labels.iter().copied().zip(values).collect(),
                value: sample.value,
            })
        };
        found.readings.iter().filter_map(view).collect()
    }
}

/// A permission that the resource needs.
#[derive(Debug, Serialize)]
pub(in crate::web) struct PermissionView {
    /// As the portal calls the API.
    pub(in crate::web) api: Cow<'static, str>,
    /// `delegated` or `application`.
    #[serde(rename = "type")]
    pub(in crate::web) held: &'static str,
    pub(in crate::web) name: Cow<'static, str>,
    /// Others that do as well.
    pub(in crate::web) or: &'static [&'static str],
    pub(in crate::web) reason: &'static str,
}

/// Whether a resource is up, as far as that is enough to sort by.
pub(in crate::web) fn up_state(record: &Record, interval: Duration, now: Moment) -> UpState {
    match record.fresh_conclusive(interval, now) {
        Some((conclusive, _)) if conclusive.up => UpState::Up,
        Some(_) => UpState::Down,
        None => UpState::Unknown,
    }
}

impl ResourceView {
    /// Without history and permissions, for lists.
    pub(in crate::web) fn of(
        slot: &ResourceSlot,
        state: &State,
        gates: &ClosedGates,
        reader: Reader,
    ) -> Self {
        let now = state.clock().moment();
        let resource: &Resource = slot.resource();
        let interval = resource.interval;
        let throttled_until = gates.until(slot.gate_key());
        let account = slot.account().snapshot();
        let windows = state.board().windows.clone();
        let planned = windows.planned(&resource.name, now.civil);
        slot.read(|record| {
            let conclusive = record.fresh_conclusive(interval, now);
            let up_state = up_state(record, interval, now);
            let good = record.fresh_success(interval, now);
            let reason = record.problem(interval, now, throttled_until.is_some());
            Self {
                name: resource.name.to_string(),
                kind: resource.kind.as_str(),
                title: resource.kind.info().title,
                impact: resource.impact,
                target: reader.secluded(|| resource.kind.target().into_owned()),
                account: resource.account.name.to_string(),
                labels: resource
                    .labels
                    .iter()
                    .map(|(name, value)| (name.to_string(), value.to_string()))
                    .collect(),
                mode: resource.mode.as_str(),
                interval_seconds: interval.as_secs_f64(),
                timeout_seconds: resource.timeout.as_secs_f64(),
                state: up_state,
                since: conclusive.map(|(last, _)| last.since.timestamp()),
                since_at_least: conclusive.is_some_and(|(last, _)| last.since_at_least),
                problem: reason.map(|reason| ProbeProblemView::of(reason, record, reader)),
                latency_seconds: good.map(|good| good.latency()),
                phases_seconds: good.map(|good| {
                    let phases = Phase::ALL.into_iter();
                    phases.map(|p| (p.as_str(), good.phase(p))).collect()
                }),
                server_latency_seconds: good
                    .and_then(|good| good.server_latency)
                    .map(|micros| crate::state::seconds(micros.into())),
                readings: record
                    .fresh_found(interval, now)
                    .map(|found| ReadingView::of(resource, found))
                    .unwrap_or_default(),
                http_status: record
                    .fresh_last(interval, now)
                    .and_then(|last| last.status),
                consecutive_failures: conclusive.map(|(_, failures)| failures),
                last_probe: record.last().map(|last| last.finished.timestamp()),
                last_success: record.last_success().map(Micros::timestamp),
                planned: planned.iter().map(PlannedView::of).collect(),
                throttled_until,
                token_expiry: account.token_expiry(resource.audience().as_ref()),
                probes: Outcome::ALL
                    .into_iter()
                    .zip(record.outcomes())
                    .map(|(outcome, count)| (outcome.as_str(), count))
                    .collect(),
                history: None,
                permissions: None,
            }
        })
    }

    /// With history and permissions, where one resource is asked for.
    pub(in crate::web) fn in_full(slot: &ResourceSlot, state: &State, reader: Reader) -> Self {
        Self {
            history: Some(slot.read(|record| {
                let problems = record.history().count() - record.recent().count();
                let history = record.history().enumerate();
                history
                    .map(|(place, entry)| EntryView {
                        is_recent: place >= problems,
                        ..EntryView::of(entry, record, reader)
                    })
                    .collect()
            })),
            permissions: reader.secluded(|| permissions(slot.resource())),
            ..Self::of(slot, state, &state.closed_gates(), reader)
        }
    }
}

/// The permissions that a resource needs.
pub(in crate::web) fn permissions(resource: &Resource) -> Vec<PermissionView> {
    let permissions = resource.permissions();
    permissions
        .into_iter()
        .map(|needed| PermissionView {
            api: needed.api.name,
            held: needed.held.as_str(),
            name: needed.name,
            or: needed.or,
            reason: needed.reason,
        })
        .collect()
}

impl ProbeProblemView {
    fn of(reason: Reason, record: &Record, reader: Reader) -> Self {
        // What the last probe said, and the ids of the last that had it.
        let last = record.history().last();
        let entry = last.filter(|entry| entry.verdict().reason() == Some(reason));
        let entry = entry.map(|entry| EntryView::of(entry, record, reader));
        Self {
            outcome: reason.outcome().as_str(),
            reason: reason.as_str(),
            detail: reader
                .secluded(|| last.map_or_else(String::new, |entry| entry.detail().to_owned())),
            finished: entry.as_ref().map(|entry| entry.finished),
            broke_in: entry.as_ref().and_then(|entry| entry.broke_in),
            request_id: entry
                .as_ref()
                .filter(|entry| !entry.is_our_id)
                .and_then(|entry| entry.request_id.clone()),
            client_request_id: entry.and_then(|entry| entry.client_request_id),
        }
    }
}

impl EntryView {
    fn of(entry: &HistoryEntry, record: &Record, reader: Reader) -> Self {
        let verdict = entry.verdict();
        Self {
            finished: entry.finished(),
            outcome: verdict.outcome().as_str(),
            reason: verdict.reason().map(Reason::as_str),
            http_status: entry.status(),
            latency_seconds: entry.latency().map(|latency| latency.as_secs_f64()),
            phases_seconds: entry.phases().map(|phases| seconds(&phases)),
            broke_in: entry.broke_in().map(Phase::as_str),
            repeated: entry.repeat().map(|repeat| match repeat {
                Repeat::FreshToken => "fresh_token",
                Repeat::NewConnection => "new_connection",
            }),
            request_id: entry.request_id().map(|id| id.to_string()),
            is_our_id: entry.is_our_id(),
            client_request_id: reader
                .secluded(|| {
                    let kept = record.client_request_id(entry.finished());
                    let ours = entry.request_id().filter(|_| entry.is_our_id());
                    kept.cloned().or(ours).map(|id| id.to_string())
                })
                .flatten(),
            is_recent: true,
            detail: reader.secluded(|| entry.detail().to_owned()),
        }
    }
}

fn seconds(phases: &Phases) -> BTreeMap<&'static str, f64> {
    let all = Phase::ALL.into_iter();
    all.map(|phase| (phase.as_str(), phases.get(phase).as_secs_f64()))
        .collect()
}
