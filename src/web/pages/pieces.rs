//! Pieces that several pages show.

use std::time::Duration;

use super::frame::{Links, account_path, badge, link};
use super::html::Html;
use super::words::span;
use crate::model::Timestamp;
use crate::web::view::{AccountView, PermissionView, Standing};

/// `in 12 d 3 h`, or how long it is over.
pub(super) fn countdown(html: &mut Html, at: Timestamp, now: Timestamp) {
    let left = Duration::try_from(at.duration_since(now));
    let exact = format!("{at:.0}");
    html.raw("<time datetime=\"")
        .text(&exact)
        .raw("\" title=\"")
        .text(&exact)
        .raw("\">");
    match left {
        Ok(left) => html.raw("in ").text(span(left)),
        Err(_) => html.raw("<strong>over</strong>"),
    };
    html.raw("</time>");
}

/// Names of resources with their states, for the page of an account.
pub(super) fn names(html: &mut Html, links: &Links<'_>, rows: &[(Standing, String)]) {
    html.raw("<ul class=\"names\">\n");
    for (standing, name) in rows {
        html.raw("<li>");
        badge(html, *standing);
        html.raw(" ");
        link(html, links, "/resources/", name);
        html.raw("</li>\n");
    }
    html.raw("</ul>\n");
}

/// To the page of an account.
pub(super) fn account_link(html: &mut Html, links: &Links<'_>, name: &str) {
    link(html, links, "/accounts/", name);
}

/// To the page that signs people in; for accounts that need one.
pub(super) fn sign_in_link(
    html: &mut Html,
    links: &Links<'_>,
    view: &AccountView,
    words: &'static str,
) {
    html.raw("<a");
    if view.sign_in_required {
        html.raw(" class=\"button\"");
    }
    html.raw(" href=\"");
    account_path(html, links, &view.name, "sign-in")
        .raw("\">")
        .raw(words)
        .raw("</a>");
}

/// What must be granted, for the page of a resource or an account.
pub(super) fn permissions(html: &mut Html, permissions: &[PermissionView]) {
    html.raw("<h2>Permissions</h2>\n");
    if permissions.is_empty() {
        html.raw("<p class=\"soft\">None.</p>\n");
        return;
    }
    html.raw("<ul>\n");
    for permission in permissions {
        html.raw("<li><strong>")
            .text(&permission.name)
            .raw("</strong> <span class=\"soft\">(")
            .text(&permission.api)
            .raw(", ")
            .raw(permission.r#type)
            .raw(")</span>");
        for other in permission.or {
            html.raw(" or ").raw(other);
        }
        html.raw("<br>").raw(permission.reason).raw("</li>\n");
    }
    html.raw("</ul>\n");
}
