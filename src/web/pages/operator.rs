//! `/operator`: one button, or what to do to get one.

use askama::Template;

use super::frame::{Frame, Head};
use super::html::Html;

/// What became of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum LinkExchange {
    /// Nothing yet: it was only opened.
    Offered,
    /// It is not one of this process, has ended, or was used.
    Refused,
}

#[derive(Template)]
#[template(path = "operator.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    exchange: LinkExchange,
}

/// The page where a link of `m365mon open` leads. The script of the page takes
/// what stands behind the `#` into the form, and presses nothing.
pub(in crate::web) fn operator(frame: &Frame<'_>, exchange: LinkExchange) -> Html {
    Html::of(&Page {
        frame,
        head: Head::of("Become an operator"),
        exchange,
    })
}
