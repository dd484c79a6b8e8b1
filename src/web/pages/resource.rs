//! `/resources/NAME`: one resource, what is wrong with it, its last probes and
//! what it needs.

use std::time::Duration;

use askama::Template;

use super::appearance::Appearance;
use super::chart::Chart;
use super::frame::{Frame, Head, NameLink, segment};
use super::html::Html;
use super::piece::Piece;
use super::readings::{Shown, shown};
use super::runs::{Run, runs};
use super::strip::Strip;
use super::support::ForMicrosoft;
use super::time::{Ago, At, Countdown};
use super::words;
use crate::kinds::Impact;
use crate::model::{Reason, Tenant, duration};
use crate::state::{ResourceSlot, State};
use crate::web::runbooks::{Block, Runbook};
use crate::web::view::{EntryView, ResourceView};

#[derive(Template)]
#[template(path = "resource.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    view: &'a ResourceView,
    look: Appearance,
    badge: &'static str,
    account: Option<NameLink>,
    segment: String,
    problem: Option<Problem<'a>>,
    since: Option<(Ago, At)>,
    last: Option<Ago>,
    last_success: Option<(Ago, At)>,
    held: Option<Countdown>,
    person: Option<Countdown>,
    interval: String,
    timeout: String,
    latency: String,
    strip: Strip,
    chart: Option<Piece>,
    day: Option<Piece>,
    runs: Vec<Run>,
    /// Window, type and end of what makes a downtime of now a planned one.
    planned: Vec<(&'a str, &'static str, Option<Countdown>)>,
    readings: Vec<Shown>,
}

/// What is wrong, and what to do.
struct Problem<'a> {
    reason: Reason,
    title: &'static str,
    detail: Option<&'a str>,
    broke_in: Option<&'static str>,
    mean: Vec<Block>,
    feel: Vec<Block>,
    mend: Vec<Block>,
    microsoft: Option<ForMicrosoft>,
}

/// The page of one resource.
pub(in crate::web) fn resource(frame: &Frame<'_>, state: &State, slot: &ResourceSlot) -> Html {
    let view = ResourceView::in_full(slot, state, frame.reader);
    let reason = view.problem.as_ref();
    let reason = reason.and_then(|problem| words::reason_of(problem.reason));
    let look = Appearance::of(
        view.state,
        reason,
        view.last_probe.is_some(),
        !view.planned.is_empty(),
    );
    let day = slot.read(|record| record.day(frame.now));
    let interval = seconds(view.interval_seconds);
    let history = view.history.as_deref().unwrap_or_default();
    let recent: Vec<&EntryView> = history.iter().filter(|entry| entry.is_recent).collect();
    let badge = look.badge(reason);
    let tenant = slot.resource().account.tenant.as_ref();
    Html::of(&Page {
        frame,
        head: Head {
            title: format!("{}: {badge}", view.name),
            icon: match look {
                Appearance::Down => "down",
                Appearance::Unsure => "unsure",
                Appearance::Planned | Appearance::Quiet | Appearance::New | Appearance::Up => "up",
            },
        },
        account: (!view.account.is_empty()).then(|| NameLink::account(frame, &view.account)),
        segment: segment(&view.name),
        problem: reason.map(|reason| problem(&view, reason, tenant.map(Tenant::as_str))),
        since: view
            .since
            .map(|at| (Ago::of(at, frame.now), At::of(at, frame.now))),
        last: view.last_probe.map(|at| Ago::of(at, frame.now)),
        last_success: view
            .last_success
            .filter(|_| look != Appearance::Up)
            .map(|at| (Ago::of(at, frame.now), At::of(at, frame.now))),
        held: view.throttled_until.map(|at| Countdown::of(at, frame.now)),
        person: view.token_expiry.map(|at| Countdown::of(at, frame.now)),
        interval: duration::format(interval),
        timeout: duration::format(seconds(view.timeout_seconds)),
        latency: view.latency_seconds.map(words::latency).unwrap_or_default(),
        strip: Strip::of(&day),
        chart: Chart::of_probes(&recent, interval, frame.now).map(|chart| Piece::of(&chart)),
        day: Chart::of_day(&day, frame.now).map(|chart| Piece::of(&chart)),
        runs: runs(history, interval, frame.now),
        planned: view
            .planned
            .iter()
            .map(|planned| {
                let until = planned.until.map(|at| Countdown::of(at, frame.now));
                (planned.window.as_str(), planned.kind, until)
            })
            .collect(),
        readings: shown(slot, &view, frame.now),
        look,
        badge,
        view: &view,
    })
}

fn problem<'a>(view: &'a ResourceView, reason: Reason, tenant: Option<&str>) -> Problem<'a> {
    let runbook = Runbook::find(reason.as_str());
    let section = |heading| runbook.map_or_else(Vec::new, |book| book.section(heading));
    let problem = view.problem.as_ref();
    Problem {
        reason,
        title: words::reason(reason),
        detail: problem
            .and_then(|problem| problem.detail.as_deref())
            .filter(|detail| !detail.is_empty()),
        broke_in: problem
            .and_then(|problem| problem.broke_in)
            .map(words::phase_of),
        mean: section("What it means"),
        feel: section("What users feel"),
        mend: section("How to mend"),
        microsoft: ForMicrosoft::resource(view, tenant)
            .filter(|_| runbook.is_some_and(|book| book.is_for_microsoft())),
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
