//! `/operator`: one button, or what to do to get one.

use super::frame::{Links, still_page_with_script};
use super::html::Html;
use crate::web::view::Reader;

/// What became of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum LinkExchange {
    /// Nothing yet: it was only opened.
    Offered,
    /// It is not one of this process, has ended, or was used.
    Refused,
}

/// The page where a link of `m365mon open` leads. The script of the page takes
/// what stands behind the `#` into the form, and presses nothing.
pub(in crate::web) fn operator(links: &Links<'_>, exchange: LinkExchange) -> Html {
    still_page_with_script("Become an operator", links, |html| {
        html.raw("<h1>Become an operator</h1>\n");
        if exchange == LinkExchange::Refused {
            html.raw("<div class=\"problem\" role=\"alert\"><p><strong>This link is not good here.</strong> It was used already, is older than five minutes, or belongs to another run of the exporter. Make a new one.</p></div>\n");
        }
        if links.reader == Reader::Operator {
            html.raw("<p>You are one already.</p>\n");
        }
        html.raw("<p>An operator sees names of people, the configuration and the stories of probes, signs people in and out, and reloads.</p>\n<form method=\"post\" class=\"action\" data-link action=\"")
            .text(links.prefix)
            .raw("/operator\">\n<p><label for=\"link\">The link that <code>m365mon open</code> printed</label><br>\n<input id=\"link\" name=\"link\" type=\"password\" autocomplete=\"off\" required></p>\n<button type=\"submit\" class=\"first\">Become an operator in this browser</button>\n<span class=\"soft\">For twelve hours.</span>\n</form>\n<p class=\"soft\">Run <code>m365mon open</code> as the user of the exporter, where it runs; with the package: <code>m365mon-run open</code>. A link is good for five minutes, once.</p>\n");
    })
}
