//! One line for each resource.

use askama::Template;

use crate::model::Reason;
use crate::state::State;
use crate::web::pages::appearance::Appearance;
use crate::web::pages::frame::{Frame, NameLink};
use crate::web::pages::glance::Glance;
use crate::web::pages::strip::{Beats, Strip};
use crate::web::pages::time::Ago;
use crate::web::pages::words;
use crate::web::view::ResourceView;

/// The line.
#[derive(Template)]
#[template(path = "overview/row.html")]
pub(super) struct ResourceRow {
    link: NameLink,
    look: Appearance,
    reason: Option<Reason>,
    /// The kind, for people.
    title: &'static str,
    kind: &'static str,
    account: String,
    /// Since when it is as it is, where that is news.
    since: Option<Ago>,
    since_at_least: bool,
    latency: String,
    strip: Strip,
    beats: Beats,
    last: Option<Ago>,
}

impl ResourceRow {
    pub(super) fn of(frame: &Frame<'_>, state: &State, glance: &Glance<'_>) -> Self {
        let gates = state.closed_gates();
        let view = ResourceView::of(glance.slot, state, &gates, frame.reader);
        let (day, latest) = glance.slot.read(|record| {
            let outcomes = record.recent().map(|entry| entry.verdict().outcome());
            (record.day(frame.now), outcomes.collect::<Vec<_>>())
        });
        Self {
            link: NameLink::resource(frame, &view.name),
            look: glance.look,
            reason: glance.reason,
            title: view.title,
            kind: view.kind,
            since: view
                .since
                .filter(|_| glance.look == Appearance::Down)
                .map(|at| Ago::of(at, frame.now)),
            since_at_least: view.since_at_least,
            latency: view.latency_seconds.map(words::latency).unwrap_or_default(),
            strip: Strip::of(&day),
            beats: Beats::of(&latest),
            last: view.last_probe.map(|at| Ago::of(at, frame.now)),
            account: view.account,
        }
    }
}
