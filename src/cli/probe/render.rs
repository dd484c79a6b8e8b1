//! Probes as a story, as JSON and as OpenMetrics.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use serde::Serialize;

use super::Probed;
use super::ask::Asked;
use crate::cli::route::is_proxied;
use crate::metrics::{BuildInfo, Exposition};
use crate::model::{Outcome, Phase, Reason, Timestamp, wrap};
use crate::setup::shell;

/// The worst of several: a failure, then what could not be found out.
pub(super) fn worst(probes: &[Probed]) -> Outcome {
    let any = |outcome| probes.iter().any(|probed| probed.outcome() == outcome);
    [Outcome::Failure, Outcome::Inconclusive]
        .into_iter()
        .find(|outcome| any(*outcome))
        .unwrap_or(Outcome::Success)
}

/// Problems first: what users feel, then what could not be found out.
fn worst_first(probes: &[Probed]) -> Vec<&Probed> {
    let mut sorted: Vec<&Probed> = probes.iter().collect();
    sorted.sort_by_key(|probed| match probed.outcome() {
        Outcome::Failure => 0,
        Outcome::Inconclusive => 1,
        Outcome::Success => 2,
    });
    sorted
}

/// The stories, problems first, an empty line between two; of several the sum
/// at the end.
pub(super) fn stories(probes: &[Probed], width: Option<usize>) -> String {
    let stories = worst_first(probes).into_iter().map(|probed| {
        let lines = probed.story.lines();
        if lines.is_empty() {
            format!("{}: {}", probed.resource.name, probed.report.detail)
        } else {
            let lines = lines.iter().map(|line| wrapped(line, width, STORY_INDENT));
            lines.collect::<Vec<_>>().join("\n")
        }
    });
    let mut parts: Vec<String> = stories.collect();
    if probes.len() > 1 {
        parts.push(sum(probes));
    }
    parts.join("\n\n")
}

/// A line for each, problems first; those of one account that fail for want of
/// the same token share one. The sum at the end.
pub(super) fn lines(probes: &[Probed], width: Option<usize>) -> String {
    let mut groups: Vec<(String, Vec<&Probed>)> = Vec::new();
    for probed in worst_first(probes) {
        let said = said(probed);
        let shares = probed.report.verdict.reason() == Some(Reason::Token);
        let same = groups.iter_mut().find(|(words, group)| {
            let account = |one: &&Probed| one.resource.account.name == probed.resource.account.name;
            shares && *words == said && group.first().is_some_and(account)
        });
        match same {
            Some((_, group)) => group.push(probed),
            None => groups.push((said, vec![probed])),
        }
    }
    let mut out = String::new();
    for (said, group) in groups {
        let names: Vec<&str> = group.iter().map(|one| &*one.resource.name).collect();
        let outcome = group.first().map_or(Outcome::Success, |one| one.outcome());
        let named = names.len().min(MOST_NAMED);
        let more = match names.len() - named {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let line = format!(
            "{:<9}  {}{more}: {said}",
            word(outcome),
            names[..named].join(", ")
        );
        // Writing into a String does not fail.
        _ = writeln!(out, "{}", wrapped(&line, width, LINE_INDENT));
    }
    let first = probes.iter().find(|one| one.outcome() != Outcome::Success);
    if let Some(first) = first {
        _ = writeln!(
            out,
            "\nthe whole story: m365mon probe {}",
            shell(&first.resource.name)
        );
    }
    _ = write!(out, "\n{}", sum(probes));
    out
}

/// Where a line of a story goes on: below its words, behind the time.
const STORY_INDENT: usize = 14;
/// Where any other line goes on.
const LINE_INDENT: usize = 11;
/// Resources that share a problem and are named.
const MOST_NAMED: usize = 8;

fn wrapped(line: &str, width: Option<usize>, indent: usize) -> String {
    width.map_or_else(|| line.to_owned(), |width| wrap(line, width, 0, indent))
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "answered",
        Outcome::Failure => "down",
        Outcome::Inconclusive => "not known",
    }
}

/// What stands behind the name.
fn said(probed: &Probed) -> String {
    let report = &probed.report;
    let Some(reason) = report.verdict.reason() else {
        return report.latency().map_or_else(
            || report.detail.to_string(),
            |latency| format!("in {:.3} s", latency.as_secs_f64()),
        );
    };
    match &report.exchange.request_id {
        Some(id) => format!("{reason}: {} (request-id {id})", report.detail),
        None => format!("{reason}: {}", report.detail),
    }
}

/// `3 probed: 1 answered, 1 down, 1 not known`
fn sum(probes: &[Probed]) -> String {
    let count = |outcome| probes.iter().filter(|one| one.outcome() == outcome).count();
    format!(
        "{} probed: {} answered, {} down, {} not known",
        probes.len(),
        count(Outcome::Success),
        count(Outcome::Failure),
        count(Outcome::Inconclusive)
    )
}

/// The document of `docs/schemas/probe.json`. Fields are only ever added.
#[derive(Serialize)]
struct ProbeDocument {
    outcome: &'static str,
    probes: Vec<ToldProbe>,
}

#[derive(Serialize)]
struct ToldProbe {
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

impl ToldProbe {
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
            reason: report.verdict.reason().map(Reason::as_str),
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
    let document = ProbeDocument {
        outcome: worst(probes).as_str(),
        probes: probes.iter().map(ToldProbe::of).collect(),
    };
    Ok(serde_json::to_string_pretty(&document)?)
}

/// The gauges of `/metrics` about these resources, and nothing that counts:
/// a run knows no run before it.
pub(super) fn openmetrics(asked: &Asked) -> io::Result<String> {
    let names = asked.probes.iter().map(|probed| &*probed.resource.name);
    let slots: Vec<_> = names.filter_map(|name| asked.state.slot(name)).collect();
    let mut page = Vec::new();
    let state = asked.state.clone();
    let proxied = is_proxied(&asked.client);
    Exposition::showing(state, BuildInfo::THIS, |_| true, proxied).gauges_of(&slots, &mut page)?;
    String::from_utf8(page).map_err(io::Error::other)
}
