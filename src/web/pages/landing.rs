//! `/`: the resources and accounts, with links to the rest.

use super::frame::{Links, badge, link, page};
use super::html::Html;
use super::pieces::{countdown, sign_in_link};
use super::words::{ago, latency};
use crate::model::Timestamp;
use crate::state::State;
use crate::web::view::{AccountView, ReferenceView, ResourceView, Standing};

/// More rows than anybody reads, and what a browser still likes.
const MOST_ROWS: usize = 2000;

/// Which resources are wanted; what is empty wants all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::web) struct Filter {
    /// A part of the name, kind, account or a label's value.
    words: String,
    state: Option<Standing>,
}

impl Filter {
    /// `q=words&state=down`.
    pub(in crate::web) fn parse(query: &str) -> Self {
        let mut filter = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match (&*key, &*value) {
                ("q", words) => filter.words = words.trim().chars().take(128).collect(),
                ("state", "up") => filter.state = Some(Standing::Up),
                ("state", "down") => filter.state = Some(Standing::Down),
                ("state", "unknown") => filter.state = Some(Standing::Unknown),
                _ => {}
            }
        }
        filter
    }

    fn wants(&self, view: &ResourceView) -> bool {
        let words = self.words.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&words);
        self.state.is_none_or(|state| state == view.state)
            && (words.is_empty()
                || has(&view.name)
                || has(view.kind)
                || has(&view.account)
                || view.labels.values().any(|value| has(value)))
    }
}

/// Every resource, the worst first, and every account.
pub(in crate::web) fn overview(links: &Links<'_>, state: &State, filter: &Filter) -> Html {
    let now = state.clock().now();
    let gates = state.closed_gates();
    let mut rows: Vec<_> = state
        .slots()
        .iter()
        .map(|slot| ResourceView::of(slot, state, &gates, links.reader))
        .collect();
    let count = |standing| rows.iter().filter(|row| row.state == standing).count();
    let counts = [Standing::Down, Standing::Unknown, Standing::Up].map(|s| (s, count(s)));
    let all = rows.len();
    rows.retain(|row| filter.wants(row));
    // Stable: the order of the configuration within a state.
    rows.sort_by_key(|row| row.state);
    let accounts: Vec<_> = state.accounts().iter().cloned().collect();

    page("m365mon", links, |html| {
        html.raw("<h1>Microsoft 365 from here</h1>\n<p>");
        for (place, (standing, count)) in counts.into_iter().enumerate() {
            if place > 0 {
                html.raw(" ");
            }
            html.raw("<a class=\"count\" href=\"")
                .text(links.prefix)
                .raw("/?state=")
                .raw(standing.as_str())
                .raw("\"><span class=\"state ")
                .raw(standing.as_str())
                .raw("\">")
                .text(count)
                .raw(" ")
                .raw(standing.as_str())
                .raw("</span></a>");
        }
        html.raw("</p>\n<h2>Resources</h2>\n");
        if all == 0 {
            html.raw("<p class=\"soft\">The configuration names no resources yet.</p>\n");
        } else {
            search(html, links, filter);
            if rows.is_empty() {
                html.raw("<p>None of the ")
                    .text(all)
                    .raw(" resources fits. <a href=\"")
                    .text(links.prefix)
                    .raw("/\">Show all</a></p>\n");
            } else {
                resources(html, links, &rows, now);
            }
        }
        references(html, &ReferenceView::all(state, links.reader), now);
        html.raw("<h2>Accounts</h2>\n");
        let views = accounts
            .iter()
            .map(|slot| AccountView::of(slot, state, links.reader))
            .collect::<Vec<_>>();
        account_table(html, links, &views, now);
    })
}

/// What tells our network from Microsoft; nothing without any.
fn references(html: &mut Html, all: &[ReferenceView], now: Timestamp) {
    if all.is_empty() {
        return;
    }
    html.raw("<h2>References</h2>\n<ul class=\"names\">\n");
    for view in all {
        html.raw("<li>");
        let standing = match view.up {
            Some(true) => Standing::Up,
            Some(false) => Standing::Down,
            None => Standing::Unknown,
        };
        badge(html, standing);
        html.raw(" ").text(&view.reference);
        if let Some(at) = view.last_look {
            html.raw(" <span class=\"soft\">");
            ago(html, at, now);
            html.raw(" ago</span>");
        }
        aside(html, view.detail.as_deref());
        html.raw("</li>\n");
    }
    html.raw("</ul>\n");
}

