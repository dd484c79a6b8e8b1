//! `/runbooks` and `/runbooks/NAME`.

use askama::Template;

use super::frame::{Frame, Head};
use super::html::Html;
use super::words;
use crate::web::runbooks::{Block, Runbook};

#[derive(Template)]
#[template(path = "runbook.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    /// The heading without its Markdown.
    title: String,
    blocks: Vec<Block>,
}

/// One runbook.
pub(in crate::web) fn runbook(frame: &Frame<'_>, runbook: Runbook) -> Html {
    Html::of(&Page {
        frame,
        head: Head::of(runbook.name),
        title: runbook.title().replace('`', ""),
        blocks: runbook.blocks(),
    })
}

#[derive(Template)]
#[template(path = "runbooks.html")]
struct List<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    alerts: Vec<(Runbook, String)>,
    reasons: Vec<Runbook>,
}

/// All of them.
pub(in crate::web) fn runbooks(frame: &Frame<'_>) -> Html {
    let (alerts, reasons): (Vec<Runbook>, Vec<Runbook>) =
        Runbook::all().partition(|runbook| runbook.name.starts_with("M365"));
    let told = |runbook: Runbook| {
        let title = runbook.title();
        let (_, what) = title.split_once(": ").unwrap_or(("", title));
        (runbook, what.to_owned())
    };
    Html::of(&List {
        frame,
        head: Head::of("Runbooks"),
        alerts: alerts.into_iter().map(told).collect(),
        reasons,
    })
}
