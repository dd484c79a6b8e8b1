//! `/config` in a browser.

use askama::Template;

use super::frame::{Frame, Head};
use super::html::Html;

#[derive(Template)]
#[template(path = "config.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    yaml: &'a str,
    /// A later one was read and not taken.
    is_old: bool,
}

/// The running configuration without its secrets.
pub(in crate::web) fn configuration(frame: &Frame<'_>, yaml: &str) -> Html {
    Html::of(&Page {
        frame,
        head: Head::of("Configuration"),
        yaml,
        is_old: frame.notices.contains(&super::Notice::ReloadFailed),
    })
}
