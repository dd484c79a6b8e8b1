//! What is wrong with resources: one card for each reason, for what users feel
//! and what to do is the same for all that have it.

use std::collections::BTreeMap;

use askama::Template;

use super::Filter;
use crate::model::{Outcome, Reason, Tenant};
use crate::state::State;
use crate::web::pages::appearance::Appearance;
use crate::web::pages::frame::{Frame, NameLink};
use crate::web::pages::glance::Glance;
use crate::web::pages::piece::Piece;
use crate::web::pages::support::ForMicrosoft;
use crate::web::pages::time::{Ago, At};
use crate::web::pages::words;
use crate::web::runbooks::{Block, Runbook};
use crate::web::view::ResourceView;

/// Resources that a card names; the rest is a link.
const NAMED: usize = 5;

/// A reason, and the resources that have it.
#[derive(Template)]
#[template(path = "overview/problem.html")]
struct ProblemCard<'a> {
    frame: &'a Frame<'a>,
    look: Appearance,
    reason: Reason,
    title: &'static str,
    /// How many resources.
    count: usize,
    named: Vec<Named>,
    more: usize,
    /// The query that shows all of them.
    query: String,
    feel: Vec<Block>,
    mend: Vec<Block>,
}

impl ProblemCard<'_> {
    /// The last conclusive probe failed, and the last of all could not tell.
    fn is_hidden(&self) -> bool {
        self.look == Appearance::Down && self.reason.outcome() == Outcome::Inconclusive
    }
}

/// One of them.
struct Named {
    link: NameLink,
    account: Option<NameLink>,
    title: &'static str,
    /// The last sentence of a probe; for operators.
    detail: Option<String>,
    since: Option<(Ago, At)>,
    since_at_least: bool,
    microsoft: Option<ForMicrosoft>,
}

/// The cards, the worst first.
pub(super) fn problems(
    frame: &Frame<'_>,
    state: &State,
    filter: &Filter,
    glances: &[Glance<'_>],
) -> Vec<Piece> {
    let mut groups: BTreeMap<(Appearance, usize), Vec<&Glance<'_>>> = BTreeMap::new();
    for glance in glances {
        if let (Appearance::Down | Appearance::Unsure, Some(reason)) = (glance.look, glance.reason)
        {
            let key = (glance.look, reason.index());
            groups.entry(key).or_default().push(glance);
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|members| {
        let look = members.first().map(|glance| glance.look);
        (look, std::cmp::Reverse(members.len()))
    });
    let cards = groups.iter().filter_map(|members| {
        let first = members.first()?;
        let reason = first.reason?;
        let runbook = Runbook::find(reason.as_str());
        let section = |heading| runbook.map_or_else(Vec::new, |book| book.section(heading));
        let is_for_microsoft = runbook.is_some_and(|book| book.is_for_microsoft());
        let named = members.iter().take(NAMED);
        Some(Piece::of(&ProblemCard {
            frame,
            look: first.look,
            reason,
            title: words::reason(reason),
            count: members.len(),
            named: named
                .map(|glance| Named::of(frame, state, glance, is_for_microsoft))
                .collect(),
            more: members.len().saturating_sub(NAMED),
            query: Filter {
                reason: Some(reason),
                state: first.look.class().to_owned(),
                page: 1,
                ..filter.clone()
            }
            .query(1),
            feel: section("What users feel"),
            mend: section("How to mend"),
        }))
    });
    cards.collect()
}

impl Named {
    fn of(frame: &Frame<'_>, state: &State, glance: &Glance<'_>, for_microsoft: bool) -> Self {
        let gates = state.closed_gates();
        let view = ResourceView::of(glance.slot, state, &gates, frame.reader);
        let account = &glance.slot.resource().account;
        let tenant = account.tenant.as_ref().map(Tenant::as_str);
        let problem = view.problem.as_ref();
        Self {
            link: NameLink::resource(frame, &view.name),
            account: (!view.account.is_empty()).then(|| NameLink::account(frame, &view.account)),
            title: view.title,
            detail: problem.and_then(|problem| {
                let detail = problem.detail.clone();
                detail.filter(|detail| !detail.is_empty())
            }),
            since: view
                .since
                .filter(|_| glance.look == Appearance::Down)
                .map(|at| (Ago::of(at, frame.now), At::of(at, frame.now))),
            since_at_least: view.since_at_least,
            microsoft: ForMicrosoft::resource(&view, tenant).filter(|_| for_microsoft),
        }
    }
}
