//! `/`: what is wrong, then every resource, page by page, and every account.

mod accounts;
mod cards;
mod filter;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;

pub(in crate::web) use self::filter::Filter;
use self::rows::ResourceRow;
use super::appearance::Appearance;
use super::frame::{Frame, Head};
use super::glance::Glance;
use super::html::Html;
use super::piece::Piece;
use super::time::Ago;
use super::words::{self, counted, grouped};
use crate::state::{ResourceSlot, State};
use crate::web::view::{AccountView, ReferenceView};

/// Rows of one page.
const ROWS: usize = 50;
/// Label names that can be grouped by; more are not offered.
const MOST_LABELS: usize = 40;

/// How many resources look so.
struct Count {
    look: Appearance,
    count: usize,
}

impl Count {
    fn text(&self) -> String {
        format!("{} {}", grouped(self.count), self.look.word())
    }

    /// The colour of a state that nothing is in would be a lie.
    fn class(&self) -> &'static str {
        if self.count == 0 {
            "none"
        } else {
            self.look.class()
        }
    }
}

fn counts(glances: &[Glance<'_>]) -> Vec<Count> {
    let count = |look| glances.iter().filter(|one| one.look == look).count();
    let counts = Appearance::ALL.map(|look| Count {
        look,
        count: count(look),
    });
    let usual = |look| matches!(look, Appearance::Down | Appearance::Up);
    let counts = counts.into_iter();
    counts
        .filter(|one| one.count > 0 || usual(one.look))
        .collect()
}

/// Rows under one heading.
struct Section {
    /// The value of the label; empty where nothing is grouped.
    title: String,
    counts: String,
    rows: Vec<Piece>,
}

/// The links below the rows.
struct Pages {
    text: String,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    headline: String,
    counts: Vec<Count>,
    total: usize,
    trouble: accounts::Trouble,
    problems: Vec<Piece>,
    filter: &'a Filter,
    labels: BTreeSet<String>,
    found: usize,
    sections: Vec<Section>,
    pages: Option<Pages>,
    accounts: Vec<Piece>,
    more_accounts: usize,
    references: Vec<Reference>,
}

/// What tells our network from Microsoft.
struct Reference {
    view: ReferenceView,
    last: Option<Ago>,
}

impl Reference {
    const fn word(&self) -> (&'static str, &'static str) {
        match self.view.up {
            Some(true) => ("up", "up"),
            Some(false) => ("down", "down"),
            None => ("new", "no news"),
        }
    }
}

/// What is wrong, every resource that is wanted, and every account.
pub(in crate::web) fn overview(frame: &Frame<'_>, state: &State, filter: &Filter) -> Html {
    let slots = state.slots();
    let glances = Glance::all(&slots, state);
    let accounts: Vec<AccountView> = state
        .accounts()
        .iter()
        .map(|slot| AccountView::of(slot, state, frame.reader))
        .collect();
    let trouble = accounts::trouble(frame, &accounts);
    let (headline, title, icon) = headline(&glances, &trouble);
    // Whoever looks for something has seen what is wrong.
    let (problems, shown) = if filter.is_narrow() || filter.page > 1 {
        (Vec::new(), accounts::Trouble::default())
    } else {
        (cards::problems(frame, state, filter, &glances), trouble)
    };
    let wanted: Vec<&Glance<'_>> = glances
        .iter()
        .filter(|one| filter.wants(one.look, one.reason, one.slot.resource()))
        .collect();
    let found = wanted.len();
    let (sections, pages) = sections(frame, state, filter, wanted);
    let (rows, more_accounts) = accounts::rows(frame, &accounts);
    Html::of(&Overview {
        frame,
        head: Head { title, icon },
        headline,
        counts: counts(&glances),
        total: glances.len(),
        trouble: shown,
        problems,
        filter,
        labels: labels(&slots),
        found,
        sections,
        pages,
        accounts: rows,
        more_accounts,
        references: ReferenceView::all(state, frame.reader)
            .into_iter()
            .map(|view| Reference {
                last: view.last_look.map(|at| Ago::of(at, frame.now)),
                view,
            })
            .collect(),
    })
}

/// What matters most, as a heading and, shorter, as the title of the tab, with
/// its picture.
fn headline(glances: &[Glance<'_>], trouble: &accounts::Trouble) -> (String, String, &'static str) {
    let count = |look| glances.iter().filter(|one| one.look == look).count();
    let (down, unsure, up) = (
        count(Appearance::Down),
        count(Appearance::Unsure),
        count(Appearance::Up),
    );
    let be = |count| if count == 1 { "is" } else { "are" };
    if down > 0 {
        let resources = counted(down, "resource", "resources");
        let headline = format!("{resources} {} down", be(down));
        return (headline, format!("{} down", grouped(down)), "down");
    }
    if trouble.urgent > 0 {
        let need = if trouble.urgent == 1 { "needs" } else { "need" };
        let accounts = counted(trouble.urgent, "account", "accounts");
        let text = format!("{accounts} {need} a person");
        return (text.clone(), text, "unsure");
    }
    if unsure > 0 {
        let resources = counted(unsure, "resource", "resources");
        let headline = format!("{resources} cannot be judged right now");
        return (
            headline,
            format!("{} cannot tell", grouped(unsure)),
            "unsure",
        );
    }
    if glances.is_empty() {
        let text = "Nothing is watched yet".to_owned();
        return (text.clone(), text, "up");
    }
    if up == glances.len() {
        return ("Everything works".into(), "all up".into(), "up");
    }
    if up == 0 {
        let text = "Nothing is known yet".to_owned();
        return (text.clone(), text, "unsure");
    }
    let headline = "Everything works that was probed".to_owned();
    (headline, format!("{} up", grouped(up)), "up")
}

/// The names of labels that resources can be grouped by.
fn labels(slots: &[Arc<ResourceSlot>]) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    for slot in slots {
        for (name, _) in slot.resource().labels.iter() {
            if !labels.contains(&**name) && labels.len() < MOST_LABELS {
                labels.insert(name.to_string());
            }
        }
    }
    labels
}

/// The rows of the page that is asked for, in groups, the worst first.
fn sections(
    frame: &Frame<'_>,
    state: &State,
    filter: &Filter,
    wanted: Vec<&Glance<'_>>,
) -> (Vec<Section>, Option<Pages>) {
    let found = wanted.len();
    let mut by_name: BTreeMap<&str, Vec<&Glance<'_>>> = BTreeMap::new();
    for glance in wanted {
        let name = filter.group_of(glance.slot.resource());
        by_name.entry(name).or_default().push(glance);
    }
    let mut groups: Vec<_> = by_name.into_iter().collect();
    for (_, members) in &mut groups {
        // Stable: the order of the configuration among those that look alike.
        members.sort_by_key(|glance| glance.look);
    }
    groups.sort_by_key(|(name, members)| {
        let worst = members.first().map(|glance| glance.look);
        // What has no such label comes last.
        (name.is_empty(), worst, *name)
    });
    let first = (filter.page - 1) * ROWS;
    let mut before = 0;
    let mut sections = Vec::new();
    for (name, members) in groups {
        let skip = first.saturating_sub(before);
        let take = (first + ROWS).saturating_sub(before.max(first));
        before += members.len();
        let rows: Vec<Piece> = members
            .iter()
            .skip(skip)
            .take(take)
            .map(|glance| Piece::of(&ResourceRow::of(frame, state, glance)))
            .collect();
        if !rows.is_empty() {
            sections.push(Section {
                title: title_of(filter, name),
                counts: counts_of(&members),
                rows,
            });
        }
    }
    let last = found.min(first + ROWS);
    let pages = (found > ROWS).then(|| Pages {
        text: format!(
            "{} to {} of {}",
            grouped((first + 1).min(last)),
            grouped(last),
            grouped(found)
        ),
        before: (filter.page > 1).then(|| filter.query(filter.page - 1)),
        after: (last < found).then(|| filter.query(filter.page + 1)),
    });
    (sections, pages)
}

fn title_of(filter: &Filter, name: &str) -> String {
    match (filter.group.is_empty(), name) {
        (true, _) => String::new(),
        (false, "") => format!("without {}", filter.group),
        (false, name) => name.to_owned(),
    }
}

/// `2 down, 3 up`.
fn counts_of(members: &[&Glance<'_>]) -> String {
    let mut texts = Vec::new();
    for look in Appearance::ALL {
        let count = members.iter().filter(|one| one.look == look).count();
        if count > 0 {
            texts.push(Count { look, count }.text());
        }
    }
    texts.join(", ")
}
