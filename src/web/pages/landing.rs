//! `/`: links for everybody, and the resources for somebody at this machine.

use super::board::{Row, Standing};
use super::html::Html;
use super::words::{ago, latency};
use crate::state::State;

/// Where links lead.
pub(in crate::web) struct Links<'a> {
    /// The path before ours, without a trailing slash.
    pub(in crate::web) prefix: &'a str,
    /// Where the metrics are.
    pub(in crate::web) telemetry_path: &'a str,
}

/// The page for a stranger: what this is and where the metrics are.
pub(in crate::web) fn bare(links: &Links<'_>) -> impl axum::response::IntoResponse + use<> {
    Html::page("m365mon", links.prefix, |html| {
        head(html, links);
    })
}

/// The page for somebody at this machine: every resource, the worst first.
pub(in crate::web) fn board(
    links: &Links<'_>,
    state: &State,
) -> impl axum::response::IntoResponse + use<> {
    let now = state.clock().now();
    let gates = state.closed_gates();
    let board = state.board();
    let mut rows: Vec<_> = board
        .slots
        .iter()
        .map(|slot| (Row::of(slot, state.clock(), &gates), slot.resource()))
        .collect();
    // Stable: the order of the configuration within a standing.
    rows.sort_by_key(|(row, _)| row.standing);
    let count = |standing| {
        rows.iter()
            .filter(|(row, _)| row.standing == standing)
            .count()
    };
    let (up, down, unknown) = (
        count(Standing::Up),
        count(Standing::Down),
        count(Standing::Unknown),
    );
    Html::page("m365mon", links.prefix, |html| {
        head(html, links);
        html.raw("<main>\n<h2>Resources</h2>\n<p>")
            .text(up)
            .raw(" up, ")
            .text(down)
            .raw(" down, ")
            .text(unknown)
            .raw(" unknown</p>\n");
        if rows.is_empty() {
            html.raw("<p class=\"soft\">The configuration names no resources yet.</p>\n");
        } else {
            html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Resources\">\n<table>\n<thead><tr>")
                .raw("<th scope=\"col\">State</th><th scope=\"col\">Resource</th><th scope=\"col\">Since</th>")
                .raw("<th scope=\"col\">Problem</th><th scope=\"col\">Latency</th><th scope=\"col\">Last probe</th>")
                .raw("</tr></thead>\n<tbody>\n");
            for (row, resource) in &rows {
                table_row(html, row, resource, now);
            }
            html.raw("</tbody>\n</table>\n</div>\n");
        }
        html.raw("</main>\n");
    })
}

fn head(html: &mut Html, links: &Links<'_>) {
    html.raw("<header>\n<h1>m365mon</h1>\n<span class=\"soft\">")
        .text(env!("CARGO_PKG_VERSION"))
        .raw("</span>\n</header>\n")
        .raw("<p>Whether Microsoft 365 works from here, how fast, and when access to it runs out.</p>\n")
        .raw("<nav aria-label=\"Pages\">\n<ul class=\"links\">\n");
    let pages = [
        (links.telemetry_path, "Metrics"),
        ("/sd", "Service discovery"),
        ("/-/healthy", "Health"),
        ("/-/ready", "Readiness"),
    ];
    for (path, name) in pages {
        html.raw("<li><a href=\"")
            .text(links.prefix)
            .text(path)
            .raw("\">")
            .raw(name)
            .raw("</a></li>\n");
    }
    html.raw("</ul>\n</nav>\n");
}

fn table_row(
    html: &mut Html,
    row: &Row,
    resource: &crate::model::Resource,
    now: crate::model::Timestamp,
) {
    let standing = row.standing.as_str();
    html.raw("<tr><td><span class=\"state ")
        .raw(standing)
        .raw("\">")
        .raw(standing)
        .raw("</span></td><th scope=\"row\">")
        .text(&resource.name)
        .raw("<br><span class=\"soft\">")
        .text(resource.kind.as_str())
        .raw(", ")
        .text(&resource.account.name)
        .raw("</span></th><td>");
    if let Some(since) = row.since {
        if since.at_least {
            html.raw("at least ");
        }
        ago(html, since.at, now);
    }
    html.raw("</td><td>");
    if let Some(reason) = row.problem {
        html.text(reason);
        if !row.detail.is_empty() {
            html.raw("<br><span class=\"soft\">")
                .text(&row.detail)
                .raw("</span>");
        }
    }
    html.raw("</td><td class=\"number\">");
    if let Some(seconds) = row.latency {
        html.text(latency(seconds));
    }
    html.raw("</td><td>");
    if let Some(at) = row.last_probe {
        ago(html, at, now);
        html.raw(" ago");
    } else {
        html.raw("<span class=\"soft\">not yet</span>");
    }
    html.raw("</td></tr>\n");
}
