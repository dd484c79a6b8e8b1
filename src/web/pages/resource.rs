//! `/resources/NAME`: one resource, its last probes and what it needs.

use super::frame::{Links, badge, link, page, segment};
use super::html::Html;
use super::pieces::{countdown, permissions};
use super::words::{ago, latency};
use crate::model::{Phase, Timestamp};
use crate::web::view::{EntryView, Reader, ResourceView, Standing};

/// The page of one resource.
pub(in crate::web) fn resource(links: &Links<'_>, view: &ResourceView, now: Timestamp) -> Html {
    page(&view.name, links, |html| {
        html.raw("<h1>").text(&view.name).raw(" ");
        badge(html, view.state);
        html.raw("</h1>\n");
        problem(html, view);
        facts(html, links, view, now);
        phases(html, view);
        let history = view.history.as_deref().unwrap_or_default();
        sparkline(html, history);
        probes(html, history, now);
        if let Some(needed) = &view.permissions {
            permissions(html, needed);
        }
    })
}

fn problem(html: &mut Html, view: &ResourceView) {
    let Some(problem) = &view.problem else { return };
    html.raw("<p class=\"problem\"><strong>")
        .raw(problem.reason)
        .raw("</strong> <span class=\"soft\">(")
        .raw(problem.outcome)
        .raw(")</span>");
    if let Some(detail) = &problem.detail {
        html.raw("<br>").text(detail);
    }
    html.raw("</p>\n");
}

fn facts(html: &mut Html, links: &Links<'_>, view: &ResourceView, now: Timestamp) {
    html.raw("<dl>\n");
    let term = |html: &mut Html, name: &'static str| {
        html.raw("<dt>").raw(name).raw("</dt><dd>");
    };
    term(html, "What");
    html.raw(view.kind);
    if let Some(target) = &view.target {
        html.raw(": ").text(target);
    }
    html.raw("</dd>\n");
    term(html, "Account");
    link(html, links, "/accounts/", &view.account);
    html.raw("</dd>\n");
    if let Some(since) = view.since {
        term(html, "In this state");
        if view.since_at_least {
            html.raw("at least ");
        }
        ago(html, since, now);
        html.raw("</dd>\n");
    }
    for planned in &view.planned {
        term(html, "Planned downtime");
        html.raw(planned.r#type)
            .raw(" <q>")
            .text(&planned.window)
            .raw("</q>");
        if let Some(until) = planned.until {
            html.raw(", ends ");
            countdown(html, until, now);
        }
        html.raw("</dd>\n");
    }
    term(html, "Last probe");
    match view.last_probe {
        Some(at) => {
            ago(html, at, now);
            html.raw(" ago");
        }
        None => {
            html.raw("not yet");
        }
    }
    html.raw("</dd>\n");
    if let Some(at) = view.last_success
        && view.state != Standing::Up
    {
        term(html, "Last success");
        ago(html, at, now);
        html.raw(" ago</dd>\n");
    }
    if let Some(seconds) = view.latency_seconds {
        term(html, "Latency");
        html.text(latency(seconds)).raw("</dd>\n");
    }
    if let Some(failures) = view.consecutive_failures.filter(|n| *n > 0) {
        term(html, "Failures in a row");
        html.text(failures).raw("</dd>\n");
    }
    if let Some(until) = view.throttled_until {
        term(html, "Held back by Microsoft");
        countdown(html, until, now);
        html.raw(" it goes on</dd>\n");
    }
    if let Some(at) = view.token_expiry {
        term(html, "A person must act");
        countdown(html, at, now);
        html.raw("</dd>\n");
    }
    term(html, "Probed");
    html.raw(view.mode)
        .raw(", every ")
        .text(crate::model::duration::format(seconds(
            view.interval_seconds,
        )))
        .raw(", at most ")
        .text(crate::model::duration::format(seconds(
            view.timeout_seconds,
        )))
        .raw("</dd>\n");
    for (name, value) in &view.labels {
        html.raw("<dt>")
            .text(name)
            .raw("</dt><dd>")
            .text(value)
            .raw("</dd>\n");
    }
    html.raw("</dl>\n");
    if links.reader == Reader::Everyone {
        return;
    }
    html.raw("<p><a href=\"")
        .text(links.prefix)
        .raw("/probe?debug=true&amp;resource=")
        .text(segment(&view.name))
        .raw("\">Probe now and tell the story</a></p>\n");
}

