//! `/accounts/NAME`: one account, what it holds and when a person must act.

use super::frame::{Links, badge, page};
use super::html::Html;
use super::pieces::{countdown, names, permissions, sign_in_link};
use super::words::ago;
use crate::model::Timestamp;
use crate::web::view::{AccountView, Standing};

/// The page of one account. `resources` are those that it opens.
pub(in crate::web) fn account(
    links: &Links<'_>,
    view: &AccountView,
    resources: &[(Standing, String)],
    now: Timestamp,
) -> Html {
    page(&view.name, links, |html| {
        html.raw("<h1>").text(&view.name).raw(" ");
        badge(html, view.state);
        html.raw("</h1>\n");
        problem(html, links, view, now);
        facts(html, view, now);
        deadlines(html, view, now);
        tokens(html, view, now);
        html.raw("<h2>Resources</h2>\n");
        names(html, links, resources);
        if let Some(needed) = &view.permissions {
            permissions(html, needed);
        }
    })
}

fn problem(html: &mut Html, links: &Links<'_>, view: &AccountView, now: Timestamp) {
    if let Some(problem) = &view.problem {
        html.raw("<p class=\"problem\"><strong>")
            .raw(problem.reason);
        if let Some(code) = problem.code {
            html.raw(" AADSTS").text(code);
        }
        html.raw("</strong> <span class=\"soft\">(")
            .raw(problem.outcome)
            .raw(")</span>");
        if let Some(detail) = &problem.detail {
            html.raw("<br>").text(detail);
        }
        if let Some(id) = &problem.request_id {
            html.raw("<br>request id <code class=\"id\">")
                .text(id)
                .raw("</code>");
        }
        html.raw("</p>\n");
    }
    if view.sign_in_required {
        html.raw("<p class=\"problem\"><strong>Somebody must sign in</strong>");
        if let Some(since) = view.sign_in_required_since {
            html.raw(", for ");
            ago(html, since, now);
            html.raw(" now");
        }
        if view.username.is_some() {
            html.raw(": ");
            sign_in_link(html, links, view, "Sign in");
        }
        html.raw("</p>\n");
    } else if view.username.is_some() {
        html.raw("<p>");
        sign_in_link(html, links, view, "Sign in again, or sign out");
        html.raw("</p>\n");
    }
}

fn facts(html: &mut Html, view: &AccountView, now: Timestamp) {
    html.raw("<dl>\n<dt>Credential</dt><dd>")
        .raw(view.credential)
        .raw("</dd>\n<dt>Cloud</dt><dd>")
        .raw(view.cloud)
        .raw("</dd>\n");
    let texts = [
        ("Tenant", view.tenant.as_deref()),
        ("Application", view.client_id.as_deref()),
        ("Person", view.username.as_deref()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            html.raw("<dt>")
                .raw(name)
                .raw("</dt><dd>")
                .text(text)
                .raw("</dd>\n");
        }
    }
    if let Some(until) = view.held_until {
        html.raw("<dt>Token requests go on</dt><dd>");
        countdown(html, until, now);
        html.raw("</dd>\n");
    }
    if let Some(excess) = &view.excess_rights {
        html.raw("<dt>Rights beyond need</dt><dd>");
        if excess.is_empty() {
            html.raw("none");
        }
        for (place, right) in excess.iter().enumerate() {
            html.raw(if place > 0 {
                "<br><strong>"
            } else {
                "<strong>"
            })
            .text(&right.name)
            .raw("</strong> <span class=\"soft\">of ")
            .text(&right.audience)
            .raw("</span>");
        }
        html.raw("</dd>\n");
    }
    for (service, count) in &view.throttled_responses {
        if *count > 0 {
            html.raw("<dt>Throttled by ")
                .raw(service)
                .raw("</dt><dd>")
                .text(count)
                .raw(" times</dd>\n");
        }
    }
    html.raw("</dl>\n");
}

fn deadlines(html: &mut Html, view: &AccountView, now: Timestamp) {
    html.raw("<h2>When a person must act</h2>\n");
    if view.deadlines.is_empty() {
        html.raw("<p class=\"soft\">No end is known.</p>\n");
        return;
    }
    html.raw("<ul>\n");
    for deadline in &view.deadlines {
        html.raw("<li>").raw(deadline.credential).raw(": ");
        countdown(html, deadline.expires, now);
        html.raw(" <span class=\"soft\">(")
            .text(format_args!("{:.0}", deadline.expires))
            .raw(")</span></li>\n");
    }
    html.raw("</ul>\n");
}

fn tokens(html: &mut Html, view: &AccountView, now: Timestamp) {
    html.raw("<h2>Access tokens held</h2>\n");
    if view.access_tokens.is_empty() {
        html.raw("<p class=\"soft\">None.</p>\n");
        return;
    }
    html.raw("<ul>\n");
    for held in &view.access_tokens {
        html.raw("<li>").text(&held.audience).raw(": ends ");
        countdown(html, held.expires, now);
        html.raw("</li>\n");
    }
    html.raw("</ul>\n");
}
