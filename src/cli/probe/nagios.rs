//! Probes as a monitoring plugin tells them: the first line is the verdict,
//! behind a `|` stand figures, the exit code says the same once more.

use std::fmt::Write as _;
use std::time::Duration;

use super::Probed;
use crate::model::{Outcome, Phase, bounded_text};

/// What a plugin may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// It works.
    Ok,
    /// It works, slowly.
    Warning,
    /// It does not work.
    Critical,
    /// It could not be found out.
    Unknown,
}

impl Status {
    /// Of several the first of these decides.
    const WORST_FIRST: [Self; 4] = [Self::Critical, Self::Warning, Self::Unknown, Self::Ok];

    /// The exit code.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    fn of(probed: &Probed, slow: Option<Duration>) -> Self {
        match probed.outcome() {
            Outcome::Failure => Self::Critical,
            Outcome::Inconclusive => Self::Unknown,
            Outcome::Success => {
                let latency = probed.report.latency();
                let late = slow
                    .zip(latency)
                    .is_some_and(|(slow, latency)| latency > slow);
                if late { Self::Warning } else { Self::Ok }
            }
        }
    }
}

/// Nagios reads 8 KiB; the rest of the lines is for the service's page.
const MOST_LINES: usize = 20;
const LONGEST_TEXT: usize = 300;

/// The status that decides.
pub(super) fn worst(probes: &[Probed], slow: Option<Duration>) -> Status {
    Status::WORST_FIRST
        .into_iter()
        .find(|status| {
            probes
                .iter()
                .any(|probed| Status::of(probed, slow) == *status)
        })
        .unwrap_or(Status::Unknown)
}

/// Everything a plugin says.
pub(super) fn told(probes: &[Probed], slow: Option<Duration>) -> String {
    let status = worst(probes, slow);
    let mut out = match probes {
        [only] => format!("M365 {} - {}", status.as_str(), sentence(only)),
        many => format!("M365 {} - {}", status.as_str(), summary(many, slow)),
    };
    out.push_str(" |");
    for probed in probes {
        figures(&mut out, probed, slow, probes.len() == 1);
    }
    if let [_, _, ..] = probes {
        lines(&mut out, probes, slow);
    }
    out
}

/// The plugin's words when nothing could be asked: the first line is what is
/// shown in lists, the rest follows.
pub(super) fn unknown(why: &str) -> String {
    format!("M365 UNKNOWN - {}", legible(why))
}

fn lines(out: &mut String, probes: &[Probed], slow: Option<Duration>) {
    let mut rest = MOST_LINES;
    for status in Status::WORST_FIRST {
        for probed in probes.iter().filter(|one| Status::of(one, slow) == status) {
            if rest == 0 {
                _ = write!(out, "\nand {} more", probes.len() - MOST_LINES);
                return;
            }
            rest -= 1;
            _ = write!(out, "\n{}: {}", status.as_str(), sentence(probed));
        }
    }
}

/// `intranet: answered in 0.187 s`, or why not.
fn sentence(probed: &Probed) -> String {
    let report = &probed.report;
    let name = &probed.resource.name;
    let said = match (report.verdict.reason(), report.latency()) {
        (None, Some(latency)) => format!("{name}: answered in {:.3} s", latency.as_secs_f64()),
        (None, None) => format!("{name}: answered"),
        (Some(reason), _) => format!("{name}: {reason}: {}", report.detail),
    };
    legible(&bounded_text(&said, LONGEST_TEXT))
}

/// What stands behind the first `|` would be read as figures, and Nagios makes
/// a colon of every semicolon, which parts the fields of its own log.
fn legible(text: &str) -> String {
    text.replace('|', "/").replace(';', ",")
}

/// `2 of 5 down: intranet (timeout), … - 1 slow: … - 1 not known: …`
fn summary(probes: &[Probed], slow: Option<Duration>) -> String {
    let all = probes.len();
    let parts = [
        (Status::Critical, "down"),
        (Status::Warning, "slow"),
        (Status::Unknown, "not known"),
    ];
    let mut said: Vec<String> = Vec::new();
    for (status, word) in parts {
        let these: Vec<_> = probes
            .iter()
            .filter(|one| Status::of(one, slow) == status)
            .collect();
        if these.is_empty() {
            continue;
        }
        let named = these.iter().take(5).map(|probed| {
            let name = &probed.resource.name;
            match probed.report.verdict.reason() {
                Some(reason) => format!("{name} ({reason})"),
                None => name.to_string(),
            }
        });
        let more = if these.len() > 5 { ", …" } else { "" };
        let named: Vec<_> = named.collect();
        said.push(format!(
            "{} of {all} {word}: {}{more}",
            these.len(),
            named.join(", ")
        ));
    }
    if said.is_empty() {
        return format!("all {all} answered");
    }
    legible(&said.join(" - "))
}

/// ` 'intranet'=0.187s;4;;0`; of one resource ` time=0.187s;4;;0` and its phases.
fn figures(out: &mut String, probed: &Probed, slow: Option<Duration>, alone: bool) {
    let report = &probed.report;
    let limit = slow.map_or_else(String::new, |slow| slow.as_secs_f64().to_string());
    if let Some(latency) = report
        .latency()
        .filter(|_| probed.outcome() == Outcome::Success)
    {
        let label = if alone {
            "time".to_owned()
        } else {
            label(&probed.resource.name)
        };
        _ = write!(out, " {label}={:.6}s;{limit};;0", latency.as_secs_f64());
        if let Some(phases) = report.exchange.phases.filter(|_| alone) {
            for phase in Phase::ALL {
                let took = phases.get(phase).as_secs_f64();
                _ = write!(out, " {}={took:.6}s;;;0", phase.as_str());
            }
        }
    }
}

/// A name as a label of figures: quoted, without what ends it.
fn label(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| {
            if matches!(c, '\'' | '=' | '|') {
                '_'
            } else {
                c
            }
        })
        .collect();
    format!("'{name}'")
}