fn search(html: &mut Html, links: &Links<'_>, filter: &Filter) {
    html.raw("<form class=\"search\" role=\"search\" method=\"get\" action=\"")
        .text(links.prefix)
        .raw("/\">\n<label for=\"q\">Search</label>\n<input id=\"q\" name=\"q\" type=\"search\" value=\"")
        .text(&filter.words)
        .raw("\">\n<label for=\"state\">State</label>\n<select id=\"state\" name=\"state\">\n");
    let states = [
        (None, "", "all"),
        (Some(Standing::Down), "down", "down"),
        (Some(Standing::Unknown), "unknown", "unknown"),
        (Some(Standing::Up), "up", "up"),
    ];
    for (state, value, name) in states {
        html.raw("<option value=\"").raw(value).raw("\"");
        if state == filter.state {
            html.raw(" selected");
        }
        html.raw(">").raw(name).raw("</option>\n");
    }
    html.raw("</select>\n<button type=\"submit\">Show</button>\n</form>\n");
}

fn resources(html: &mut Html, links: &Links<'_>, rows: &[ResourceView], now: Timestamp) {
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Resources\">\n<table class=\"cards\">\n<thead><tr>")
        .raw("<th scope=\"col\">State</th><th scope=\"col\">Resource</th><th scope=\"col\">Since</th>")
        .raw("<th scope=\"col\">Problem</th><th scope=\"col\" class=\"number\">Latency</th>")
        .raw("<th scope=\"col\">Last probe</th></tr></thead>\n<tbody>\n");
    for row in rows.iter().take(MOST_ROWS) {
        resource(html, links, row, now);
    }
    html.raw("</tbody>\n</table>\n</div>\n");
    if let Some(more) = rows.len().checked_sub(MOST_ROWS).filter(|more| *more > 0) {
        html.raw("<p>And ")
            .text(more)
            .raw(" more; search for what you need.</p>\n");
    }
}

fn resource(html: &mut Html, links: &Links<'_>, row: &ResourceView, now: Timestamp) {
    html.raw("<tr><td class=\"standing\">");
    badge(html, row.state);
    if !row.planned.is_empty() {
        html.raw("<br><span class=\"soft\">planned</span>");
    }
    html.raw("</td><th scope=\"row\">");
    link(html, links, "/resources/", &row.name);
    html.raw("<br><span class=\"soft\">")
        .raw(row.kind)
        .raw(", ")
        .text(&row.account)
        .raw("</span></th><td data-label=\"Since\">");
    if let Some(since) = row.since {
        if row.since_at_least {
            html.raw("at least ");
        }
        ago(html, since, now);
    }
    html.raw("</td><td data-label=\"Problem\">");
    if let Some(problem) = &row.problem {
        html.raw(problem.reason);
        aside(html, problem.detail.as_deref());
    }
    html.raw("</td><td class=\"number\" data-label=\"Latency\">");
    if let Some(seconds) = row.latency_seconds {
        html.text(latency(seconds));
    }
    html.raw("</td><td data-label=\"Last probe\">");
    if let Some(at) = row.last_probe {
        ago(html, at, now);
        html.raw(" ago");
    } else {
        html.raw("<span class=\"soft\">not yet</span>");
    }
    html.raw("</td></tr>\n");
}

/// A sentence below a word, if there is one.
fn aside(html: &mut Html, sentence: Option<&str>) {
    if let Some(sentence) = sentence.filter(|sentence| !sentence.is_empty()) {
        html.raw("<br><span class=\"soft\">")
            .text(sentence)
            .raw("</span>");
    }
}

fn account_table(html: &mut Html, links: &Links<'_>, accounts: &[AccountView], now: Timestamp) {
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Accounts\">\n<table class=\"cards\">\n<thead><tr>")
        .raw("<th scope=\"col\">State</th><th scope=\"col\">Account</th><th scope=\"col\">Problem</th>")
        .raw("<th scope=\"col\">A person must act</th></tr></thead>\n<tbody>\n");
    for account in accounts {
        html.raw("<tr><td class=\"standing\">");
        badge(html, account.state);
        html.raw("</td><th scope=\"row\">");
        link(html, links, "/accounts/", &account.name);
        html.raw("<br><span class=\"soft\">")
            .raw(account.credential)
            .raw("</span></th><td data-label=\"Problem\">");
        if let Some(problem) = &account.problem {
            html.raw(problem.reason);
            aside(html, problem.detail.as_deref());
        }
        html.raw("</td><td data-label=\"A person must act\">");
        if account.sign_in_required {
            if account.username.is_some() {
                sign_in_link(html, links, account, "Sign in");
            } else {
                html.raw("<strong>now</strong>");
            }
        } else if let Some(first) = account.deadlines.first() {
            countdown(html, first.expires, now);
            html.raw(" <span class=\"soft\">(")
                .raw(first.credential)
                .raw(")</span>");
        } else {
            html.raw("<span class=\"soft\">no end is known</span>");
        }
        html.raw("</td></tr>\n");
    }
    html.raw("</tbody>\n</table>\n</div>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        assert_eq!(Filter::parse(""), Filter::default());
        assert_eq!(Filter::parse("q=&state="), Filter::default());
        let filter = Filter::parse("q=+Intra%20net+&state=down&x=y");
        assert_eq!(filter.words, "Intra net");
        assert_eq!(filter.state, Some(Standing::Down));
    }
}
