//! Probes as a story, as JSON and as OpenMetrics.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use super::Probed;
use super::ask::Asked;
use crate::metrics::{BuildInfo, Exposition};
use crate::model::{Outcome, Phase, Timestamp};

/// The worst of several: a failure, then what could not be found out.
pub(super) fn worst(probes: &[Probed]) -> Outcome {
    let any = |outcome| probes.iter().any(|probed| probed.outcome() == outcome);
    [Outcome::Failure, Outcome::Inconclusive]
        .into_iter()
        .find(|outcome| any(*outcome))
        .unwrap_or(Outcome::Success)
}

/// The stories, an empty line between two.
pub(super) fn text(probes: &[Probed]) -> String {
    let stories = probes.iter().map(|probed| {
        let lines = probed.story.lines();
        if lines.is_empty() {
            format!("{}: {}", probed.resource.name, probed.report.detail)
        } else {
            lines.join("\n")
        }
    });
    stories.collect::<Vec<_>>().join("\n\n")
}

/// The document of `docs/schemas/probe.json`. Fields are only ever added.
#[derive(Serialize)]
struct Document {
    outcome: &'static str,
    probes: Vec<Told>,
}

#[derive(Serialize)]
struct Told {
    resource: String,
    kind: String,
    account: String,
    labels: BTreeMap<String, String>,
    outcome: &'static str,
    reason: Option<&'static str>,
    detail: String,
    started: Timestamp,
    finished: Timestamp,
    latency_seconds: Option<f64>,
    phases_seconds: Option<BTreeMap<&'static str, f64>>,
    broke_in: Option<&'static str>,
    http_status: Option<u16>,
    request_id: Option<String>,
    client_request_id: Option<String>,
}

impl Told {
    fn of(probed: &Probed) -> Self {
        let (resource, report) = (&probed.resource, &probed.report);
        let labels = resource.labels.iter();
        let phases = report.exchange.phases.map(|phases| {
            let each = Phase::ALL.into_iter();
            each.map(|phase| (phase.as_str(), phases.get(phase).as_secs_f64()))
                .collect()
        });
        Self {
            resource: resource.name.to_string(),
            kind: resource.kind.as_str().to_owned(),
            account: resource.account.name.to_string(),
            labels: labels
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
            outcome: report.verdict.outcome().as_str(),
            reason: report.verdict.reason().map(crate::model::Reason::as_str),
            detail: report.detail.to_string(),
            started: report.started,
            finished: report.finished,
            latency_seconds: report.latency().map(|latency| latency.as_secs_f64()),
            phases_seconds: phases,
            broke_in: report.exchange.broke_in.map(Phase::as_str),
            http_status: report.exchange.status,
            request_id: report.exchange.request_id.as_ref().map(ToString::to_string),
            client_request_id: report
                .exchange
                .client_request_id
                .as_ref()
                .map(ToString::to_string),
        }
    }
}

/// As JSON.
pub(super) fn json(probes: &[Probed]) -> io::Result<String> {
    let document = Document {
        outcome: worst(probes).as_str(),
        probes: probes.iter().map(Told::of).collect(),
    };
    Ok(serde_json::to_string_pretty(&document)?)
}

/// The gauges of `/metrics` about these resources, and nothing that counts:
/// a run knows no run before it.
pub(super) fn openmetrics(asked: &Asked) -> io::Result<String> {
    let names = asked.probes.iter().map(|probed| &*probed.resource.name);
    let slots: Vec<_> = names.filter_map(|name| asked.state.slot(name)).collect();
    let mut page = Vec::new();
    Exposition::new(asked.state.clone(), BuildInfo::THIS).gauges_of(&slots, &mut page)?;
    String::from_utf8(page).map_err(io::Error::other)
}
