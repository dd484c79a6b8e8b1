//! The steps of a question in words, for those who read its story.

use std::time::Duration;

use http::header::RETRY_AFTER;

use super::Response;
use crate::http::NetFailure;
use crate::model::{
    ConnectionFacts, Exchange, Hold, IpVersion, Phase, Phases, Repeat, Story, duration,
};

/// An answer.
pub(super) fn answer(story: &Story, response: &Response) {
    let exchange = &response.exchange;
    story.tell(|| way(&exchange.connection, exchange.repeat));
    story.tell(|| {
        let times = times(&exchange.phases.unwrap_or_default());
        let mut line = format!("answer {}, {times}", response.status);
        if let Some(id) = &exchange.request_id {
            line += &format!(", request-id {id}");
        }
        if let Some(place) = &exchange.server.data_center {
            line += &format!(", from {place}");
        }
        if let Some(latency) = exchange.server.latency {
            line += &format!(", {latency:?} of it on the server by its own account");
        }
        if let Some(limit) = exchange.server.rate_limit {
            line += &format!(", {} of {} units left", limit.remaining, limit.limit);
        }
        line
    });
    if let Some(code) = response.error.code() {
        story.tell(|| format!("the service's error code is {code}"));
    }
    match exchange.hold {
        Some(Hold::Gate { wait: Some(wait) } | Hold::Resource { wait }) => {
            story.tell(|| {
                format!(
                    "it asks us to wait {} ({RETRY_AFTER} or RateLimit-Reset)",
                    duration::format(wait)
                )
            });
        }
        Some(Hold::Gate { wait: None }) => {
            story.tell(|| "it asks us to slow down without saying how long".into());
        }
        None => {}
    }
}

/// No answer.
pub(super) fn no_answer(story: &Story, exchange: &Exchange, net: &NetFailure) {
    story.tell(|| way(&exchange.connection, exchange.repeat));
    story.tell(|| {
        let phase = exchange.broke_in.map_or("", Phase::as_str);
        let times = times(&exchange.phases.unwrap_or_default());
        format!("no answer, it ended in {phase}: {net} ({times})")
    });
}

/// The connection in words.
fn way(facts: &ConnectionFacts, repeat: Option<Repeat>) -> String {
    let mut words = Vec::new();
    if repeat == Some(Repeat::NewConnection) {
        words.push("the kept connection was dead".to_owned());
    }
    words.push(
        if facts.reused {
            "kept connection"
        } else {
            "new connection"
        }
        .to_owned(),
    );
    if let Some(version) = facts.ip_version {
        words.push(match version {
            IpVersion::V4 => "IPv4".into(),
            IpVersion::V6 => "IPv6".into(),
        });
    }
    words.extend(facts.tls_version.map(str::to_owned));
    words.extend(facts.http_version.map(|version| format!("HTTP/{version}")));
    words.extend(
        facts
            .certificate_expiry
            .map(|end| format!("certificates until {end}")),
    );
    words.join(", ")
}

/// The phases in words.
fn times(phases: &Phases) -> String {
    let ms = |took: Duration| took.as_secs_f64() * 1e3;
    let each = Phase::ALL.map(|phase| format!("{} {:.1}", phase.as_str(), ms(phases.get(phase))));
    format!("{:.1} ms = {}", ms(phases.total()), each.join(" + "))
}