fn seconds(seconds: f64) -> std::time::Duration {
    std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn phases(html: &mut Html, view: &ResourceView) {
    let Some(phases) = &view.phases_seconds else {
        return;
    };
    html.raw("<h2>Phases of the last success</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Phases\"><table>\n<thead><tr>");
    for phase in Phase::ALL {
        html.raw("<th scope=\"col\" class=\"number\">")
            .raw(phase.as_str())
            .raw("</th>");
    }
    html.raw("</tr></thead>\n<tbody><tr>");
    for phase in Phase::ALL {
        let seconds = phases.get(phase.as_str()).copied().unwrap_or_default();
        html.raw("<td class=\"number\">")
            .text(format_args!("{:.1} ms", seconds * 1e3))
            .raw("</td>");
    }
    html.raw("</tr></tbody>\n</table></div>\n");
}

/// Latencies of the last probes as a line; what did not succeed as a dot.
fn sparkline(html: &mut Html, history: &[EntryView]) {
    const WIDTH: f64 = 600.0;
    const HEIGHT: f64 = 60.0;
    const EDGE: f64 = 4.0;
    let slowest = history
        .iter()
        .filter(|entry| entry.reason.is_none())
        .filter_map(|entry| entry.latency_seconds)
        .fold(0.0, f64::max);
    if history.len() < 2 || slowest <= 0.0 {
        return;
    }
    let step = (WIDTH - 2.0 * EDGE) / (history.len() - 1) as f64;
    let x = |place: usize| EDGE + step * place as f64;
    let y = |seconds: f64| HEIGHT - EDGE - (HEIGHT - 2.0 * EDGE) * (seconds / slowest);
    html.raw("<h2>Latency</h2>\n<svg class=\"spark\" viewBox=\"0 0 600 60\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Latency of the last ")
        .text(history.len())
        .raw(" probes, at most ")
        .text(latency(slowest))
        .raw("\">\n<polyline points=\"");
    for (place, entry) in history.iter().enumerate() {
        if let (None, Some(seconds)) = (entry.reason, entry.latency_seconds) {
            html.text(format_args!("{:.1},{:.1} ", x(place), y(seconds)));
        }
    }
    html.raw("\"/>\n");
    for (place, entry) in history.iter().enumerate() {
        if entry.reason.is_some() {
            html.raw("<circle class=\"")
                .raw(entry.outcome)
                .raw("\" r=\"3\" cx=\"")
                .text(format_args!("{:.1}", x(place)))
                .raw("\" cy=\"")
                .text(format_args!("{:.1}", HEIGHT - EDGE))
                .raw("\"/>\n");
        }
    }
    html.raw("</svg>\n<p class=\"soft\">The slowest success took ")
        .text(latency(slowest))
        .raw("; dots are probes that did not succeed.</p>\n");
}

fn probes(html: &mut Html, history: &[EntryView], now: Timestamp) {
    html.raw("<h2>Last probes</h2>\n");
    if history.is_empty() {
        html.raw("<p class=\"soft\">None yet.</p>\n");
        return;
    }
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Last probes\">\n<table class=\"cards\">\n<thead><tr>")
        .raw("<th scope=\"col\">Ago</th><th scope=\"col\">Outcome</th><th scope=\"col\">Status</th>")
        .raw("<th scope=\"col\" class=\"number\">Latency</th><th scope=\"col\">Detail</th>")
        .raw("<th scope=\"col\">Request id</th></tr></thead>\n<tbody>\n");
    for entry in history.iter().rev() {
        html.raw("<tr><td data-label=\"Ago\">");
        ago(html, entry.finished, now);
        html.raw("</td><td data-label=\"Outcome\">");
        match entry.reason {
            Some(reason) => html.raw(entry.outcome).raw(": ").raw(reason),
            None => html.raw(entry.outcome),
        };
        html.raw("</td><td data-label=\"Status\">");
        if let Some(status) = entry.http_status {
            html.text(status);
        }
        html.raw("</td><td class=\"number\" data-label=\"Latency\">");
        if let Some(seconds) = entry.latency_seconds {
            html.text(latency(seconds));
        }
        html.raw("</td><td data-label=\"Detail\">")
            .text(entry.detail.as_deref().unwrap_or_default());
        if let Some(phase) = entry.broke_in {
            html.raw(" <span class=\"soft\">(in ")
                .raw(phase)
                .raw(")</span>");
        }
        html.raw("</td><td data-label=\"Request id\">");
        if let Some(id) = &entry.request_id {
            html.raw("<code class=\"id\">").text(id).raw("</code>");
        }
        html.raw("</td></tr>\n");
    }
    html.raw("</tbody>\n</table>\n</div>\n");
}
