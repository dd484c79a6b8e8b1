//! `/probe?debug=true` in a browser: one probe, phase by phase and step by step.

use std::time::Duration;

use askama::Template;

use super::frame::{Frame, Head, segment};
use super::html::Html;
use super::words;
use crate::model::{Phase, Phases, Report, Verdict};
use crate::state::ResourceSlot;
use crate::web::stories::ToldStory;

#[derive(Template)]
#[template(path = "story.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    name: &'a str,
    segment: String,
    /// The class and the words of the verdict; nothing where nothing was sent.
    verdict: Option<(&'static str, String)>,
    detail: &'a str,
    falls: Vec<Fall>,
    total: String,
    ids: Vec<(&'static str, String)>,
    lines: String,
    scrape: &'a str,
    /// It was told before, so many seconds ago.
    age: Option<u64>,
}

/// A line of the waterfall.
#[derive(Debug, PartialEq)]
struct Fall {
    /// The step that it is the first phase of.
    step: &'static str,
    phase: Phase,
    /// In percent of the whole.
    from: f64,
    width: f64,
    took: String,
    is_broken: bool,
}

/// The page of one story.
pub(in crate::web) fn story(
    frame: &Frame<'_>,
    slot: &ResourceSlot,
    story: &ToldStory,
    age: Option<Duration>,
) -> Html {
    let name = &*slot.resource().name;
    let report = story.report.as_ref();
    Html::of(&Page {
        frame,
        head: Head::of(format!("Probe of {name}")),
        name,
        segment: segment(name),
        verdict: report.map(|report| match report.verdict {
            Verdict::Success => ("up", "success".to_owned()),
            Verdict::Problem(reason) => {
                let class = match report.verdict.outcome().as_str() {
                    "failure" => "down",
                    _ => "unsure",
                };
                (
                    class,
                    format!("{}: {}", reason.outcome(), words::reason(reason)),
                )
            }
        }),
        detail: report.map_or("", |report| &report.detail),
        falls: report.map(falls).unwrap_or_default(),
        total: report
            .and_then(Report::latency)
            .map(|latency| words::latency(latency.as_secs_f64()))
            .unwrap_or_default(),
        ids: report.map(ids).unwrap_or_default(),
        lines: story.lines.join("\n"),
        scrape: story.scrape.trim_end(),
        age: age.map(|age| age.as_secs()),
    })
}

/// What Microsoft's support asks for.
fn ids(report: &Report) -> Vec<(&'static str, String)> {
    let exchange = &report.exchange;
    let mut ids = vec![("Time", words::utc(report.finished))];
    if let Some(status) = exchange.status {
        ids.push(("HTTP status", status.to_string()));
    }
    for (name, id) in [
        ("request-id", &exchange.request_id),
        ("client-request-id", &exchange.client_request_id),
    ] {
        if let Some(id) = id {
            ids.push((name, id.to_string()));
        }
    }
    ids
}

/// The phases of the request, or of each step, one after the other.
fn falls(report: &Report) -> Vec<Fall> {
    let whole = match (&*report.steps, report.exchange.phases) {
        ([], None) => return Vec::new(),
        ([], Some(phases)) => vec![("", phases)],
        (steps, _) => steps.iter().map(|step| (step.name, step.phases)).collect(),
    };
    let total: f64 = whole.iter().map(|(_, phases)| seconds(phases)).sum();
    let mut falls = Vec::new();
    let mut from = 0.0;
    let last = whole.len().saturating_sub(1);
    for (place, (step, phases)) in whole.iter().enumerate() {
        let mut name = *step;
        for phase in Phase::ALL {
            let took = phases.get(phase).as_secs_f64();
            let is_broken = place == last && report.exchange.broke_in == Some(phase);
            // A kept connection needs neither a name nor a handshake.
            if took <= 0.0 && !is_broken {
                continue;
            }
            let share = |seconds: f64| {
                if total > 0.0 {
                    seconds / total * 100.0
                } else {
                    0.0
                }
            };
            falls.push(Fall {
                step: std::mem::take(&mut name),
                phase,
                from: share(from),
                width: share(took).max(0.4),
                took: words::latency(took),
                is_broken,
            });
            from += took;
        }
    }
    falls
}

fn seconds(phases: &Phases) -> f64 {
    phases.total().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Exchange, Reason, Step, Timestamp};

    fn phases(resolve: u64, processing: u64) -> Phases {
        let mut phases = Phases::default();
        phases.set(Phase::Resolve, Duration::from_millis(resolve));
        phases.set(Phase::Processing, Duration::from_millis(processing));
        phases
    }

    #[test]
    fn a_waterfall_also_when_it_fails() {
        let at = Timestamp::UNIX_EPOCH;
        let timeout = Verdict::Problem(Reason::Timeout);
        let mut report = Report::without_request(at, at, timeout, "");
        assert_eq!(falls(&report), []);
        report.exchange = Exchange {
            phases: Some(phases(100, 300)),
            broke_in: Some(Phase::Processing),
            ..Exchange::default()
        };
        let found = falls(&report);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].phase, found[0].from), (Phase::Resolve, 0.0));
        assert!((found[1].from - 25.0).abs() < 1e-9 && found[1].is_broken);
        assert!(!found[0].is_broken);
        // Broken before anything was measured.
        report.exchange.phases = Some(Phases::default());
        assert_eq!(falls(&report).len(), 1);

        let step = |name, resolve| Step {
            name,
            phases: phases(resolve, 100),
        };
        report.steps = [step("put", 100), step("get", 0)].into();
        let found = falls(&report);
        let steps: Vec<_> = found.iter().map(|fall| fall.step).collect();
        assert_eq!(steps, ["put", "", "get"]);
        assert!(!found[1].is_broken && found[2].is_broken);
        assert!((found[2].from - 66.67).abs() < 0.1, "{found:?}");
    }
}
